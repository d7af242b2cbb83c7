import Core
import TestSupport
import Testing

@testable import Journal

/// A medium with a stretch that gives EIO for good.
@Suite struct UnreadableTests {
  private static let blockBytes = 512

  private func ring(_ medium: CrashMedium) -> Ring {
    var arena = testArena(bytes: 1 << 16)
    return RecordRing(
      CrashStorage(medium: medium), sizes: .init(blockBytes: Self.blockBytes, bodyBytesMax: 100),
      arena: &arena)
  }

  /// A journal of `count` records, all durable; each body is its number and nothing else.
  private func journal(_ count: Int) throws -> CrashMedium {
    let medium = CrashMedium(Array(repeating: 0, count: 34 * Self.blockBytes))
    var storage = CrashStorage(medium: medium)
    _ = try Ring.format(&storage, blockBytes: Self.blockBytes, id: 3)
    var ring = ring(medium)
    #expect(ring.open(seed: 1) == .opened)
    if count > 0 { try append(0..<count, to: &ring) }
    return medium
  }

  private func append(_ numbers: Range<Int>, to ring: inout Ring) throws {
    for number in numbers {
      try ring.append(recordClass: 1, time: .boot, bodyBytes: 24) { out in
        out.append(literal: "00000000")
        out.append(digits: UInt64(number), width: 16)
      }
    }
    try ring.commit()
    #expect(try ring.finishCommit())
  }

  private func numbers(_ ring: inout Ring) -> [Int] {
    entries(&ring).compactMap { Int(String(decoding: $0.body, as: UTF8.self)) }
  }

  @Test(arguments: 0..<16)
  func blocksThatCantBeReadCostTheirRecordsAndNoMore(first: Int) throws {
    // About a dozen blocks of a hundred records.
    for count in 1...3 {
      let medium = try journal(100)
      let bytes = (1 + first) * Self.blockBytes..<(1 + first + count) * Self.blockBytes
      medium.unreadable = bytes
      var strict = ring(medium)
      let opening = strict.open(seed: 2)
      if case .opened = opening {} else { #expect(opening == .failed(.failed(code: 5))) }
      var ring = ring(medium)
      #expect(ring.open(seed: 2, givingUp: true) == .opened)
      let found = numbers(&ring)
      // A block holds ten records of 44 bytes; one begins in the block before, one ends in that behind.
      #expect(found.count >= 100 - 11 * count - 1 && found == found.sorted(), "\(first) \(count)")
      #expect(Set(found).count == found.count)
      #expect(found.count == 100 || ring.counters.rotten > 0)

      try append(100..<120, to: &ring)
      for isMended in [false, true] {
        medium.unreadable = isMended ? 0..<0 : bytes
        var again = self.ring(medium)
        #expect(again.open(seed: 3, givingUp: !isMended) == .opened)
        let all = numbers(&again)
        #expect(Array(all.suffix(20)) == Array(100..<120), "\(first) \(count) \(isMended)")
        #expect(Set(found).isSubset(of: all) && all == all.sorted())
      }
    }
  }

  /// Laps over laps, with cuts: the bad blocks are passed over each time, and cost nothing any more.
  @Test(arguments: 0..<12)
  func aRingGoesOnAroundBlocksThatCantBeRead(seed: UInt64) throws {
    var random = Generator(seed: seed)
    var medium = try journal(0)
    let first = (1 + Int(random.next(below: 29))) * Self.blockBytes
    let bad = first..<first + Self.blockBytes * (1 + Int(random.next(below: 3)))
    let other = (1 + Int(random.next(below: 32))) * Self.blockBytes
    medium.unreadable = random.next(below: 2) == 0 ? bad : other..<other + Self.blockBytes
    let stretch = medium.unreadable
    var ring = ring(medium)
    #expect(ring.open(seed: 2, givingUp: true) == .opened)
    var (kept, next, laps) = ([Int](), 0, Int64(0))
    for _ in 0..<400 {
      let count = 1 + Int(random.next(below: 12))
      do {
        try append(next..<next + count, to: &ring)
        kept += next..<next + count
      } catch {
        // Some of them may have been appended: what is there is what counts.
        try ring.commit()
        _ = try ring.finishCommit()
        kept = numbers(&ring)
        for _ in 0..<1 + kept.count / 3 {
          guard let head = ring.next(from: ring.head) else { break }
          ring.settle(from: head.position, upTo: head.next)
          kept.removeFirst()
        }
        try ring.commit()
        _ = try ring.finishCommit()
      }
      next += count
      #expect(numbers(&ring) == kept)
      guard random.next(below: 8) == 0 else { continue }
      laps = max(laps, ring.tail.offset / Int64(ring.capacityBytes))
      medium = CrashMedium(medium.afterCut(sectorBytes: 512, &random))
      medium.unreadable = stretch
      ring = self.ring(medium)
      #expect(ring.open(seed: random.next(), givingUp: true) == .opened)
      // The last mark may be lost, and with it what was settled comes back.
      let found = numbers(&ring)
      #expect(Array(found.suffix(kept.count)) == kept)
      kept = found
      guard found.suffix(kept.count) == kept[...] else { return }
    }
    #expect(laps > 2)
  }

  @Test func settlingPassesWhatWasGivenUp() throws {
    let medium = try journal(100)
    medium.unreadable = 3 * Self.blockBytes..<5 * Self.blockBytes
    var ring = ring(medium)
    #expect(ring.open(seed: 2, givingUp: true) == .opened)
    while let head = ring.next(from: ring.head) {
      ring.settle(from: head.position, upTo: head.next)
    }
    #expect(ring.head == ring.tail)
  }

  @Test(arguments: [0..<512, 33 * 512..<34 * 512])
  func eitherSuperblockMayBeUnreadable(bytes: Range<Int>) throws {
    let medium = try journal(10)
    medium.unreadable = bytes
    var ring = ring(medium)
    #expect(ring.open(seed: 2, givingUp: true) == .opened)
    #expect(numbers(&ring) == Array(0..<10))
  }

  @Test func aMediumThatCantBeReadAtAllIsNotTriedForEver() throws {
    let medium = try journal(10)
    medium.unreadable = 0..<medium.current.count
    var ring = ring(medium)
    let opening = ring.open(seed: 2, givingUp: true)
    #expect(opening != .opened)
  }
}
