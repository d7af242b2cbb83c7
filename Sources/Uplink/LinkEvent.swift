import Core
import MQTT

/// Where a broker link stands; see `BrokerLink`.
enum LinkState: BitwiseCopyable {
  case waiting(until: Instant)
  case dialing
  case opening
  case online(since: Instant)
  case closing(until: Instant)
  case returning(until: Instant)
  case stopped
}

/// What the rim has to do for a broker link.
public enum LinkAction: BitwiseCopyable, Equatable, Sendable {
  /// Open a way to the broker; answer with `opened` or `failed`.
  case open
  /// Drop it, or the attempt. No answer.
  case close
}

/// What has happened, for the layer above.
public enum LinkEvent: BitwiseCopyable, Equatable, Sendable {
  /// The broker accepted the session.
  case online(sessionPresent: Bool)
  /// A message has come; `session.withMessage` lends it until the next event.
  case message(IncomingMessage)
  /// A message begins that is larger than `UplinkSpec.packetBytes`, where these are taken; its payload, of so
  /// many bytes, follows in pieces. `session.withMessage` lends its topic; `session.skipLarge` passes over it.
  case largeMessage(IncomingMessage, payloadBytes: Int)
  /// The next bytes of its payload, which `session.withPacket` lends until the next event.
  case payloadPiece(Field, isLast: Bool)
  /// A message has come that is larger than `UplinkSpec.packetBytes`. Nobody can tell what it said.
  case skipped(packetBytes: Int)
  /// The broker has granted, or with `accepted` false refused, a subscription.
  case subscribed(packetID: UInt16, accepted: Bool)
  /// The broker has taken the message that was published with `publishNow`; or, in 5.0 and with `isTaken` false,
  /// has refused it, which is its last word on it as well (section 4.4).
  case acknowledged(tag: UInt32, isTaken: Bool)
  /// The session that was online is lost.
  case lost(LinkFault)
  /// An attempt has failed; the next one begins `wait` from now.
  case attemptFailed(LinkFault, wait: Interval)
  /// `disconnect` has come to its end.
  case stopped
}

/// Why a record was given up that the broker does not take.
public enum GivingUp: BitwiseCopyable, Equatable, Sendable {
  /// The broker has refused it: the reason code of PUBACK or PUBREC (5.0).
  case refused(UInt8)
  /// No packet that this broker takes can carry it.
  case tooLarge
  /// The broker closes the connection, each time that it is sent.
  case closedFor
}

/// Counts since the agent's start.
public struct LinkCounters: BitwiseCopyable, Sendable {
  /// Connections that the broker accepted.
  public var connections: UInt32 = 0
  /// Attempts that failed before the broker accepted one.
  public var attemptsFailed: UInt32 = 0
  /// Refusals of who we are, among them; and connections that ended so.
  public var refusals: UInt32 = 0
  /// Messages that were handed to a session.
  public var published: UInt64 = 0
  /// Records that were acknowledged.
  public var acknowledged: UInt64 = 0
  /// Records that no packet can carry, or that the broker has refused, given up.
  public var unsendable: UInt32 = 0
  /// Why the last of them was.
  public var lastGivingUp = GivingUp.tooLarge
}
