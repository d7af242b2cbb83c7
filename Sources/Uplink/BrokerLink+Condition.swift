import Core
import MQTT

/// Where a broker link stands, for who asks.
public enum LinkCondition: BitwiseCopyable, Equatable, Sendable {
  /// The next attempt begins then.
  case waiting(until: Instant)
  /// An attempt is under way.
  case connecting
  /// The broker has a session with us since then.
  case online(since: Instant)
  /// The link is being closed in order.
  case leaving
  /// Nothing more will happen.
  case stopped

  /// The condition in one word, as the status has it.
  public var word: StaticString {
    switch self {
    case .waiting: "waiting"
    case .connecting: "connecting"
    case .online: "online"
    case .leaving: "leaving"
    case .stopped: "stopped"
    }
  }
}

/// What can be asked of a link at any time.
extension BrokerLink where Medium: ~Copyable {
  /// Where it stands.
  public var condition: LinkCondition {
    switch state {
    case .waiting(let until): .waiting(until: until)
    case .dialing, .opening: .connecting
    case .online(let since): .online(since: since)
    case .closing, .returning: .leaving
    case .stopped: .stopped
    }
  }

  /// The version of MQTT that is spoken, or is asked for at the next attempt.
  public var level: ProtocolLevel { versions.level }

  /// Bytes that the journal has written of its budget, of which three quarters are forgotten in a day; 0
  /// without one.
  public func flashUsed(at now: Instant) -> Int { flash.used(at: now) }
}

extension LinkStanding {
  /// The standing in one word, as the status has it.
  public var word: StaticString {
    switch self {
    case .ordinary: "ordinary"
    case .refused: "refused"
    case .contested: "contested"
    }
  }
}
