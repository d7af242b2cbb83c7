import Core
import Journal
import TestSupport
import Testing

/// A ring over memory, driven as its owner drives it.
final class RingBench {
  let memory: MemoryBytes
  var ring: RecordRing<MemoryStorage>
  static let blockBytes = 512
  static let bodyMax = 1500

  init(_ memory: MemoryBytes, seed: UInt64 = 1, repairing: Bool = false) {
    self.memory = memory
    var arena = testArena()
    ring = RecordRing(
      MemoryStorage(memory: memory),
      sizes: .init(blockBytes: Self.blockBytes, bodyBytesMax: Self.bodyMax), arena: &arena)
    opening = ring.open(seed: seed, repairing: repairing)
  }
  let opening: JournalOpening

  static func fresh(blocks: Int = 16) throws -> RingBench {
    let memory = MemoryBytes((blocks + 2) * blockBytes)
    var storage = MemoryStorage(memory: memory)
    _ = try RecordRing<MemoryStorage>.format(&storage, blockBytes: blockBytes, id: 77)
    return RingBench(memory)
  }

  func append(_ text: String, at seconds: Int64 = 0) throws -> RecordPosition {
    let body = utf8(text)
    return try ring.append(recordClass: 3, time: .boot + .seconds(seconds), bodyBytes: body.count) {
      $0.append(contentsOf: body.span)
    }
  }

  func commit() throws {
    try ring.commit()
    _ = try ring.finishCommit()
  }

  /// All that is kept, in order.
  func kept() -> [String] {
    var found: [String] = []
    var place = ring.head
    while let head = ring.next(from: place) {
      found.append(
        ring.withBody(of: head) { body in
          String(decoding: body.indices.map { body[$0] }, as: UTF8.self)
        })
      place = head.next
    }
    return found
  }

  func settleFirst() {
    guard let first = ring.next(from: ring.head) else { return }
    ring.settle(from: first.position, upTo: first.next)
  }

  var head: RecordPosition { ring.head }
  var rotten: UInt32 { ring.counters.rotten }
  var isDurable: Bool { ring.durable == ring.tail }
}

@Suite struct RingTests {
  @Test func whatWasCommittedIsThereAfterReopening() throws {
    let bench = try RingBench.fresh()
    for number in 0..<40 { _ = try bench.append("record \(number)") }
    try bench.commit()
    let again = RingBench(bench.memory, seed: 2)
    #expect(again.opening == .opened)
    #expect(again.kept() == (0..<40).map { "record \($0)" })
    #expect(again.rotten == 0)
  }

  @Test func recordsOfAllSizesFlowOverBlocksAndAroundTheRing() throws {
    var bench = try RingBench.fresh()
    var expected: [String] = []
    var chance = Generator(seed: 5)
    for number in 0..<2_000 {
      let length = Int(chance.next(below: number % 10 == 0 ? 1400 : 90))
      let text = "\(number) " + String(repeating: "x", count: length)
      while true {
        do throws(AppendFault) {
          let body = utf8(text)
          try bench.ring.append(recordClass: 1, time: .boot, bodyBytes: body.count) {
            $0.append(contentsOf: body.span)
          }
          break
        } catch {
          #expect(error == .full)
          // The oldest goes, and that becomes durable.
          bench.settleFirst()
          expected.removeFirst()
          try bench.commit()
        }
      }
      expected.append(text)
      if chance.next(below: 7) == 0 { try bench.commit() }
      if chance.next(below: 40) == 0 {
        try bench.commit()
        bench = RingBench(bench.memory, seed: UInt64(number))
        try #require(bench.kept() == expected, "after record \(number)")
      }
    }
    #expect(bench.rotten == 0)
  }

  @Test func aRottenRecordCostsThatRecord() throws {
    for bit in stride(from: 0, to: 600 * 8, by: 37) {
      let bench = try RingBench.fresh()
      for number in 0..<30 { _ = try bench.append("record \(number)") }
      try bench.commit()
      bench.memory.bytes[512 + 64 + bit / 8] ^= 1 << (bit % 8)
      let again = RingBench(bench.memory, seed: 2)
      let kept = again.kept()
      #expect(kept.count >= 29, "bit \(bit): \(kept.count)")
      #expect(kept == (0..<30).map { "record \($0)" }.filter { kept.contains($0) })
    }
  }

  /// Behind a single record comes no mark: only the next one says that the hole is no end.
  @Test(arguments: 0..<4)
  func aRottenRecordAmongThoseThatWereSyncedAloneCostsThatRecord(rotten: Int) throws {
    let bench = try RingBench.fresh()
    var places: [RecordPosition] = []
    for number in 0..<5 {
      places.append(try bench.append("record \(number)"))
      try bench.commit()
    }
    bench.memory.bytes[512 + 64 + Int(places[rotten].offset) + 21] ^= 1
    let again = RingBench(bench.memory, seed: 2)
    #expect(again.kept() == (0..<5).filter { $0 != rotten }.map { "record \($0)" })
    #expect(again.rotten == 1)
  }

  /// A header says in which context its block begins; without it, the block before and what lies between do.
  @Test(arguments: [1, 2, 3]) func aRottenHeaderCostsNoRecordItsContext(block: Int) throws {
    let bench = try RingBench.fresh()
    bench.ring.setContext(RecordContext(repeating: 6))
    var places: [RecordPosition] = []
    for number in 0..<80 {
      if number == 20 { bench.ring.setContext(RecordContext(repeating: 7)) }
      places.append(try bench.append("record \(number)"))
    }
    try bench.commit()
    bench.memory.bytes[512 + RingBench.blockBytes * block + 30] ^= 1
    let again = RingBench(bench.memory, seed: 2)
    // Backwards, so that each is looked for anew.
    for (number, place) in places.enumerated().reversed() {
      let found = again.ring.next(from: place)
      let context = again.ring.contextRead[0]
      #expect(found?.position == place)
      #expect(context == (number < 20 ? 6 : 7), "record \(number)")
    }
  }

  /// Whoever goes on in the middle of a block learns the context from the records before.
  @Test func aRottenRecordHidesNoContextThatIsSaidBehindIt() throws {
    var bench = try RingBench.fresh()
    bench.ring.setContext(RecordContext(repeating: 1))
    let rotten = try bench.append("old")
    bench.ring.setContext(RecordContext(repeating: 2))
    let new = try bench.append("new")
    try bench.commit()
    bench.memory.bytes[512 + 64 + Int(rotten.offset) + 21] ^= 1
    bench = RingBench(bench.memory, seed: 2)
    #expect(bench.ring.next(from: new)?.position == new)
    #expect(bench.ring.contextRead[0] == 2)
  }

  @Test func nothingIsWrittenWhileNothingIsAppendedOrSettled() throws {
    let bench = try RingBench.fresh()
    _ = try bench.append("one")
    try bench.commit()
    let (writes, syncs) = (bench.memory.writes, bench.memory.syncs)
    try bench.commit()
    #expect(bench.memory.writes == writes && bench.memory.syncs == syncs)
    _ = RingBench(bench.memory, seed: 2)
    #expect(bench.memory.writes == writes)
  }

  /// Marks lie between them, and only so many stretches are remembered.
  @Test func recordsSettledOneByOneAheadOfTheHeadAreAllRemembered() throws {
    let bench = try RingBench.fresh()
    _ = try bench.append("kept")
    for number in 0..<30 {
      let start = try bench.append("record \(number)")
      let end = bench.ring.tail
      try bench.commit()
      bench.ring.settle(from: start, upTo: end)
    }
    #expect(bench.kept() == ["kept"])
    try bench.commit()
    #expect(RingBench(bench.memory, seed: 2).kept() == ["kept"])
  }

  @Test func whatIsSettledAheadOfTheHeadStaysSettled() throws {
    let bench = try RingBench.fresh()
    var places: [RecordPosition] = []
    for number in 0..<12 { places.append(try bench.append("r\(number)")) }
    bench.ring.settle(from: places[3], upTo: places[5])
    bench.ring.settle(from: places[8], upTo: places[9])
    try bench.commit()
    let again = RingBench(bench.memory, seed: 2)
    #expect(again.kept() == [0, 1, 2, 5, 6, 7, 9, 10, 11].map { "r\($0)" })
    again.ring.settle(from: places[0], upTo: places[3])
    #expect(again.head == places[5])
  }

  @Test func aMediumThatIsNoJournalIsLeftAlone() {
    let memory = MemoryBytes(8192)
    let bench = RingBench(memory)
    #expect(bench.opening == .notAJournal)
    #expect(memory.writes == 0)
  }

  @Test func aRingMadeAnewHasNothingOfTheOneBefore() throws {
    let bench = try RingBench.fresh()
    for number in 0..<40 { _ = try bench.append("record \(number)") }
    try bench.commit()
    var storage = MemoryStorage(memory: bench.memory)
    _ = try RecordRing<MemoryStorage>.format(&storage, blockBytes: 512, id: 78)
    let again = RingBench(bench.memory, seed: 2)
    #expect(again.opening == .opened && again.kept().isEmpty)
    #expect(again.head == RecordPosition(offset: 0) && again.isDurable)
    _ = try again.append("new")
    try again.commit()
    #expect(RingBench(bench.memory, seed: 3).kept() == ["new"])
  }

  @Test func withoutSuperblocksTheBlocksTellWhatTheJournalIs() throws {
    for count in [0, 3, 40, 400] {
      let bench = try RingBench.fresh(blocks: 80)
      for number in 0..<count { _ = try bench.append("record \(number) \(count)") }
      try bench.commit()
      for place in [0, 81 * 512] {
        for index in place..<place + 36 { bench.memory.bytes[index] = 0 }
      }
      // One block's header has rotted besides.
      bench.memory.bytes[512 * 5 + 9] ^= 4
      let writes = bench.memory.writes
      let again = RingBench(bench.memory, seed: 2)
      #expect(bench.memory.writes == writes)
      if count < 10 {
        #expect(again.opening == .notAJournal)
        continue
      }
      #expect(again.opening == .opened)
      #expect(again.kept() == (0..<count).map { "record \($0) \(count)" })
      _ = try again.append("more")
      try again.commit()
      #expect(RingBench(bench.memory, seed: 3).kept().last == "more")
    }
  }

  @Test(arguments: [[0], [17 * 512], [0, 17 * 512]])
  func aSuperblockThatIsDamagedIsRepairedByWhoMayWrite(places: [Int]) throws {
    let bench = try RingBench.fresh()
    for number in 0..<100 { _ = try bench.append("record \(number)") }
    try bench.commit()
    let whole = bench.memory.bytes
    for place in places { bench.memory.bytes[place + 20] ^= 1 }
    let damaged = bench.memory.bytes
    // Who only looks leaves it, and who can't write goes on all the same.
    #expect(RingBench(bench.memory, seed: 2).opening == .opened)
    bench.memory.fault = .readOnly
    #expect(RingBench(bench.memory, seed: 3, repairing: true).opening == .opened)
    #expect(bench.memory.bytes == damaged)
    bench.memory.fault = nil
    let again = RingBench(bench.memory, seed: 4, repairing: true)
    #expect(again.kept().count == 100)
    // The blocks tell an identifier that does as well.
    if places.count == 1 { #expect(bench.memory.bytes == whole) }
    #expect(Array(bench.memory.bytes[..<36]) == Array(bench.memory.bytes[(17 * 512)...].prefix(36)))
    let writes = bench.memory.writes
    _ = RingBench(bench.memory, seed: 5, repairing: true)
    #expect(bench.memory.writes == writes, "healthy, and so left alone")
  }

  @Test func eitherSuperblockWillDo() throws {
    for place in [0, 17 * 512] {
      let bench = try RingBench.fresh()
      _ = try bench.append("kept")
      try bench.commit()
      for index in place..<place + 36 { bench.memory.bytes[index] = 0xEE }
      let again = RingBench(bench.memory, seed: 2)
      #expect(again.opening == .opened)
      #expect(again.kept() == ["kept"])
    }
  }
}
