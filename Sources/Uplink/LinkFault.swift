import MQTT
import WebSocket

/// Why there is no connection, or no longer one.
public enum LinkFault: BitwiseCopyable, Equatable, Sendable {
  /// The broker's name does not resolve (code: the resolver's).
  case resolveFailed(code: Int32)
  /// No answer from the resolver within the deadline.
  case resolveTimedOut
  /// No address of the broker took the connection (code: errno of the last).
  case connectFailed(code: Int32)
  /// No address of the broker answered within the deadline.
  case connectTimedOut
  /// No address of the broker made the connection a WebSocket (the last one's answer).
  case upgradeFailed(HandshakeFault)
  /// No address of the broker answered the upgrade to a WebSocket within the deadline.
  case upgradeTimedOut
  /// The broker answered CONNECT with a refusal.
  case refused(ConnectRefusal)
  /// The broker said DISCONNECT, and why (5.0).
  case disconnected(V5.DisconnectReason)
  /// The broker closed the connection.
  case closedByPeer
  /// The connection failed (code: errno).
  case transport(code: Int32)
  /// The WebSocket has ended: the broker closed it, or broke its rules.
  case webSocket(FrameEnd)
  /// The session ended it: no answer in time, or nonsense from the broker.
  case session(SessionFault)
  /// The broker answers pings, but acknowledges nothing.
  case unanswered
  /// The agent ended it.
  case closedByUs
}

extension LinkFault {
  /// True when waiting alone will not help: the broker refuses who we are.
  public var isPermanent: Bool {
    switch self {
    case .refused(let refusal): refusal.isPermanent
    default: false
    }
  }

  /// The fault in a word, as logs and statuses say it.
  public var slug: StaticString {
    switch self {
    case .resolveFailed: "name-not-resolved"
    case .resolveTimedOut: "name-timed-out"
    case .connectFailed: "connect-failed"
    case .connectTimedOut: "connect-timed-out"
    case .upgradeFailed(.status): "upgrade-refused"
    case .upgradeFailed: "upgrade-failed"
    case .upgradeTimedOut: "upgrade-timed-out"
    case .refused: "refused"
    case .disconnected(.sessionTakenOver): "taken-over"
    case .disconnected: "disconnected-by-broker"
    case .closedByPeer, .webSocket(.closed): "closed-by-broker"
    case .transport: "connection-failed"
    case .webSocket(.failed): "malformed-frame"
    case .session(.malformed): "malformed-packet"
    case .session(.protocolViolation), .session(.receivedFull), .session(.topicAliasInvalid),
      .session(.aliasTopicTooLong):
      "protocol-violation"
    case .session(.connectTimedOut): "no-answer-to-connect"
    case .session(.pingTimedOut): "no-answer-to-ping"
    case .session(.packetTimedOut): "packet-not-completed"
    case .unanswered: "no-acknowledgement"
    case .closedByUs: "closed"
    }
  }
}
