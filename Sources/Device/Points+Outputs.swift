import Core
import Uplink

/// Outputs: what they should be, what to drive, what came of it.
extension Points {
  /// A line to drive.
  public struct Drive: BitwiseCopyable, Equatable, Sendable {
    /// The output's index in the profile.
    public var point: Int
    /// The level wanted (logical).
    public var level: Bool
  }

  /// The next line to drive, or nil. Answer with `driven`.
  public mutating func nextDrive() -> Drive? {
    for index in 0..<points.count where states[index].mustDrive {
      states[index].mustDrive = false
      return Drive(point: index, level: states[index].wanted)
    }
    return nil
  }

  /// The board has driven an output and read `readBack`; nil when it could not.
  /// The state is published, changed or not: somebody wanted it.
  public mutating func driven(
    point: Int, readBack: Bool?, at moment: Moment, outbox: inout Outbox
  ) {
    states.update(point) { state in
      state.value = (readBack ?? state.wanted) ? 1 : 0
      state.quality = readBack == nil ? .unreadable : .good
      state.readAt = moment.instant
      state.known = true
    }
    report(point, read: moment.instant, at: moment.instant, &outbox)
    settleCommand(point: point, readBack: readBack, at: moment, outbox: &outbox)
    plan(point)
  }

  /// Output `point` was taken over from the run before, at that level: it stays so, until `revertsAt` at most.
  /// To be called before anything is driven.
  public mutating func takeOver(point: Int, level: Bool, revertsAt: Instant) {
    want(point, level)
    states[point].revertAt = revertsAt
    plan(point)
  }

  /// The run before has lost the link at `since`: outputs take their `lost` state by that.
  public mutating func takeOver(linkLostSince since: Instant) {
    guard let own = lostSince else { return }
    lostSince = min(own, since)
    planAll()
  }

  /// When output `point` goes back to its start state by itself; `.never` for not at all.
  public func revertsAt(_ point: Int) -> Instant { states[point].revertAt }

  /// Outputs take the state that the profile names for an orderly stop.
  public mutating func stopOutputs() {
    for index in 0..<points.count where points[index].kind == .output {
      if let level = points[index].output.stop { want(index, level) }
    }
  }

  /// Output `point` is to be driven to `level`; a time that was running for it is off.
  mutating func want(_ point: Int, _ level: Bool) {
    states[point].revertAt = .never
    states[point].wanted = level
    states[point].mustDrive = true
    plan(point)
  }
}
