import Core

/// The walk from the durable head to the stream's end: what of it is whole.
extension RecordRing where Medium: ~Copyable {
  /// A place in the stream, as one comes to it record by record.
  struct WalkPlace: BitwiseCopyable {
    /// Where the next record is looked for.
    var offset: Int64 = 0
    /// The number of the record before.
    var previous: UInt32?
    var context = RecordContext(repeating: 0)
    /// False behind a hole.
    var isContextKnown = true
    /// The block of the record before, where its first record begins, and the context there.
    var block: Int64 = -1
    var firstInBlock = Layout.noRecord
    var contextOfBlock = RecordContext(repeating: 0)
  }

  /// What the walk has found.
  struct Walk: BitwiseCopyable {
    /// How far it has come.
    var here = WalkPlace()
    /// All before it is known to be durable.
    var proven: Int64 = 0
    var ranges = SettledRanges(head: 0)
    /// The newest head that is known to be durable.
    var durableHead: Int64 = 0
    /// The head from which the stream is walked, and that of the last mark.
    var start: Int64 = 0
    var markHead: Int64 = 0
    var holes = Holes()
    /// The boundary of the last rewrite, where the last mark that may not be believed before it ends, and
    /// the first replacement that no mark has made count.
    var boundary: Int64?
    var chunkEnd: Int64 = 0
    var chunkStart: WalkPlace?
    /// Why what lies here could not be read.
    var fault: StorageFault?
  }

  /// Walks the stream that the medium holds.
  mutating func walkStream() -> Walk {
    var walk = Walk()
    var newest: Int64 = -1
    for index in 0..<layout.blockCount {
      guard let header = headerInPlace(index) else { continue }
      newest = max(newest, header.number)
      walk.durableHead = max(walk.durableHead, header.head)
      walk.proven = max(walk.proven, header.durable)
    }
    walk.ranges = SettledRanges(head: walk.durableHead)
    newest = newestBlock(behind: newest)
    readMarks(&walk, upTo: newest)
    walk.start = walk.ranges.head
    // A mark behind the stream's end is right, but will be written over: it has to be said again.
    walk.markHead = walk.durableHead
    begin(&walk, newest)
    while step(&walk, newest) {}
    // What replaces without a mark that makes it count has never been. It is not durable: there is no
    // sync in the middle of a chunk. (If it is, the mark has rotted.)
    if let chunkStart = walk.chunkStart, chunkStart.offset >= walk.proven { walk.here = chunkStart }
    return walk
  }

  /// The header in place `index` of the ring, when it is one of a block that belongs there.
  private mutating func headerInPlace(_ index: Int) -> BlockHeader? {
    do throws(StorageFault) {
      try Self.read(
        &medium, at: (1 + index) * layout.blockBytes, count: Layout.headerBytes, into: &record,
        from: 0)
    } catch {
      return nil
    }
    let id = layout.id
    guard let header = record.withSpan(count: Layout.headerBytes, { BlockHeader($0, id: id) }),
      Int(narrow: header.number % Int64(wide: layout.blockCount)) == index
    else { return nil }
    return header
  }

  /// The newest block there is: `newest`, or one behind it whose header has rotted.
  private mutating func newestBlock(behind newest: Int64) -> Int64 {
    var (newest, number) = (newest, newest + 1)
    // Between two records that begin in a block may be as many as the longest spans.
    while number <= newest + longestSpan, number < newest + Int64(wide: layout.blockCount),
      headerInPlace(Int(narrow: number % Int64(wide: layout.blockCount))) == nil
    {
      if nextRecord(from: layout.start(ofBlock: number), inBlock: number) != nil { newest = number }
      number += 1
    }
    return newest
  }

  /// Blocks that the longest record may reach into behind that in which it begins.
  var longestSpan: Int64 {
    1 + Int64(wide: (RecordHeader.byteCount + sizes.longest) / layout.payloadBytes)
  }

  /// Learns from the records in the newest blocks, behind what any header knows to be durable. What they
  /// say of durable records holds whether or not they themselves are of the stream.
  private mutating func readMarks(_ walk: inout Walk, upTo newest: Int64) {
    var number = max(layout.block(of: walk.proven), newest - Int64(wide: layout.blockCount) + 1)
    while number <= newest {
      var place = layout.start(ofBlock: number)
      while let record = nextRecord(from: place, inBlock: number) {
        place = record.place
        if record.header.followsSync { walk.proven = max(walk.proven, place) }
        if record.header.isMark, let mark = loadedMark(record.header, at: place) {
          if record.header.kind == .mark {
            walk.ranges.advance(to: min(mark.ranges.head, mark.durable))
          }
          walk.proven = max(walk.proven, mark.durable)
        }
        place += Int64(wide: record.header.byteCount)
      }
      number += 1
    }
  }

  /// Loads the first whole record at or behind `place` that begins in block `number`, wherever that is:
  /// the block's header may have rotted, and records in front of it.
  private mutating func nextRecord(
    from place: Int64, inBlock number: Int64
  ) -> (header: RecordHeader, place: Int64)? {
    var place = place
    let end = layout.start(ofBlock: number + 1)
    guard loadBlock(number) else { return nil }
    if place == layout.start(ofBlock: number), let header = blockHeader(number) {
      guard header.number == number, header.first != Layout.noRecord else { return nil }
      place += Int64(wide: header.first)
    }
    while place < end {
      if let header = loadRecord(at: place, before: .max) { return (header, place) }
      place += 1
    }
    return nil
  }

  /// True when the record that was loaded last, of `header`, is the one behind that of `previous`.
  private func isNext(_ header: RecordHeader, behind previous: UInt32?) -> Bool {
    guard let previous, header.sequence != previous &+ 1 else { return true }
    return header.kind == .run && loadedNumber() == previous
  }

  /// Finds where to begin: at the first record in the head's block, for the context's sake. Where the head
  /// is a block's beginning, in the block before: only the number of the record there tells whether what
  /// follows belongs to the stream, or an earlier run has left it.
  private mutating func begin(_ walk: inout Walk, _ newest: Int64) {
    let oldest = max(0, newest - Int64(wide: layout.blockCount) + 1)
    var number = max(layout.block(of: max(walk.start - 1, 0)), oldest)
    if blockHeader(number)?.number != number || blockHeader(number)?.first == Layout.noRecord {
      number = max(layout.block(of: walk.start), oldest)
    }
    walk.here.offset = max(walk.start, layout.start(ofBlock: number))
    walk.here.isContextKnown = number == newest + 1
    if let header = blockHeader(number), header.number == number {
      walk.here.context = header.context
      walk.here.isContextKnown = true
      if header.first != Layout.noRecord {
        walk.here.offset = layout.start(ofBlock: number) + Int64(wide: header.first)
      }
    }
    // Where even the head's block is gone, the next one that says where a record begins.
    while walk.start < layout.start(ofBlock: oldest), number <= newest {
      if let header = blockHeader(number), header.number == number,
        header.first != Layout.noRecord
      {
        walk.here.context = header.context
        walk.here.offset = layout.start(ofBlock: number) + Int64(wide: header.first)
        break
      }
      number += 1
    }
  }

  /// Takes the record at `walk.here.offset`, or finds out what the hole there is. False at the end.
  private mutating func step(_ walk: inout Walk, _ newest: Int64) -> Bool {
    forgetReadFault()
    // More blocks than the headers say: the newest ones may have rotted.
    let reach = max(newest, layout.block(of: walk.here.offset)) + 1 + longestSpan
    let last = layout.block(of: walk.start) + Int64(wide: layout.blockCount)
    let end = layout.start(ofBlock: max(min(reach, last), layout.block(of: walk.here.offset)))
    if let header = loadRecord(at: walk.here.offset, before: end),
      isNext(header, behind: walk.here.previous)
    {
      take(header, &walk)
      return true
    }
    if let header = nextBehindGap(walk, newest, before: end) {
      walk.here.offset = header.place
      take(header.header, &walk)
      return true
    }
    let wasProven = walk.here.offset < walk.proven
    if !wasProven { lookForProof(&walk, before: end) }
    guard walk.here.offset < walk.proven else {
      walk.fault = readFault
      return false
    }
    walk.here.isContextKnown = false
    let found = resync(
      from: walk.here.offset, behind: walk.here.previous, before: max(end, walk.proven))
    let next = min(found ?? walk.proven, walk.proven)
    if let header = loadRecord(at: next, before: end) {
      let distance = header.sequence &- (walk.here.previous ?? header.sequence)
      walk.holes.add(walk.here.offset, distance > 1 && distance < 0x1_0000 ? distance - 1 : 1)
      // Whatever number it has, it is durable and so the one that follows.
      walk.here.previous = header.sequence &- 1
    } else {
      walk.holes.add(walk.here.offset, 1)
    }
    walk.here.offset = next
    return true
  }

  /// The record that is next in number, at the beginning of a later block: what lies between was passed
  /// over, because the medium could not be read there. Loads it.
  private mutating func nextBehindGap(
    _ walk: Walk, _ newest: Int64, before end: Int64
  ) -> (header: RecordHeader, place: Int64)? {
    guard walk.here.previous != nil else { return nil }
    var number = layout.block(of: walk.here.offset) + 1
    while number <= newest {
      let place = layout.start(ofBlock: number)
      if let header = loadRecord(at: place, before: end),
        isNext(header, behind: walk.here.previous)
      {
        return (header, place)
      }
      number += 1
    }
    return nil
  }

  func loadedNumber() -> UInt32 {
    record.withSpan(from: RecordHeader.byteCount, count: 4) {
      UInt32(truncatingIfNeeded: $0.littleEndian(at: 0, bytes: 4))
    }
  }

  private mutating func take(_ header: RecordHeader, _ walk: inout Walk) {
    let before = walk.here
    let block = layout.block(of: walk.here.offset)
    if block != walk.here.block {
      walk.here.block = block
      walk.here.firstInBlock = layout.place(of: walk.here.offset)
      walk.here.contextOfBlock = walk.here.context
    }
    walk.here.previous = header.sequence
    if header.followsSync { walk.proven = max(walk.proven, walk.here.offset) }
    let end = walk.here.offset + Int64(wide: header.byteCount)
    switch header.kind {
    case .data, .run: break
    case .rewritten: walk.chunkStart = walk.chunkStart ?? before
    case .context:
      walk.here.context = loadedContext()
      walk.here.isContextKnown = true
    case .mark, .chunk:
      if let mark = loadedMark(header, at: walk.here.offset) {
        let known = walk.ranges.head
        walk.ranges = mark.ranges
        walk.ranges.advance(to: known)
        walk.proven = max(walk.proven, mark.durable)
        walk.markHead = max(walk.markHead, min(mark.ranges.head, mark.durable))
        if end <= walk.proven { walk.durableHead = max(walk.durableHead, walk.markHead) }
        walk.boundary = mark.boundary
        if header.kind == .chunk { walk.chunkEnd = end }
        walk.chunkStart = nil
      }
    }
    walk.here.offset = end
  }

  private func loadedMark(_ header: RecordHeader, at offset: Int64) -> SettledRanges.Mark? {
    record.withSpan(from: RecordHeader.byteCount, count: header.bodyBytes) {
      SettledRanges.read($0, at: offset)
    }
  }

  /// Looks behind a hole for a record that says that the hole lies among durable ones.
  private mutating func lookForProof(_ walk: inout Walk, before end: Int64) {
    var place = walk.here.offset
    var previous = walk.here.previous
    while let found = resync(from: place, behind: previous, before: end),
      let header = loadRecord(at: found, before: end)
    {
      if header.followsSync { walk.proven = max(walk.proven, found) }
      if header.isMark, let mark = loadedMark(header, at: found) {
        walk.proven = max(walk.proven, mark.durable)
      }
      if walk.proven > walk.here.offset { return }
      previous = header.sequence
      place = found
    }
  }
}
