import Core

/// A journal: records in a ring of blocks on a medium that survives power cuts.
///
/// Records are appended to a stream that only grows; the medium holds its newest part:
///
///     | free |  settled  | kept and durable | written or waiting |  free  |
///             ^ head                          ^ durable             ^ tail
///
/// `append` puts a record into memory, `commit` writes what waits there and begins one sync for all of
/// it, `finishCommit` notices the sync's end. `settle` says that records need not be kept; that is
/// written along with the next commit, so a power cut may bring settled records back, but never loses
/// one that is not. A block is used again only once a durable record says that all in it is settled.
/// While nothing is appended or settled, nothing is written; nothing but the block that is being filled
/// is ever written twice in a lap.
///
/// After a power cut `open` finds every durable record, whatever became of those that were not: of
/// them it takes what is whole up to the first that is not. A durable record that has rotted since
/// costs that record.
///
/// Invariant: head <= durable head's block + blocks of the ring; durable <= tail.
public struct RecordRing<Medium: Storage & ~Copyable>: ~Copyable {
  /// The memory that a ring takes.
  public struct Sizes: BitwiseCopyable, Sendable {
    /// Bytes of a block on the medium: a power of two, 512 to 65,536.
    public var blockBytes: Int
    /// The largest body of a record.
    public var bodyBytesMax: Int
    /// True when `append` leaves room for a rewrite: an eighth of the ring, or what one chunk takes.
    public var reservesRewrite: Bool

    /// A ring of blocks, for records of bodies of at most `bodyBytesMax`.
    public init(blockBytes: Int = 4096, bodyBytesMax: Int, reservesRewrite: Bool = false) {
      precondition(Layout.isBlockSize(blockBytes) && bodyBytesMax >= 0 && bodyBytesMax < 0x100_0000)
      self.blockBytes = blockBytes
      self.bodyBytesMax = bodyBytesMax
      self.reservesRewrite = reservesRewrite
    }

    /// Of a ring that is never opened: it takes no memory.
    public static var none: Sizes { Sizes() }

    private init() { (blockBytes, bodyBytesMax, reservesRewrite) = (0, 0, false) }

    /// The largest body of a record of the owner's or the ring's own.
    var longest: Int { max(bodyBytesMax, SettledRanges.markBytesMax) }

    /// Blocks that are held in memory until they are written: one that is being filled, and room for
    /// the longest record.
    var bufferBlocks: Int {
      guard blockBytes > 0 else { return 0 }
      let payload = blockBytes - Layout.headerBytes
      return 2 + (longest + RecordHeader.byteCount) / payload
    }
  }

  let sizes: Sizes
  /// What the ring lies on.
  public internal(set) var medium: Medium
  var layout = Layout(blockBytes: 512, blockCount: Layout.blockCountMin, id: 0)
  /// True between a good `open` and the end.
  public internal(set) var isOpen = false
  /// Why the medium could not be written or synced; what waits stays in memory until `retry`.
  public internal(set) var fault: StorageFault?
  /// Counts since the program's start.
  public internal(set) var counters = JournalCounters()

  // The blocks from `bufferBlock` on as they are, or will be, on the medium; of the last one the bytes
  // up to `fill` are there, and those before `written` were written.
  var buffer: Table<UInt8>
  var bufferBlock: Int64 = 0
  var fill = 0
  var written = 0

  // The block that was read last.
  var cache: Table<UInt8>
  var cachedBlock: Int64 = -1
  // One record, being put together or read.
  var record: Table<UInt8>

  private let pinned = Pinned()

  var tailOffset: Int64 = 0
  var durableOffset: Int64 = 0
  /// Where the stream ended when the ring was opened.
  var openedAt: Int64 = 0
  /// The tail that the sync under way will make durable; nil without one.
  var syncing: Int64?
  var ranges = SettledRanges(head: 0)
  /// The head that the mark written last names, that of the sync under way, and the durable one.
  var markedHead: Int64 = 0
  var syncingHead: Int64 = 0
  var durableHead: Int64 = 0
  var hasUnwrittenMarks = false
  /// True when a mark was written behind the last sync that says more is settled than those before.
  var hasUnsyncedMark = false
  /// True while the medium works on a sync, also one that a failed write has made useless.
  var isMediumBusy = false
  /// Why the medium could not be read in the last `next`, when it could not: what that has left out may
  /// come again, and `contextRead` need not be right.
  public internal(set) var readFault: StorageFault?
  /// Where the inputs of the rewrite under way end; nil without one.
  var boundaryOffset: Int64?
  /// The first replacement of the chunk that is not finished.
  var chunkStart: Int64?
  var chunkRecords = 0
  /// Why an input may have been left out of it.
  var chunkReadFault: StorageFault?
  var sequenceBeforeChunk: UInt32 = 0
  var contextBeforeChunk = RecordContext(repeating: 0)
  /// True while the head depends on a chunk that is not durable yet: a mark must not be believed before
  /// it then.
  var isHeadConditional = false
  /// The block that could not be read last, and the places of those that were given up when the ring was
  /// opened: what lay there is lost.
  var unreadableBlock: Int64 = -1
  var givenUp = InlineArray<16, Int>(repeating: 0)
  var givenUpCount = 0
  /// Records of the owner since the last sync was begun.
  var unsyncedRecords = 0
  var syncingRecords = 0

  var sequence: UInt32 = 0
  /// The number that the run's first record has to name as the one before; nil once it is written.
  var sequenceBefore: UInt32?
  var chance = Generator(seed: 0)
  /// The context of the records that are appended.
  public internal(set) var context = RecordContext(repeating: 0)
  var writtenContext = RecordContext(repeating: 0)
  /// False when the context at the tail had to be guessed: what says it has rotted, or can't be read.
  var isContextKnown = true
  // Where reading would go on, and the context there.
  var readOffset: Int64 = -1
  var readContext = RecordContext(repeating: 0)

  /// A ring over `medium` that is not open yet, in memory from `arena`.
  public init(_ medium: consuming Medium, sizes: Sizes, arena: inout Arena) {
    self.sizes = sizes
    self.medium = medium
    buffer = arena.table(
      "journal: blocks being filled", count: sizes.bufferBlocks * sizes.blockBytes, filledWith: 0)
    cache = arena.table("journal: the block read last", count: sizes.blockBytes, filledWith: 0)
    let recordBytes = sizes.blockBytes > 0 ? RecordHeader.byteCount + sizes.longest : 0
    record = arena.table("journal: a record", count: recordBytes, filledWith: 0)
  }

  /// Makes an empty ring of all of `medium`, whatever was there. `id` is drawn at random: it tells this
  /// ring's records from those that lie there already. False when the medium is too small for a ring.
  public static func format(
    _ medium: inout Medium, blockBytes: Int = 4096, id: UInt64
  ) throws(StorageFault) -> Bool {
    let count = medium.byteCount / blockBytes - 2
    guard Layout.isBlockSize(blockBytes), count >= Layout.blockCountMin else { return false }
    let layout = Layout(blockBytes: blockBytes, blockCount: count, id: id)
    let superblock = FixedText<36> { layout.writeSuperblock(to: &$0) }
    try write(superblock, to: &medium, at: 0)
    try write(superblock, to: &medium, at: (count + 1) * blockBytes)
    return true
  }

  static func write(
    _ superblock: FixedText<36>, to medium: inout Medium, at address: Int
  ) throws(StorageFault) {
    try superblock.withBytes { (bytes) throws(StorageFault) in
      try medium.write(bytes, at: address)
    }
  }

  // MARK: What is where

  /// The oldest record that may not be settled.
  public var head: RecordPosition { RecordPosition(offset: ranges.head) }

  /// All records before it are on the medium for good.
  public var durable: RecordPosition { RecordPosition(offset: durableOffset) }

  /// Where the next record will be.
  public var tail: RecordPosition { RecordPosition(offset: tailOffset) }

  /// True while there is something that `commit` would make durable.
  public var hasUnsynced: Bool {
    chunkStart == nil
      && (unsyncedRecords > 0 || hasUnsyncedMark || hasUnwrittenMarks && canSayMark)
  }

  /// True between `commit` and the end of its sync.
  public var isSyncing: Bool { syncing != nil }

  /// Bytes that records and their headers may take, of those that are free: none that are reserved.
  public var freeBytes: Int { max(0, unusedBytes - reservedBytes) }

  /// Bytes of the ring that only a rewrite takes.
  public var reservedBytes: Int {
    guard sizes.reservesRewrite else { return 0 }
    let chunk = layout.payloadBytes + RecordHeader.byteCount + sizes.bodyBytesMax + 512
    return min(max(capacityBytes / 8, chunk), capacityBytes / 2)
  }

  /// Bytes that are free, also for a rewrite's records.
  var unusedBytes: Int {
    let last = layout.block(of: durableHead) + Int64(wide: layout.blockCount - 2)
    let end = layout.start(ofBlock: last + 1)
    let bytes = Int(narrow: end - tailOffset)
    guard isGivenUp(from: tailOffset, upTo: end + 1) else { return max(0, bytes) }
    // Blocks that are passed over, and what is left empty in front of them.
    let passed = givenUpCount * (2 + Int(narrow: longestSpan))
    return max(0, bytes - passed * layout.payloadBytes)
  }

  /// Bytes that records and their headers may take in all, those of a rewrite among them.
  public var capacityBytes: Int { (layout.blockCount - 1) * layout.payloadBytes }

  /// Bytes of those that `append` takes: all but the reserved ones.
  public var roomBytes: Int { capacityBytes - reservedBytes }

  /// Bytes of that room that are taken: none in an empty ring, all where `append` finds it full.
  public var usedBytes: Int { roomBytes - freeBytes }
}

/// What a journal has done since the program's start.
public struct JournalCounters: BitwiseCopyable, Sendable {
  /// Bytes that were handed to the medium.
  public var bytesWritten: UInt64 = 0
  /// Blocks that the medium had to write for them: what wears flash.
  public var blocksWritten: UInt64 = 0
  /// Syncs that were begun.
  public var syncs: UInt32 = 0
  /// Records of the owner that were appended.
  public var appended: UInt64 = 0
  /// Records that were appended in place of others.
  public var rewritten: UInt64 = 0
  /// Durable records that could not be read any more.
  public var rotten: UInt32 = 0
}
