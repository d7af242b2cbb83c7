import Core

/// What of the stream is settled: all before `head`, and a few stretches ahead of it.
///
/// Invariant: the stretches are in order, do not touch, and lie behind `head`.
struct SettledRanges: BitwiseCopyable {
  /// What a mark says.
  struct Mark: BitwiseCopyable {
    var ranges: SettledRanges
    var durable: Int64
    /// Where the inputs of a rewrite end that was under way.
    var boundary: Int64?
  }

  struct Stretch: BitwiseCopyable {
    var start: Int64 = 0
    var end: Int64 = 0
  }

  /// How many stretches are remembered; one more is forgotten, which costs a repetition.
  static var countMax: Int { 8 }

  private(set) var head: Int64 = 0
  private var stretches = InlineArray<8, Stretch>(repeating: Stretch())
  private(set) var count = 0

  init(head: Int64) { self.head = head }

  /// The most bytes of a mark's body.
  static var markBytesMax: Int { 24 + 16 * countMax }

  /// The bytes of a mark's body: head and durable, each stretch, and a rewrite's boundary.
  func markBytes(isRewriting: Bool) -> Int { 16 + 16 * count + (isRewriting ? 8 : 0) }

  func write(durable: Int64, boundary: Int64?, to out: inout OutputSpan<UInt8>) {
    out.append(littleEndian: UInt64(bitPattern: head), bytes: 8)
    out.append(littleEndian: UInt64(bitPattern: durable), bytes: 8)
    for index in 0..<count {
      out.append(littleEndian: UInt64(bitPattern: stretches[index].start), bytes: 8)
      out.append(littleEndian: UInt64(bitPattern: stretches[index].end), bytes: 8)
    }
    if let boundary { out.append(littleEndian: UInt64(bitPattern: boundary), bytes: 8) }
  }

  /// What the mark in `body`, which lies at `position`, says; nil where it can't be so.
  static func read(_ body: Span<UInt8>, at position: Int64) -> Mark? {
    guard body.count >= 16, body.count % 8 == 0, body.count <= markBytesMax else { return nil }
    let durable = Int64(bitPattern: body.littleEndian(at: 8, bytes: 8))
    var ranges = SettledRanges(head: Int64(bitPattern: body.littleEndian(at: 0, bytes: 8)))
    guard ranges.head >= 0, ranges.head <= position, durable >= 0, durable <= position else {
      return nil
    }
    for index in 0..<(body.count - 16) / 16 {
      let start = Int64(bitPattern: body.littleEndian(at: 16 + 16 * index, bytes: 8))
      let end = Int64(bitPattern: body.littleEndian(at: 24 + 16 * index, bytes: 8))
      guard start > ranges.head, end > start, end <= position else { return nil }
      ranges.settle(start, end)
    }
    guard body.count % 16 == 8 else { return Mark(ranges: ranges, durable: durable, boundary: nil) }
    let boundary = Int64(bitPattern: body.littleEndian(at: body.count - 8, bytes: 8))
    guard boundary >= ranges.head, boundary <= position else { return nil }
    return Mark(ranges: ranges, durable: durable, boundary: boundary)
  }

  /// True when the record at `offset` is settled.
  func contains(_ offset: Int64) -> Bool {
    if offset < head { return true }
    for index in 0..<count where stretches[index].start <= offset && offset < stretches[index].end {
      return true
    }
    return false
  }

  /// The end of the stretch that holds `offset`, or `offset` itself.
  func end(from offset: Int64) -> Int64 {
    if offset < head { return end(from: head) }
    for index in 0..<count where stretches[index].start <= offset && offset < stretches[index].end {
      return stretches[index].end
    }
    return offset
  }

  /// Where the last stretch ends that ends at `offset` or before; the head where there is none.
  func lastEnd(upTo offset: Int64) -> Int64 {
    var end = min(head, offset)
    for index in 0..<count where stretches[index].end <= offset { end = stretches[index].end }
    return end
  }

  /// Records from `start` up to `end` are settled.
  mutating func settle(_ start: Int64, _ end: Int64) {
    guard start < end, end > head else { return }
    if start <= head { return advance(to: end) }
    var merged = Stretch(start: start, end: end)
    var kept = InlineArray<8, Stretch>(repeating: Stretch())
    var keptCount = 0
    var isPlaced = false
    for index in 0..<count {
      let stretch = stretches[index]
      if stretch.end < merged.start {
        kept[keptCount] = stretch
        keptCount += 1
      } else if stretch.start > merged.end {
        if !isPlaced {
          // Where all places are taken, the newest stretch is forgotten.
          kept[keptCount] = merged
          keptCount += 1
          isPlaced = true
        }
        guard keptCount < Self.countMax else { break }
        kept[keptCount] = stretch
        keptCount += 1
      } else {
        merged.start = min(merged.start, stretch.start)
        merged.end = max(merged.end, stretch.end)
      }
    }
    if !isPlaced && keptCount < Self.countMax {
      kept[keptCount] = merged
      keptCount += 1
    }
    stretches = kept
    count = keptCount
  }

  /// All before `end` is settled.
  mutating func advance(to end: Int64) {
    guard end > head else { return }
    head = end
    var kept = 0
    for index in 0..<count {
      let stretch = stretches[index]
      if stretch.start <= head {
        head = max(head, stretch.end)
      } else {
        stretches[kept] = stretch
        kept += 1
      }
    }
    count = kept
  }
}
