import Core
import Dialing
import MQTT

/// How the connection to the broker is kept, as the profile describes it.
public struct UplinkSpec: BitwiseCopyable, Sendable {
  /// The way to the broker.
  public var dial: DialSpec
  /// Name to log in with; empty for none.
  public var user = Text.empty
  /// File that holds the password in its first line; empty for none. Read at each attempt.
  public var passwordFile = Text.empty
  /// The version of MQTT to ask for first, and whether to go on with one before where the broker does
  /// not speak it.
  public var version = VersionChoice(.v311)
  /// The MQTT keep-alive, 1 to 65,535 s.
  public var keepAlive = Interval.seconds(60)
  /// True to ask the broker to keep the session over disconnections (MQTT: clean session 0).
  public var persistentSession = false
  /// How long the broker is asked to keep it, where the version lets us ask (5.0, Session Expiry
  /// Interval).
  public static var sessionExpiry: Interval { .seconds(7 * 86_400) }

  /// The first bound of the back-off (full jitter: each wait is drawn from zero to the bound).
  public var backoffMinimum = Interval.seconds(1)
  /// The last bound: the cap that doubling ends at.
  public var backoffMaximum = Interval.seconds(120)
  /// The back-off starts afresh only after a connection has lasted this long and carried an
  /// acknowledgement.
  public var stableAfter = Interval.seconds(60)
  /// How long the link stays with another broker than the first before it goes back to that; zero
  /// for as long as it lasts.
  public var returnAfter = Interval.seconds(600)
  /// True to go where a broker sends us (5.0, Server Reference).
  public var followsReferences = true
  /// The interval at which pings begin, to find out how long the way bears to be idle; zero to ping once a
  /// keep-alive.
  public var probeFrom = Interval.zero
  /// How often records leave; zero for at once.
  public var batchEvery = Interval.zero
  /// The classes of those that always leave at once.
  public var urgent = RecordClasses(.event, .answer)
  /// Deadline for the broker's answer: CONNACK, PINGRESP, acknowledgements of a stop.
  public var replyTimeout = Interval.seconds(10)

  /// How long the broker may owe answers and give none, before the link is given up: on a slow link
  /// a window of messages takes its time.
  public var answerTimeout: Interval { replyTimeout * 3 }

  /// Bytes for messages that wait for an acknowledgement.
  public var outboxBytes = 64 * 1024
  /// The journal's file or device; empty for none.
  public var journalFile = Text.empty
  /// Bytes of the journal's file; 0 for no journal.
  public var journalBytes = 0
  /// Once the link has been down for so long, readings go to the journal.
  public var spillAfter = Interval.seconds(60)
  /// How often they do from then on: what a power cut may cost while the link is down.
  public var spillEvery = Interval.seconds(30)
  /// Bytes that the journal may write in 24 hours, counted in blocks of 4 KiB; 0 for no bound.
  public var flashPerDay = 0

  /// QoS 1 messages under way at once, 1 to 64.
  public var inflight = 16
  /// The largest packet sent or received, in bytes.
  public var packetBytes = 2048
  /// True to be handed larger messages in pieces, instead of nothing of them.
  public var takesLargeMessages = false

  /// An uplink of which only the way to the broker is said.
  public init(dial: DialSpec) { self.dial = dial }
}
