import Core
import TestSupport
import Testing

@testable import Journal

/// One random life of a journal: appends, commits, settlements, kills and power cuts, with a model
/// beside it that knows what has to be there.
final class JournalLife {
  private struct Kept {
    var body: [UInt8]
    var position: RecordPosition
    var end: RecordPosition
    var isSettled = false
    /// A durable mark says that it is settled.
    var isSettledForGood = false
  }

  private var chance: Generator
  private var medium: CrashMedium
  private var ring: RecordRing<CrashStorage>
  private var records: [Kept] = []
  private var marksUnderWay: Int?
  /// Records that were settled once: the mark that says so may be lost, and found again.
  private var mayReturn: [Int64: [UInt8]] = [:]
  private var counter = 0
  private let blockBytes: Int
  private let bodyMax: Int
  private(set) var cuts = 0
  private(set) var laps: Int64 = 0

  /// Whether with each cut some blocks' headers rot.
  private let rotsHeaders: Bool

  init(seed: UInt64, rotsHeaders: Bool = false) throws {
    chance = Generator(seed: seed)
    self.rotsHeaders = rotsHeaders
    blockBytes = [512, 512, 1024, 4096][Int(chance.next(below: 4))]
    let blocks = (rotsHeaders ? 14 : 6) + Int(chance.next(below: 12))
    let quarter = (blocks - 1) * (blockBytes - 64) / 4
    bodyMax = min(quarter, [40, 200, 900][Int(chance.next(below: 3))])
    let old = (0..<(blocks + 2) * blockBytes).map { _ in UInt8(truncatingIfNeeded: seed) }
    medium = CrashMedium(old)
    var storage = CrashStorage(medium: medium)
    _ = try RecordRing<CrashStorage>.format(&storage, blockBytes: blockBytes, id: seed)
    medium = CrashMedium(medium.current)
    ring = Self.ring(medium, blockBytes, bodyMax)
    #expect(ring.open(seed: seed) == .opened)
  }

  private static func ring(
    _ medium: CrashMedium, _ blockBytes: Int, _ bodyMax: Int
  ) -> RecordRing<CrashStorage> {
    var arena = testArena(bytes: 64 << 10)
    return RecordRing(
      CrashStorage(medium: medium), sizes: .init(blockBytes: blockBytes, bodyBytesMax: bodyMax),
      arena: &arena)
  }

  /// Does `steps` random things; returns what went wrong.
  func live(steps: Int) throws -> String? {
    for _ in 0..<steps {
      switch chance.next(below: 100) {
      case 0..<60: try append()
      case 60..<75: try commit()
      case 75..<80: medium.holdsSyncs.toggle()
      case 80..<94: settle()
      case 94..<97: if let wrong = reopen(medium.afterKill(), isCut: false) { return wrong }
      default:
        let sector = chance.next(below: 2) == 0 ? 512 : 4096
        var state = medium.afterCut(sectorBytes: sector, &chance)
        if rotsHeaders { rotHeaders(of: &state) }
        if let wrong = reopen(state, isCut: true) { return wrong }
      }
      try finish()
    }
    medium.holdsSyncs = false
    try finish()
    try commit()
    try finish()
    return reopen(medium.afterCut(sectorBytes: 512, &chance), isCut: true)
  }

  private func append() throws {
    counter += 1
    var body = [UInt8](utf8("\(counter) "))
    let extra = Int(chance.next(below: UInt64(max(1, bodyMax - body.count))))
    for _ in 0..<extra { body.append(UInt8(truncatingIfNeeded: chance.next())) }
    do throws(AppendFault) {
      let position = try ring.append(
        recordClass: 1, time: .boot + .seconds(Int64(counter)), bodyBytes: body.count
      ) { $0.append(contentsOf: body.span) }
      records.append(Kept(body: body, position: position, end: ring.tail))
      laps = max(laps, position.offset / Int64(ring.capacityBytes))
    } catch {
      if error == .full {
        settleOldest()
        try commit()
      } else {
        #expect(error == .full)
      }
    }
  }

  private func settleOldest() {
    let count = min(records.count, 1 + Int(chance.next(below: 12)))
    guard count > 0 else { return }
    ring.settle(from: records[0].position, upTo: records[count - 1].end)
    for index in 0..<count { records[index].isSettled = true }
  }

  private func settle() {
    guard !records.isEmpty else { return }
    guard chance.next(below: 4) == 0 else { return settleOldest() }
    let start = Int(chance.next(below: UInt64(records.count)))
    let end = min(records.count, start + 1 + Int(chance.next(below: 6)))
    ring.settle(from: records[start].position, upTo: records[end - 1].end)
    // Too many stretches may be forgotten, so only what the ring still knows counts.
    for index in start..<end where ring.isSettled(records[index].position) {
      records[index].isSettled = true
    }
    for index in records.indices where !ring.isSettled(records[index].position) {
      records[index].isSettled = false
    }
  }

  private func commit() throws {
    guard !ring.isSyncing else { return }
    try ring.commit()
    marksUnderWay = ring.hasUnwrittenMarks ? nil : records.count { $0.isSettled }
    settledUnderWay = marksUnderWay == nil ? [] : records.filter(\.isSettled).map(\.position)
  }
  private var settledUnderWay: [RecordPosition] = []

  private func finish() throws {
    guard ring.isSyncing, try ring.finishCommit() else { return }
    let settled = Set(settledUnderWay)
    for index in records.indices where settled.contains(records[index].position) {
      records[index].isSettledForGood = true
    }
    records.removeAll { $0.isSettledForGood && $0.end <= ring.head }
  }

  private func rotHeaders(of state: inout [UInt8]) {
    let first = 1 + Int(chance.next(below: UInt64(state.count / blockBytes - 3)))
    for block in first...first + Int(chance.next(below: 2)) {
      state[block * blockBytes + Int(chance.next(below: 64))] ^= 1 << chance.next(below: 8)
    }
  }

  private func reopen(_ state: [UInt8], isCut: Bool) -> String? {
    cuts += 1
    let durable = ring.durable
    medium = CrashMedium(state)
    ring = Self.ring(medium, blockBytes, bodyMax)
    guard ring.open(seed: chance.next()) == .opened else { return "open was refused" }
    if ring.counters.rotten > 0 { return "rot where there was none" }
    var found: [Kept] = []
    var place = ring.head
    while let head = ring.next(from: place) {
      let body = ring.withBody(of: head) { body in body.indices.map { body[$0] } }
      found.append(Kept(body: body, position: head.position, end: head.next))
      place = head.next
    }
    if let wrong = compare(found, durable: durable, isCut: isCut) { return wrong }
    // The marks of what is settled may be lost, and the unsynced tail.
    for record in records where record.isSettled {
      mayReturn[record.position.offset] = record.body
    }
    let tail = ring.tail.offset
    mayReturn = mayReturn.filter { $0.key < tail }
    records = found
    return nil
  }

  private func compare(_ found: [Kept], durable: RecordPosition, isCut: Bool) -> String? {
    var next = 0
    var isOver = false
    let places = Set(records.map(\.position))
    let found = found.filter {
      places.contains($0.position) || mayReturn[$0.position.offset] != $0.body
    }
    for record in records {
      let isFound = next < found.count && found[next].position == record.position
      if isFound {
        if found[next].body != record.body { return "another body at \(record.position)" }
        if record.isSettledForGood { return "\(record.position) was settled for good" }
        if isOver { return "\(record.position) behind one that is missing: no prefix" }
        next += 1
      } else if !record.isSettled, mayReturn[record.position.offset] == nil {
        if record.end <= durable { return "\(record.position) was durable (\(durable))" }
        if !isCut && record.end <= durable { return "\(record.position) was written" }
        isOver = true
      }
    }
    return next == found.count ? nil : "invented or reordered: \(found[next].position)"
  }
}

@Suite struct CrashTests {
  @Test(arguments: 0..<12)
  func nothingDurableIsLostAndNothingIsInventedOverCutsAtAnyPoint(batch: Int) throws {
    var cuts = 0
    var laps: Int64 = 0
    for seed in batch * 30..<batch * 30 + 30 {
      let life = try JournalLife(seed: UInt64(seed))
      let wrong = try life.live(steps: 400)
      #expect(wrong == nil, "seed \(seed), after \(life.cuts) cuts")
      cuts += life.cuts
      laps += life.laps
    }
    #expect(cuts > 300 && laps > 0)
  }

  /// A mark is believed, ahead of the walk, only as far as it says that records are durable: what was
  /// settled sooner must not be written over on its word.
  @Test func whatIsSettledBeforeItIsDurableFreesNoRoomYet() throws {
    for seed in 0..<100 {
      var chance = Generator(seed: UInt64(seed))
      let medium = CrashMedium(Array(repeating: 0, count: 10 * 512))
      var storage = CrashStorage(medium: medium)
      _ = try Ring.format(&storage, blockBytes: 512, id: 5)
      var ring = Self.ring(CrashMedium(medium.current))
      #expect(ring.open(seed: 1) == .opened)
      var last = ring.head
      for number in 0..<40 { last = try Self.append(number, to: &ring) }
      ring.settle(from: ring.head, upTo: last)
      try ring.commit()
      #expect(try ring.finishCommit())
      for number in 40..<400 {
        guard (try? Self.append(number, to: &ring)) != nil else { break }
      }
      var again = Self.ring(CrashMedium(ring.medium.medium.afterCut(sectorBytes: 512, &chance)))
      #expect(again.open(seed: 2) == .opened)
      #expect(entries(&again).first { $0.time == 39 } != nil, "seed \(seed)")
    }
  }

  /// A mark may outlive what it is about, and come to light, whole, when something else is in its place.
  @Test func aMarkThatHasOutlivedItsRecordsSettlesNoOthers() throws {
    let medium = CrashMedium(Array(repeating: 0, count: 20 * 512))
    var storage = CrashStorage(medium: medium)
    _ = try Ring.format(&storage, blockBytes: 512, id: 5)
    var state = medium.current
    var ring = Self.ring(CrashMedium(state))
    #expect(ring.open(seed: 1) == .opened)
    for number in 0..<12 { _ = try Self.append(number, to: &ring) }
    ring.settle(from: ring.head, upTo: ring.tail)
    try ring.commit()
    // Of all that the power cut has left what the second block holds, without its header.
    let payload = 2 * 512 + 64..<3 * 512
    state.replaceSubrange(payload, with: ring.medium.medium.current[payload])
    let cut = CrashMedium(state)
    var next = Self.ring(cut)
    #expect(next.open(seed: 2) == .opened)
    #expect(next.tail == RecordPosition(offset: 0))
    for number in 100..<103 { _ = try Self.append(number, to: &next) }
    try next.commit()
    #expect(try next.finishCommit())
    var last = Self.ring(CrashMedium(cut.afterKill()))
    #expect(last.open(seed: 3) == .opened)
    #expect(entries(&last).map(\.time) == [100, 101, 102])
  }

  /// The stream ends with its first block; behind it lies what an earlier run has left there, and a mark
  /// of this run that only says how much is durable.
  @Test func whatAnEarlierRunHasLeftBehindTheStreamIsNotTakenForIt() throws {
    let medium = CrashMedium(Array(repeating: 0, count: 20 * 512))
    var storage = CrashStorage(medium: medium)
    _ = try Ring.format(&storage, blockBytes: 512, id: 5)
    var state = medium.current
    func block(_ number: Int) -> Range<Int> { (1 + number) * 512..<(2 + number) * 512 }
    func fillFirstBlock(_ ring: inout Ring) throws {
      _ = try Self.append(0, to: &ring)
      while ring.tail.offset + 64 <= 448 { _ = try Self.append(1, to: &ring) }
      _ = try Self.append(2, bodyBytes: 448 - 20 - Int(ring.tail.offset), to: &ring)
      #expect(ring.tail == RecordPosition(offset: 448))
    }
    var first = Self.ring(CrashMedium(state))
    #expect(first.open(seed: 1) == .opened)
    try fillFirstBlock(&first)
    for number in 100..<105 { _ = try Self.append(number, to: &first) }
    try first.commit()
    state.replaceSubrange(block(1), with: first.medium.medium.current[block(1)])

    var second = Self.ring(CrashMedium(state))
    #expect(second.open(seed: 2) == .opened && second.tail == RecordPosition(offset: 0))
    try fillFirstBlock(&second)
    try second.commit()
    #expect(try second.finishCommit())
    for number in 10..<22 { _ = try Self.append(number, to: &second) }
    second.settle(from: second.head, upTo: second.tail)
    try second.commit()
    for number in [0, 2] {
      state.replaceSubrange(block(number), with: second.medium.medium.current[block(number)])
    }
    var last = Self.ring(CrashMedium(state))
    #expect(last.open(seed: 3) == .opened)
    #expect(entries(&last).map(\.time) == [])
  }

  private static func ring(_ medium: CrashMedium) -> Ring {
    var arena = testArena(bytes: 1 << 16)
    return Ring(
      CrashStorage(medium: medium), sizes: .init(blockBytes: 512, bodyBytesMax: 100), arena: &arena)
  }

  private static func append(
    _ number: Int, bodyBytes: Int = 24, to ring: inout Ring
  ) throws -> RecordPosition {
    try ring.append(
      recordClass: 1, time: Instant(nanoseconds: Int64(number)), bodyBytes: bodyBytes
    ) { $0.append(repeating: 7, count: bodyBytes) }
  }

  @Test(arguments: 0..<6)
  func blockHeadersThatRotCostNoRecordAlsoTogetherWithACut(batch: Int) throws {
    for seed in batch * 20..<batch * 20 + 20 {
      let life = try JournalLife(seed: UInt64(seed), rotsHeaders: true)
      let wrong = try life.live(steps: 400)
      #expect(wrong == nil, "seed \(seed), after \(life.cuts) cuts")
      if wrong != nil { return }
    }
  }
}
