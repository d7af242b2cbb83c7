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

  /// Notes for the run that follows, which may take over what is driven, when output `point` goes back to its
  /// start state by itself; `.never` for not at all.
  mutating func note(point: Int, revertsAt: Instant)

  /// Notes for the run that follows since when there is no link; `.never` while there is one.
  mutating func note(linkLostSince: Instant)

  /// Leaves the outputs to the program that this process executes next.
  mutating func handOn()
}

extension Board where Self: ~Copyable {
  /// Real lines cannot be held by hand.
  public mutating func override(point: Int, with value: Double?, at now: Instant) -> Bool { false }

  /// Nothing of this board outlives the run.
  public mutating func note(point: Int, revertsAt: Instant) {}

  /// As above.
  public mutating func note(linkLostSince: Instant) {}

  /// As above.
  public mutating func handOn() {}
}
