import Core

/// Why a record did not go out as it was.
public enum LossCause: BitwiseCopyable, Sendable {
  /// There was no room for it.
  case dropped
  /// It was merged with its neighbours.
  case thinned
  /// It had waited for too long.
  case expired
  /// A later one took its place.
  case replaced
}

/// How many records did not go out as they were, by cause.
public struct LossCounts: BitwiseCopyable, Equatable, Sendable {
  /// See `LossCause`.
  public var dropped: UInt32 = 0
  /// Readings that are only in a minimum, mean and maximum.
  public var thinned: UInt32 = 0
  /// See `LossCause`.
  public var expired: UInt32 = 0
  /// See `LossCause`.
  public var replaced: UInt32 = 0

  /// None.
  public init() {}

  /// True when there are none.
  public var isEmpty: Bool { self == LossCounts() }

  /// Counts `count` more.
  mutating func add(_ cause: LossCause, _ count: UInt32) {
    switch cause {
    case .dropped: dropped &+= count
    case .thinned: thinned &+= count
    case .expired: expired &+= count
    case .replaced: replaced &+= count
    }
  }

  /// What came in addition since `earlier`.
  public func since(_ earlier: LossCounts) -> LossCounts {
    var counts = LossCounts()
    counts.dropped = dropped &- earlier.dropped
    counts.thinned = thinned &- earlier.thinned
    counts.expired = expired &- earlier.expired
    counts.replaced = replaced &- earlier.replaced
    return counts
  }
}

/// Every record that did not go out as it was, by series and by whether it was an event: nothing is
/// lost quietly.
public struct LossLedger: ~Copyable {
  private var rows: Table<LossCounts>
  /// The sum over all series.
  public private(set) var total = LossCounts()
  /// Answers that were dropped, or found no room.
  public private(set) var answers: UInt32 = 0

  /// A ledger for series 0 up to `series`.
  init(series: Int, arena: inout Arena) {
    rows = arena.table("losses by point", count: 2 * series, filledWith: LossCounts())
  }

  /// The losses of a series: of its events, or of all else.
  public func losses(series: Int, events: Bool) -> LossCounts {
    let row = 2 * series + (events ? 1 : 0)
    return row < rows.count ? rows[row] : LossCounts()
  }

  /// A record that stands for `weight` readings is lost: where they are counted as thinned, they are not
  /// any more.
  mutating func lose(_ cause: LossCause, _ label: RecordLabel, _ weight: UInt32) {
    let row = 2 * Int(label.series) + (label.recordClass == .event ? 1 : 0)
    if weight > 1, row < rows.count {
      let thinned = min(weight, rows[row].thinned)
      count(.thinned, label, 0 &- thinned)
    }
    count(cause, label, weight)
  }

  /// Counts `count` more.
  mutating func count(_ cause: LossCause, _ label: RecordLabel, _ count: UInt32 = 1) {
    guard label.recordClass != .answer else {
      answers &+= count
      return
    }
    total.add(cause, count)
    let row = 2 * Int(label.series) + (label.recordClass == .event ? 1 : 0)
    if row < rows.count { rows.update(row) { $0.add(cause, count) } }
  }

  /// An answer found no room at all.
  public mutating func refusedAnswer() { answers &+= 1 }
}
