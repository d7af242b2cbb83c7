/// A length of time in nanoseconds. May be negative.
public struct Interval: BitwiseCopyable, Hashable, Comparable, Sendable {
  /// The length in nanoseconds.
  public var nanoseconds: Int64

  /// A length of `nanoseconds`.
  @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// No time at all.
  @inlinable public static var zero: Interval { Interval(nanoseconds: 0) }

  /// `count` nanoseconds.
  @inlinable public static func nanoseconds(_ count: Int64) -> Interval {
    Interval(nanoseconds: count)
  }

  /// `count` microseconds.
  @inlinable public static func microseconds(_ count: Int64) -> Interval {
    Interval(nanoseconds: count * 1_000)
  }

  /// `count` milliseconds.
  @inlinable public static func milliseconds(_ count: Int64) -> Interval {
    Interval(nanoseconds: count * 1_000_000)
  }

  /// `count` seconds.
  @inlinable public static func seconds(_ count: Int64) -> Interval {
    Interval(nanoseconds: count * 1_000_000_000)
  }

  /// The length in whole milliseconds, rounded towards zero.
  @inlinable public var milliseconds: Int64 { nanoseconds / 1_000_000 }

  /// The length in whole seconds, rounded towards zero.
  @inlinable public var seconds: Int64 { nanoseconds / 1_000_000_000 }

  /// Shorter before longer.
  @inlinable public static func < (a: Interval, b: Interval) -> Bool {
    a.nanoseconds < b.nanoseconds
  }

  /// The sum of two lengths.
  @inlinable public static func + (a: Interval, b: Interval) -> Interval {
    Interval(nanoseconds: a.nanoseconds + b.nanoseconds)
  }

  /// The difference of two lengths.
  @inlinable public static func - (a: Interval, b: Interval) -> Interval {
    Interval(nanoseconds: a.nanoseconds - b.nanoseconds)
  }

  /// A length taken `factor` times.
  @inlinable public static func * (a: Interval, factor: Int64) -> Interval {
    Interval(nanoseconds: a.nanoseconds * factor)
  }

  /// A length cut into `divisor` parts.
  @inlinable public static func / (a: Interval, divisor: Int64) -> Interval {
    Interval(nanoseconds: a.nanoseconds / divisor)
  }
}

/// A point on the monotonic clock: nanoseconds since the board booted (CLOCK_BOOTTIME, which
/// counts through suspend), or since the start of a simulation. Never steps.
public struct Instant: BitwiseCopyable, Hashable, Comparable, Sendable {
  /// Nanoseconds since boot.
  public var nanoseconds: Int64

  /// The point `nanoseconds` after boot.
  @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// The moment of boot.
  @inlinable public static var boot: Instant { Instant(nanoseconds: 0) }

  /// Later than every deadline: what "no deadline" compares as.
  @inlinable public static var never: Instant { Instant(nanoseconds: .max) }

  /// Earlier before later.
  @inlinable public static func < (a: Instant, b: Instant) -> Bool {
    a.nanoseconds < b.nanoseconds
  }

  /// The point `interval` later; stays at `never` instead of wrapping.
  @inlinable public static func + (a: Instant, interval: Interval) -> Instant {
    let (sum, overflow) = a.nanoseconds.addingReportingOverflow(interval.nanoseconds)
    return overflow ? .never : Instant(nanoseconds: sum)
  }

  /// The point `interval` earlier.
  @inlinable public static func - (a: Instant, interval: Interval) -> Instant {
    Instant(nanoseconds: a.nanoseconds - interval.nanoseconds)
  }

  /// How long after `b` the point `a` lies.
  @inlinable public static func - (a: Instant, b: Instant) -> Interval {
    Interval(nanoseconds: a.nanoseconds - b.nanoseconds)
  }
}

/// What is known of the wall clock: the `tq` of a reading.
public enum TimeQuality: UInt8, BitwiseCopyable, Sendable {
  /// The clock has never been set: times of day are meaningless.
  case none
  /// The clock looks set, but nothing says that it is kept.
  case estimated
  /// The kernel says that the clock is kept by a time service.
  case synced
}

/// A time of day: milliseconds since 1970-01-01T00:00:00Z, without leap seconds. May step.
public struct WallTime: BitwiseCopyable, Hashable, Comparable, Sendable {
  /// Milliseconds since 1970-01-01T00:00:00Z.
  public var milliseconds: Int64

  /// The time `milliseconds` after 1970-01-01T00:00:00Z.
  @inlinable public init(milliseconds: Int64) { self.milliseconds = milliseconds }

  /// Earlier before later.
  @inlinable public static func < (a: WallTime, b: WallTime) -> Bool {
    a.milliseconds < b.milliseconds
  }

  /// How long after `b` the time `a` lies; 292 years, which is the longest interval, where it is
  /// more: a time of day may come from a stranger.
  @inlinable public static func - (a: WallTime, b: WallTime) -> Interval {
    let longest = Interval(nanoseconds: .max).milliseconds
    let (difference, overflow) = a.milliseconds.subtractingReportingOverflow(b.milliseconds)
    if overflow { return .milliseconds(a < b ? -longest : longest) }
    return .milliseconds(max(-longest, min(longest, difference)))
  }
}

/// One reading of all clocks, taken when an event enters the agent.
public struct Moment: BitwiseCopyable, Sendable {
  /// The monotonic clock.
  public var instant: Instant
  /// The wall clock at the same moment.
  public var wall: WallTime
  /// How far the wall clock can be trusted.
  public var quality: TimeQuality

  /// A reading of all clocks.
  @inlinable public init(instant: Instant, wall: WallTime, quality: TimeQuality) {
    self.instant = instant
    self.wall = wall
    self.quality = quality
  }

  /// The time of day at `past`, reckoned back from now: right even if the clock was set since.
  @inlinable public func wall(at past: Instant) -> WallTime {
    WallTime(milliseconds: wall.milliseconds - (instant - past).milliseconds)
  }
}
