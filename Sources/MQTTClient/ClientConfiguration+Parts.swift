import MQTT

/// What the broker publishes when the client is lost without a word: its connection ends, or it is
/// silent for 1.5 keep-alives, before it has said DISCONNECT.
public struct Will: Sendable, Equatable {
  /// Where.
  public var topic: String
  /// What.
  public var payload: [UInt8]
  /// How hard.
  public var qos: QoS
  /// True when the broker keeps it for later subscribers.
  public var retain: Bool
  /// What else there is to say (5.0).
  public var properties: MessageProperties
  /// How long the broker waits before it publishes the will (5.0); a client that comes back before is
  /// not lost. Whole seconds.
  public var delay: Duration

  /// A will; QoS 1 and retained unless something else is said, as a status has to be.
  public init(
    topic: String, payload: [UInt8], qos: QoS = .atLeastOnce, retain: Bool = true,
    properties: MessageProperties = MessageProperties(), delay: Duration = .zero
  ) {
    self.topic = topic
    self.payload = payload
    self.qos = qos
    self.retain = retain
    self.properties = properties
    self.delay = delay
  }
}

/// What a client publishes after each CONNACK.
///
/// Without it, the will of a connection that was thought dead, which the broker may publish after the
/// client is back, would stay the last word.
public struct Birth: Sendable, Equatable {
  /// Where: the will's topic, as a rule.
  public var topic: String
  /// What.
  public var payload: [UInt8]
  /// How hard.
  public var qos: QoS
  /// True when the broker keeps it for later subscribers.
  public var retain: Bool

  /// A birth message; QoS 1 and retained unless something else is said.
  public init(topic: String, payload: [UInt8], qos: QoS = .atLeastOnce, retain: Bool = true) {
    self.topic = topic
    self.payload = payload
    self.qos = qos
    self.retain = retain
  }
}

/// TLS by OpenSSL 3, which is loaded when it is first needed. Files are read at each connection, so a
/// renewed certificate counts without a restart.
public struct TLSSettings: Sendable, Equatable {
  /// File of the authorities to trust (PEM, or one in DER); empty for the system's.
  public var authorityFile = ""
  /// Folder of the authorities to trust, prepared by `openssl rehash`.
  public var authorityFolder = ""
  /// File of our own certificate (PEM), with those behind it that lead to the root.
  public var certificateFile = ""
  /// Our key: a file in PEM, or a URI such as `pkcs11:token=board;object=mqtt`; empty when it is in the
  /// certificate's file.
  public var key = ""
  /// File with the key's passphrase or PIN in the first line.
  public var passphraseFile = ""
  /// File of certificate revocation lists.
  public var revocationFile = ""
  /// True to check the authorities of the chain for revocation, too.
  public var revocationOfChain = false
  /// The name that the broker's certificate must bear; empty for the URL's host.
  public var serverName = ""
  /// Protocols to offer by ALPN, the best first.
  public var alpn: [String] = []
  /// True to refuse a server that answers no protocol.
  public var alpnRequired = false
  /// True for TLS 1.3 and later alone.
  public var onlyVersion13 = false
  /// True to accept **any** certificate of **anybody**. For a workbench, never for what goes out.
  public var insecure = false
  /// How long before a certificate's end it is told of at each connection.
  public var warnsAhead = Duration.seconds(21 * 86_400)

  /// The system's authorities, and nothing of our own.
  public init() {}
}

/// A proxy on the way to the broker.
public struct ProxySettings: Sendable, Equatable {
  /// `http://[user@]host:port` or `socks5://[user@]host[:1080]`.
  public var url: String
  /// File with the password in the first line, read at each attempt; empty for none.
  public var passwordFile: String

  /// The proxy at `url`.
  public init(url: String, passwordFile: String = "") {
    self.url = url
    self.passwordFile = passwordFile
  }
}

/// Enhanced authentication (5.0 section 4.12): the broker asks, the closure answers.
public struct Authentication: Sendable {
  /// The method's name, such as `SCRAM-SHA-256`.
  public var method: String
  /// What CONNECT says first.
  public var first: @Sendable () async throws -> [UInt8]?
  /// The answer to the broker's step.
  public var respond: @Sendable (_ challenge: [UInt8]?) async throws -> [UInt8]?

  /// The authentication `method`. What a closure throws fails the attempt, and the next follows after
  /// the back-off; each has `Timeouts.credentials`.
  public init(
    method: String, first: @escaping @Sendable () async throws -> [UInt8]? = { nil },
    respond: @escaping @Sendable (_ challenge: [UInt8]?) async throws -> [UInt8]?
  ) {
    self.method = method
    self.first = first
    self.respond = respond
  }
}
