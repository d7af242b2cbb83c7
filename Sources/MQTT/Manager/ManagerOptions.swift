import Core

/// How a `SessionManager` keeps its connection.
public struct ManagerOptions: BitwiseCopyable, Sendable {
  /// How each connection is opened; its level is the first that is tried.
  public var connect: ConnectOptions
  /// True to go on with the version before when a server does not speak `connect.level`: from 5.0 to
  /// 3.1.1, from there to 3.1. What a server took is remembered.
  public var fallsBack = false
  /// True to connect again by itself after a loss, until `disconnect`.
  public var reconnects = true
  /// The first bound of the back-off.
  public var backoffMinimum = Interval.seconds(1)
  /// The last bound.
  public var backoffMaximum = Interval.seconds(120)
  /// What the bound grows to each time, in percent of itself; 100 to 10,000.
  public var backoffGrowthPercent: Int64 = 200
  /// How much of each wait is left to chance.
  public var backoffJitter = Backoff.Jitter.full
  /// The back-off starts afresh only after a connection has lasted this long.
  public var stableAfter = Interval.seconds(60)
  /// True to wait for half the last bound to all of it where a server refuses for a reason that will
  /// not pass by itself; false to treat that as any loss.
  public var slowsAfterRefusal = true
  /// What becomes of messages at QoS 1 and 2 when the store is full.
  public var whenFull = Overflow.refuse
  /// How long DISCONNECT may take to leave, and the server to close.
  public var closeTimeout = Interval.seconds(2)

  /// What a full store does.
  public enum Overflow: BitwiseCopyable, Sendable {
    /// The new message is refused.
    case refuse
    /// The oldest that was never sent gives way, and the owner is told.
    case dropOldest
  }

  /// A manager that opens its connections so.
  public init(_ connect: ConnectOptions) { self.connect = connect }

  /// The options for a session whose messages the manager keeps.
  var forSession: ConnectOptions {
    var options = connect
    options.requeuesLostMessages = true
    return options
  }

  /// True when both say the same of the back-off, which then goes on from where it is.
  func hasBackoff(of other: ManagerOptions) -> Bool {
    backoffMinimum == other.backoffMinimum && backoffMaximum == other.backoffMaximum
      && backoffGrowthPercent == other.backoffGrowthPercent && backoffJitter == other.backoffJitter
  }

  var versions: VersionChoice {
    VersionChoice(connect.level, downTo: fallsBack ? .v31 : nil)
  }

  var backoff: Backoff {
    Backoff(
      minimum: backoffMinimum, maximum: backoffMaximum, growthPercent: backoffGrowthPercent,
      jitter: backoffJitter)
  }
}

/// How much memory a `SessionManager` takes.
public struct ManagerSizes: BitwiseCopyable, Sendable {
  /// Of the session; `inflight` is the number of messages that are not acknowledged.
  public var session: ClientSession.Sizes
  /// Bytes of the topics, properties and payloads of messages at QoS 1 and 2 that are not
  /// acknowledged.
  public var storeBytes: Int
  /// Messages at QoS 0 whose bytes have not left yet, where that is to be told.
  public var unsentMarks = 64
  /// Subscriptions that are restored.
  public var subscriptions = 8
  /// Bytes of the filter and the properties of each.
  public var subscriptionBytes = 128
  /// Bytes of the client's name, user name, password, will and properties.
  public var identityBytes = 512

  /// Sizes with the defaults above.
  public init(session: ClientSession.Sizes, storeBytes: Int) {
    self.session = session
    self.storeBytes = storeBytes
  }
}
