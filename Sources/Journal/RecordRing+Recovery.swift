import Core

/// What `open` has found.
public enum JournalOpening: BitwiseCopyable, Equatable, Sendable {
  /// A journal, with all that was durable in it.
  case opened
  /// There is no journal on the medium, or nothing left that would say so.
  case notAJournal
  /// The journal is one of blocks of so many bytes, not of those that memory was taken for.
  case otherBlocks(bytes: Int)
  /// The medium can't be read.
  case failed(StorageFault)
}

/// From whatever a power cut has left to a ring that goes on.
///
/// The headers of the blocks say which is the newest, and which head was durable when it was begun; the
/// newest mark in the newest blocks may know a later one. (It has to be found without the blocks that
/// it has set free: they may be half written over.) From that head on the stream is walked record by
/// record. Where none is whole, there is a hole. Of a
/// hole that something behind it proves to lie among durable records, the rest is read on behind it: a
/// record has rotted. Any other hole is where the stream ends: what lies behind it was never durable.
extension RecordRing where Medium: ~Copyable {
  /// Opens the ring on the medium. `seed` is drawn at random: from it comes what tells the records of
  /// this run from those that a torn tail has left behind. Whatever is on the medium, the ring is open
  /// afterwards as long as one of the superblocks is whole and the medium can be read.
  public mutating func open(seed: UInt64) -> JournalOpening {
    precondition(!isOpen)
    do throws(StorageFault) {
      guard let found = try readLayout() else { return .notAJournal }
      guard found.blockBytes == sizes.blockBytes else {
        return .otherBlocks(bytes: found.blockBytes)
      }
      layout = found
      chance = Generator(seed: seed)
      // Nothing is in the buffer: all is read from the medium.
      bufferBlock = .max
      let walk = walkStream()
      // Where it can't be read, the stream may go on: who appends there would write over it.
      if let fault = walk.fault { throw fault }
      try goOn(behind: walk)
    } catch {
      return .failed(error)
    }
    isOpen = true
    return .opened
  }

  private mutating func readLayout() throws(StorageFault) -> Layout? {
    let size = medium.byteCount
    guard size >= 2 * Layout.superblockBytes else { return nil }
    if let layout = try superblock(at: 0, size) { return layout }
    // The other one is a block before the end, whatever the blocks' size.
    var blockBytes = 512
    while blockBytes <= 65_536 {
      let address = (size / blockBytes - 1) * blockBytes
      if address > 0, let layout = try superblock(at: address, size),
        layout.blockBytes == blockBytes
      {
        return layout
      }
      blockBytes *= 2
    }
    return nil
  }

  private mutating func superblock(
    at address: Int, _ size: Int
  ) throws(StorageFault) -> Layout? {
    guard address + Layout.superblockBytes <= size else { return nil }
    try Self.read(&medium, at: address, count: Layout.superblockBytes, into: &record, from: 0)
    return record.withSpan(count: Layout.superblockBytes) {
      Layout(superblock: $0, mediumBytes: size)
    }
  }

  // MARK: The walk

  /// How far the walk has come.
  struct Walk: BitwiseCopyable {
    /// Where the next record is looked for.
    var offset: Int64 = 0
    /// All before it is known to be durable.
    var proven: Int64 = 0
    /// The number of the record before.
    var previous: UInt32?
    var ranges = SettledRanges(head: 0)
    /// The newest head that is known to be durable.
    var durableHead: Int64 = 0
    /// The head from which the stream is walked, and that of the last mark.
    var start: Int64 = 0
    var markHead: Int64 = 0
    var context = RecordContext(repeating: 0)
    /// The block of the record before, where its first record begins, and the context there.
    var block: Int64 = -1
    var firstInBlock = Layout.noRecord
    var contextOfBlock = RecordContext(repeating: 0)
    var holes = Holes()
    /// False behind a hole.
    var isContextKnown = true
    /// Why what lies at `offset` could not be read.
    var fault: StorageFault?
  }

  private mutating func walkStream() -> Walk {
    var walk = Walk()
    var newest: Int64 = -1
    for index in 0..<layout.blockCount {
      guard let header = headerInPlace(index) else { continue }
      newest = max(newest, header.number)
      walk.durableHead = max(walk.durableHead, header.head)
      walk.proven = max(walk.proven, header.durable)
    }
    walk.ranges = SettledRanges(head: walk.durableHead)
    readMarks(&walk, upTo: newest)
    walk.start = walk.ranges.head
    // A mark behind the stream's end is right, but will be written over: it has to be said again.
    walk.markHead = walk.durableHead
    begin(&walk, newest)
    while step(&walk, newest) {}
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

  /// Learns from the marks in the newest blocks, behind what any header knows to be durable. What they
  /// say of durable records holds whether or not they themselves are of the stream.
  private mutating func readMarks(_ walk: inout Walk, upTo newest: Int64) {
    var number = max(
      layout.block(of: walk.proven), newest - Int64(wide: layout.blockCount) + 1)
    while number <= newest {
      if let header = blockHeader(number), header.number == number,
        header.first != Layout.noRecord
      {
        var place = layout.start(ofBlock: number) + Int64(wide: header.first)
        let next = layout.start(ofBlock: number + 1)
        while place < next, let record = loadRecord(at: place, before: .max) {
          if record.kind == .mark, let mark = loadedMark(record, at: place) {
            walk.ranges.advance(to: min(mark.ranges.head, mark.durable))
            walk.proven = max(walk.proven, mark.durable)
          }
          place += Int64(wide: record.byteCount)
        }
      }
      number += 1
    }
  }

  /// Finds where to begin: at the first record in the head's block, for the context's sake.
  private mutating func begin(_ walk: inout Walk, _ newest: Int64) {
    let oldest = max(0, newest - Int64(wide: layout.blockCount) + 1)
    var number = max(layout.block(of: walk.start), oldest)
    walk.offset = max(walk.start, layout.start(ofBlock: number))
    walk.isContextKnown = number == newest + 1
    if let header = blockHeader(number), header.number == number {
      walk.context = header.context
      walk.isContextKnown = true
      if header.first != Layout.noRecord {
        walk.offset = layout.start(ofBlock: number) + Int64(wide: header.first)
      }
    }
    // Where even the head's block is gone, the next one that says where a record begins.
    while walk.start < layout.start(ofBlock: oldest), number <= newest {
      if let header = blockHeader(number), header.number == number,
        header.first != Layout.noRecord
      {
        walk.context = header.context
        walk.offset = layout.start(ofBlock: number) + Int64(wide: header.first)
        break
      }
      number += 1
    }
  }

  /// Takes the record at `walk.offset`, or finds out what the hole there is. False at the end.
  private mutating func step(_ walk: inout Walk, _ newest: Int64) -> Bool {
    readFault = nil
    // One block more than the headers say: the newest header may have rotted.
    let reach = max(newest, layout.block(of: walk.offset)) + 2
    let last = layout.block(of: walk.start) + Int64(wide: layout.blockCount)
    let end = layout.start(ofBlock: max(min(reach, last), layout.block(of: walk.offset)))
    if let header = loadRecord(at: walk.offset, before: end),
      header.sequence == walk.previous.map({ $0 &+ 1 }) ?? header.sequence
        || header.kind == .run && loadedNumber() == walk.previous
    {
      take(header, &walk)
      return true
    }
    let wasProven = walk.offset < walk.proven
    if !wasProven { lookForProof(&walk, before: end) }
    guard walk.offset < walk.proven else {
      walk.fault = readFault
      return false
    }
    walk.isContextKnown = false
    let found = resync(from: walk.offset, behind: walk.previous, before: max(end, walk.proven))
    let next = min(found ?? walk.proven, walk.proven)
    if let header = loadRecord(at: next, before: end) {
      let distance = header.sequence &- (walk.previous ?? header.sequence)
      walk.holes.add(walk.offset, distance > 1 && distance < 0x1_0000 ? distance - 1 : 1)
      // Whatever number it has, it is durable and so the one that follows.
      walk.previous = header.sequence &- 1
    } else {
      walk.holes.add(walk.offset, 1)
    }
    walk.offset = next
    return true
  }

  private func loadedNumber() -> UInt32 {
    record.withSpan(from: RecordHeader.byteCount, count: 4) {
      UInt32(truncatingIfNeeded: $0.littleEndian(at: 0, bytes: 4))
    }
  }

  private mutating func take(_ header: RecordHeader, _ walk: inout Walk) {
    let block = layout.block(of: walk.offset)
    if block != walk.block {
      walk.block = block
      walk.firstInBlock = layout.place(of: walk.offset)
      walk.contextOfBlock = walk.context
    }
    walk.previous = header.sequence
    if header.followsSync { walk.proven = max(walk.proven, walk.offset) }
    let end = walk.offset + Int64(wide: header.byteCount)
    switch header.kind {
    case .data, .run: break
    case .context:
      walk.context = loadedContext()
      walk.isContextKnown = true
    case .mark:
      if let mark = loadedMark(header, at: walk.offset) {
        let known = walk.ranges.head
        walk.ranges = mark.ranges
        walk.ranges.advance(to: known)
        walk.proven = max(walk.proven, mark.durable)
        walk.markHead = max(walk.markHead, min(mark.ranges.head, mark.durable))
        if end <= walk.proven { walk.durableHead = max(walk.durableHead, walk.markHead) }
      }
    }
    walk.offset = end
  }

  private func loadedMark(
    _ header: RecordHeader, at offset: Int64
  ) -> (ranges: SettledRanges, durable: Int64)? {
    record.withSpan(from: RecordHeader.byteCount, count: header.bodyBytes) {
      SettledRanges.read($0, at: offset)
    }
  }

  /// Looks behind a hole for a record that says that the hole lies among durable ones.
  private mutating func lookForProof(_ walk: inout Walk, before end: Int64) {
    var place = walk.offset
    var previous = walk.previous
    while let found = resync(from: place, behind: previous, before: end),
      let header = loadRecord(at: found, before: end)
    {
      if header.followsSync { walk.proven = max(walk.proven, found) }
      if header.kind == .mark, let mark = loadedMark(header, at: found) {
        walk.proven = max(walk.proven, mark.durable)
      }
      if walk.proven > walk.offset { return }
      previous = header.sequence
      place = found
    }
  }

  // MARK: Going on

  private mutating func goOn(behind walk: Walk) throws(StorageFault) {
    tailOffset = max(walk.offset, walk.proven)
    durableOffset = min(walk.proven, tailOffset)
    openedAt = tailOffset
    ranges = walk.ranges
    if ranges.head > tailOffset { tailOffset = ranges.head }
    durableHead = walk.durableHead
    markedHead = max(durableHead, walk.markHead)
    syncing = nil
    counters.rotten &+= walk.holes.records(behind: ranges.head)
    // What a killed program has written may be in the system's memory only.
    unsyncedRecords = tailOffset > durableOffset || markedHead > durableHead ? 1 : 0
    hasUnwrittenMarks = ranges.head > markedHead
    context = walk.context
    writtenContext = walk.context
    isContextKnown = walk.isContextKnown
    let jump = UInt32(truncatingIfNeeded: chance.next(below: 0x4000_0000)) + 0x10_0000
    sequenceBefore = walk.previous ?? 0
    sequence = (walk.previous ?? 0) &+ jump
    try loadLastBlock(walk)
    cachedBlock = -1
    readOffset = -1
  }

  /// The block in which the stream goes on, as it is on the medium up to the stream's end.
  private mutating func loadLastBlock(_ walk: Walk) throws(StorageFault) {
    let number = layout.block(of: tailOffset)
    let place = layout.place(of: tailOffset)
    bufferBlock = number
    fill = 0
    written = 0
    guard place > 0 else { return }
    try Self.read(
      &medium, at: layout.address(ofBlock: number), count: layout.blockBytes, into: &buffer, from: 0
    )
    fill = Layout.headerBytes + place
    written = fill
    if let header = blockHeader(number), header.number == number { return }
    // Its header has not reached the medium, or has rotted.
    let isKnown = walk.block == number
    let header = BlockHeader(
      first: isKnown ? walk.firstInBlock : Layout.noRecord, number: number, head: durableHead,
      durable: durableOffset, context: isKnown ? walk.contextOfBlock : walk.context)
    let id = layout.id
    _ = buffer.fill(from: 0, limit: Layout.headerBytes) { header.write(to: &$0, id: id) }
    written = 0
  }
}

/// Where durable records could not be read. What lies before the head has been used again, perhaps
/// before the header of its new block reached the medium, and is no loss.
struct Holes: BitwiseCopyable {
  private var offsets = InlineArray<16, Int64>(repeating: 0)
  private var records = InlineArray<16, UInt32>(repeating: 0)
  private var count = 0

  /// `number` records are missing from `offset` on; holes come in order.
  mutating func add(_ offset: Int64, _ number: UInt32) {
    if count == offsets.count {
      offsets[count - 1] = offset
      records[count - 1] &+= number
    } else {
      offsets[count] = offset
      records[count] = number
      count += 1
    }
  }

  /// Records that are missing at or behind `head`.
  func records(behind head: Int64) -> UInt32 {
    var sum: UInt32 = 0
    for index in 0..<count where offsets[index] >= head { sum &+= records[index] }
    return sum
  }
}
