import Dialing
import MQTT

/// Why there is no connection, or no longer one.
public enum LinkFault: BitwiseCopyable, Equatable, Sendable {
  /// No way to the broker came about, or the one that there was has ended.
  case dial(DialFault)
  /// The password's file cannot be read (code: errno), and without it CONNECT would only be refused.
  case passwordUnreadable(code: Int32)
  /// The broker answered CONNECT with a refusal.
  case refused(ConnectRefusal)
  /// The broker said DISCONNECT, and why (5.0).
  case disconnected(V5.DisconnectReason)
  /// The session ended it: no answer in time, or nonsense from the broker.
  case session(SessionFault)
  /// The broker answers pings, but acknowledges nothing.
  case unanswered
  /// The agent ended it.
  case closedByUs
  /// The agent ended it, to go back to the first of its brokers.
  case returned
}

extension LinkFault {
  /// True when waiting alone will not help: the broker refuses who we are.
  public var isPermanent: Bool {
    switch self {
    case .refused(let refusal): refusal.isPermanent
    // A broker that throws out whoever publishes where he may not would throw him out again.
    case .disconnected(.notAuthorized), .disconnected(.badAuthenticationMethod): true
    default: false
    }
  }

  /// True when the broker has ended the connection, and what it was sent may be why: it says so, or says
  /// nothing at all.
  var mayBeForMessage: Bool {
    switch self {
    case .dial(let fault): fault.isByPeer
    case .disconnected(let reason): reason.isForPacket
    case .passwordUnreadable, .refused, .session, .unanswered, .closedByUs, .returned: false
    }
  }

  /// The fault in a word, as logs and statuses say it.
  public var slug: StaticString {
    switch self {
    case .dial(let fault): fault.slug
    case .passwordUnreadable: "password-unreadable"
    case .refused: "refused"
    case .disconnected(.sessionTakenOver): "taken-over"
    case .disconnected: "disconnected-by-broker"
    case .session(.malformed): "malformed-packet"
    case .session(.protocolViolation), .session(.receivedFull), .session(.topicAliasInvalid),
      .session(.aliasTopicTooLong):
      "protocol-violation"
    case .session(.connectTimedOut): "no-answer-to-connect"
    case .session(.pingTimedOut): "no-answer-to-ping"
    case .session(.writeTimedOut): "write-timed-out"
    case .session(.packetTimedOut): "packet-not-completed"
    case .unanswered: "no-acknowledgement"
    case .closedByUs: "closed"
    case .returned: "returned"
    }
  }
}

extension LinkFault {
  /// What the broker itself says of it, in words; nil where it says nothing.
  public var words: StaticString? {
    switch self {
    case .refused(let refusal): refusal.words
    case .disconnected(let reason): reason.words
    case .dial, .passwordUnreadable, .session, .unanswered, .closedByUs, .returned: nil
    }
  }
}
