import Core

/// How much one broker takes on; what goes beyond is refused or dropped, and counted.
public struct BrokerLimits: Sendable {
  /// Transports open at once; a further CONNECT is answered with "server unavailable".
  public var connectionsMax = 1_000
  /// Sessions of clients, connected or away.
  public var sessionsMax = 10_000
  /// Bytes of one packet, header included.
  public var packetBytesMax = 1_048_576
  /// QoS 1 and 2 messages under way to one client, as in Mosquitto.
  public var inflightMax = 20
  /// QoS 1 and 2 messages that wait for one client, as in Mosquitto. The newest are dropped.
  public var queuedMax = 1_000
  /// QoS 2 messages of one client that it has not released yet.
  public var receivedMax = 1_000
  /// Bytes that wait for one client's transport before QoS 0 messages are dropped and others kept
  /// back. A client that makes the broker answer beyond twice as much and a packet is closed.
  public var outputBytesMax = 1_048_576
  /// Topics with a retained message.
  public var retainedMax = 10_000
  /// Filters of one session.
  public var subscriptionsMax = 1_000
  /// How long a transport may be open without a CONNECT.
  public var connectTimeout = Interval.seconds(10)
  /// How long the last output may take after the end of a connection; then it is given up.
  public var closeTimeout = Interval.seconds(10)

  /// The limits of a broker for a demo or a test.
  public init() {}
}
