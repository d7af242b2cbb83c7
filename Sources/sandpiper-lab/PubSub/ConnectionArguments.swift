import ArgumentParser
import CLinux
import Core
import Linux
import MQTT

/// The options of `pub` and `sub` that say who connects and how: Mosquitto's, and a few of our own.
struct ConnectionArguments: ParsableArguments {
  @Option(
    name: [.customShort("h"), .customLong("host")], parsing: .unconditional,
    help: "The broker's host.")
  var host = "localhost"

  @Option(
    name: [.customShort("p"), .customLong("port")],
    help: "Its port. [1883, with TLS 8883, WebSocket 80 and 443]")
  var port: UInt16?

  @Option(
    name: [.customShort("L"), .customLong("url")], parsing: .unconditional,
    help: ArgumentHelp(
      "Host, port, user and topic in one: mqtt[s]://[user[:password]@]host[:port]/topic; with ws:// "
        + "and wss:// the path is the WebSocket's.",
      valueName: "url"))
  var url: String?

  @Option(help: ArgumentHelp("A Unix socket instead of host and port.", valueName: "path"))
  var unix: String?

  @Flag(help: "MQTT over a WebSocket.")
  var ws = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The WebSocket's path. [/mqtt]", valueName: "path"))
  var wsPath: String?

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "A field of the WebSocket's request; may be repeated.", valueName: "name:value"))
  var header: [String] = []

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Through a proxy: http://[user[:password]@]host:port or socks5h://...", valueName: "url"))
  var proxy: String?

  @Option(
    name: [.customShort("i"), .customLong("id")], parsing: .unconditional,
    help: ArgumentHelp("The client identifier. [made up]", valueName: "id"))
  var id: String?

  @Option(
    name: [.customShort("I"), .customLong("id-prefix")], parsing: .unconditional,
    help: ArgumentHelp("Its beginning; the process identifier follows.", valueName: "prefix"))
  var idPrefix: String?

  @Option(
    name: [.customShort("u"), .customLong("username")], parsing: .unconditional,
    help: ArgumentHelp("The user to log in as.", valueName: "name"))
  var user: String?

  @Option(
    name: [.customShort("P"), .customLong("pw")], parsing: .unconditional,
    help: ArgumentHelp(
      "The password. All users of this machine can read it: better use --password-file.",
      valueName: "password"))
  var password: String?

  @Option(
    help: ArgumentHelp("A file whose first line is the password.", valueName: "file"))
  var passwordFile: String?

  @Option(
    name: [.customShort("V"), .customLong("protocol-version")],
    help: ArgumentHelp("31, 311 or 5. [311, with -D 5]", valueName: "version"))
  var version: String?

  @Option(
    name: [.customShort("k"), .customLong("keepalive")],
    help: ArgumentHelp("The keep-alive; 0 for none.", valueName: "seconds"))
  var keepAlive: UInt16 = 60

  @Flag(
    name: [.customShort("c"), .customLong("disable-clean-session")],
    help: "Keep the session, and take up the one that was kept. Wants -i.")
  var keepsSession = false

  @Option(
    name: [.customShort("x"), .customLong("session-expiry-interval")], parsing: .unconditional,
    help: ArgumentHelp(
      "How long the broker keeps the session (5.0); -1 for always.", valueName: "seconds"))
  var sessionExpiry: String?

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Publish a will under this.", valueName: "topic"))
  var willTopic: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("What it says.", valueName: "payload"))
  var willPayload: String?

  @Option(help: ArgumentHelp("Its QoS.", valueName: "qos"))
  var willQos: UInt8?

  @Flag(help: "The broker is to keep it.")
  var willRetain = false

  @Option(
    name: [.customShort("D"), .customLong("property")], parsing: .upToNextOption,
    help: ArgumentHelp(
      "A property of 5.0: command identifier value, or command user-property name value. The command "
        + "is connect, publish, subscribe, unsubscribe, disconnect or will. May be repeated.",
      valueName: "words"))
  var properties: [String] = []

  @Option(help: ArgumentHelp("TLS: the authorities to trust.", valueName: "file"))
  var cafile: String?

  @Option(help: ArgumentHelp("TLS: a folder of them.", valueName: "folder"))
  var capath: String?

  @Flag(help: "TLS, trusting whom the system trusts.")
  var tlsUseOsCerts = false

  @Option(help: ArgumentHelp("TLS: our certificate.", valueName: "file"))
  var cert: String?

  @Option(help: ArgumentHelp("TLS: its key: a file, or a URI such as pkcs11:.", valueName: "file"))
  var key: String?

  @Option(
    help: ArgumentHelp("TLS: a file with the key's passphrase.", valueName: "file"))
  var keyPassFile: String?

  @Option(
    name: [.customLong("alpn"), .customLong("tls-alpn")],
    help: ArgumentHelp("TLS: the protocol to ask for.", valueName: "protocol"))
  var alpn: String?

  @Flag(help: "TLS: accept anybody's certificate. Whoever is in between reads and changes all.")
  var insecure = false

  @Flag(name: [.customShort("d"), .customLong("debug")], help: "Tell what happens.")
  var debug = false

  @Flag(help: "Tell no errors that come up while running.")
  var quiet = false

  // MARK: What they mean

  /// What the options have said together.
  struct Meaning {
    var settings: ClientSettings
    var way: TransportSettings
    var properties: PropertyArguments
    /// The topic of the URL.
    var topic: String?
  }

  /// Reads all options; throws a `ValidationError` for what cannot be. `kind` is in the client
  /// identifier that is made up.
  func meaning(_ kind: String) throws -> Meaning {
    var meaning = Meaning(
      settings: ClientSettings(), way: TransportSettings(),
      properties: try PropertyArguments(properties), topic: nil)
    meaning.settings.level = try level(meaning.properties)
    guard meaning.settings.level == .v50 || meaning.properties.isEmpty else {
      throw ValidationError("properties (-D) go with -V 5 only")
    }
    meaning.settings.keepAlive = keepAlive
    meaning.settings.isClean = !keepsSession
    meaning.settings.userName = user.map { Array($0.utf8) }
    meaning.settings.password = try secret()
    try readWay(&meaning)
    try readSession(&meaning, kind)
    try readWill(&meaning)
    guard
      meaning.settings.level == .v50 || meaning.settings.userName != nil
        || meaning.settings.password == nil
    else { throw ValidationError("before 5.0 a password goes with a user name: -u") }
    guard meaning.settings.isWritable() else {
      throw ValidationError(
        "CONNECT cannot be written: is a text no UTF-8 or too long, a property misplaced or given "
          + "twice, or the will's topic no topic?")
    }
    return meaning
  }

  private func level(_ properties: PropertyArguments) throws -> ProtocolLevel {
    switch version {
    case nil: return properties.isEmpty ? .v311 : .v50
    case "31", "mqttv31": return .v31
    case "311", "mqttv311", "3.1.1": return .v311
    case "5", "mqttv5", "5.0": return .v50
    default: throw ValidationError("-V: expected 31, 311 or 5")
    }
  }

  private func secret() throws -> [UInt8]? {
    guard let passwordFile else {
      if password != nil && !quiet {
        Terminal.complain("sandpiper-lab: anybody here can read -P; use --password-file instead")
      }
      return password.map { Array($0.utf8) }
    }
    guard password == nil else { throw ValidationError("-P or --password-file, not both") }
    let path = Array(passwordFile.utf8)
    do throws(SystemError) {
      let line: FixedText<4_096> = try File.firstLine(of: path.span)
      return line.withBytes { [UInt8](copying: $0) }
    } catch {
      throw Terminal.failure("--password-file \(passwordFile): \(error.text)")
    }
  }

  private func readSession(_ meaning: inout Meaning, _ kind: String) throws {
    guard id == nil || idPrefix == nil else { throw ValidationError("-i or -I, not both") }
    guard !keepsSession || id?.isEmpty == false || idPrefix != nil else {
      throw ValidationError("-c: a session that is kept wants a name: -i")
    }
    let name = id ?? (idPrefix ?? "sandpiper-\(kind)-") + String(getpid())
    meaning.settings.clientID = Array(name.utf8)
    guard meaning.settings.level == .v50 else {
      guard sessionExpiry == nil else { throw ValidationError("-x goes with -V 5 only") }
      return
    }
    guard let word = sessionExpiry ?? (keepsSession ? "-1" : nil) else { return }
    let seconds = word == "-1" ? String(UInt32.max) : word
    guard
      PropertyArguments.append(
        .sessionExpiryInterval, [seconds], to: &meaning.properties[.connect])
    else { throw ValidationError("-x: expected seconds, or -1 for always") }
    meaning.settings.properties = meaning.properties[.connect]
  }

  private func readWill(_ meaning: inout Meaning) throws {
    meaning.settings.properties = meaning.properties[.connect]
    guard let willTopic else {
      guard willPayload == nil, willQos == nil, !willRetain else {
        throw ValidationError("a will wants --will-topic")
      }
      return
    }
    guard let qos = QoS(rawValue: willQos ?? 0) else {
      throw ValidationError("--will-qos: expected 0, 1 or 2")
    }
    meaning.settings.will = ClientSettings.WillSettings(
      topic: Array(willTopic.utf8), payload: Array((willPayload ?? "").utf8), qos: qos,
      retain: willRetain, properties: meaning.properties[.will])
  }
}
