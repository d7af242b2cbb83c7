import Core
import Journal
import TestSupport

/// A journal's bytes, and what is left of it after a power cut.
extension Facts {
  mutating func aboutJournals() {
    let memory = MemoryBytes(18 * 512)
    var storage = MemoryStorage(memory: memory)
    let isFormatted = try? RecordRing<MemoryStorage>.format(&storage, blockBytes: 512, id: 77)
    expect(isFormatted == true, "a medium formatted")
    expect(
      Array(memory.bytes[..<12]) == utf8("sandpiper-rg") && memory.bytes[17] == 2,
      "the superblock's bytes")
    let before = fill(memory)
    let sum = check(memory.bytes)
    // As on x86-64; a change of the journal's layout changes it.
    expect(
      sum == 0x042D_A50C, "the journal's bytes are the same on each processor: their CRC is \(sum)")
    aboutReopening(memory)
    aboutTornWrites(before: before, memory)
    aboutRot(memory)
  }

  private func ring(_ memory: MemoryBytes) -> RecordRing<MemoryStorage> {
    var arena = testArena(bytes: 16_384)
    return RecordRing(
      MemoryStorage(memory: memory), sizes: .init(blockBytes: 512, bodyBytesMax: 100), arena: &arena
    )
  }

  private func body(_ number: Int) -> [UInt8] { utf8("record \(number)") }

  /// Writes forty records; returns the medium as it was after thirty.
  private mutating func fill(_ memory: MemoryBytes) -> [UInt8] {
    var ring = ring(memory)
    var before: [UInt8] = []
    expect(ring.open(seed: 1) == .opened, "an empty journal opened")
    for number in 0..<40 {
      let body = body(number)
      let position = try? ring.append(
        recordClass: 3, time: .boot + .seconds(Int64(number)), bodyBytes: body.count
      ) { $0.append(contentsOf: body.span) }
      expect(position != nil, "record \(number) appended")
      if number == 29 || number == 39 {
        let isDurable = (try? ring.commit()) != nil && (try? ring.finishCommit()) != nil
        expect(isDurable, "\(number + 1) records durable")
        if number == 29 { before = memory.bytes }
      }
    }
    return before
  }

  /// The numbers of the records that a journal gives after it was opened.
  private mutating func kept(_ memory: MemoryBytes) -> [Int] {
    var ring = ring(memory)
    expect(ring.open(seed: 2) == .opened, "a journal opened")
    var found: [Int] = []
    var place = ring.head
    while let head = ring.next(from: place) {
      let number = Int(head.time.nanoseconds / 1_000_000_000)
      let isWhole = ring.withBody(of: head) { bytes in bytes.equals(body(number).span) }
      expect(isWhole, "record \(number) is what was written")
      found.append(number)
      place = head.next
    }
    return found
  }

  private mutating func aboutReopening(_ memory: MemoryBytes) {
    expect(kept(memory) == Array(0..<40), "every record is there after a restart")
  }

  /// A power cut leaves of what was written last the first bytes: what was durable before is all there.
  private mutating func aboutTornWrites(before: [UInt8], _ memory: MemoryBytes) {
    let after = memory.bytes
    let end = before.indices.last { before[$0] != after[$0] } ?? 0
    for cut in stride(from: 512, to: end, by: 11) {
      memory.bytes = Array(after[..<cut] + before[cut...])
      let left = kept(memory)
      expect(
        left.count >= 30 && left == Array(0..<left.count),
        "\(left.count) records left, in order, after a write was torn at byte \(cut)")
    }
    memory.bytes = after
  }

  /// A bit that flips costs the record that it is in, and no other.
  private mutating func aboutRot(_ memory: MemoryBytes) {
    let whole = memory.bytes
    for bit in stride(from: 0, to: 400 * 8, by: 101) {
      memory.bytes[512 + 64 + bit / 8] ^= 1 << (bit % 8)
      let left = kept(memory).count
      expect(left >= 39, "\(left) records left after bit \(bit) flipped")
      memory.bytes = whole
    }
  }

  private func check(_ bytes: [UInt8]) -> UInt32 {
    var sum = CRC32C()
    sum.add(bytes.span)
    return sum.value
  }
}
