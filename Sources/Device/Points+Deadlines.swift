import Core
import Uplink

/// What is due at the points, and when: with time, and with the link to the broker.
extension Points {
  /// Does what is due at `moment`.
  public mutating func deadlineReached(at moment: Moment, outbox: inout Outbox) {
    let now = moment.instant
    guard deadline <= now else { return }
    for index in 0..<points.count where states[index].dueAt <= now {
      settle(index, upTo: now, moment, &outbox)
      reportIfDue(index, at: now, &outbox)
      if states[index].revertAt <= now {
        want(index, points[index].output.start)
      }
      if lostAt(index) <= now, let level = points[index].output.lost {
        states[index].lostApplied = true
        want(index, level)
      }
      plan(index)
    }
  }

  /// The link to the broker is up.
  public mutating func linkFound() {
    lostSince = nil
    for index in 0..<points.count { states[index].lostApplied = false }
    planAll()
  }

  /// The link to the broker is gone since `now`; outputs take their `lost` state in time.
  public mutating func linkLost(at now: Instant) {
    if lostSince == nil { lostSince = now }
    planAll()
  }

  /// When an output takes its `lost` state; `.never` while the link is there, or after it did.
  private func lostAt(_ index: Int) -> Instant {
    guard points[index].kind == .output, points[index].output.lost != nil,
      !states[index].lostApplied, let since = lostSince
    else { return .never }
    return since + points[index].output.lostAfter
  }

  func settleAt(_ index: Int) -> Instant {
    states[index].settleAt(debounce: points[index].line.debounce)
  }

  func reportAt(_ index: Int) -> Instant {
    states[index].reportAt(points[index].report, pacing)
  }

  /// The point has changed, and with it when it is due.
  mutating func plan(_ index: Int) {
    let (before, after) = (states[index].dueAt, dueAt(index))
    states[index].dueAt = after
    if after <= deadline { deadline = after } else if before == deadline { findDeadline() }
  }

  mutating func planAll() {
    for index in 0..<points.count { states[index].dueAt = dueAt(index) }
    findDeadline()
  }

  private mutating func findDeadline() {
    deadline = .never
    for index in 0..<states.count { deadline = min(deadline, states[index].dueAt) }
  }

  private func dueAt(_ index: Int) -> Instant {
    min(min(reportAt(index), settleAt(index)), min(states[index].revertAt, lostAt(index)))
  }
}
