import Core

/// Records out, in order.
extension RecordRing where Medium: ~Copyable {
  /// The first record at or behind `position` that is not settled, or nil when there is none.
  /// `withBody` lends its body, and `readContext` is its context, until the next call of anything.
  ///
  /// `position` is a record's, or its `next`. What has rotted is counted and left out; what the medium
  /// does not give now is left out, but not settled by that.
  ///
  /// Within a rewrite these are its inputs: nil at the boundary. See `nextReplacement`.
  public mutating func next(from position: RecordPosition) -> RecordHead? {
    find(from: position, before: boundaryOffset ?? tailOffset)
  }

  /// Within a rewrite, the first record at or behind `position` that replaces inputs, of a chunk that is
  /// finished, and is not settled; else as `next`. Begin at the boundary. What they replace is older than
  /// the inputs that are left.
  public mutating func nextReplacement(from position: RecordPosition) -> RecordHead? {
    guard let boundaryOffset else { return nil }
    return find(
      from: max(position, RecordPosition(offset: boundaryOffset)), before: chunkStart ?? tailOffset)
  }

  private mutating func find(from position: RecordPosition, before limit: Int64) -> RecordHead? {
    forgetReadFault()
    defer { if boundaryOffset != nil, let readFault { chunkReadFault = readFault } }
    guard isOpen else { return nil }
    var offset = max(position.offset, ranges.head)
    var previous: UInt32?
    while true {
      offset = ranges.end(from: offset)
      guard offset < limit else { return nil }
      if offset != readOffset { seek(to: offset) }
      guard let header = loadRecord(at: offset, before: limit) else {
        let hole = offset
        offset = resync(from: offset, behind: previous, before: limit) ?? limit
        // What had rotted before `open` was counted there; what can't be read now may come again; and
        // where nothing can be read nothing was written.
        if hole >= openedAt, readFault == nil, !isGivenUp(from: hole, upTo: offset) {
          counters.rotten &+= 1
        }
        readOffset = offset
        continue
      }
      let end = offset + Int64(wide: header.byteCount)
      readOffset = end
      previous = header.sequence
      if header.kind == .data || header.kind == .rewritten {
        return RecordHead(
          position: RecordPosition(offset: offset), next: RecordPosition(offset: end),
          recordClass: header.recordClass, sequence: header.sequence,
          time: Instant(nanoseconds: Int64(bitPattern: header.time)), bodyBytes: header.bodyBytes)
      }
      if header.kind == .context { readContext = loadedContext() }
      offset = end
    }
  }

  /// Lends the body of the record that `next` has found last.
  public func withBody<R>(of head: RecordHead, _ body: (Span<UInt8>) -> R) -> R {
    record.withSpan(from: RecordHeader.byteCount, count: head.bodyBytes, body)
  }

  /// The context of the record that `next` has found last.
  public var contextRead: RecordContext { readContext }

  // MARK: Finding

  /// Learns the context that holds at `offset`: from its block's header, and the records before it. Where
  /// that has rotted, one of the two blocks before tells. (Each may be one that the medium tries to read
  /// for a second.)
  private mutating func seek(to offset: Int64) {
    readContext = RecordContext(repeating: 0)
    readOffset = offset
    let number = layout.block(of: offset)
    var block = number
    while !learnContext(at: offset, from: block), block > max(0, number - 2) { block -= 1 }
  }

  /// False when the header of block `number` does not tell.
  private mutating func learnContext(at offset: Int64, from number: Int64) -> Bool {
    guard let header = blockHeader(number), header.number == number else { return false }
    readContext = header.context
    guard header.first != Layout.noRecord else { return true }
    var place = layout.start(ofBlock: number) + Int64(wide: header.first)
    var previous: UInt32?
    while place < offset {
      guard let record = loadRecord(at: place, before: tailOffset) else {
        // Behind one that has rotted another may say more.
        place = resync(from: place, behind: previous, before: offset) ?? offset
        continue
      }
      if record.kind == .context { readContext = loadedContext() }
      previous = record.sequence
      place += Int64(wide: record.byteCount)
    }
    return true
  }

  func loadedContext() -> RecordContext {
    var context = RecordContext(repeating: 0)
    for index in context.indices { context[index] = record[RecordHeader.byteCount + index] }
    return context
  }

  /// The first place behind a hole at `offset` where a record is, up to `end`; nil for none. Records
  /// follow `previous` in number, where that is known.
  mutating func resync(from offset: Int64, behind previous: UInt32?, before end: Int64) -> Int64? {
    var place = offset + 1
    while place < end {
      if let header = peek(at: place, before: end), Self.follows(header.sequence, previous),
        loadRecord(at: place, before: end) != nil
      {
        return place
      }
      let number = layout.block(of: place)
      // Each further attempt in a block that can't be read may take a second.
      place = unreadableBlock == number ? layout.start(ofBlock: number + 1) : place + 1
    }
    return nil
  }

  /// Begins a new search, which tries again to read what could not be read.
  mutating func forgetReadFault() {
    readFault = nil
    unreadableBlock = -1
  }

  /// True when a record of `sequence` may come some time behind one of `previous`.
  static func follows(_ sequence: UInt32, _ previous: UInt32?) -> Bool {
    guard let previous else { return true }
    let distance = sequence &- previous
    return distance > 0 && distance < 0x8000_0000
  }

  // MARK: Loading

  /// Loads the record at `offset` into `record`, when there is a whole one that ends before `end`.
  mutating func loadRecord(at offset: Int64, before end: Int64) -> RecordHeader? {
    guard let header = peek(at: offset, before: end),
      load(
        offset + Int64(wide: RecordHeader.byteCount), header.bodyBytes,
        to: RecordHeader.byteCount)
    else { return nil }
    let position = RecordPosition(offset: offset)
    let layout = layout
    let isWhole = record.withSpan(count: header.byteCount) { bytes in
      bytes.littleEndian(at: 0, bytes: 4) == UInt64(wide: layout.check(of: bytes, at: position))
    }
    return isWhole ? header : nil
  }

  /// What could be a record's header at `offset`; nothing of it is checked but its bounds.
  mutating func peek(at offset: Int64, before end: Int64) -> RecordHeader? {
    guard offset + Int64(wide: RecordHeader.byteCount) <= end,
      load(offset, RecordHeader.byteCount, to: 0)
    else { return nil }
    let longest = sizes.longest
    guard
      let header = record.withSpan(
        count: RecordHeader.byteCount, { RecordHeader($0, bodyBytesMax: longest) }),
      offset + Int64(wide: header.byteCount) <= end
    else { return nil }
    switch header.kind {
    case .data, .rewritten, .mark, .chunk: return header
    case .context: return header.bodyBytes == 32 ? header : nil
    case .run: return header.bodyBytes == 4 ? header : nil
    }
  }

  /// Copies `count` bytes of the stream from `offset` on into `record` at `target`. False when the
  /// medium can't be read there.
  private mutating func load(_ offset: Int64, _ count: Int, to target: Int) -> Bool {
    var done = 0
    while done < count {
      let from = offset + Int64(wide: done)
      let number = layout.block(of: from)
      let place = layout.place(of: from)
      let piece = min(count - done, layout.payloadBytes - place)
      let at = Layout.headerBytes + place
      if number >= bufferBlock {
        let start = Int(narrow: number - bufferBlock) * layout.blockBytes
        guard start + at + piece <= buffer.count else { return false }
        Self.copy(from: buffer, at: start + at, count: piece, to: &record, at: target + done)
      } else {
        guard loadBlock(number) else { return false }
        Self.copy(from: cache, at: at, count: piece, to: &record, at: target + done)
      }
      done += piece
    }
    return true
  }

  /// Sees to it that block `number` is in the cache. False when the medium can't be read there.
  mutating func loadBlock(_ number: Int64) -> Bool {
    if cachedBlock == number { return true }
    if unreadableBlock == number { return false }
    cachedBlock = -1
    do throws(StorageFault) {
      try Self.read(
        &medium, at: layout.address(ofBlock: number), count: layout.blockBytes, into: &cache,
        from: 0)
    } catch {
      unreadableBlock = number
      if !isGivenUp(number) { readFault = error }
      return false
    }
    cachedBlock = number
    return true
  }

  /// The header of block `number`, or of whatever block is in its place; nil when there is none.
  mutating func blockHeader(_ number: Int64) -> BlockHeader? {
    let id = layout.id
    if number >= bufferBlock {
      let start = Int(narrow: number - bufferBlock) * layout.blockBytes
      guard start + Layout.headerBytes <= buffer.count else { return nil }
      return buffer.withSpan(from: start, count: Layout.headerBytes) { BlockHeader($0, id: id) }
    }
    guard loadBlock(number) else { return nil }
    return cache.withSpan(count: Layout.headerBytes) { BlockHeader($0, id: id) }
  }

  static func read(
    _ medium: inout Medium, at address: Int, count: Int, into table: inout Table<UInt8>,
    from start: Int
  ) throws(StorageFault) {
    let got = try table.fill(from: start, limit: count) { (out) throws(StorageFault) in
      try medium.read(at: address, count: count, into: &out)
    }
    guard got == count else { throw .failed(code: 5) }
  }
}
