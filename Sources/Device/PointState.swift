import Core

/// What the agent knows of one point while it runs.
struct PointState: BitwiseCopyable {
  /// The value as it would be published now: 0 or 1 for a line, else after scale and offset.
  var value = 0.0
  var quality = Quality.missing
  /// When `value` was read.
  var readAt = Instant.boot
  /// False until the board has said anything of the point.
  var known = false

  /// Edges counted (counters only).
  var count: Int64 = 0

  /// What was published last, and when.
  var reportedValue = 0.0
  var reportedQuality = Quality.missing
  var reportedAt = Instant.boot
  var everReported = false
  /// A change that waits until the report's minimum interval has passed.
  var pending = false

  /// Sequence numbers of the last state and the last event.
  var stateSequence: UInt32 = 0
  var eventSequence: UInt32 = 0

  /// A line's settled level, and the one that has yet to hold for the debounce time.
  var level = false
  var levelKnown = false
  var candidate = false
  var candidateSince = Instant.never

  /// An output: the level wanted, whether it must still be driven, and when it goes back by itself.
  var wanted = false
  var mustDrive = false
  var revertAt = Instant.never
  /// The link-lost state was applied for the present loss.
  var lostApplied = false

  /// When there is something to do next, whatever it is.
  var dueAt = Instant.never

  /// When a line's candidate level counts; `.never` without one.
  func settleAt(debounce: Interval) -> Instant {
    candidateSince == .never ? .never : candidateSince + debounce
  }

  /// When the next report is due without anything new; `.never` for not.
  func reportAt(_ report: ReportSpec, _ pacing: Pacing) -> Instant {
    guard known, pacing != .over else { return .never }
    if pending {
      return everReported && pacing == .usual ? reportedAt + report.minimum : readAt
    }
    guard everReported, report.maximum > .zero else { return .never }
    return reportedAt + report.maximum
  }

  /// True when what is known now differs from what was published by enough to say so.
  func differs(_ spec: PointSpec) -> Bool {
    guard everReported else { return true }
    if quality != reportedQuality { return true }
    if quality != .good && quality != .outOfRange { return false }
    let change = value > reportedValue ? value - reportedValue : reportedValue - value
    return spec.report.delta > 0 ? change >= spec.report.delta : change > 0
  }
}

/// When reports are made.
enum Pacing: BitwiseCopyable {
  /// As the profile says.
  case usual
  /// At once: the agent stops, and nothing that is known is to wait for its turn.
  case atOnce
  /// No more: the broker has been told that nothing follows.
  case over
}
