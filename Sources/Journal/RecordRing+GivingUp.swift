import Core

/// A medium with a stretch of blocks that can't be read, ever: a card that wears out.
///
/// What lay there is lost. From then on the ring passes that stretch over: no record reaches into it, and
/// behind it the next one begins with a block. In recovery such a record is known by its number.
extension RecordRing where Medium: ~Copyable {
  /// Notes which places of the ring can't be read. Throws when they are more than sixteen, or a quarter of
  /// the ring: such a medium is broken altogether, and each attempt may take seconds.
  mutating func findUnreadable() throws(StorageFault) {
    givenUpCount = 0
    for index in 0..<layout.blockCount {
      do throws(StorageFault) {
        try Self.read(
          &medium, at: (1 + index) * layout.blockBytes, count: layout.blockBytes, into: &cache,
          from: 0)
      } catch {
        guard givenUpCount < givenUp.count, givenUpCount < layout.blockCount / 4 else {
          throw error
        }
        givenUp[givenUpCount] = index
        givenUpCount += 1
      }
    }
    cachedBlock = -1
  }

  /// Where the stream seems to end in front of blocks that can't be read, it goes on behind them. All
  /// before counts as durable: what has gone with them is a hole, not an end.
  mutating func passUnreadable(_ walk: inout Walk) {
    var number = layout.block(of: walk.here.offset)
    // The record there may have begun in a block that can be read.
    while number < layout.block(of: walk.here.offset) + longestSpan, !isGivenUp(number) {
      number += 1
    }
    guard isGivenUp(number) else { return }
    let last = layout.block(of: walk.durableHead) + Int64(wide: layout.blockCount) - 2
    while number < last, isGivenUp(number) { number += 1 }
    guard !isGivenUp(number) else { return }
    walk.holes.add(walk.here.offset, 1)
    walk.here.offset = layout.start(ofBlock: number)
    walk.proven = walk.here.offset
    walk.here.isContextKnown = false
  }

  /// True when block `number` lies where the medium could not be read when the ring was opened.
  func isGivenUp(_ number: Int64) -> Bool {
    guard givenUpCount > 0 else { return false }
    let place = Int(narrow: number % Int64(wide: layout.blockCount))
    for index in 0..<givenUpCount where givenUp[index] == place { return true }
    return false
  }

  /// True when a block with any of these bytes of the stream is one that was given up.
  func isGivenUp(from start: Int64, upTo end: Int64) -> Bool {
    guard givenUpCount > 0 else { return false }
    let first = layout.block(of: start)
    let last = min(layout.block(of: end - 1), first + Int64(wide: layout.blockCount))
    var number = first
    while number <= last {
      if isGivenUp(number) { return true }
      number += 1
    }
    return false
  }

  /// Where a record of `count` bytes begins that is put now: behind what was given up, where it would
  /// reach into that.
  func beginning(of count: Int) -> Int64 {
    guard givenUpCount > 0 else { return tailOffset }
    var start = tailOffset
    for _ in 0...givenUpCount {
      // A block that is begun already is good.
      var number = layout.block(of: start) + (layout.place(of: start) > 0 ? 1 : 0)
      let last = layout.block(of: start + Int64(wide: count) - 1)
      while number <= last, !isGivenUp(number) { number += 1 }
      guard number <= last else { break }
      while isGivenUp(number) { number += 1 }
      start = layout.start(ofBlock: number)
    }
    return start
  }

  /// Moves the end of the stream to where a record of `count` bytes can be put.
  mutating func passGivenUp(_ count: Int) throws(StorageFault) {
    let start = beginning(of: count)
    guard start != tailOffset else { return }
    try write()
    tailOffset = start
    bufferBlock = layout.block(of: start)
    fill = 0
    written = 0
    cachedBlock = -1
  }
}
