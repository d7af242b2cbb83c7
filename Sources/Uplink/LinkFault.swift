import Dialing
import MQTT

/// Why there is no connection, or no longer one.
public enum LinkFault: BitwiseCopyable, Equatable, Sendable {
  /// No way to the broker came about, or the one that there was has ended.
  case dial(DialFault)
  /// The broker answered CONNECT with a refusal.
  case refused(ConnectReturnCode)
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
    case .refused(.serverUnavailable): false
    case .refused: true
    default: false
    }
  }

  /// The fault in a word, as logs and statuses say it.
  public var slug: StaticString {
    switch self {
    case .dial(let fault): fault.slug
    case .refused: "refused"
    case .session(.malformed): "malformed-packet"
    case .session(.protocolViolation), .session(.receivedFull): "protocol-violation"
    case .session(.connectTimedOut): "no-answer-to-connect"
    case .session(.pingTimedOut): "no-answer-to-ping"
    case .session(.packetTimedOut): "packet-not-completed"
    case .unanswered: "no-acknowledgement"
    case .closedByUs: "closed"
    }
  }
}
