import Core

/// A medium with a block that can't be written any more, while others can.
///
///     | ... a b c  R- | -R d e ...  |            | gap R d e ...    |
///                   ^ gap            bad           ^ behind it
///
/// When it has failed twice in a row, it is given up until the program's end: the records that reach
/// into it and are not durable, which are all in memory still, go on behind it, in order. A record in
/// front of them says where they were, so that a reader passes over what is left there, be it whole or
/// not. What the block holds of durable records, and of those from before the ring was opened, stays, and
/// is read from there.
///
/// Invariant: the block behind the gap begins with the record of the gap; all places that the owner knows of
/// what was moved lie within the gap.
extension RecordRing where Medium: ~Copyable {
  /// Notes a failure. `blocks` are those one of which has caused it.
  mutating func noteFailure(_ fault: StorageFault, _ blocks: ClosedRange<Int64>) {
    guard case .failed = fault else {
      failures = 0
      return
    }
    if failures > 0, blocks.overlaps(failedBlocks) {
      failedBlocks = blocks.clamped(to: failedBlocks)
      failures += 1
    } else {
      failedBlocks = blocks
      failures = 1
    }
  }

  /// Takes into memory again what was written and is not durable, where there is room for all of it.
  mutating func takeBack() throws(StorageFault) {
    let first = layout.block(of: durableOffset)
    let count = Int(narrow: bufferBlock - first) * layout.blockBytes
    guard count > 0, fill + count <= buffer.count,
      !isGivenUp(from: durableOffset, upTo: layout.start(ofBlock: bufferBlock))
    else { return }
    buffer.move(from: 0, to: count, count: fill)
    var done = 0
    while done < count {
      let number = first + Int64(wide: done / layout.blockBytes)
      do throws(StorageFault) {
        try Self.read(
          &medium, at: layout.address(ofBlock: number), count: layout.blockBytes, into: &buffer,
          from: done)
      } catch {
        buffer.move(from: count, to: 0, count: fill)
        throw error
      }
      done += layout.blockBytes
    }
    bufferBlock = first
    fill += count
    cachedBlock = -1
  }

  /// Passes over the blocks that have failed twice. Does nothing where that can't be done: what is not
  /// durable is too much for the memory, there is no room behind, too much was given up already, or what
  /// lies behind can't be written either.
  mutating func passFailedBlocks() {
    guard failures > 1, tailOffset > durableOffset, failedBlocks.lowerBound >= bufferBlock,
      failedBlocks.lowerBound <= layout.block(of: tailOffset - 1),
      failedBlocks.count + givenUpCount <= min(givenUp.count, layout.blockCount / 4)
    else { return }
    gaps.forget(before: durableHead)
    guard !gaps.isFull, let start = firstToMove() else { return }
    guard let context = context(at: start),
      let first = loadRecord(at: start, before: tailOffset)
    else { return }
    let payload = layout.payloadBytes
    let room = buffer.count / layout.blockBytes * payload
    let bytes = RecordHeader.gapBytes + Int(narrow: tailOffset - start)
    guard bytes <= room, let target = blockBehind(bytes) else { return }

    var number = failedBlocks.lowerBound
    while number <= failedBlocks.upperBound {
      giveUp(number)
      number += 1
    }
    failures = 0
    move(first, from: start, to: target, context)
  }

  private mutating func giveUp(_ number: Int64) {
    guard !isGivenUp(number) else { return }
    givenUp[givenUpCount] = Int(narrow: number % Int64(wide: layout.blockCount))
    givenUpCount += 1
  }

  /// Where the first record lies that is not durable and reaches into the blocks that have failed. Nil
  /// where there is none, or where from there on one does not follow the other up to the end.
  private mutating func firstToMove() -> Int64? {
    forgetReadFault()
    let bad = layout.start(ofBlock: failedBlocks.lowerBound)
    // What was there when the ring was opened may be durable, and nobody knows.
    var offset = gaps.end(from: max(durableOffset, openedAt))
    var start: Int64?
    while offset < tailOffset {
      if let header = loadRecord(at: offset, before: tailOffset) {
        let end = offset + Int64(wide: header.byteCount)
        if start == nil, end > bad { start = offset }
        offset = end
        guard gaps.gap(at: offset) != nil else { continue }
      }
      guard start == nil, readFault == nil else { return nil }
      let next = gaps.gap(at: offset)?.end
      guard let next = next ?? resync(from: offset, behind: nil, before: tailOffset) else {
        return nil
      }
      offset = next
    }
    return start
  }

  private mutating func context(at offset: Int64) -> RecordContext? {
    let number = layout.block(of: offset)
    guard let header = blockHeader(number), header.number == number else { return nil }
    seek(to: offset)
    return readFault == nil ? readContext : nil
  }

  /// The block behind all that there is, from which on `count` bytes find room in blocks that can be
  /// written: the first of them is tried, with what it holds. Nil where there is none.
  private mutating func blockBehind(_ count: Int) -> Int64? {
    let last = layout.block(of: durableHead) + Int64(wide: layout.blockCount) - 1
    var number = max(layout.block(of: tailOffset - 1), failedBlocks.upperBound) + 1
    var attempts = 0
    let end = layout.start(ofBlock: last)
    while attempts < 4, layout.start(ofBlock: number) + Int64(wide: count) <= end {
      let start = layout.start(ofBlock: number)
      if !isGivenUp(from: start, upTo: start + Int64(wide: count)) {
        attempts += 1
        if loadBlock(number), canWriteCache(to: number) { return number }
      }
      number += 1
    }
    return nil
  }

  private mutating func canWriteCache(to number: Int64) -> Bool {
    do throws(StorageFault) {
      try Self.write(
        cache, from: 0, count: layout.blockBytes, to: &medium, at: layout.address(ofBlock: number))
    } catch {
      return false
    }
    counters.bytesWritten &+= UInt64(wide: layout.blockBytes)
    counters.blocksWritten &+= 1
    return true
  }

  /// Puts all records from `start` on behind a gap, in block `target`. The first of them, `first`, is in
  /// `record`; of the others nothing lies in front of the buffer.
  private mutating func move(
    _ first: RecordHeader, from start: Int64, to target: Int64, _ contextThere: RecordContext
  ) {
    let gapBytes = RecordHeader.gapBytes
    let before = first.kind == .run ? loadedNumber() : first.sequence &- 1
    let shift = layout.start(ofBlock: target) + Int64(wide: gapBytes) - start
    let end = tailOffset + shift
    // The bytes of the stream first, as they are.
    let from = Int(narrow: start - layout.start(ofBlock: bufferBlock))
    let inFront = max(0, -from)
    moveStream(
      from: max(0, from), to: gapBytes + inFront, count: Int(narrow: tailOffset - start) - inFront)
    for index in 0..<inFront { buffer[bufferPlace(gapBytes + index)] = record[index] }

    ranges.shift(from: start, by: shift)
    if let chunkStart, chunkStart >= start { self.chunkStart = chunkStart + shift }
    writtenContext = contextThere
    readOffset = -1
    beginBehindGap(from: start, in: target, before: before, first: first.sequence)
    while tailOffset < end { putMoved(from: start, by: shift) }
  }

  /// Makes the bytes at the stream's end a record of their new place.
  private mutating func putMoved(from start: Int64, by shift: Int64) {
    guard var header = peek(at: tailOffset, before: .max),
      load(
        tailOffset + Int64(wide: RecordHeader.byteCount), header.bodyBytes,
        to: RecordHeader.byteCount)
    else { preconditionFailure("it was whole before") }
    header.followsSync = false
    if header.kind == .context { writtenContext = loadedContext() }
    if header.isMark { shiftMark(header.bodyBytes, from: start, by: shift) }
    compose(header, isLoaded: true) { _ in }
    copyIntoBlocks(header.byteCount)
    tailOffset += Int64(wide: header.byteCount)
  }

  /// What the mark in `record` says of what was moved: see `SettledRanges.shift`.
  private mutating func shiftMark(_ bodyBytes: Int, from start: Int64, by shift: Int64) {
    for index in 0..<bodyBytes / 8 where index != 1 {
      let place = RecordHeader.byteCount + 8 * index
      let value = record.withSpan(from: place, count: 8) {
        Int64(bitPattern: $0.littleEndian(at: 0, bytes: 8))
      }
      let isStart = index > 1 && index % 2 == 0
      guard value > start || isStart && value == start else { continue }
      _ = record.fill(from: place, limit: 8) {
        $0.append(littleEndian: UInt64(bitPattern: value + shift), bytes: 8)
      }
    }
  }

  /// Moves bytes of the stream within the buffer, each to its place behind a block's header.
  private mutating func moveStream(from source: Int, to target: Int, count: Int) {
    for index in 0..<count {
      let index = source < target ? count - 1 - index : index
      buffer[bufferPlace(target + index)] = buffer[bufferPlace(source + index)]
    }
  }

  /// Where byte `index` of the buffer's part of the stream is.
  private func bufferPlace(_ index: Int) -> Int {
    let payload = layout.payloadBytes
    return index / payload * layout.blockBytes + Layout.headerBytes + index % payload
  }
}
