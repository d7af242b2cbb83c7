import Core
import Device
import Dialing
import JSON
import SimulatedBoard
import Uplink

/// Reads a device profile: every problem in it is found in one go, and only a profile without an
/// error becomes a configuration. Runs once at start; may allocate.
public struct ProfileReader {
  /// What is wrong, or worth knowing, in the order of the file.
  var problems: [ProfileProblem] = []
  var configuration = Configuration()
  /// Where each point stands in the file, for checks across points.
  var places: [(pointer: String, offset: Int, lineOffset: Int)] = []

  /// The largest profile, in bytes.
  public static var bytesMax: Int { ObjectReader.fileBytesMax }
  /// The most points.
  public static var pointsMax: Int { 256 }

  /// Reads `bytes`. `brokerURL`, when given (on the command line), takes the place of the profile's.
  public static func read(
    _ bytes: [UInt8], brokerURL: [UInt8]? = nil
  ) -> (configuration: Configuration?, problems: [ProfileProblem]) {
    var reader = ProfileReader()
    reader.read(bytes, brokerURL)
    reader.problems.sort { $0.offset < $1.offset }
    let isGood = reader.problems.allSatisfy { $0.isWarning }
    return (isGood ? reader.configuration : nil, reader.problems)
  }

  private mutating func read(_ bytes: [UInt8], _ brokerURL: [UInt8]?) {
    guard var object = ObjectReader.file(bytes, "a profile", &problems) else { return }
    let isWhole = problems.allSatisfy { !$0.pointer.utf8.isEmpty }
    configuration.device.profileHash = bytes.span.fnv1a
    readDevice(&object, isWhole)
    readBroker(&object, brokerURL)
    readUplink(&object)
    readBudget(&object)
    readJournal(&object)
    readCare(&object)
    readPoints(&object, isWhole)
    object.finish(&problems)
    checkLines()
  }

  // MARK: Problems

  mutating func error(_ offset: Int, _ pointer: String, _ message: String) {
    problems.append(
      ProfileProblem(isWarning: false, offset: offset, pointer: pointer, message: message))
  }

  mutating func warn(_ offset: Int, _ pointer: String, _ message: String) {
    problems.append(
      ProfileProblem(isWarning: true, offset: offset, pointer: pointer, message: message))
  }

  // MARK: Sections

  private mutating func readDevice(_ root: inout ObjectReader, _ isWhole: Bool) {
    if isWhole && root.lacks("device") {
      error(root.offset, "", "\"device\" is missing: {\"device\": {\"id\": \"...\"}, ...}")
    }
    guard var device = root.object("device", &problems) else { return }
    if isWhole && device.lacks("id") {
      error(device.offset, "/device", "\"id\" is missing: the device's name, such as \"pump-1\"")
    }
    if let id = device.string("id", &problems) {
      checkName(id.bytes, id.offset, "/device/id", longest: 64)
      configuration.device.id = configuration.intern(id.bytes)
    }
    var base = bytes("sandpiper")
    if let given = device.string("base", &problems) {
      checkBase(given.bytes, given.offset)
      base = given.bytes
    }
    configuration.device.base = configuration.intern(base)
    _ = device.string("description", &problems)
    if let every = device.duration(
      "diagnostics", &problems, to: .seconds(86_400), example: "60s")
    {
      configuration.device.diagnosticsEvery = every
    }
    device.finish(&problems)
  }

  private mutating func readUplink(_ root: inout ObjectReader) {
    guard var uplink = root.object("uplink", &problems) else { return }
    var spec = configuration.uplink
    if var backoff = uplink.object("backoff", &problems) {
      let day = Interval.seconds(86_400)
      spec.backoffMinimum =
        backoff.duration("min", &problems, from: .milliseconds(100), to: day, example: "1s")
        ?? spec.backoffMinimum
      spec.backoffMaximum =
        backoff.duration("max", &problems, from: .milliseconds(100), to: day, example: "2m")
        ?? spec.backoffMaximum
      spec.stableAfter =
        backoff.duration("stableAfter", &problems, to: day, example: "60s") ?? spec.stableAfter
      if spec.backoffMinimum > spec.backoffMaximum {
        error(backoff.offset, backoff.pointer, "min must not be longer than max")
      }
      backoff.finish(&problems)
    }
    if var timeouts = uplink.object("timeouts", &problems) {
      let low = Interval.milliseconds(100)
      let high = Interval.seconds(600)
      spec.dial.resolveTimeout =
        timeouts.duration("resolve", &problems, from: low, to: high, example: "15s")
        ?? spec.dial.resolveTimeout
      spec.dial.connectTimeout =
        timeouts.duration("connect", &problems, from: low, to: high, example: "15s")
        ?? spec.dial.connectTimeout
      spec.dial.proxyTimeout =
        timeouts.duration("proxy", &problems, from: low, to: high, example: "15s")
        ?? spec.dial.proxyTimeout
      spec.dial.tlsTimeout =
        timeouts.duration("tls", &problems, from: low, to: high, example: "15s")
        ?? spec.dial.tlsTimeout
      spec.dial.webSocketTimeout =
        timeouts.duration("webSocket", &problems, from: low, to: high, example: "15s")
        ?? spec.dial.webSocketTimeout
      spec.replyTimeout =
        timeouts.duration("reply", &problems, from: low, to: high, example: "10s")
        ?? spec.replyTimeout
      timeouts.finish(&problems)
    }
    spec.outboxBytes =
      uplink.size("outbox", &problems, from: 1024, to: 256 << 20) ?? spec.outboxBytes
    spec.packetBytes =
      uplink.size("packet", &problems, from: 1024, to: 1 << 20) ?? spec.packetBytes
    if let inflight = uplink.whole("inflight", &problems, from: 1, to: 64) {
      spec.inflight = Int(narrow: inflight)
    }
    if var batch = uplink.object("batch", &problems) { readBatch(&batch, &spec) }
    uplink.finish(&problems)
    configuration.uplink = spec
  }

  // MARK: Names

  /// A level of a topic: letters, digits, `_`, `-`.
  mutating func checkName(
    _ name: [UInt8], _ offset: Int, _ pointer: String, longest: Int
  ) {
    let isGood = name.allSatisfy { byte in
      let letter = byte | 0x20
      return letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z")
        || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || byte == UInt8(ascii: "_")
        || byte == UInt8(ascii: "-")
    }
    guard isGood, !name.isEmpty, name.count <= longest else {
      let bound = text(Int64(wide: longest))
      return error(
        offset, pointer,
        "expected 1 to " + bound + " letters, digits, _ or - (it becomes a level of the topics)")
    }
  }

  private mutating func checkBase(_ base: [UInt8], _ offset: Int) {
    let slash = UInt8(ascii: "/")
    let isGood =
      base.count <= 100 && base.first != slash && base.last != slash
      && base.first != UInt8(ascii: "$")
      && base.allSatisfy {
        $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "#")
      }
    if !isGood {
      error(
        offset, "/device/base",
        "expected the beginning of a topic: no + or #, no / at either end, no $ at the beginning, "
          + "at most 100 bytes")
    }
  }
}
