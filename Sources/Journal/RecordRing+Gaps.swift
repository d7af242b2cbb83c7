import Core

/// Gaps of the stream on the medium: how one is written, found, and told from one that no longer holds.
extension RecordRing where Medium: ~Copyable {
  /// The stream stops at `start` and goes on in block `target`, where its gap's record is put: the record
  /// of number `first` follows that of number `before`.
  mutating func beginBehindGap(
    from start: Int64, in target: Int64, before: UInt32, first: UInt32
  ) {
    bufferBlock = target
    fill = 0
    written = 0
    cachedBlock = -1
    tailOffset = layout.start(ofBlock: target)
    let header = RecordHeader(bodyBytes: 12, kind: .gap, followsSync: false, sequence: before)
    compose(header, isLoaded: false) { out in
      out.append(littleEndian: UInt64(bitPattern: start), bytes: 8)
      out.append(littleEndian: UInt64(wide: first), bytes: 4)
    }
    copyIntoBlocks(header.byteCount)
    tailOffset += Int64(wide: header.byteCount)
    gaps.add(
      Gaps.Gap(start: start, end: tailOffset, before: before, first: first, isPassed: true))
  }

  /// Finds the records of gaps: those of blocks that need not have a header yet, too.
  mutating func findGaps(from first: Int64) {
    gaps = Gaps()
    for index in 0..<layout.blockCount {
      let number = first + Int64(wide: index)
      let place = layout.start(ofBlock: number)
      do throws(StorageFault) {
        try Self.read(
          &medium, at: layout.address(ofBlock: number) + Layout.headerBytes,
          count: RecordHeader.gapBytes, into: &record, from: 0)
      } catch {
        continue
      }
      let layout = layout
      let gap = record.withSpan(count: RecordHeader.gapBytes) { bytes -> Gaps.Gap? in
        guard let header = RecordHeader(bytes, bodyBytesMax: 12), header.kind == .gap,
          header.bodyBytes == 12,
          bytes.littleEndian(at: 0, bytes: 4)
            == UInt64(wide: layout.check(of: bytes, at: RecordPosition(offset: place)))
        else { return nil }
        let start = Int64(bitPattern: bytes.littleEndian(at: RecordHeader.byteCount, bytes: 8))
        guard start >= 0, start < place else { return nil }
        return Gaps.Gap(
          start: start, end: place + Int64(wide: bytes.count), before: header.sequence,
          first: UInt32(
            truncatingIfNeeded: bytes.littleEndian(at: RecordHeader.byteCount + 8, bytes: 4)))
      }
      if let gap, !gaps.isFull { gaps.add(gap) }
    }
  }

  /// Where the stream goes on from `offset`, behind the record of number `previous`: behind the gap there,
  /// whose record counts when it names that number. Else a run has come after it that did not find it,
  /// because the stream ended before.
  mutating func passGaps(_ offset: Int64, behind previous: UInt32?) -> Int64 {
    var offset = offset
    // One gap may begin where another ends.
    while let gap = gaps.gap(at: offset) {
      let isOurs =
        if offset == gap.start {
          previous == nil || previous == gap.before
        } else if let header = loadRecord(at: offset, before: .max) {
          header.kind == .gap || gap.holds(header.sequence)
        } else {
          false
        }
      guard isOurs else {
        gaps.remove(gap.end)
        continue
      }
      gaps.pass(gap.end)
      offset = gap.end
    }
    return offset
  }
}
