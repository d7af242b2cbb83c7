import Core

/// What kind of ring is on the medium: from either superblock, or from the blocks themselves.
extension RecordRing where Medium: ~Copyable {
  /// The layout of the ring on the medium; nil when it is none.
  mutating func readLayout(_ givingUp: Bool) throws(StorageFault) -> Layout? {
    let size = medium.byteCount
    guard size >= 2 * Layout.superblockBytes else { return nil }
    do throws(StorageFault) {
      if let layout = try superblock(at: 0, size) { return layout }
    } catch {
      guard givingUp else { throw error }
    }
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

  /// The layout as the blocks themselves tell, where both superblocks are gone: when two headers at least,
  /// and nearly all, are those of one ring. Which one follows from their checks.
  mutating func layoutFromBlocks() -> Layout? {
    let count = medium.byteCount / sizes.blockBytes - 2
    guard count >= Layout.blockCountMin else { return nil }
    layout = Layout(blockBytes: sizes.blockBytes, blockCount: count, id: 0)
    // The identifier of most of them, if there is one (Boyer and Moore's vote).
    var (votes, seen) = (0, 0)
    for index in 0..<count {
      guard let id = idInPlace(index) else { continue }
      seen += 1
      if votes == 0 { layout = Layout(blockBytes: sizes.blockBytes, blockCount: count, id: id) }
      votes += id == layout.id ? 1 : -1
    }
    var agreeing = 0
    for index in 0..<count where idInPlace(index) == layout.id { agreeing += 1 }
    return agreeing >= 2 && agreeing >= seen - seen / 8 ? layout : nil
  }

  /// What the block in place `index` says of the ring's identifier, if it may be one of a ring.
  private mutating func idInPlace(_ index: Int) -> UInt64? {
    let address = (1 + index) * layout.blockBytes
    do throws(StorageFault) {
      try Self.read(&medium, at: address, count: Layout.headerBytes, into: &record, from: 0)
    } catch {
      return nil
    }
    return record.withSpan(count: Layout.headerBytes) { bytes in
      let number = bytes.littleEndian(at: 8, bytes: 8)
      guard number < 0x100_0000_0000,
        Int(truncatingIfNeeded: number % UInt64(wide: layout.blockCount)) == index
      else { return nil }
      let id = BlockHeader.id(from: bytes)
      return BlockHeader(bytes, id: id) == nil ? nil : id
    }
  }

  /// Writes each superblock again that is not whole. The other one, or the blocks, have told what it has to
  /// be, and do so again where it is torn; where it can't be read or written, it stays as it is.
  mutating func repairSuperblocks() {
    let layout = layout
    let whole = FixedText<36> { layout.writeSuperblock(to: &$0) }
    for number in 0...1 {
      let address = number * (layout.blockCount + 1) * layout.blockBytes
      do throws(StorageFault) {
        let found = try superblock(at: address, medium.byteCount)
        guard found?.id != layout.id || found?.blockCount != layout.blockCount else { continue }
        try Self.write(whole, to: &medium, at: address)
        counters.bytesWritten &+= UInt64(wide: whole.count)
        counters.blocksWritten &+= 1
      } catch {
        continue
      }
    }
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
}
