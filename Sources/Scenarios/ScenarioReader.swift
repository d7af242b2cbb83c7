import Core
import Device
import Profile

/// Reads a scenario: every problem in it is found in one go, and only a scenario without an error can be
/// played.
public struct ScenarioReader {
  private var problems: [ProfileProblem] = []
  private var scenario = Scenario()
  private var ownsBroker = true

  private static var topicBytesMax: Int { 256 }
  private static var longest: Interval { .seconds(3_660 * 86_400) }

  /// Reads `bytes`, whose points are those of a profile by their names. Where the broker is somebody else's,
  /// there is a warning for each event that can't be played with it.
  public static func read(
    _ bytes: [UInt8], for configuration: Configuration, ownsBroker: Bool = true
  ) -> (scenario: Scenario?, problems: [ProfileProblem]) {
    var reader = ScenarioReader()
    reader.ownsBroker = ownsBroker
    reader.read(bytes, configuration)
    reader.problems.sort { $0.offset < $1.offset }
    let isGood = reader.problems.allSatisfy { $0.isWarning }
    return (isGood ? reader.scenario : nil, reader.problems)
  }

  private mutating func read(_ bytes: [UInt8], _ configuration: Configuration) {
    guard var object = ObjectReader.file(bytes, "a scenario", &problems) else { return }
    scenario.title = object.string("title", &problems)?.bytes ?? []
    scenario.link = object.string("link", &problems)?.bytes ?? []
    scenario.hardware = object.string("hardware", &problems)?.bytes ?? []
    scenario.seed = object.whole("seed", &problems, from: 0, to: .max).map { UInt64($0) }
    scenario.length =
      object.duration("length", &problems, from: .seconds(1), to: Self.longest, example: "2d")
      ?? .zero
    readEvents(&object, configuration)
    readChance(&object)
    object.finish(&problems)
  }

  private mutating func complain(_ offset: Int, _ pointer: String, _ message: String) {
    problems.append(
      ProfileProblem(isWarning: false, offset: offset, pointer: pointer, message: message))
  }

  /// Says that a fault is not played where the broker is somebody else's.
  private mutating func warn(_ fault: Fault, _ offset: Int, _ pointer: String) {
    guard !ownsBroker, fault.isBeyondDevice else { return }
    let isClient = fault == .publish || fault == .takeOver
    problems.append(
      ProfileProblem(
        isWarning: true, offset: offset, pointer: pointer,
        message: "not played: \"\(fault.word)\" needs "
          + (isClient ? "another client at the broker" : "a broker of its own")))
  }

  // MARK: What happens when

  private mutating func readEvents(_ root: inout ObjectReader, _ configuration: Configuration) {
    let events = root.expect("events", "an array of events", &problems) { node in
      if case .array(let nodes) = node.value { nodes } else { nil }
    }
    for (index, node) in (events ?? []).enumerated() {
      let pointer = "/events/" + text(Int64(wide: index))
      var object = ObjectReader(node, pointer: pointer, &problems)
      if let happening = readHappening(&object, configuration) {
        scenario.happenings.append(happening)
      }
    }
  }

  private mutating func readHappening(
    _ object: inout ObjectReader, _ configuration: Configuration
  ) -> Happening? {
    if object.lacks("do") {
      complain(
        object.offset, object.pointer, "\"do\" is missing: {\"at\": \"1h\", \"do\": \"cut\"}")
    }
    let fault = object.wordIndex("do", &problems, Self.words).map { Fault.allCases[$0] }
    let at = object.duration("at", &problems, to: Self.longest, example: "90m")
    let every = object.duration(
      "every", &problems, from: .seconds(1), to: Self.longest, example: "6h")
    // Without knowing what it is, nobody can say what belongs to it.
    guard let fault else { return nil }
    warn(fault, object.offset, object.pointer)
    if let at, scenario.length > .zero, at >= scenario.length {
      complain(
        object.offset, object.path("at"),
        "nothing happens then: the scenario is over after " + short(scenario.length))
    }
    var happening = Happening(fault, at: at ?? .zero)
    happening.every = every ?? .zero
    if fault.lasts {
      happening.length =
        object.duration(
          "for", &problems, from: .milliseconds(1), to: Self.longest, example: "10m") ?? .zero
      if fault.mustEnd, object.lacks("for"), happening.length == .zero {
        happening.length = .seconds(5)
      }
    }
    if fault.isAtBroker { happening.broker = readBroker(&object, configuration) }
    readDetails(&object, &happening, configuration)
    object.refuse(Self.details, of: "\"" + spelled(fault.word) + "\" has", &problems)
    object.finish(&problems)
    return happening
  }

  /// What belongs to some faults, and not to others.
  private static var details: [StaticString] {
    [
      "for", "broker", "latency", "rate", "by", "after", "forget", "reason", "topic", "payload",
      "retain",
      "seconds", "point", "as", "value", "count", "bits", "sectors",
    ]
  }

  private static var words: [StaticString] { Fault.allCases.map { $0.word } }

  private mutating func readDetails(
    _ object: inout ObjectReader, _ happening: inout Happening, _ configuration: Configuration
  ) {
    switch happening.fault {
    case .slow:
      happening.by = duration("latency", &object, "2s") ?? .zero
      happening.rate = Int(narrow: object.whole("rate", &problems, from: 1, to: 1 << 30) ?? 1_000)
    case .delay: happening.by = duration("by", &object, "5s") ?? .seconds(5)
    case .forgetIdle: happening.by = duration("after", &object, "30s") ?? .seconds(30)
    case .throwOut: happening.by = duration("after", &object, "20s") ?? .seconds(20)
    case .restart: happening.forgets = object.bool("forget", &problems) ?? false
    case .reject:
      let all = Happening.Refusal.allCases
      if let index = object.wordIndex("reason", &problems, all.map { $0.word }) {
        happening.refusal = all[index]
      }
    case .publish:
      happening.topic = readTopic(&object)
      happening.payload = object.string("payload", &problems)?.bytes ?? []
      happening.retain = object.bool("retain", &problems) ?? false
    case .clockStep:
      let seconds = object.whole(
        "seconds", &problems, from: -100 * 31_536_000, to: 100 * 31_536_000)
      happening.by = .seconds(seconds ?? 3_600)
    case .break:
      readPoint(&object, &happening, configuration)
      let all = Happening.pointFaults
      if let index = object.wordIndex("as", &problems, all.map { Happening.word(for: $0) }) {
        happening.pointFault = all[index]
      }
    case .hold:
      readPoint(&object, &happening, configuration)
      happening.value = object.number("value", &problems) ?? 1
    case .bounce:
      readPoint(&object, &happening, configuration)
      happening.count = Int(narrow: object.whole("count", &problems, from: 1, to: 10_000) ?? 20)
    case .rot:
      happening.count = Int(narrow: object.whole("bits", &problems, from: 1, to: 10_000) ?? 1)
    case .wearOut:
      happening.count = Int(narrow: object.whole("sectors", &problems, from: 1, to: 10_000) ?? 0)
    default: break
    }
  }

  private mutating func duration(
    _ key: StaticString, _ object: inout ObjectReader, _ example: String
  ) -> Interval? {
    object.duration(
      key, &problems, from: .milliseconds(1), to: .seconds(86_400), example: example)
  }

  /// What can stand behind the device's own topics (MQTT 3.1.1, section 4.7).
  private mutating func readTopic(_ object: inout ObjectReader) -> [UInt8] {
    guard let topic = object.string("topic", &problems) else { return bytes("status") }
    let isGood =
      topic.bytes.count <= Self.topicBytesMax
      && topic.bytes.allSatisfy { $0 != 0 && $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "#") }
    if !isGood {
      complain(
        topic.offset, object.path("topic"),
        "expected a topic without + and #, at most 256 bytes, none of them 0")
    }
    return topic.bytes
  }

  private mutating func readBroker(
    _ object: inout ObjectReader, _ configuration: Configuration
  ) -> Int? {
    let count = configuration.uplink.dial.brokerCount
    let what =
      count == 1
      ? "1, for the only broker of the profile"
      : "a broker's place in the profile's list, 1 to " + text(Int64(wide: count))
    return object.expect("broker", what, &problems) { node in
      if case .number(let number) = node.value, let whole = number.whole, whole >= 1,
        whole <= Int64(wide: count)
      {
        Int(narrow: whole)
      } else {
        nil
      }
    }
  }

  private mutating func readPoint(
    _ object: inout ObjectReader, _ happening: inout Happening, _ configuration: Configuration
  ) {
    guard let name = object.string("point", &problems) else { return }
    happening.point = name.bytes
    let known = configuration.points.map { configuration.string($0.name) }
    let wanted = String(decoding: name.bytes, as: UTF8.self)
    guard !known.contains(wanted) else { return }
    var list = ""
    for name in known { list += (list.utf8.isEmpty ? "\"" : ", \"") + name + "\"" }
    complain(
      name.offset, object.path("point"),
      "the profile has no point \"" + wanted + "\"; it has " + list)
  }

  // MARK: What happens by chance

  private mutating func readChance(_ root: inout ObjectReader) {
    guard var object = root.object("random", &problems) else { return }
    var chance = ChanceOfFaults()
    if let perDay = object.whole("perDay", &problems, from: 1, to: 10_000) {
      chance.perDay = Int(narrow: perDay)
    }
    let only = object.wordIndices("only", &problems, Self.words, "faults") ?? []
    chance.only = only.map { Fault.allCases[$0] }
    for fault in chance.only.isEmpty ? Fault.allCases : chance.only {
      warn(fault, object.offset, object.pointer)
    }
    object.finish(&problems)
    scenario.chance = chance
  }
}
