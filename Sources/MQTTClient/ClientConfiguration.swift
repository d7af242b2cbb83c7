import Core
import MQTT

/// How a client connects, to whom, as whom, and what it keeps. Everything but the URL has a default.
///
/// Nothing is connected before all of it was checked: `Client.init` throws one clear
/// `ConfigurationError` for the first thing that is wrong.
public struct ClientConfiguration: Sendable {
  // MARK: Where and who

  /// The broker: `mqtt://`, `mqtts://`, `ws://`, `wss://` or `unix://`, with a user name if there is
  /// one (`mqtts://user@broker.example:8883`). Never with a password, which would show in logs.
  public var url: String
  /// The client's name at the broker; two clients of one name throw each other out. Empty to have the
  /// broker make one up, which needs a clean start.
  public var clientID: String
  /// The user's name and password.
  public var credentials: Credentials = .none
  /// What the broker publishes when the client is lost without a word.
  public var will: Will?
  /// What the client publishes after each CONNACK, before all that waits: the answer to the will.
  public var birth: Birth?
  /// User properties of CONNECT (5.0).
  public var userProperties: [UserProperty] = []
  /// Enhanced authentication by AUTH (5.0 section 4.12).
  public var authentication: Authentication?

  // MARK: The session

  /// Which versions of MQTT are spoken.
  public var version = VersionPolicy.newest
  /// How long both sides may be silent. A dead link is noticed after 1.5 times this at the latest. Up
  /// to 65,535 seconds; zero for no supervision. A 5.0 broker can choose another.
  public var keepAlive = Duration.seconds(60)
  /// True to begin without what the broker may still have of this client: at the first connection, and
  /// at each where `sessionExpiry` says that nothing is kept.
  public var cleanStart = true
  /// How long the broker keeps the session, with its subscriptions and messages, after the connection
  /// is gone; `.max` for ever. Before 5.0 more than zero means: as long as the broker likes.
  public var sessionExpiry = SessionExpiry.never

  // MARK: What is kept

  /// Where messages at QoS 1 and 2 are kept over restarts of the program; nil for in memory alone, with
  /// what `limits` has room for.
  public var journal: JournalConfiguration?

  // MARK: The way there

  /// TLS, for `mqtts://` and `wss://`.
  public var tls = TLSSettings()
  /// A proxy on the way, `http://[user@]host:port` or `socks5://[user@]host[:1080]`.
  public var proxy: ProxySettings?
  /// Fields for the request that opens a WebSocket, such as `Authorization`.
  public var webSocketFields: [(name: String, value: String)] = []
  /// True to go to the server that a 5.0 broker names instead of itself (Server Reference), by the
  /// same kind of link.
  public var followsServerReference = true

  // MARK: How hard

  /// When to connect again.
  public var reconnect = ReconnectPolicy()
  /// How long each step may take.
  public var timeouts = Timeouts()
  /// How much is kept.
  public var limits = Limits()

  /// A client of the broker at `url`, with defaults for all else.
  public init(url: String, clientID: String = "") {
    self.url = url
    self.clientID = clientID
  }
}

extension ClientConfiguration {
  /// A user's name and password. Never printed.
  public enum Credentials: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    /// None, or the user name in the URL alone.
    case none
    /// Given here.
    case password(user: String, password: String)
    /// The password is the first line of a file, read anew at each attempt.
    case passwordFile(user: String, path: String)
    /// Asked for at each attempt: a token that ends, say. What it throws fails that attempt; the next
    /// follows after the back-off. It has `Timeouts.credentials`.
    case provider(@Sendable () async throws -> (user: String?, password: [UInt8]?))

    /// The kind alone.
    public var description: String {
      switch self {
      case .none: "none"
      case .password: "password (not shown)"
      case .passwordFile(_, let path): "password file \(path)"
      case .provider: "provider"
      }
    }

    /// The kind alone.
    public var debugDescription: String { description }
  }

  /// Which versions of MQTT are spoken.
  public enum VersionPolicy: Sendable, Equatable {
    /// 5.0; where the broker does not speak it 3.1.1, and where not that either 3.1. What a broker
    /// took is remembered.
    case newest
    /// This version or none.
    case only(Version)
  }

  /// How long the broker keeps a session without a connection.
  public enum SessionExpiry: Sendable, Equatable {
    /// It ends with the connection.
    case never
    /// It is kept for so long; whole seconds.
    case after(Duration)
    /// It is kept until somebody asks for a clean start.
    case unlimited

    var seconds: UInt32 {
      switch self {
      case .never: 0
      case .after(let duration): UInt32(clamping: duration.components.seconds)
      case .unlimited: .max
      }
    }
  }

  /// When to connect again after a loss: after growing waits, drawn by chance, so that a fleet that
  /// lost its broker together does not come back together.
  public struct ReconnectPolicy: Sendable, Equatable {
    /// False to leave it at the first loss.
    public var isEnabled = true
    /// The bound of the first wait.
    public var minimum = Duration.seconds(1)
    /// The bound that waits grow to.
    public var maximum = Duration.seconds(120)
    /// What the bound is multiplied by each time; 1 to 100.
    public var growth = 2.0
    /// How much of each wait is left to chance.
    public var jitter = Jitter.full
    /// Waits begin anew only after a connection has lasted so long and brought something: two clients
    /// of one name do not throw each other out as fast as they can.
    public var stableAfter = Duration.seconds(60)

    /// How much of a wait is left to chance.
    public enum Jitter: Sendable, Equatable { case none, equal, full }

    /// As the properties say.
    public init() {}

    /// No reconnection.
    public static var off: ReconnectPolicy {
      var policy = ReconnectPolicy()
      policy.isEnabled = false
      return policy
    }
  }

  /// How long each step may take. Each has its own error.
  public struct Timeouts: Sendable, Equatable {
    /// Until `Credentials.provider` or an authentication's step has answered.
    public var credentials = Duration.seconds(30)
    /// Until the name is resolved.
    public var resolve = Duration.seconds(15)
    /// Until a TCP connection stands, to any of the addresses.
    public var connect = Duration.seconds(15)
    /// Until the proxy has answered.
    public var proxy = Duration.seconds(15)
    /// Until TLS stands.
    public var tls = Duration.seconds(15)
    /// Until the WebSocket stands.
    public var webSocket = Duration.seconds(15)
    /// Until CONNACK and PINGRESP, and, three times that, until a packet that has begun goes on. Progress
    /// counts, not the length of the packet.
    public var reply = Duration.seconds(10)
    /// How long sent bytes may stay unacknowledged by the other side's system (TCP_USER_TIMEOUT); zero
    /// for the system's default.
    public var user = Duration.seconds(30)

    /// As the properties say.
    public init() {}
  }

  /// How much is kept. All memory is taken once, when the client is made.
  public struct Limits: Sendable, Equatable {
    /// Messages at QoS 1 and 2 that wait to be sent or acknowledged; 1 to 65,000. With a journal: those
    /// of them that are in memory.
    public var queueMessages = 1000
    /// Bytes of their topics, properties and payloads.
    public var queueBytes = 1 << 20
    /// What a full queue does. With a journal `JournalConfiguration.whenFull` counts.
    public var overflow = Overflow.refuse
    /// The largest packet in either direction, in bytes: at least 128. A 5.0 broker is told so; a larger
    /// message of a broker before 5.0 is passed over, counted and told.
    public var maximumPacketSize = 256 << 10
    /// Messages at QoS 1 and 2 that the broker may have under way to the client, which is also how many
    /// wait for the application: 1 to 10,000. A 5.0 broker is told so.
    public var receiveMaximum = 100
    /// Topics that aliases can stand for, each way (5.0); 0 for none.
    public var topicAliases = 16
    /// Topic filters subscribed to at the same time.
    public var subscriptions = 64
    /// Bytes of the longest topic filter.
    public var filterBytes = 512
    /// Bytes of the identity: client ID, user name, password, will, CONNECT's properties.
    public var identityBytes = 16 << 10

    /// What a full queue does with one more message.
    public enum Overflow: Sendable, Equatable {
      /// `publish` throws `queueFull`.
      case refuse
      /// The oldest that was never sent gives way, and is told as dropped.
      case dropOldest
      /// `publish` waits for room.
      case wait
    }

    /// As the properties say.
    public init() {}
  }
}

/// A version of MQTT.
public enum Version: Sendable, Equatable {
  /// 3.1, called `MQIsdp`.
  case v31
  /// 3.1.1.
  case v311
  /// 5.0.
  case v5

  var level: ProtocolLevel {
    switch self {
    case .v31: .v31
    case .v311: .v311
    case .v5: .v50
    }
  }

  init(_ level: ProtocolLevel) {
    switch level {
    case .v31: self = .v31
    case .v311: self = .v311
    case .v50: self = .v5
    }
  }
}

/// How hard delivery is tried: at most once, at least once, exactly once.
public typealias QoS = MQTT.QoS
