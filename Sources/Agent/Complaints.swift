import Core
import Uplink

/// What is said of a link that does not come about: each attempt, but what only a person can mend just
/// once, and each hour while it lasts. A log is not filled with the same line for weeks.
struct Complaints: BitwiseCopyable {
  private var refusedAt: Instant?
  /// The brokers that have refused us since then, a bit each.
  private var refusers: UInt8 = 0
  private var saidContested = false

  /// How often a refusal is said again.
  private static var interval: Interval { .seconds(3_600) }

  /// What to say of an attempt that has failed; nil for nothing.
  mutating func notice(
    of fault: LinkFault, _ standing: LinkStanding, broker: Int, wait: Interval, at now: Instant
  ) -> Notice? {
    guard fault.isPermanent, standing == .refused else { return .attemptFailed(fault, wait: wait) }
    let bit = UInt8(1) &<< UInt8(truncatingIfNeeded: broker)
    if let refusedAt, now - refusedAt < Self.interval {
      guard refusers & bit == 0 else { return nil }
    } else {
      refusedAt = now
      refusers = 0
    }
    refusers |= bit
    return .refused(fault, wait: wait)
  }

  /// What to say besides of a connection that is lost; nil for nothing.
  mutating func notice(ofLossIn standing: LinkStanding) -> Notice? {
    // The broker had accepted us.
    refusedAt = nil
    defer { saidContested = standing == .contested }
    return standing == .contested && !saidContested ? .contested : nil
  }
}
