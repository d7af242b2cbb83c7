import Core

/// Why a record was not appended.
public enum AppendFault: Error, BitwiseCopyable, Equatable, Sendable {
  /// There is no room before older records are settled, and that is durable.
  case full
  /// Not now: a rewrite is under way, or, within one, the chunk before is not durable yet.
  case busy
  /// Its body is larger than the ring was made for, or than a quarter of all its room.
  case tooLarge
  /// The medium fails; `retry` may help.
  case storage(StorageFault)
}

/// Records in, and onto the medium.
extension RecordRing where Medium: ~Copyable {
  /// Appends a record whose body of `bodyBytes` bytes `fill` writes; throws and appends nothing.
  @discardableResult
  public mutating func append(
    recordClass: UInt8, time: Instant, bodyBytes: Int, fill: (inout OutputSpan<UInt8>) -> Void
  ) throws(AppendFault) -> RecordPosition {
    precondition(isOpen && recordClass < 16)
    guard bodyBytes <= sizes.bodyBytesMax, bodyBytes <= capacityBytes / 4 else { throw .tooLarge }
    if let fault { throw .storage(fault) }
    guard boundaryOffset == nil else { throw .busy }
    guard Self.prefaceBytes + RecordHeader.byteCount + bodyBytes <= freeBytes else { throw .full }
    try beginRun()
    try sayContext()
    let position = tail
    try put(
      .data, recordClass, time: UInt64(bitPattern: time.nanoseconds), bodyBytes: bodyBytes,
      fill: fill)
    unsyncedRecords += 1
    counters.appended &+= 1
    return position
  }

  /// The records from now on are made in `context`.
  public mutating func setContext(_ context: RecordContext) { self.context = context }

  /// What the ring itself has to say before a record: that a run begins, and the context.
  static var prefaceBytes: Int { 2 * RecordHeader.byteCount + 4 + 32 }

  /// By what the numbers of a new run differ from those of the one before.
  mutating func runJump() -> UInt32 {
    UInt32(truncatingIfNeeded: chance.next(below: 0x4000_0000)) + 0x10_0000
  }

  mutating func beginRun() throws(AppendFault) {
    guard let before = sequenceBefore else { return }
    try put(.run, bodyBytes: 4) { $0.append(littleEndian: UInt64(wide: before), bytes: 4) }
    sequenceBefore = nil
  }

  mutating func sayContext() throws(AppendFault) {
    guard !Self.equal(context, writtenContext) || !isContextKnown else { return }
    let now = context
    let before = writtenContext
    // A block that is begun within this very record has it in its header already.
    writtenContext = now
    do throws(AppendFault) {
      try put(.context, bodyBytes: now.count) { out in
        for index in now.indices { out.append(now[index]) }
      }
    } catch {
      writtenContext = before
      throw error
    }
    isContextKnown = true
  }

  /// True when two contexts are the same.
  public static func equal(_ a: RecordContext, _ b: RecordContext) -> Bool {
    var difference: UInt8 = 0
    for index in a.indices { difference |= a[index] ^ b[index] }
    return difference == 0
  }

  /// Puts one record behind the last; the caller knows that the ring has room. When `isLoaded`, its body
  /// is in `record` already.
  mutating func put(
    _ kind: RecordHeader.Kind, _ recordClass: UInt8 = 0, time: UInt64 = 0, bodyBytes: Int,
    isLoaded: Bool = false, fill: (inout OutputSpan<UInt8>) -> Void
  ) throws(AppendFault) {
    do throws(StorageFault) {
      try passGivenUp(RecordHeader.byteCount + bodyBytes)
    } catch { throw .storage(error) }
    let header = RecordHeader(
      bodyBytes: bodyBytes, kind: kind, recordClass: recordClass,
      followsSync: durableOffset == tailOffset, sequence: sequence, time: time)
    if !hasBufferRoom(header.byteCount) {
      do throws(StorageFault) { try write() } catch { throw .storage(error) }
    }
    compose(header, isLoaded: isLoaded, fill)
    copyIntoBlocks(header.byteCount)
    tailOffset += Int64(wide: header.byteCount)
    sequence &+= 1
  }

  private func hasBufferRoom(_ count: Int) -> Bool {
    let end = layout.block(of: tailOffset + Int64(wide: count) - 1)
    return Int(narrow: end - bufferBlock) < sizes.bufferBlocks
  }

  private mutating func compose(
    _ header: RecordHeader, isLoaded: Bool, _ body: (inout OutputSpan<UInt8>) -> Void
  ) {
    let limit = (isLoaded ? RecordHeader.byteCount : header.byteCount) - 4
    let count = record.fill(from: 4, limit: limit) { out in
      header.write(to: &out)
      body(&out)
    }
    precondition(count == limit, "the caller wrote as much as it announced")
    let check = record.withSpan(count: header.byteCount) { layout.check(of: $0, at: tail) }
    _ = record.fill(from: 0, limit: 4) {
      $0.append(littleEndian: UInt64(wide: check), bytes: 4)
    }
  }

  /// Copies the composed record to the stream's end, block headers in between.
  private mutating func copyIntoBlocks(_ count: Int) {
    var done = 0
    while done < count {
      let offset = tailOffset + Int64(wide: done)
      let place = layout.place(of: offset)
      let number = layout.block(of: offset)
      let start = Int(narrow: number - bufferBlock) * layout.blockBytes
      if place == 0 { beginBlock(number, at: start, rest: count - done, isNew: done == 0) }
      let piece = min(count - done, layout.payloadBytes - place)
      Self.copy(
        from: record, at: done, count: piece, to: &buffer, at: start + Layout.headerBytes + place)
      done += piece
      fill = start + Layout.headerBytes + place + piece
    }
  }

  private mutating func beginBlock(_ number: Int64, at start: Int, rest: Int, isNew: Bool) {
    let first = isNew ? 0 : rest < layout.payloadBytes ? rest : Layout.noRecord
    let header = BlockHeader(
      first: first, number: number, head: durableHead, durable: durableOffset,
      context: writtenContext)
    let id = layout.id
    _ = buffer.fill(from: start, limit: Layout.headerBytes) { header.write(to: &$0, id: id) }
  }

  static func copy(
    from source: borrowing Table<UInt8>, at start: Int, count: Int, to target: inout Table<UInt8>,
    at place: Int
  ) {
    source.withSpan(from: start, count: count) { bytes in
      _ = target.fill(from: place, limit: count) { $0.append(contentsOf: bytes) }
    }
  }

  // MARK: Onto the medium

  /// Writes what waits, marks of what is settled included, and begins one sync for all of it.
  /// Does nothing while a sync is under way, or when there is nothing to make durable.
  public mutating func commit() throws(StorageFault) {
    guard isOpen, syncing == nil, hasUnsynced else { return }
    if let fault { throw fault }
    if hasUnwrittenMarks && canSayMark { try sayMark() }
    try write()
    do throws(StorageFault) {
      try medium.beginSync()
    } catch {
      throw failed(error)
    }
    counters.syncs &+= 1
    isMediumBusy = true
    hasUnsyncedMark = false
    syncing = tailOffset
    syncingHead = markedHead
    syncingRecords = unsyncedRecords
    unsyncedRecords = 0
  }

  /// Notices the end of a sync: true when one has come to its end.
  public mutating func finishCommit() throws(StorageFault) -> Bool {
    guard let end = syncing else { return false }
    do throws(StorageFault) {
      guard try medium.finishSync() else { return false }
    } catch {
      isMediumBusy = false
      throw failed(error)
    }
    isMediumBusy = false
    syncing = nil
    durableOffset = end
    durableHead = max(durableHead, syncingHead)
    isHeadConditional = false
    // A hole among several records can be told from a torn end only by something behind it: within a
    // rewrite that is the next chunk.
    if syncingRecords > 1 && tailOffset == end && boundaryOffset == nil && canSayMark {
      // What it says is settled besides is worth a sync of its own, sooner or later.
      hasUnsyncedMark = hasUnwrittenMarks
      try sayMark()
      try write()
    }
    return true
  }

  /// True when what is settled can be said: while there is room for records, and in the block that is
  /// set aside for this once it makes a block free. Else it waits until it does.
  var canSayMark: Bool {
    let body = ranges.markBytes(isRewriting: boundaryOffset != nil)
    let size = RecordHeader.byteCount + 4 + RecordHeader.byteCount + body
    if size <= (boundaryOffset == nil ? freeBytes : unusedBytes) { return true }
    let last = layout.block(of: durableHead) + Int64(wide: layout.blockCount - 1)
    return layout.block(of: beginning(of: size) + Int64(wide: size)) <= last
      && layout.block(of: min(ranges.head, durableOffset)) > layout.block(of: durableHead)
  }

  /// Says what is settled and durable.
  mutating func sayMark() throws(StorageFault) {
    let ranges = ranges
    let durable = durableOffset
    let boundary = boundaryOffset.flatMap { ranges.head <= $0 ? $0 : nil }
    do throws(AppendFault) {
      try beginRun()
      try put(
        isHeadConditional ? .chunk : .mark,
        bodyBytes: ranges.markBytes(isRewriting: boundary != nil)
      ) { ranges.write(durable: durable, boundary: boundary, to: &$0) }
    } catch {
      if case .storage(let fault) = error { throw fault }
    }
    // What is settled but not durable yet counts with the next mark: a mark may outlive such records,
    // and others take their place.
    markedHead = min(ranges.head, durable)
    hasUnwrittenMarks = ranges.head > durable
  }

  /// Writes what the medium has not got yet; the block that is being filled stays in memory.
  mutating func write() throws(StorageFault) {
    while written < fill {
      // Up to the end of the ring's last place, then on from its first.
      let number = bufferBlock + Int64(wide: written / layout.blockBytes)
      let place = Int(narrow: number % Int64(wide: layout.blockCount))
      let contiguous = (layout.blockCount - place) * layout.blockBytes - written % layout.blockBytes
      let count = min(fill - written, contiguous)
      let address = layout.address(ofBlock: number) + written % layout.blockBytes
      do throws(StorageFault) {
        try Self.write(buffer, from: written, count: count, to: &medium, at: address)
      } catch {
        throw failed(error)
      }
      counters.bytesWritten &+= UInt64(wide: count)
      let blocks =
        (written + count - 1) / layout.blockBytes - written / layout.blockBytes + 1
      counters.blocksWritten &+= UInt64(wide: blocks)
      written += count
    }
    keepLastBlock()
  }

  private mutating func keepLastBlock() {
    guard fill > 0 else { return }
    let full = (fill - 1) / layout.blockBytes
    guard full > 0 else { return }
    let count = fill - full * layout.blockBytes
    buffer.move(from: full * layout.blockBytes, to: 0, count: count)
    bufferBlock += Int64(wide: full)
    fill = count
    written = count
  }

  private static func write(
    _ buffer: borrowing Table<UInt8>, from start: Int, count: Int, to medium: inout Medium,
    at address: Int
  ) throws(StorageFault) {
    try buffer.withSpan(from: start, count: count) { (bytes) throws(StorageFault) in
      try medium.write(bytes, at: address)
    }
  }

  /// Tries a medium that has failed once more: writes again what is not known to be durable, since after
  /// a failed sync nobody knows what the system has kept of it, and begins a sync.
  public mutating func retry() throws(StorageFault) {
    guard fault != nil else { return }
    if isMediumBusy {
      // The sync that was under way when a write failed. One at a time: EAGAIN until it has ended,
      // well or not.
      guard (try? medium.finishSync()) ?? true else { throw .failed(code: 11) }
      isMediumBusy = false
    }
    fault = nil
    var number = layout.block(of: durableOffset)
    while number < bufferBlock {
      if loadBlock(number) {
        do throws(StorageFault) {
          try Self.write(
            cache, from: 0, count: layout.blockBytes, to: &medium,
            at: layout.address(ofBlock: number))
        } catch {
          throw failed(error)
        }
        counters.bytesWritten &+= UInt64(wide: layout.blockBytes)
        counters.blocksWritten &+= 1
      }
      number += 1
    }
    written = 0
    guard chunkStart == nil else { return try write() }
    unsyncedRecords = max(unsyncedRecords, tailOffset > durableOffset ? 1 : 0)
    try commit()
  }

  private mutating func failed(_ fault: StorageFault) -> StorageFault {
    self.fault = fault
    if syncing != nil { unsyncedRecords += syncingRecords }
    syncing = nil
    return fault
  }
}
