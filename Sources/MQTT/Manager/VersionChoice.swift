/// Which version of MQTT to ask a server for: the wanted one first, and those before it where the server
/// does not speak it. What a server took is remembered.
public struct VersionChoice: BitwiseCopyable, Sendable {
  /// What became of an attempt.
  public enum Outcome: BitwiseCopyable, Equatable, Sendable {
    /// The server does not speak the version, and said so.
    case refused
    /// The connection was closed without an answer to CONNECT, or the answer was not one of this
    /// version: what some servers do that do not know 5.0.
    case unanswered
    /// It failed for another reason.
    case failed
  }

  /// What to ask for first.
  public let wanted: ProtocolLevel
  /// The last that is asked for; `wanted` where there is no other.
  public let lowest: ProtocolLevel
  /// What to ask for at the next attempt, or what the present connection speaks.
  public private(set) var level: ProtocolLevel
  /// The level is below what is wanted, and no server has taken it yet nor refused the one above.
  private var isGuess = false

  /// A choice of `wanted` and of what lies between it and `lowest`.
  public init(_ wanted: ProtocolLevel, downTo lowest: ProtocolLevel? = nil) {
    self.wanted = wanted
    self.lowest = lowest ?? wanted
    level = wanted
  }

  /// The server has accepted the connection.
  public mutating func accepted() { isGuess = false }

  /// An attempt has come to its end before the server accepted it. True when the next attempt may
  /// follow at once, with a lower version: waiting would not help.
  public mutating func ended(_ outcome: Outcome) -> Bool {
    if outcome == .refused {
      isGuess = false
      guard let lower = lower else {
        // It speaks none of them now; another time it may, from the first on.
        level = wanted
        return false
      }
      level = lower
      return true
    }
    if isGuess {
      level = wanted
      isGuess = false
    } else if outcome == .unanswered, level == .v50, let lower {
      // Only the next attempt tries the version before.
      level = lower
      isGuess = true
    }
    return false
  }

  private var lower: ProtocolLevel? {
    guard level.rawValue > lowest.rawValue else { return nil }
    return switch level {
    case .v50: .v311
    case .v311: .v31
    case .v31: nil
    }
  }
}
