import Core

/// How long to wait before the next attempt: exponential, with jitter, capped.
///
/// The bound of each wait grows from `minimum` to `maximum`, and starts afresh only once a connection
/// has been stable: a broker that accepts and then throws out does not get a storm of connections.
/// With full jitter each wait is drawn evenly from zero to the bound, so that a fleet that lost its
/// broker together does not come back together.
public struct Backoff: BitwiseCopyable, Sendable {
  /// How much of a wait is left to chance.
  public enum Jitter: UInt8, BitwiseCopyable, Sendable {
    /// Nothing: each wait is the bound.
    case none
    /// All of it.
    case full
    /// The second half.
    case equal
  }

  /// No wait is shorter, so that attempts that fail at once never spin.
  public static var floor: Interval { .milliseconds(100) }

  /// No bound is lower.
  private static var lowestBound: Interval { .milliseconds(10) }

  private let minimum: Interval
  private let maximum: Interval
  private let growthPercent: Int64
  private let jitter: Jitter
  /// The bound of the next wait.
  public private(set) var bound: Interval
  /// Waits since the last stable connection.
  public private(set) var attempts: UInt32 = 0

  /// A back-off that starts with `minimum` and ends at `maximum`; less than 10 ms counts as that. The bound grows to `growthPercent`
  /// of itself each time: 100 to 10,000; doubling is 200.
  public init(
    minimum: Interval, maximum: Interval, growthPercent: Int64 = 200, jitter: Jitter = .full
  ) {
    precondition(growthPercent >= 100 && growthPercent <= 10_000)
    self.maximum = max(maximum, Self.lowestBound)
    self.minimum = min(max(minimum, Self.lowestBound), self.maximum)
    self.growthPercent = growthPercent
    self.jitter = jitter
    bound = self.minimum
  }

  /// Draws the next wait, and lets the bound grow.
  public mutating func next(_ chance: inout Generator) -> Interval {
    let wait: Interval
    switch jitter {
    case .none: wait = bound
    case .full: wait = chance.interval(below: bound)
    case .equal: wait = bound / 2 + chance.interval(below: bound / 2)
    }
    attempts &+= 1
    let floored = max(wait, min(Self.floor, bound))
    let (grown, overflow) = bound.nanoseconds.multipliedReportingOverflow(by: growthPercent)
    bound = overflow ? maximum : min(.nanoseconds(grown / 100), maximum)
    return floored
  }

  /// The broker refuses for a reason that will not pass by itself: the next wait is drawn from half
  /// the cap to the cap.
  public mutating func nextAfterRefusal(_ chance: inout Generator) -> Interval {
    attempts &+= 1
    bound = maximum
    return maximum / 2 + chance.interval(below: maximum / 2)
  }

  /// A connection was stable: start afresh.
  public mutating func reset() {
    bound = minimum
    attempts = 0
  }
}
