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
/// it has set free: they may be half written over. That of a rewrite's chunk counts only in its place in
/// the stream, and the inputs before it are holes then.) From that head on the stream is walked record by
/// record. Where none is whole, there is a hole. Of a hole that something behind it proves to lie among
/// durable records, the rest is read on behind it: a record has rotted. Any other hole is where the
/// stream ends: what lies behind it was never durable. So does it where a rewrite's chunk has no mark.
extension RecordRing where Medium: ~Copyable {
  /// Opens the ring on the medium. `seed` is drawn at random: from it comes what tells the records of
  /// this run from those that a torn tail has left behind. Whatever is on the medium, the ring is open
  /// afterwards as long as one of the superblocks is whole, or several blocks' headers, and the medium can
  /// be read.
  ///
  /// `givingUp` opens it also where blocks can't be read: what is in these is lost and counted, and the
  /// stream goes on behind them. Without it such a medium is `.failed`, and nothing is lost by trying
  /// again.
  ///
  /// `repairing` writes a superblock again that is damaged, once all the rest could be read; else nothing
  /// is ever written here.
  public mutating func open(
    seed: UInt64, givingUp: Bool = false, repairing: Bool = false
  ) -> JournalOpening {
    precondition(!isOpen)
    do throws(StorageFault) {
      guard let found = try readLayout(givingUp) ?? layoutFromBlocks() else { return .notAJournal }
      guard found.blockBytes == sizes.blockBytes else {
        return .otherBlocks(bytes: found.blockBytes)
      }
      layout = found
      chance = Generator(seed: seed)
      // Nothing is in the buffer: all is read from the medium.
      bufferBlock = .max
      givenUpCount = 0
      if givingUp { try findUnreadable() }
      var walk = walkStream()
      if givingUp { passUnreadable(&walk) }
      // Where it can't be read, the stream may go on: who appends there would write over it.
      if let fault = walk.fault { throw fault }
      try goOn(behind: walk)
    } catch {
      return .failed(error)
    }
    isOpen = true
    if repairing { repairSuperblocks() }
    return .opened
  }

  private mutating func goOn(behind walk: Walk) throws(StorageFault) {
    tailOffset = max(walk.here.offset, walk.proven)
    durableOffset = min(walk.proven, tailOffset)
    openedAt = tailOffset
    ranges = walk.ranges
    if ranges.head > tailOffset { tailOffset = ranges.head }
    durableHead = walk.durableHead
    markedHead = max(durableHead, walk.markHead)
    syncing = nil
    boundaryOffset = walk.boundary.flatMap { ranges.head < $0 ? $0 : nil }
    chunkStart = nil
    chunkRecords = 0
    isHeadConditional = walk.chunkEnd > durableOffset
    counters.rotten &+= walk.holes.records(behind: ranges.head)
    // What a killed program has written may be in the system's memory only.
    unsyncedRecords = tailOffset > durableOffset || markedHead > durableHead ? 1 : 0
    hasUnwrittenMarks = ranges.head > markedHead
    context = walk.here.context
    writtenContext = walk.here.context
    isContextKnown = walk.here.isContextKnown
    sequenceBefore = walk.here.previous ?? 0
    sequence = (walk.here.previous ?? 0) &+ runJump()
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
    // Its header has not reached the medium, or has rotted. Where no record begins in it yet, the one at
    // the stream's end will be the first.
    let isKnown = walk.here.block == number
    let header = BlockHeader(
      first: isKnown ? walk.here.firstInBlock : place, number: number, head: durableHead,
      durable: durableOffset, context: isKnown ? walk.here.contextOfBlock : walk.here.context)
    let id = layout.id
    _ = buffer.fill(from: 0, limit: Layout.headerBytes) { header.write(to: &$0, id: id) }
    written = 0
  }
}
