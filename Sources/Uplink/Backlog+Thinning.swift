import Core
import Journal

/// Room in a full journal: readings in it are merged with their neighbours, all over its length, chunk by
/// chunk; each chunk is synced before the next begins.
extension Backlog where Medium: ~Copyable {
  /// A rewrite of the journal, wanted or under way.
  struct Rewrite: BitwiseCopyable {
    /// Readings are merged to this weight; 1 for copying them as they are.
    var target: UInt32
    /// Bytes of old events that go.
    var excessBytes = 0
    /// Bytes of records that a chunk takes.
    var chunkBytes = 65_536
    /// How often in a row a chunk could not be replaced.
    var failures = 0
    /// What there is of the last one has to be taken back first.
    var mustAbandon = false
  }

  /// From then on what can't be read is given up.
  private static var failuresBeforeLoss: Int { 4 }
  /// From then on the rewrite rests.
  private static var failuresMax: Int { 8 }

  /// True while a rewrite can't go on: the medium neither gives what it has nor takes it back.
  var isStuck: Bool { isRewriting && (rewrite?.failures ?? 0) >= Self.failuresMax }

  /// A rewrite that rests goes on.
  mutating func tryRewriteAgain() { rewrite?.failures = 0 }

  /// True while records are being replaced: none are read or appended then.
  public var isRewriting: Bool { rewrite != nil && ring.rewriteUnderWay != nil }

  /// A rewrite that a power cut has interrupted is brought to its end.
  mutating func resumeRewrite() {
    if ring.rewriteUnderWay != nil { rewrite = Rewrite(target: 1) }
  }

  /// Begins to merge readings. False when that would gain too little, or can't be done now.
  mutating func beginThinning(
    _ merger: borrowing Merger, _ renderer: borrowing some MessageRenderer & ~Copyable
  ) -> Bool {
    var weight: UInt64 = 0
    var (bytes, otherBytes) = (0, 0)
    var place = ring.head
    while let head = ring.next(from: place) {
      let size = Int(narrow: head.next.offset - head.position.offset)
      if isMergeable(head, merger, renderer) {
        weight &+= UInt64(wide: ring.withBody(of: head) { renderer.weight(of: $0) })
        bytes += size
      } else {
        otherBytes += size
      }
      place = head.next
    }
    let excess = max(0, otherBytes - capacityBytes / 2)
    let room = min(capacityBytes / 8 * 5 - (otherBytes - excess), bytes / 2)
    guard
      let target = merger.target(weight: weight, room: room, recordBytes: Self.mergedRecordBytes),
      ring.beginRewrite()
    else { return false }
    rewrite = Rewrite(target: target, excessBytes: excess)
    isFull = false
    return true
  }

  /// What a merged reading takes with its headers and a name of some length.
  private static var mergedRecordBytes: Int { 96 }

  private func isMergeable(
    _ head: RecordHead, _ merger: borrowing Merger,
    _ renderer: borrowing some MessageRenderer & ~Copyable
  ) -> Bool {
    guard RecordClass(rawValue: head.recordClass)?.isThinned == true,
      head.bodyBytes <= Merger.bodyBytesMax,
      let series = ring.withBody(of: head, { renderer.journaledSeries(of: $0) })
    else { return false }
    return Int(series) < merger.seriesCount
  }

  /// Replaces one chunk of records, and has it synced; or ends the rewrite.
  mutating func rewriteChunk(
    _ merger: inout Merger, _ losses: inout LossLedger,
    _ renderer: borrowing some MessageRenderer & ~Copyable
  ) {
    guard var rewrite, !ring.isSyncing, ring.fault == nil else { return }
    // After a power cut there may be something that is not durable yet.
    if ring.hasUnsynced { return commit() }
    guard !ring.endRewrite() else {
      self.rewrite = nil
      restart()
      return
    }
    if rewrite.mustAbandon { return abandonChunk() }
    do throws(AppendFault) {
      let consumed = try replace(&rewrite, &merger, renderer)
      try ring.finishRewriteChunk(
        consumedUpTo: consumed, losingUnread: rewrite.failures >= Self.failuresBeforeLoss)
      merger.countCosts(&losses)
      rewrite.failures = 0
      self.rewrite = rewrite
      commit()
    } catch {
      for series in 0..<merger.seriesCount { merger.clear(series) }
      merger.forgetCosts()
      // With less to carry, its end comes sooner.
      self.rewrite?.chunkBytes = max(512, rewrite.chunkBytes / 2)
      self.rewrite?.target = 1
      self.rewrite?.failures += 1
      abandonChunk()
    }
  }

  /// Takes back what there is of a chunk; the next one begins where it began.
  private mutating func abandonChunk() {
    do throws(StorageFault) {
      try ring.abandonRewriteChunk()
      rewrite?.mustAbandon = false
    } catch {
      rewrite?.mustAbandon = true
      rewrite?.failures += 1
    }
  }

  /// Appends what replaces a chunk's records; returns where they end.
  private mutating func replace(
    _ rewrite: inout Rewrite, _ merger: inout Merger,
    _ renderer: borrowing some MessageRenderer & ~Copyable
  ) throws(AppendFault) -> RecordPosition {
    let limit = Int64(wide: min(rewrite.chunkBytes, ring.rewriteFreeBytes / 4 * 3))
    let start = ring.head
    var place = start
    var last: RecordHead?
    var context: RecordContext?
    while last == nil || place.offset - start.offset < limit, let head = ring.next(from: place) {
      let ofRecord = ring.contextRead
      if context.map({ RecordRing<Medium>.equal($0, ofRecord) }) != true {
        if let last { try putOutAll(&merger, at: last.time) }
        ring.setContext(ofRecord)
        context = ofRecord
        // What was lent is gone.
        guard ring.next(from: head.position) != nil else { break }
      }
      if rewrite.target > 1, isMergeable(head, merger, renderer) {
        try take(head, &merger, renderer, target: rewrite.target)
      } else if rewrite.excessBytes > 0, head.recordClass == RecordClass.event.rawValue {
        rewrite.excessBytes -= Int(narrow: head.next.offset - head.position.offset)
        let series = ring.withBody(of: head) { renderer.journaledSeries(of: $0) } ?? 0xFFFF
        merger.cost(series, dropped: 1)
      } else {
        try ring.keepRewritten(head)
      }
      last = head
      place = head.next
    }
    if let last { try putOutAll(&merger, at: last.time) }
    return last == nil ? (ring.rewriteUnderWay ?? place) : place
  }

  private mutating func take(
    _ head: RecordHead, _ merger: inout Merger,
    _ renderer: borrowing some MessageRenderer & ~Copyable, target: UInt32
  ) throws(AppendFault) {
    let recordClass = RecordClass(rawValue: head.recordClass) ?? .telemetry
    let label = RecordLabel(
      recordClass, series: ring.withBody(of: head) { renderer.journaledSeries(of: $0) } ?? 0)
    let series = Int(label.series)
    let weight = ring.withBody(of: head) { renderer.weight(of: $0) }
    let before = merger.weight(series)
    let isMerged =
      before > 0 && ring.withBody(of: head) { body in merger.merge(label, with: body, renderer) }
    if isMerged {
      merger.setWeight(series, before &+ weight)
      merger.cost(label.series, thinned: (before == 1 ? 1 : 0) + (weight == 1 ? 1 : 0))
    } else {
      if before > 0 {
        try putOut(series, &merger, at: head.time)
        guard ring.next(from: head.position) != nil else { return }
      }
      ring.withBody(of: head) { body in merger.put(label, body, weight: weight) }
    }
    if merger.weight(series) >= target { try putOut(series, &merger, at: head.time) }
  }

  private mutating func putOutAll(
    _ merger: inout Merger, at time: Instant
  ) throws(AppendFault) {
    for series in 0..<merger.seriesCount where merger.size(series) > 0 {
      try putOut(series, &merger, at: time)
    }
  }

  private mutating func putOut(
    _ series: Int, _ merger: inout Merger, at time: Instant
  ) throws(AppendFault) {
    let recordClass = merger.label(series).recordClass.rawValue
    _ = try merger.withBody(series) { (body) throws(AppendFault) in
      try ring.appendRewritten(recordClass: recordClass, time: time, bodyBytes: body.count) { out in
        out.append(contentsOf: body)
      }
    }
    merger.clear(series)
  }
}
