import Core
import Uplink

/// Whether attempts to connect keep to the back-off, whatever the broker does: no storm.
///
/// With full jitter the wait after attempt k is drawn from zero to `min(maximum, minimum * 2^k)`, and only
/// a connection that was stable lets it start afresh. Many waits in a row seldom take less than half of
/// their bounds' sum, and less than a tenth once in 10^9 times.
struct AttemptWatch {
  /// So many attempts in a row are looked at.
  private static var count: Int { 24 }
  /// What they take at least.
  private let least: Interval
  private let stableAfter: Interval
  private var attempts: [Instant] = []
  private var onlineSince: Instant?

  init(_ spec: UplinkSpec) {
    var (sum, bound) = (Interval.zero, spec.backoffMinimum)
    for _ in 1..<Self.count {
      sum = sum + bound
      bound = min(bound * 2, spec.backoffMaximum)
    }
    // One broker after the other is asked at once.
    least = sum / 10 / Int64(spec.dial.brokerCount)
    stableAfter = spec.stableAfter
  }

  /// A run begins, and knows nothing of the attempts before.
  mutating func runBegan() { (attempts, onlineSince) = ([], nil) }

  mutating func attempted(at now: Instant) {
    attempts.append(now)
    if attempts.count > Self.count { attempts.removeFirst() }
  }

  /// A complaint when the last attempts came too fast.
  mutating func check(isOnline: Bool, at now: Instant) -> String? {
    if isOnline {
      onlineSince = onlineSince ?? now
    } else if let since = onlineSince {
      if now - since >= stableAfter { attempts = [] }
      onlineSince = nil
    }
    guard attempts.count == Self.count, attempts[Self.count - 1] - attempts[0] < least else {
      return nil
    }
    let length = attempts[Self.count - 1] - attempts[0]
    attempts = []
    return
      "a storm: \(Self.count) attempts to connect within \(length.seconds) s, \(least.seconds) s at least"
  }
}
