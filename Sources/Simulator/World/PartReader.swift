import Core
import Profile

/// Reads links and hardware, the parts of a world that have files of their own. Every problem in a file is
/// found in one go.
public struct PartReader {
  private var problems: [ProfileProblem] = []

  /// Reads a link.
  public static func link(
    _ bytes: [UInt8]
  ) -> (link: LinkConditions?, problems: [ProfileProblem]) {
    var reader = PartReader()
    var link = LinkConditions()
    reader.read(bytes, "a link") { reader, object in reader.read(&object, &link) }
    return (reader.problems.isEmpty ? link : nil, reader.problems)
  }

  /// Reads hardware.
  public static func hardware(
    _ bytes: [UInt8]
  ) -> (hardware: Hardware?, problems: [ProfileProblem]) {
    var reader = PartReader()
    var hardware = Hardware()
    reader.read(bytes, "hardware") { reader, object in reader.read(&object, &hardware) }
    return (reader.problems.isEmpty ? hardware : nil, reader.problems)
  }

  private mutating func read(
    _ bytes: [UInt8], _ what: StaticString,
    _ body: (inout PartReader, inout ObjectReader) -> Void
  ) {
    guard var object = ObjectReader.file(bytes, what, &problems) else { return }
    body(&self, &object)
    object.finish(&problems)
    problems.sort { $0.offset < $1.offset }
  }

  // MARK: Links

  private mutating func read(_ object: inout ObjectReader, _ link: inout LinkConditions) {
    _ = object.string("title", &problems)
    var values = LinkTrace.Sample(link)
    readValues(&object, &values)
    (link.latency, link.jitter, link.lossPerMille) =
      (values.latency, values.jitter, values.lossPerMille)
    (link.upRate, link.downRate) = (values.upRate, values.downRate)
    link.idleMax = object.duration(
      "idleMax", &problems, from: .seconds(1), to: .seconds(86_400), example: "5m")
    link.radioTail =
      object.duration("radioTail", &problems, to: .seconds(600), example: "10s") ?? link.radioTail
    link.bufferBytes =
      object.size("buffer", &problems, from: 256, to: 1 << 20) ?? link.bufferBytes
    readTrace(&object, &link)
  }

  /// What changes over time; what a sample does not name is the link's own.
  private mutating func readTrace(_ object: inout ObjectReader, _ link: inout LinkConditions) {
    let day = Interval.seconds(86_400)
    let length = object.duration(
      "repeat", &problems, from: .seconds(1), to: day * 366, example: "1d")
    let nodes = object.expect("trace", "an array of at least one sample", &problems) { node in
      if case .array(let nodes) = node.value, !nodes.isEmpty { nodes } else { nil }
    }
    var samples: [LinkTrace.Sample] = []
    for (index, node) in (nodes ?? []).enumerated() {
      var sample = LinkTrace.Sample(link)
      var part = ObjectReader(node, pointer: "/trace/\(index)", &problems)
      sample.at = part.duration("at", &problems, to: day * 366, example: "15m") ?? .zero
      readValues(&part, &sample)
      part.finish(&problems)
      let isInOrder = samples.last.map { $0.at < sample.at } ?? (sample.at == .zero)
      if !isInOrder || sample.at >= length ?? day {
        complain(
          part,
          "expected samples in order of time, the first at 0s, all before \"repeat\" (1d if not set)"
        )
      }
      samples.append(sample)
    }
    guard problems.isEmpty, !samples.isEmpty else { return }
    link.trace = LinkTrace(samples, length: length ?? day)
  }

  private mutating func readValues(
    _ object: inout ObjectReader, _ sample: inout LinkTrace.Sample
  ) {
    let minute = Interval.seconds(60)
    sample.latency =
      object.duration("latency", &problems, to: minute, example: "60ms") ?? sample.latency
    sample.jitter =
      object.duration("jitter", &problems, to: minute, example: "200ms") ?? sample.jitter
    let most = Int64(1) << 40
    sample.upRate = Int(
      object.whole("up", &problems, from: 1, to: most) ?? Int64(sample.upRate))
    sample.downRate = Int(
      object.whole("down", &problems, from: 1, to: most) ?? Int64(sample.downRate))
    sample.lossPerMille = Int(
      object.whole("lossPerMille", &problems, from: 0, to: 900) ?? Int64(sample.lossPerMille))
  }

  private mutating func complain(_ object: ObjectReader, _ message: String) {
    problems.append(
      ProfileProblem(
        isWarning: false, offset: object.offset, pointer: object.pointer, message: message))
  }

  // MARK: Hardware

  private mutating func read(_ object: inout ObjectReader, _ hardware: inout Hardware) {
    hardware.title = text("title", &object)
    hardware.link = text("link", &object)
    hardware.memoryBytes = object.size("memory", &problems, from: 1024, to: 1 << 30) ?? 0
    if var flash = object.object("flash", &problems) {
      hardware.flashBytes = flash.size("size", &problems, from: 4096, to: 1 << 30) ?? 0
      hardware.sectorBytes =
        flash.size("sector", &problems, from: 128, to: 1 << 20) ?? hardware.sectorBytes
      hardware.endurance =
        flash.number(
          "endurance", &problems, from: 1, to: 1e18, "bytes that may be written in all") ?? 0
      hardware.cycles = Int(flash.whole("cycles", &problems, from: 1, to: 1 << 31) ?? 0)
      hardware.syncTime =
        flash.duration("sync", &problems, to: .seconds(10), example: "20ms") ?? hardware.syncTime
      flash.finish(&problems)
    }
    if var processor = object.object("processor", &problems) {
      let second = Interval.seconds(1)
      hardware.wakeTime =
        processor.duration("wake", &problems, to: second, example: "0.1ms") ?? .zero
      hardware.messageTime =
        processor.duration("message", &problems, to: second, example: "0.2ms") ?? .zero
      processor.finish(&problems)
    }
    if var energy = object.object("energy", &problems) {
      hardware.sleepWatts = energy.number("sleepWatts", &problems, from: 0, to: 1e3)
      hardware.busyWatts = energy.number("busyWatts", &problems, from: 0, to: 1e3) ?? 0
      hardware.radioWatts = energy.number("radioWatts", &problems, from: 0, to: 1e3) ?? 0
      energy.finish(&problems)
    }
  }

  private mutating func text(_ key: StaticString, _ object: inout ObjectReader) -> String {
    String(decoding: object.string(key, &problems)?.bytes ?? [], as: UTF8.self)
  }
}
