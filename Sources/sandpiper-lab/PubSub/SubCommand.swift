import ArgumentParser
import Core
import MQTT

/// `sandpiper-lab sub`
struct SubCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sub",
    abstract: "Subscribe and print what comes, as mosquitto_sub does.",
    discussion: """
      Payloads come out as they are, each with a line's end behind it. Connects again when the \
      connection is lost. Ends with 0 at SIGINT, SIGTERM and after -C messages, with 27 after -W \
      seconds, with 1 when the broker could not be reached or refused. Formats for -F: %t topic, %p \
      payload, %l its length, %x %X in hexadecimal, %q QoS, %r retained, %m packet identifier, \
      %j and %J JSON, %I %U time, %A %C %D %E %F %P %R %S properties, @x strftime's %x, \\n \\t \\0 and \
      others; flags 0 and -, width and longest as in printf.
      """,
    helpNames: [.customLong("help")])

  @OptionGroup var connection: ConnectionArguments

  @Option(
    name: [.customShort("t"), .customLong("topic")], parsing: .unconditionalSingleValue,
    help: ArgumentHelp("What to subscribe to; may be repeated.", valueName: "filter"))
  var topics: [String] = []

  @Option(
    name: [.customShort("U"), .customLong("unsubscribe")], parsing: .unconditionalSingleValue,
    help: ArgumentHelp("What to unsubscribe from; may be repeated.", valueName: "filter"))
  var unsubscribed: [String] = []

  @Option(
    name: [.customShort("T"), .customLong("filter-out")], parsing: .unconditionalSingleValue,
    help: ArgumentHelp("What not to print; may be repeated.", valueName: "filter"))
  var filteredOut: [String] = []

  @Option(
    name: [.customShort("q"), .customLong("qos")], help: ArgumentHelp("0, 1 or 2.", valueName: "qos"))
  var qos: UInt8 = 0

  @Option(
    name: .customShort("C"),
    help: ArgumentHelp("End after so many messages.", valueName: "count"))
  var count: Int?

  @Option(
    name: .customShort("W"), help: ArgumentHelp("End after so many seconds.", valueName: "seconds"))
  var seconds: Int?

  @Flag(name: .customShort("E"), help: "End once the broker has answered the subscriptions.")
  var endsWhenSubscribed = false

  @Flag(name: .customShort("R"), help: "Do not print messages that the broker has kept.")
  var skipsRetained = false

  @Flag(help: "Print kept messages only, and end at the first other.")
  var retainedOnly = false

  @Flag(name: .customShort("N"), help: "No line's end behind a payload.")
  var noLineEnd = false

  @Flag(name: [.customShort("v"), .customLong("verbose")], help: "Print the topic before it.")
  var verbose = false

  @Option(
    name: .customShort("F"), parsing: .unconditional,
    help: ArgumentHelp("Print so.", valueName: "format"))
  var format: String?

  func run() throws {
    let meaning = try connection.meaning("sub")
    let filters = topics + (meaning.topic.map { [$0] } ?? [])
    guard !filters.isEmpty || !unsubscribed.isEmpty else {
      throw ValidationError("nothing to subscribe to: -t")
    }
    for filter in filters + unsubscribed + filteredOut {
      guard TopicFilter.isValidV5(Array(filter.utf8).span) else {
        throw ValidationError("\(filter): not a topic filter")
      }
    }
    guard let quality = QoS(rawValue: qos) else { throw ValidationError("-q: expected 0, 1 or 2") }
    guard count ?? 1 >= 1 else { throw ValidationError("-C: expected 1 or more") }
    guard seconds ?? 1 >= 1, seconds ?? 1 <= 1_000_000_000 else {
      throw ValidationError("-W: expected 1 or more")
    }
    guard !(skipsRetained && retainedOnly) else {
      throw ValidationError("-R or --retained-only, not both")
    }
    let text = format ?? (verbose ? "%t %p" : "%p")
    guard let form = MessageFormat(Array(text.utf8), namesEmpty: format == nil && verbose) else {
      throw ValidationError("-F: an unknown sequence; see --help")
    }
    var wish = Subscriber.Wish(form: form)
    wish.filters = filters.map { Array($0.utf8) }
    wish.unsubscribed = unsubscribed.map { Array($0.utf8) }
    wish.filteredOut = filteredOut.map { Array($0.utf8) }
    wish.qos = quality
    wish.count = count
    wish.timeout = seconds.map { .seconds(Int64($0)) }
    wish.endsWhenSubscribed = endsWhenSubscribed
    wish.skipsRetained = skipsRetained
    wish.retainedOnly = retainedOnly
    wish.endsLines = !noLineEnd
    wish.isQuiet = connection.quiet
    wish.debugs = connection.debug
    let status = try Subscriber(meaning, wish).run()
    if status != 0 { throw ExitCode(status) }
  }
}
