import Core

/// A board: real lines and sensors, or simulated ones. It reports what happened, and drives.
public protocol Board: ~Copyable {
  /// When `poll` has something to do even though no descriptor is ready; `.never` for not at all.
  var deadline: Instant { get }

  /// Reports everything that has happened up to `now`, oldest first per point.
  mutating func poll(at now: Instant, _ report: (BoardEvent) -> Void)

  /// Drives an output to `level` (logical) and returns the level that reads back, or nil when the
  /// line could not be driven.
  mutating func drive(point: Int, to level: Bool, at now: Instant) -> Bool?

  /// Holds a point at a value by hand (an input at 0 or 1, a sensor at a value; a counter takes so
  /// many pulses), or with nil gives it back. False where that cannot be: real lines are not ours.
  mutating func override(point: Int, with value: Double?, at now: Instant) -> Bool

  /// False when nobody is left to read what it has: then only a new start helps.
  var isAnswering: Bool { get }
}

extension Board where Self: ~Copyable {
  /// Real lines cannot be held by hand.
  public mutating func override(point: Int, with value: Double?, at now: Instant) -> Bool { false }

  /// Most boards can't but answer.
  public var isAnswering: Bool { true }
}
