import Core

/// What a `SessionManager` tells its owner, one at a time, through `nextEvent`.
///
/// Fields and properties count from the start of the packet that `withPacket` lends until the next
/// `nextEvent`.
public enum ManagerEvent: BitwiseCopyable, Equatable, Sendable {
  /// The server has accepted the connection. Subscriptions that are kept are restored by themselves,
  /// and messages in the store follow.
  case connected(sessionPresent: Bool, properties: V5.Properties)
  /// The connection, or the attempt at one, has come to its end.
  case ended(ConnectionEnd, wasOnline: Bool, properties: V5.Properties)
  /// The next attempt begins in so long.
  case retrying(after: Interval, attempt: UInt32)
  /// The server does not speak the version; the next attempt asks for this one.
  case fallingBack(to: ProtocolLevel)
  /// A message has come; `withMessage` lends it.
  case message(IncomingMessage)
  /// A message larger than the receive buffer begins.
  case largeMessage(IncomingMessage, payloadBytes: Int)
  /// The next bytes of its payload.
  case payloadPiece(Field, isLast: Bool)
  /// A message larger than the receive buffer was passed over.
  case skipped(packetBytes: Int)
  /// A message of ours has left for good: QoS 0 when its bytes were handed to the transport, QoS 1 and
  /// 2 when the server has answered.
  case published(Published)
  /// A message of ours will not leave any more.
  case dropped(Dropped)
  /// The server has a QoS 2 message, and its PUBREC has more to say than that.
  case received(Published)
  /// The answer to a subscription that is kept: its tag, and the server's word.
  case granted(tag: UInt32, Granted)
  /// A subscription that is kept cannot be asked for: this server, or any, does not take it. It is
  /// kept no more.
  case notAsked(tag: UInt32, RequestError)
  /// SUBACK to `subscribe(filters:)`.
  case subscribed(Granted)
  /// UNSUBACK.
  case unsubscribed(Granted)
  /// AUTH.
  case authenticate(V5.Authenticate)

  /// A message of ours that the server has, or has refused.
  public struct Published: BitwiseCopyable, Equatable, Sendable {
    /// The owner's handle.
    public var tag: UInt64
    /// The identifier that `publish` has returned; 0 at QoS 0.
    public var packetID: UInt16
    /// The quality of service that it had.
    public var qos: QoS
    /// The reason code of the server's answer; 0 at QoS 0 and before 5.0.
    public var code: UInt8
    /// A reason string, user properties.
    public var properties: V5.Properties

    /// True when the server did not take the message.
    public var isFailure: Bool { code >= 0x80 }
  }

  /// A message of ours that is given up.
  public struct Dropped: BitwiseCopyable, Equatable, Sendable {
    /// The owner's handle.
    public var tag: UInt64
    /// The identifier that `publish` has returned; 0 at QoS 0.
    public var packetID: UInt16
    /// Why.
    public var reason: Reason

    /// Why a message is given up.
    public enum Reason: BitwiseCopyable, Equatable, Sendable {
      /// It has waited for longer than it is worth.
      case expired
      /// The store was full, and it was the oldest that was never sent.
      case full
      /// It does not fit what the server takes: `packetTooLarge`, `qosNotSupported`,
      /// `retainNotSupported`, or properties for a version before 5.0.
      case unsendable(PublishError)
      /// A message at QoS 0 whose bytes had not left when the connection was lost.
      case connectionLost
    }
  }
}

/// Why a connection, or an attempt at one, has come to its end.
public enum ConnectionEnd: BitwiseCopyable, Hashable, Sendable {
  /// The transport did not open, failed, or was closed by the server; who reported it knows how.
  case transport
  /// The server answered CONNECT with a refusal.
  case refused(ConnectRefusal)
  /// The server said DISCONNECT (5.0).
  case disconnected(V5.DisconnectReason)
  /// The session ended it: no answer in time, or nonsense from the server.
  case session(SessionFault)
  /// `disconnect` was called.
  case asked
  /// `abort` was called.
  case aborted
  /// CONNECT cannot be written: the identity does not suit the version.
  case unopenable(EncodeError)

  /// True when waiting alone will not help.
  public var isPermanent: Bool {
    switch self {
    case .refused(let refusal): refusal.isPermanent
    case .unopenable: true
    case .transport, .disconnected, .session, .asked, .aborted: false
    }
  }
}
