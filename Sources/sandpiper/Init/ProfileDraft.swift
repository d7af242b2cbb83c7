import CLinux
import Core
import Linux
import LinuxBoard
import Profile

/// A profile on its way to be written.
final class ProfileDraft {
  /// One point: its name, and its members behind the kind, each as `"name": value`.
  final class Point {
    let name: Words
    let kind: StaticString
    let members: [Words]
    /// What it reads, as a person names it: no line and no sensor is taken twice.
    let place: Words

    init(name: Words, kind: StaticString, members: [Words], place: Words) {
      (self.name, self.kind, self.members, self.place) = (name, kind, members, place)
    }
  }

  var id = Words()
  var base = Words()
  var broker = Words()
  var user = Words()
  var passwordFile = Words()
  var hasJournal = true
  private(set) var points: [Point] = []

  // MARK: What is wanted

  /// Takes in what the command line says; false, and why, when the board has not got it.
  func take(
    _ settings: InitSettings, _ board: BoardStock, _ fault: inout Words
  ) -> Bool {
    (id, base, broker) = (settings.id, settings.base, settings.broker)
    (user, passwordFile) = (settings.user, settings.passwordFile)
    hasJournal = !settings.hasNoJournal
    for wanted in settings.points where !add(wanted, board, &fault) {
      fault = "--\(literal: wanted.kind.word) \(wanted.text): \(fault)"
      return false
    }
    for value in Value.allCases where !text(of: value).isEmpty {
      fault = self.fault(of: value)
      guard fault.isEmpty else {
        fault = "--\(literal: value.option) \(text(of: value)): \(fault)"
        return false
      }
    }
    return true
  }

  /// Adds a point that was named as NAME=PLACE; false, and why, when it can't be.
  func add(
    _ wanted: InitSettings.Wanted, _ board: BoardStock, _ fault: inout Words
  ) -> Bool {
    let bytes = wanted.text.bytes
    guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")), equals > 0, equals < bytes.count - 1
    else {
      fault =
        wanted.kind == .sensor
        ? "expected NAME=SOURCE, such as cpu=thermal:cpu-thermal"
        : "expected NAME=LINE, such as door=GPIO17"
      return false
    }
    let name = Words([UInt8](bytes[..<equals]))
    let place = Words([UInt8](bytes[(equals + 1)...]))
    if points.contains(where: { $0.name.bytes == name.bytes }) {
      fault = "there is a point \(name) already"
      return false
    }
    let point: Point
    if wanted.kind == .sensor {
      guard let sensor = board.sensor(place, &fault) else { return false }
      point = Self.point(name, sensor)
    } else {
      guard let line = board.line(place, &fault) else { return false }
      point = Self.point(name, wanted.kind, line, isNamed: board.hasOwnName(line))
    }
    if let other = points.first(where: { $0.place.bytes == point.place.bytes }) {
      fault = "\(place) is taken by \(other.name) already"
      return false
    }
    points.append(point)
    fault = self.fault(at: "/points/\(name)")
    if !fault.isEmpty { points.removeLast() }
    return fault.isEmpty
  }

  /// Adds a sensor under a name made from its own, unless it is there already.
  func add(_ sensor: SensorDescription) {
    let place = BoardStock.text(sensor)
    guard !points.contains(where: { $0.place.bytes == place.bytes }) else { return }
    var name = Words(sensor.device)
    if !sensor.channel.isEmpty { name.append("-\(Words(sensor.channel))") }
    let plain = name.level(longest: 28)
    name = plain
    var number = 2
    while points.contains(where: { $0.name.bytes == name.bytes }) {
      name = "\(plain)-\(number)"
      number += 1
    }
    points.append(Self.point(name, sensor))
  }

  /// What nobody has said becomes what is usual.
  func complete(_ settings: InitSettings, _ board: BoardStock) {
    if id.isEmpty { id = Self.usualID }
    let namesSensors = settings.points.contains { $0.kind == .sensor }
    guard !settings.hasNoSensors, !namesSensors, !settings.mayAsk || isatty(STDIN_FILENO) != 1
    else { return }
    // One that can't be read now may never be.
    for sensor in board.sensors {
      if sensor.value != nil {
        add(sensor.description)
      } else {
        let why: StaticString = sensor.isHanging ? "does not answer" : "can't be read now"
        Console.complain(
          words: "\(BoardStock.text(sensor.description)) \(literal: why): left out")
      }
    }
  }

  /// The host's name, as far as an identifier may be so.
  static var usualID: Words {
    let host = SystemText.line(of: "/proc/sys/kernel/hostname")
    let first = Words([UInt8](host.bytes.prefix { $0 != UInt8(ascii: ".") }))
    let id = first.level(longest: 64)
    return id.isEmpty ? "board" : id
  }

  private static func point(
    _ name: Words, _ kind: InitSettings.Kind, _ line: BoardStock.Line, isNamed: Bool
  ) -> Point {
    // A line without a name of its own is named by its place.
    let place: Words =
      isNamed
      ? line.name.quoted : "{ \"chip\": \(line.chip.quoted), \"offset\": \(line.offset) }"
    var members: [Words] = ["\"line\": \(place)"]
    if kind == .input { members.append("\"debounce\": \"20ms\"") }
    return Point(
      name: name, kind: kind.word, members: members, place: "\(line.chip):\(line.offset)")
  }

  private static func point(_ name: Words, _ sensor: SensorDescription) -> Point {
    var members = [
      Words(upTo: SensorDescription.snippetBytesMax) { out in
        sensor.writeSnippet(into: &out)
      }
    ]
    let unit: Words = "\(literal: sensor.unit)"
    if !unit.isEmpty { members.append("\"unit\": \(unit.quoted)") }
    members.append("\"every\": \"30s\"")
    return Point(
      name: name, kind: InitSettings.Kind.sensor.word, members: members,
      place: BoardStock.text(sensor))
  }

  // MARK: The text

  /// The profile as it is written.
  var text: Words {
    var text: Words = "{\n"
    if SystemText.isThere(Self.schema) { text.append("  \"$schema\": \(Self.schema.quoted),\n") }
    text.append("  \"device\": {\n    \"id\": \(id.quoted)")
    if !base.isEmpty { text.append(",\n    \"base\": \(base.quoted)") }
    text.append(
      "\n  },\n  \"broker\": {\n    \"url\": \((broker.isEmpty ? Self.usualBroker : broker).quoted)"
    )
    if !user.isEmpty { text.append(",\n    \"user\": \(user.quoted)") }
    if !passwordFile.isEmpty { text.append(",\n    \"passwordFile\": \(passwordFile.quoted)") }
    text.append("\n  },\n")
    if hasJournal { text.append("  \"journal\": {\n    \"size\": \"1MiB\"\n  },\n") }
    text.append("  \"points\": {")
    for (index, point) in points.enumerated() {
      text.append("\(literal: index == 0 ? "\n" : ",\n")    \(point.name.quoted): {")
      text.append("\n      \"kind\": \"\(literal: point.kind)\"")
      for member in point.members { text.append(",\n      \(member)") }
      text.append("\n    }")
    }
    text.append("\n  }\n}\n")
    return text
  }

  static var usualBroker: Words { "mqtt://localhost:1883" }

  private static var schema: Words { "/usr/share/sandpiper/schema.json" }
}
