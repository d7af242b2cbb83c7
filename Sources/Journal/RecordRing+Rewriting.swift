import Core

/// Room without losing the past: old records are read and replaced by fewer, chunk by chunk.
///
///     | inputs that are left |  replacements, chunk  |  replacements, chunk  |
///      ^ head                 ^ boundary                                      ^ tail
///
/// The owner calls `beginRewrite`, and then, until `endRewrite` is true,
///
/// 1. reads inputs with `next` from the head on, which is nil at the boundary;
/// 2. appends what replaces them, each in its context: `setContext`, `appendRewritten`, `keepRewritten`;
/// 3. calls `finishRewriteChunk`, which says that these inputs are gone and their replacements count;
/// 4. calls `commit`, and waits until `finishCommit` is true: only then is the inputs' room free.
///
/// `endRewrite` is true once no input is left. Then the ring holds the replacements, in order; what the
/// owner settled meanwhile is settled. The owner sets its own context again, and appends as ever.
///
/// A chunk counts as a whole or not at all. After a power cut, or the program's end, a chunk that is not
/// finished, or was not durable, has never been: its inputs are there. Those before it count. When
/// inputs are left, `rewriteUnderWay` is the boundary, and the owner goes on from step 1 (with a `commit`
/// before, while `hasUnsynced`). Until the end of the rewrite `append` answers `.busy`. What replaces is
/// older than the inputs that are left: who only wants to look reads `nextReplacement` from the boundary
/// on, then `next` from the head on.
///
/// When the medium fails, the chunk stays as it is, and `retry` writes it again; nothing is synced before
/// the chunk is finished. Who does not remember what it has appended calls `abandonRewriteChunk`, and
/// begins the chunk anew. What `append` reserves is there for the chunks: one of at least a block of
/// inputs whose replacements take no more room than these, and so any rewrite in such chunks, comes to
/// its end. `.full` in the middle of a chunk: finish it with what it has, so far as that goes.
extension RecordRing where Medium: ~Copyable {
  /// Where the inputs of the rewrite under way end; nil without one. Set by `beginRewrite`, and by `open`
  /// when inputs are left of one that was cut off.
  public var rewriteUnderWay: RecordPosition? {
    boundaryOffset.map { RecordPosition(offset: $0) }
  }

  /// Begins a rewrite of all that is kept. False while anything is not durable yet (`commit` first), the
  /// medium fails, there is nothing to rewrite, or a rewrite is under way.
  public mutating func beginRewrite() -> Bool {
    guard isOpen, fault == nil, boundaryOffset == nil, syncing == nil, unsyncedRecords == 0,
      ranges.head < durableOffset
    else { return false }
    // Behind it is nothing but, perhaps, what the ring itself says.
    boundaryOffset = durableOffset
    return true
  }

  /// Bytes that replacements and their headers may still take before the next `finishRewriteChunk`.
  public var rewriteFreeBytes: Int { max(0, unusedBytes - Self.chunkMarkBytes) }

  /// Appends a record that takes the place of inputs once the chunk is finished; returns where it will
  /// be. Throws and appends nothing: `.busy` when the chunk before is not durable yet, `.full` when the
  /// reserve is used up too. What `next` has lent is gone.
  @discardableResult
  public mutating func appendRewritten(
    recordClass: UInt8, time: Instant, bodyBytes: Int, fill: (inout OutputSpan<UInt8>) -> Void
  ) throws(AppendFault) -> RecordPosition {
    precondition(recordClass < 16)
    try prepareRewritten(bodyBytes)
    return try putRewritten(
      recordClass, UInt64(bitPattern: time.nanoseconds), bodyBytes: bodyBytes, fill: fill)
  }

  /// Appends the input `head` as it is, in the context that is set; as `appendRewritten` else. Throws
  /// `.storage` when it can't be read any more.
  @discardableResult
  public mutating func keepRewritten(
    _ head: RecordHead
  ) throws(AppendFault) -> RecordPosition {
    try prepareRewritten(head.bodyBytes)
    guard loadRecord(at: head.position.offset, before: head.next.offset) != nil else {
      throw .storage(readFault ?? .failed(code: 5))
    }
    return try putRewritten(
      head.recordClass, UInt64(bitPattern: head.time.nanoseconds), bodyBytes: head.bodyBytes,
      isLoaded: true, fill: { _ in })
  }

  private mutating func prepareRewritten(_ bodyBytes: Int) throws(AppendFault) {
    precondition(boundaryOffset != nil, "within a rewrite")
    guard bodyBytes <= sizes.bodyBytesMax, bodyBytes <= capacityBytes / 4 else { throw .tooLarge }
    if let fault { throw .storage(fault) }
    guard canAddToChunk else { throw .busy }
    guard Self.prefaceBytes + RecordHeader.byteCount + bodyBytes <= rewriteFreeBytes else {
      throw .full
    }
    try beginRun()
    try sayContext()
  }

  private mutating func putRewritten(
    _ recordClass: UInt8, _ time: UInt64, bodyBytes: Int, isLoaded: Bool = false,
    fill: (inout OutputSpan<UInt8>) -> Void
  ) throws(AppendFault) -> RecordPosition {
    let position = tail
    let before = sequence &- 1
    try put(
      .rewritten, recordClass, time: time, bodyBytes: bodyBytes, isLoaded: isLoaded, fill: fill)
    if chunkStart == nil {
      chunkStart = position.offset
      sequenceBeforeChunk = before
      contextBeforeChunk = writtenContext
    }
    chunkRecords += 1
    counters.rewritten &+= 1
    return position
  }

  /// From here on the inputs before `consumed` are gone, and what was appended since the last chunk is in
  /// their place. Both hold after a cut once a `commit` has come to its end; before, neither may.
  ///
  /// `consumed` is an input's `next`, or the boundary. Throws, and the chunk is not finished: `.busy`
  /// when the chunk before is not durable yet, `.full` only for a chunk without replacements, `.storage`
  /// also when the medium could not be read since the chunk began (abandon it then, and begin anew);
  /// `losingUnread` gives up what could not be read.
  public mutating func finishRewriteChunk(
    consumedUpTo consumed: RecordPosition, losingUnread: Bool = false
  ) throws(AppendFault) {
    guard let boundaryOffset else { preconditionFailure("within a rewrite") }
    precondition(consumed.offset <= boundaryOffset)
    if let fault { throw .storage(fault) }
    if let chunkReadFault, !losingUnread { throw .storage(chunkReadFault) }
    guard canAddToChunk else { throw .busy }
    let before = ranges
    ranges.advance(to: consumed.offset)
    passWhatIsNotKept()
    guard canSayMark else {
      ranges = before
      throw .full
    }
    isHeadConditional = true
    do throws(StorageFault) { try sayMark() } catch {
      ranges = before
      isHeadConditional = false
      throw .storage(error)
    }
    chunkStart = nil
    chunkReadFault = nil
    unsyncedRecords += chunkRecords + 1
    chunkRecords = 0
  }

  /// Takes back what was appended since the last chunk was finished: the inputs are still there. Throws,
  /// and takes nothing back, when the medium has to be read for that and fails.
  public mutating func abandonRewriteChunk() throws(StorageFault) {
    guard let start = chunkStart else {
      chunkReadFault = nil
      return
    }
    let number = layout.block(of: start)
    let place = layout.place(of: start)
    if number < bufferBlock {
      if place > 0 {
        try Self.read(
          &medium, at: layout.address(ofBlock: number), count: layout.blockBytes, into: &buffer,
          from: 0)
      }
      bufferBlock = number
      written = .max
    }
    fill = Int(narrow: number - bufferBlock) * layout.blockBytes
    if place > 0 { fill += Layout.headerBytes + place }
    written = min(written, fill)
    tailOffset = start
    // What was written of it is not taken for what comes now: another run of numbers begins.
    sequenceBefore = sequenceBeforeChunk
    sequence &+= runJump()
    writtenContext = contextBeforeChunk
    chunkStart = nil
    chunkRecords = 0
    chunkReadFault = nil
    cachedBlock = -1
    readOffset = -1
  }

  /// Ends the rewrite. False while inputs are left, or a chunk is not finished.
  public mutating func endRewrite() -> Bool {
    guard let boundaryOffset, chunkStart == nil, ranges.head >= boundaryOffset else { return false }
    self.boundaryOffset = nil
    return true
  }

  /// The bytes that a chunk's mark may take, with what the ring has to say before it.
  private static var chunkMarkBytes: Int {
    2 * RecordHeader.byteCount + 4 + SettledRanges.markBytesMax
  }

  /// The chunk before is durable: its inputs' blocks are written over, and what becomes durable next
  /// must be this chunk's end and nothing of its middle.
  private var canAddToChunk: Bool {
    chunkStart != nil || syncing == nil && unsyncedRecords == 0
  }
}
