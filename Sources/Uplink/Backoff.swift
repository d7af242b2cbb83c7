import Core

/// How long to wait before the next attempt: exponential, with full jitter, capped.
///
/// Each wait is drawn evenly from zero to a bound, the bound doubles from `minimum` to `maximum`,
/// and it starts afresh only once a connection has been stable: a broker that accepts and then
/// throws out does not get a storm of connections. (Full jitter: so that a fleet that lost its
/// broker together does not come back together.)
public struct Backoff: BitwiseCopyable, Sendable {
  /// No wait is shorter, so that attempts that fail at once never spin.
  public static var floor: Interval { .milliseconds(100) }

  private let minimum: Interval
  private let maximum: Interval
  /// The bound of the next wait.
  public private(set) var bound: Interval
  /// Waits since the last stable connection.
  public private(set) var attempts: UInt32 = 0

  /// A back-off that starts with `minimum` and ends at `maximum`.
  public init(minimum: Interval, maximum: Interval) {
    self.minimum = minimum
    self.maximum = maximum
    bound = min(minimum, maximum)
  }

  /// Draws the next wait, and doubles the bound.
  public mutating func next(_ chance: inout Generator) -> Interval {
    let wait = max(chance.interval(below: bound), min(Self.floor, bound))
    attempts &+= 1
    bound = min(bound * 2, maximum)
    return wait
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
    bound = min(minimum, maximum)
    attempts = 0
  }
}
