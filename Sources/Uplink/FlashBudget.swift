import Core

/// How much the journal may write in a day, so that flash lasts as long as was planned.
///
/// A bucket that leaks three quarters of the budget in a day and holds one: in no 24 hours is more written
/// than the budget. What has to be written at once counts, but does not wait; what can wait, does.
struct FlashBudget: BitwiseCopyable {
  private let perDay: Double
  private var level = 0.0
  private var levelAt = Instant.boot
  private var blocksSeen: UInt64 = 0

  /// What a block costs, in bytes.
  static var blockBytes: Double { 4096 }

  /// A budget of `bytesPerDay`; 0 for no bound.
  init(bytesPerDay: Int, at start: Instant) {
    perDay = Double(bytesPerDay)
    levelAt = start
  }

  private var leakPerSecond: Double { perDay * 0.75 / 86_400 }

  /// The journal has written `blocks` blocks since the start.
  mutating func note(blocks: UInt64, at now: Instant) {
    guard perDay > 0 else { return }
    level = max(0, level - leakPerSecond * Self.seconds(now - levelAt))
    level += Double(Int(truncatingIfNeeded: blocks &- blocksSeen)) * Self.blockBytes
    blocksSeen = blocks
    levelAt = now
  }

  /// When `bytes` more may be written: a time that is past means now.
  func earliest(for bytes: Int) -> Instant {
    let excess = level + Double(bytes) + 2 * Self.blockBytes - perDay / 4
    guard perDay > 0, excess > 0, level > 0 else { return .boot }
    // What does not fit into the bucket at all waits until it is empty.
    // (From and to `Int`: on a 32-bit CPU other conversions of a Double need the heap.)
    let milliseconds = min(min(excess, level) / leakPerSecond * 1000, 2_000_000_000)
    return levelAt + .milliseconds(Int64(wide: Int(milliseconds)))
  }

  /// Bytes in the bucket, up to 2 GB: an `Int` may have 32 bits.
  func used(at now: Instant) -> Int {
    guard perDay > 0 else { return 0 }
    return Int(min(2e9, max(0, level - leakPerSecond * Self.seconds(now - levelAt))))
  }

  private static func seconds(_ interval: Interval) -> Double {
    Double(Int(narrow: interval.milliseconds)) / 1000
  }
}
