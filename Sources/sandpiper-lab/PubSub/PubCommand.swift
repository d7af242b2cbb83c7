import ArgumentParser
import CLinux
import Core
import Linux
import MQTT

/// `sandpiper-lab pub`
struct PubCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pub",
    abstract: "Publish, as mosquitto_pub does.",
    discussion: """
      Ends with 0 once the broker has all messages (QoS 0: once they have left), with 1 when it \
      could not be reached, refused, or did not take a message.
      """,
    helpNames: [.customLong("help")])

  @OptionGroup var connection: ConnectionArguments

  @Option(
    name: [.customShort("t"), .customLong("topic")], parsing: .unconditional,
    help: ArgumentHelp("Where to publish.", valueName: "topic"))
  var topic: String?

  @Option(
    name: [.customShort("m"), .customLong("message")], parsing: .unconditional,
    help: ArgumentHelp("The message.", valueName: "text"))
  var message: String?

  @Option(
    name: [.customShort("f"), .customLong("file")], parsing: .unconditional,
    help: ArgumentHelp("The message is this file.", valueName: "file"))
  var file: String?

  @Flag(
    name: [.customShort("s"), .customLong("stdin-file")],
    help: "The message is all of standard input.")
  var input = false

  @Flag(
    name: [.customShort("l"), .customLong("stdin-line")],
    help: "Each line of standard input is a message.")
  var lines = false

  @Flag(name: [.customShort("n"), .customLong("null-message")], help: "A message of no bytes.")
  var empty = false

  @Option(
    name: [.customShort("q"), .customLong("qos")],
    help: ArgumentHelp("0, 1 or 2.", valueName: "qos"))
  var qos: UInt8 = 0

  @Flag(name: [.customShort("r"), .customLong("retain")], help: "The broker is to keep it.")
  var retain = false

  @Option(
    name: [.customShort("M"), .customLong("max-inflight")],
    help: ArgumentHelp(
      "With -l at QoS 1 and 2: how many messages may wait for the broker.", valueName: "count"))
  var inflight = 20

  @Option(
    name: .customLong("repeat"),
    help: ArgumentHelp("With -m, -f, -s, -n: so many times.", valueName: "count"))
  var times = 1

  @Option(
    help: ArgumentHelp("How long to wait between two of them.", valueName: "seconds"))
  var repeatDelay: Double = 0

  func run() throws {
    let meaning = try connection.meaning("pub")
    guard let topic = topic ?? meaning.topic else { throw ValidationError("no topic: -t") }
    guard let quality = QoS(rawValue: qos) else { throw ValidationError("-q: expected 0, 1 or 2") }
    guard TopicName.isValid(Array(topic.utf8).span) else {
      throw ValidationError("-t: not a topic to publish under")
    }
    guard times >= 1 else { throw ValidationError("--repeat: expected 1 or more") }
    guard repeatDelay >= 0, repeatDelay <= 1e9 else {
      throw ValidationError("--repeat-delay: expected seconds")
    }
    guard inflight >= 1, inflight <= 65_535 else {
      throw ValidationError("-M: expected 1 to 65535")
    }
    let source = try source()
    if case .lines = source, times != 1 {
      throw ValidationError("--repeat goes with a single message")
    }
    let publisher = try Publisher(
      meaning, topic: Array(topic.utf8), quality, retain: retain, source,
      times: times, outstandingMax: quality == .atMostOnce ? 1_000 : inflight,
      delay: .milliseconds(Int64(repeatDelay * 1_000)),
      isQuiet: connection.quiet, debugs: connection.debug)
    let status = publisher.run()
    if status != 0 { throw ExitCode(status) }
  }

  private func source() throws -> Publisher.Source {
    let ways = [message != nil, file != nil, input, lines, empty].count { $0 }
    guard ways == 1 else {
      throw ValidationError("one of -m, -f, -s, -l and -n says what to publish")
    }
    if lines { return .lines }
    if let message { return .message(Array(message.utf8)) }
    if empty { return .message([]) }
    var bytes: [UInt8]?
    if let file {
      let descriptor = unsafe file.withCString { path in
        // Sound: the path ends with a NUL and lives through the call.
        unsafe clinux_open_read(path, false)
      }
      guard descriptor >= 0 else { throw Terminal.failure("-f \(file): \(Self.systemText)") }
      bytes = StandardInput.all(from: descriptor, limit: Publisher.payloadMax)
      close(descriptor)
    } else {
      bytes = StandardInput.all(limit: Publisher.payloadMax)
    }
    guard let bytes else {
      throw Terminal.failure("\(file.map { "-f \($0)" } ?? "-s"): \(Self.systemText)")
    }
    guard bytes.count <= Publisher.payloadMax else {
      throw ValidationError("a message has at most \(Publisher.payloadMax) bytes")
    }
    return .message(bytes)
  }

  private static var systemText: String {
    SystemError.withText(of: clinux_errno()) {
      String(decoding: [UInt8](copying: $0), as: UTF8.self)
    }
  }
}
