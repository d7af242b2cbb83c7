import Core

/// Merges neighbouring records of each series: what has been read of a series and not been put out yet,
/// one record for each.
///
/// Thinning is even: all that waits is merged to the same weight, a power of two, whenever room gets
/// short. So a week without a link is a week of readings still, at lower resolution.
struct Merger: ~Copyable {
  private struct Slot: BitwiseCopyable {
    var size = 0
    var weight: UInt32 = 0
    var label = RecordLabel(.telemetry)
  }

  /// What a chunk of the journal has cost, while it may have to be taken back.
  private struct Cost: BitwiseCopyable {
    var thinned: UInt32 = 0
    var dropped: UInt32 = 0
  }

  private var bodies: Table<UInt8>
  private var costs: Table<Cost>
  private var slots: Table<Slot>
  private var spare: Table<UInt8>

  /// The longest body of a record that can be merged.
  static var bodyBytesMax: Int { 96 }

  init(series: Int, arena: inout Arena) {
    bodies = arena.table(
      "thinning: a reading by point", count: series * Self.bodyBytesMax, filledWith: 0)
    slots = arena.table("thinning: points", count: series, filledWith: Slot())
    // The last is of records of no series.
    costs = arena.table("thinning: losses", count: series + 1, filledWith: Cost())
    spare = arena.table("thinning: a merged reading", count: Self.bodyBytesMax, filledWith: 0)
  }

  /// The series that can be merged are those below it.
  var seriesCount: Int { slots.count }

  /// Bytes of the record of `series`; 0 for none.
  func size(_ series: Int) -> Int { slots[series].size }

  /// How many readings the record of `series` stands for; 0 for none.
  func weight(_ series: Int) -> UInt32 { slots[series].weight }

  /// Says how many readings the record of `series` stands for.
  mutating func setWeight(_ series: Int, _ weight: UInt32) { slots[series].weight = weight }

  /// What is said on the outside of the record of `series`.
  func label(_ series: Int) -> RecordLabel { slots[series].label }

  /// Lends the record of `series`.
  func withBody<R, E: Error>(
    _ series: Int, _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    try bodies.withSpan(from: series * Self.bodyBytesMax, count: size(series), body)
  }

  /// `body` is the record of the label's series, which had none, and stands for `weight` readings.
  mutating func put(_ label: RecordLabel, _ body: Span<UInt8>, weight: UInt32) {
    let series = Int(label.series)
    precondition(size(series) == 0 && body.count <= Self.bodyBytesMax)
    let count = bodies.fill(from: series * Self.bodyBytesMax, limit: Self.bodyBytesMax) { out in
      out.append(contentsOf: body)
    }
    slots[series] = Slot(size: count, weight: weight, label: label)
  }

  /// Merges `later` into the record of the label's series; false when the two can't be merged.
  mutating func merge(
    _ label: RecordLabel, with later: Span<UInt8>,
    _ renderer: borrowing some MessageRenderer & ~Copyable
  ) -> Bool {
    let series = Int(label.series)
    let count = Self.merge(
      bodies, series, size(series), later, label.recordClass, into: &spare, renderer)
    guard count > 0 else { return false }
    slots[series].size = Self.copy(spare, count, to: &bodies, series)
    return true
  }

  private static func merge(
    _ bodies: borrowing Table<UInt8>, _ series: Int, _ size: Int, _ later: Span<UInt8>,
    _ recordClass: RecordClass, into spare: inout Table<UInt8>,
    _ renderer: borrowing some MessageRenderer & ~Copyable
  ) -> Int {
    bodies.withSpan(from: series * bodyBytesMax, count: size) { earlier in
      spare.fill(from: 0) { out in renderer.merge(earlier, later, recordClass, into: &out) }
    }
  }

  private static func copy(
    _ spare: borrowing Table<UInt8>, _ count: Int, to bodies: inout Table<UInt8>, _ series: Int
  ) -> Int {
    spare.withSpan(count: count) { bytes in
      bodies.fill(from: series * bodyBytesMax, limit: bodyBytesMax) { out in
        out.append(contentsOf: bytes)
      }
    }
  }

  /// So many readings of `series` were merged, or events dropped; `countCosts` counts them.
  mutating func cost(_ series: UInt16, thinned: UInt32 = 0, dropped: UInt32 = 0) {
    costs.update(min(Int(series), seriesCount)) { cost in
      cost.thinned &+= thinned
      cost.dropped &+= dropped
    }
  }

  /// Counts what the chunk has cost: it is finished.
  mutating func countCosts(_ losses: inout LossLedger) {
    for index in 0..<costs.count {
      let series = index < seriesCount ? UInt16(truncatingIfNeeded: index) : 0xFFFF
      losses.count(.thinned, RecordLabel(.telemetry, series: series), costs[index].thinned)
      losses.count(.dropped, RecordLabel(.event, series: series), costs[index].dropped)
    }
    forgetCosts()
  }

  /// The chunk is taken back.
  mutating func forgetCosts() {
    for index in 0..<costs.count { costs[index] = Cost() }
  }

  /// The record of `series` has been put out.
  mutating func clear(_ series: Int) { slots[series] = Slot() }

  /// The least weight to merge to, so that readings of `weight` in all take no more than `room` bytes,
  /// `recordBytes` for each record; nil when there is no room for one of each series.
  func target(weight: UInt64, room: Int, recordBytes: Int) -> UInt32? {
    let records = UInt64(wide: max(0, room / recordBytes))
    guard records > UInt64(wide: seriesCount) else { return nil }
    var target: UInt32 = 2
    while target < 0x4000_0000,
      weight / UInt64(wide: target) + UInt64(wide: seriesCount) > records
    { target = target &* 2 }
    return target
  }
}
