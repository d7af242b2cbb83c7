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
    let minute = Interval.seconds(60)
    link.latency =
      object.duration("latency", &problems, to: minute, example: "60ms") ?? link.latency
    link.jitter = object.duration("jitter", &problems, to: minute, example: "200ms") ?? link.jitter
    if let rate = object.whole("up", &problems, from: 1, to: 1 << 40) { link.upRate = Int(rate) }
    if let rate = object.whole("down", &problems, from: 1, to: 1 << 40) {
      link.downRate = Int(rate)
    }
    if let loss = object.whole("lossPerMille", &problems, from: 0, to: 900) {
      link.lossPerMille = Int(loss)
    }
    link.idleMax = object.duration(
      "idleMax", &problems, from: .seconds(1), to: .seconds(86_400), example: "5m")
    link.radioTail =
      object.duration("radioTail", &problems, to: .seconds(600), example: "10s") ?? link.radioTail
    link.bufferBytes =
      object.size("buffer", &problems, from: 256, to: 1 << 20) ?? link.bufferBytes
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
