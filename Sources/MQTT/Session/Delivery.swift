import Core

/// What the transport tells of the bytes that it took: whether they come across.
///
/// A message of 64 KiB takes a minute at 9,600 bit/s, in which the other side has nothing to answer to.
/// As long as what waits for an answer has not reached the other side's system, and moves, silence is no
/// sign of death.
struct Delivery: BitwiseCopyable {
  private var acknowledged: UInt64 = 0
  /// What must have come across before silence means something.
  private var mark: UInt64 = 0
  private var isMarkDue = false
  private var movedAt = Instant.boot

  /// From the next report on: what the transport has taken so far must come across first.
  mutating func setMark() { isMarkDue = true }

  /// The other side's system has `acknowledged` bytes in all; `pending` behind them are on their way
  /// or wait for it.
  mutating func report(acknowledged: UInt64, pending: Int, at now: Instant) {
    if acknowledged != self.acknowledged { movedAt = now }
    self.acknowledged = acknowledged
    if isMarkDue {
      isMarkDue = false
      mark = acknowledged &+ UInt64(wide: pending)
    }
  }

  /// True while bytes up to the mark are not across, and some have moved within `patience`.
  func isUnderWay(at now: Instant, patience: Interval) -> Bool {
    acknowledged < mark && now < movedAt + patience
  }

  /// True when something has moved within `patience`.
  func moves(at now: Instant, patience: Interval) -> Bool {
    movedAt > .boot && now < movedAt + patience
  }
}
