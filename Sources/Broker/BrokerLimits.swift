import Core
import MQTT

/// How much one broker takes on, and what of MQTT it offers; what goes beyond is refused or dropped,
/// and counted. A client of 5.0 is told in CONNACK what is restricted.
public struct BrokerLimits: Sendable {
  /// The versions that are spoken; a CONNECT of another one is answered with a refusal, of 5.0 as
  /// brokers do that know 3.1.1 only.
  public var levels: Set<ProtocolLevel> = [.v31, .v311, .v50]
  /// Transports open at once; a further CONNECT is answered with "server unavailable".
  public var connectionsMax = 1_000
  /// Sessions of clients, connected or away.
  public var sessionsMax = 10_000
  /// Seconds that a session may outlive its connection; nil for ever.
  public var sessionExpiryMax: UInt32?
  /// The longest keep-alive in seconds, which a client of 5.0 is told to keep; nil for any.
  public var keepAliveMax: UInt16?
  /// Bytes of one packet, header included.
  public var packetBytesMax = 1_048_576
  /// QoS 1 and 2 messages under way to one client, as in Mosquitto.
  public var inflightMax = 20
  /// QoS 1 and 2 messages that wait for one client, as in Mosquitto. The newest are dropped.
  public var queuedMax = 1_000
  /// QoS 2 messages of one client that it has not released yet: the Receive Maximum of 5.0.
  public var receivedMax = 1_000
  /// Bytes that wait for one client's transport before QoS 0 messages are dropped and others kept
  /// back. A client that makes the broker answer beyond twice as much and a packet is closed.
  public var outputBytesMax = 1_048_576
  /// Topics with a retained message.
  public var retainedMax = 10_000
  /// Filters of one session.
  public var subscriptionsMax = 1_000
  /// Topic aliases of one connection in each direction; 0 for none.
  public var topicAliasMax: UInt16 = 10
  /// The highest QoS that a client may publish at; subscriptions are granted no higher.
  public var maximumQoS = QoS.exactlyOnce
  /// False: nothing is retained, and a message that asks for it ends the connection.
  public var retainIsAvailable = true
  /// False: no filter with wildcards is accepted.
  public var wildcardsAreAvailable = true
  /// False: no shared subscription is accepted.
  public var sharesAreAvailable = true
  /// False: no subscription with an identifier is accepted.
  public var subscriptionIdentifiersAreAvailable = true
  /// True: a payload that says that it is text has to be UTF-8.
  public var payloadFormatIsChecked = false
  /// How long a transport may be open without a CONNECT that was accepted.
  public var connectTimeout = Interval.seconds(10)
  /// How long the last output may take after the end of a connection; then it is given up.
  public var closeTimeout = Interval.seconds(10)

  /// The limits of a broker for a demo or a test.
  public init() {}
}
