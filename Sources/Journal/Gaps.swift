/// Where the stream stops in front of a block that can't be used and goes on behind it: what is there, if
/// anything, was never durable, lies behind the gap once more, and is read only there.
///
/// A record of its own, at the beginning of the block behind the gap, says so on the medium. Where it is
/// lost with the power, nothing behind the gap has been, and what is whole in front counts.
struct Gaps: BitwiseCopyable {
  struct Gap: BitwiseCopyable {
    /// Where the stream stops, and where it goes on: behind the record that says so.
    var start: Int64 = 0
    var end: Int64 = 0
    /// The numbers of the record before it, and of the first one behind it.
    var before: UInt32 = 0
    var first: UInt32 = 0
    /// The walk along the stream has come over it.
    var isPassed = false

    /// True where a record of `sequence` within the gap is one that lies behind it once more, and not one
    /// of a later run, which did not find the gap. (Runs are further apart in number.)
    func holds(_ sequence: UInt32) -> Bool { sequence &- first < 0x1_0000 }
  }

  private var gaps = InlineArray<24, Gap>(repeating: Gap())
  private(set) var count = 0

  var isFull: Bool { count == gaps.count }

  /// Adds one more; there is room for it.
  mutating func add(_ gap: Gap) {
    gaps[count] = gap
    count += 1
  }

  /// The gap that holds `offset`; nil where there is none.
  func gap(at offset: Int64) -> Gap? {
    for index in 0..<count where gaps[index].start <= offset && offset < gaps[index].end {
      return gaps[index]
    }
    return nil
  }

  /// Where the stream goes on from `offset`: one gap may begin where another ends.
  func end(from offset: Int64) -> Int64 {
    var offset = offset
    for _ in 0..<count { offset = gap(at: offset)?.end ?? offset }
    return offset
  }

  /// Where the place is now that was `offset` for the owner before what lay there was put behind the gap:
  /// all of its places lie within the gap.
  func moved(_ offset: Int64) -> Int64 {
    var offset = offset
    for _ in 0..<count {
      guard let gap = gap(at: offset) else { break }
      offset += gap.end - gap.start
    }
    return offset
  }

  /// The stream is known to go on behind the gap that ends at `end`.
  mutating func pass(_ end: Int64) {
    for index in 0..<count where gaps[index].end == end { gaps[index].isPassed = true }
  }

  /// What ends before `head` is not read any more.
  mutating func forget(before head: Int64) { keep { $0.end > head } }

  /// The stream ends at `tail`, and goes on from there: gaps that were not passed, or not before it, are
  /// none.
  mutating func end(at tail: Int64) { keep { $0.isPassed && $0.end <= tail } }

  /// The gap that ends at `end` is none: the stream went on there.
  mutating func remove(_ end: Int64) { keep { $0.end != end } }

  private mutating func keep(_ isKept: (Gap) -> Bool) {
    var kept = 0
    for index in 0..<count where isKept(gaps[index]) {
      gaps[kept] = gaps[index]
      kept += 1
    }
    count = kept
  }
}
