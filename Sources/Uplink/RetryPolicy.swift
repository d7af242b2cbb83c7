import Core
import MQTT

/// What the ends of connections and attempts say together.
public enum LinkStanding: BitwiseCopyable, Equatable, Sendable {
  /// Waiting may help, or has helped.
  case ordinary
  /// The broker refuses who we are, and has accepted nobody of our name since.
  case refused
  /// Another client has our identifier: each of us throws the other out (MQTT 3.1.1, section 3.1.4).
  case contested
}

/// How long to wait after the end of a connection or an attempt.
///
/// The back-off starts afresh only after a connection that has lasted `UplinkSpec.stableAfter` and in
/// which the broker has acknowledged something: one that accepts and throws out, or accepts and then
/// does nothing, does not get a storm of connections.
///
/// Two clients of one identifier would throw each other out for ever, each as soon as it can. In 5.0
/// the broker says so; before, it closes without a word, and the third such connection in a row
/// counts as that.
public struct RetryPolicy: BitwiseCopyable, Sendable {
  /// What the ends so far say.
  public private(set) var standing = LinkStanding.ordinary
  private var backoff: Backoff
  private let stableAfter: Interval
  private var hasCarried = false
  private var takeovers = 0
  private var silentCloses = 0

  /// Connections in a row that the broker has closed without a word.
  private static var silentClosesMax: Int { 3 }

  /// A policy with the back-off of `spec`, before its first connection.
  public init(_ spec: UplinkSpec) {
    backoff = Backoff(minimum: spec.backoffMinimum, maximum: spec.backoffMaximum)
    stableAfter = spec.stableAfter
  }

  /// The broker has accepted a connection.
  public mutating func accepted() {
    hasCarried = false
    if standing == .refused { standing = .ordinary }
  }

  /// The broker has acknowledged a message or answered a request.
  public mutating func acknowledged() { hasCarried = true }

  /// An attempt has failed; returns how long to wait, where the next one is not to follow `atOnce`.
  public mutating func attemptFailed(
    _ fault: LinkFault, atOnce: Bool, _ chance: inout Generator
  ) -> Interval {
    if fault.isPermanent { standing = .refused }
    if atOnce { return Backoff.floor }
    return fault.isPermanent ? backoff.nextAfterRefusal(&chance) : backoff.next(&chance)
  }

  /// True when a connection of that length was a good one.
  func isStable(_ length: Interval) -> Bool { length >= stableAfter && hasCarried }

  /// A connection that lasted so long is lost; returns how long to wait.
  public mutating func lost(
    _ fault: LinkFault, after length: Interval, _ chance: inout Generator
  ) -> Interval {
    if isStable(length) {
      backoff.reset()
      takeovers = 0
      silentCloses = 0
      standing = .ordinary
    }
    if fault.isTakeover {
      takeovers += 1
    } else if fault.isSilentClose && length < stableAfter {
      silentCloses += 1
    } else if !fault.isSilentClose {
      silentCloses = 0
    }
    if fault.isPermanent { standing = .refused }
    if takeovers > 0 || silentCloses >= Self.silentClosesMax { standing = .contested }
    // Once may be somebody's mistake, and over by now.
    let isLoop = takeovers > 1 || silentCloses >= Self.silentClosesMax
    return fault.isPermanent || isLoop
      ? backoff.nextAfterRefusal(&chance) : backoff.next(&chance)
  }
}

extension LinkFault {
  /// True when the broker has said that another client took our place.
  fileprivate var isTakeover: Bool { self == .disconnected(.sessionTakenOver) }

  /// True when the broker has closed the connection without saying why.
  fileprivate var isSilentClose: Bool {
    switch self {
    case .dial(.closedByPeer), .dial(.webSocket(.closed)): true
    default: false
    }
  }
}
