import Core
import TestSupport

@testable import Journal

/// One life of a journal that is thinned again and again: its records carry numbers, and what replaces
/// several carries the numbers of all. After whatever happens each number must be there once.
struct RewriteLife: ~Copyable {
  /// A record that the owner has read or written.
  private struct Kept {
    var position: RecordPosition
    var next: RecordPosition
    var numbers: [UInt32]
  }

  private var random: Generator
  private var medium: CrashMedium
  private var ring: Ring
  private let blockBytes: Int
  private let sector: Int
  private let hasFaults: Bool
  /// Whether the ring keeps room for rewrites. Else a chunk writes where the one before has just read.
  private let reserves: Bool
  /// What was broken, when something was.
  private(set) var failure: String?
  private(set) var cuts = 0
  private(set) var rewrites = 0
  private(set) var resumed = 0
  private(set) var laps: Int64 = 0

  private var count: UInt32 = 0
  /// Numbers that must be there, those that may be, and those of the former that no sync covers.
  private var kept: Set<UInt32> = []
  private var mayReturn: Set<UInt32> = []
  /// Whatever was settled at some time: an old mark may be found that says so.
  private var settled: Set<UInt32> = []
  private var unsynced: Set<UInt32> = []

  init(seed: UInt64, hasFaults: Bool = false) throws {
    random = Generator(seed: seed)
    self.hasFaults = hasFaults
    blockBytes = [512, 512, 1_024, 2_048][Int(random.next(below: 4))]
    sector = random.next(below: 3) == 0 ? 4_096 : 512
    reserves = random.next(below: 2) == 0
    let blocks = 14 + Int(random.next(below: 24))
    medium = CrashMedium(Array(repeating: 0, count: blockBytes * blocks))
    var storage = CrashStorage(medium: medium)
    _ = try Ring.format(&storage, blockBytes: blockBytes, id: seed &* 31 &+ 7)
    medium = CrashMedium(medium.current)
    medium.syncPolls = Int(random.next(below: 2))
    ring = Self.ring(medium, blockBytes, reserves)
    if ring.open(seed: random.next()) != .opened { failure = "a new journal was refused" }
  }

  private static func ring(_ medium: CrashMedium, _ blockBytes: Int, _ reserves: Bool) -> Ring {
    var arena = testArena(bytes: 1 << 16)
    return RecordRing(
      CrashStorage(medium: medium),
      sizes: .init(blockBytes: blockBytes, bodyBytesMax: 400, reservesRewrite: reserves),
      arena: &arena)
  }

  mutating func run(steps: Int = 200) {
    for _ in 0..<steps where failure == nil {
      switch random.next(below: 100) {
      case 0..<45: append(Int(1 + random.next(below: 8)))
      case 45..<58: try? ring.commit()
      case 58..<70: finish()
      case 70..<75: settleOldest()
      case 75..<83: rewrite()
      case 83..<85: compare("reading", isCut: false)
      case 85: if hasFaults { medium.failCalls(after: Int(random.next(below: 9)), count: 1) }
      case 86..<88: kill()
      case 88..<93:
        cut()
      default: if ring.rewriteUnderWay != nil { rewrite() }
      }
      mend()
    }
    medium.failingCalls = []
  }

  // MARK: What an owner does

  /// A record's context follows from its first number, so that a reader can check it.
  private static func context(of number: UInt32) -> RecordContext {
    RecordContext(repeating: UInt8(truncatingIfNeeded: number / 24))
  }

  private static func body(_ numbers: [UInt32], filler: Int) -> [UInt8] {
    var body = [UInt8(numbers.count)]
    for number in numbers {
      for shift in 0..<4 { body.append(UInt8(truncatingIfNeeded: number >> (8 * shift))) }
    }
    return body + Array(repeating: UInt8(truncatingIfNeeded: numbers[0]), count: filler)
  }

  private mutating func append(_ many: Int) {
    for _ in 0..<many {
      let number = count + 1
      let body = Self.body([number], filler: Int(random.next(below: 90)))
      ring.setContext(Self.context(of: number))
      do throws(AppendFault) {
        try ring.append(
          recordClass: 1, time: Instant(nanoseconds: Int64(number)), bodyBytes: body.count
        ) { $0.append(contentsOf: body.span) }
        count = number
        kept.insert(number)
        unsynced.insert(number)
      } catch {
        if error == .full { return rewrite() }
        if error == .busy, ring.rewriteUnderWay == nil { failure = "busy without a rewrite" }
        return
      }
    }
  }

  private mutating func finish() {
    // What is settled while the sync is under way may need another.
    let isLast = !ring.hasUnwrittenMarks
    guard ring.isSyncing, let ended = try? ring.finishCommit(), ended else { return }
    if isLast, !ring.hasUnsynced { mayReturn = [] }
    if ring.durable >= ring.tail || !ring.hasUnsynced { unsynced = [] }
  }

  private mutating func commitAll() {
    for _ in 0..<64 where ring.fault == nil {
      try? ring.commit()
      guard ring.isSyncing else { break }
      finish()
    }
  }

  private mutating func mend() {
    guard ring.fault != nil, random.next(below: 2) == 0 else { return }
    medium.failingCalls = []
    try? ring.retry()
  }

  private mutating func settleOldest() {
    for _ in 0..<1 + random.next(below: 3) {
      guard let first = read(from: ring.head) else { return }
      ring.settle(from: first.position, upTo: first.next)
      kept.subtract(first.numbers)
      mayReturn.formUnion(first.numbers)
      settled.formUnion(first.numbers)
    }
  }

  /// Thins what there is, or goes on with that; may leave off in the middle.
  private mutating func rewrite() {
    commitAll()
    guard ring.fault == nil else { return }
    makeRoom()
    if ring.rewriteUnderWay == nil {
      guard ring.beginRewrite() else {
        if ring.fault == nil, !ring.isSyncing, read(from: ring.head) != nil {
          failure = "no rewrite may begin"
        }
        return
      }
    }
    let leavesOff = random.next(below: 3) == 0 ? Int(random.next(below: 4)) : 1_000
    for chunk in 0..<1_000 {
      guard chunk < leavesOff, ring.fault == nil, failure == nil else { return }
      // What a fault, or leaving off, has left of a chunk.
      guard (try? ring.abandonRewriteChunk()) != nil else { return }
      if ring.endRewrite() {
        rewrites += 1
        return compare("rewritten", isCut: false)
      }
      guard rewriteChunk() else { return }
      switch random.next(below: 30) {
      case 0: return
      case 1: return cutBehindKill()
      default: commitAll()
      }
      makeRoom()
    }
    failure = "a rewrite without end"
  }

  /// Without a reserve the owner drops what is oldest until a chunk has room.
  private mutating func makeRoom() {
    guard !reserves, ring.chunkStart == nil else { return }
    let wanted = random.next(below: 4) == 0 ? 2 * blockBytes + 400 : 300
    while ring.fault == nil, ring.rewriteFreeBytes < wanted,
      read(from: ring.head) != nil
    {
      settleOldest()
      commitAll()
    }
  }

  /// The program is killed behind a chunk, and the next one settles something before the power is cut:
  /// what it writes must not make the chunk count sooner than it is durable.
  private mutating func cutBehindKill() {
    if random.next(below: 2) == 0 { try? ring.commit() }
    kill()
    settleOldest()
    try? ring.commit()
    cut()
  }

  private mutating func rewriteChunk() -> Bool {
    guard let boundary = ring.rewriteUnderWay else { return false }
    var place = ring.head
    var consumed = place
    var group: [UInt32] = []
    let (keeps, most) = (random.next(below: 3) == 0, 1 + Int(random.next(below: 6)))
    let start = place
    while place.offset - start.offset < Int64(blockBytes) {
      let next = ring.next(from: place)
      guard ring.readFault == nil else { break }
      guard let found = next else {
        place = boundary
        break
      }
      let numbers = numbers(of: found)
      if keeps, group.isEmpty {
        ring.setContext(Self.context(of: numbers[0]))
        guard (try? ring.keepRewritten(found)) != nil else { break }
        consumed = found.next
      } else {
        if group.count + numbers.count > 90 || group.count >= most * 4 {
          guard put(group) else { break }
          consumed = place
          group = []
        }
        group += numbers
      }
      place = found.next
      if random.next(below: 200) == 0 { return false }  // Leaves the chunk as it is.
    }
    if group.isEmpty || put(group) { consumed = max(consumed, place) }
    guard ring.fault == nil else { return false }
    do throws(AppendFault) {
      try ring.finishRewriteChunk(consumedUpTo: consumed)
    } catch {
      if error == .full, !reserves {
        if ring.chunkStart == nil { settleOldest() }
      } else if ring.fault == nil, error != .busy, ring.chunkReadFault == nil {
        failure = "a chunk can't be finished: \(error)"
      }
      return false
    }
    return true
  }

  private mutating func put(_ numbers: [UInt32]) -> Bool {
    ring.setContext(Self.context(of: numbers[0]))
    let body = Self.body(numbers, filler: 0)
    do throws(AppendFault) {
      try ring.appendRewritten(
        recordClass: 2, time: Instant(nanoseconds: Int64(numbers[0])), bodyBytes: body.count
      ) { $0.append(contentsOf: body.span) }
      return true
    } catch {
      if ring.fault == nil, reserves { failure = "no room for a replacement: \(error)" }
      return false
    }
  }

  // MARK: What there is

  private mutating func numbers(of head: RecordHead) -> [UInt32] {
    let body = ring.withBody(of: head) { array($0) }
    var numbers: [UInt32] = []
    for index in 0..<Int(body[0]) {
      numbers.append(
        UInt32(truncatingIfNeeded: body.span.littleEndian(at: 1 + 4 * index, bytes: 4)))
    }
    if ring.contextRead[0] != Self.context(of: numbers[0])[0] {
      failure = "\(numbers[0]) in another's context"
    }
    if body != Self.body(numbers, filler: body.count - 1 - 4 * numbers.count) {
      failure = "\(numbers[0]) with another's body"
    }
    return numbers
  }

  private mutating func read(from place: RecordPosition) -> Kept? {
    guard let head = ring.next(from: place), ring.readFault == nil else { return nil }
    return Kept(position: head.position, next: head.next, numbers: numbers(of: head))
  }

  /// All numbers: first of what has replaced others, then of what is left.
  private mutating func all() -> [UInt32] {
    var found: [UInt32] = []
    var old = ring.rewriteUnderWay ?? ring.tail
    while let head = ring.nextReplacement(from: old) {
      found += numbers(of: head)
      old = head.next
    }
    var place = ring.head
    while let record = read(from: place) {
      found += record.numbers
      place = record.next
    }
    return found
  }

  private mutating func cut() {
    cuts += 1
    medium = CrashMedium(medium.afterCut(sectorBytes: sector, &random))
    reopen()
  }

  /// The program ends; what it has written is still on its way to the medium.
  private mutating func kill() {
    medium.failSync()
    reopen()
  }

  private mutating func reopen() {
    laps = max(laps, ring.tail.offset / Int64(ring.capacityBytes))
    medium.failingCalls = []
    medium.syncPolls = Int(random.next(below: 2))
    ring = Self.ring(medium, blockBytes, reserves)
    let opening = ring.open(seed: random.next())
    if opening != .opened { failure = "refused: \(opening)" }
    if ring.counters.rotten > 0, !hasFaults { failure = "\(ring.counters.rotten) rotten" }
    if ring.rewriteUnderWay != nil { resumed += 1 }
    compare("reopened", isCut: true)
  }

  private mutating func compare(_ place: String, isCut: Bool) {
    guard failure == nil else { return }
    medium.failingCalls = []
    let found = all()
    guard failure == nil else { return }
    let missing = kept.subtracting(found).subtracting(settled).sorted()
    if found != found.sorted() || Set(found).count != found.count {
      failure = "\(place): out of order or twice: \(found)"
    } else if let lost = missing.first(where: { !isCut || !unsynced.contains($0) }) {
      failure = "\(place): \(lost) is lost"
    } else if let lost = missing.first, kept.contains(where: { $0 > lost && found.contains($0) }) {
      failure = "\(place): what follows \(lost) is there without it"
    } else if let new = found.first(where: { !kept.contains($0) && !mayReturn.contains($0) }) {
      failure = "\(place): \(new) was settled for good, or never there"
    }
    if let failure {
      self.failure =
        "\(failure), \(cuts) cuts, \(rewrites) rewrites, \(ring.rewriteUnderWay as Any)"
    }
    guard isCut else { return }
    kept = Set(found)
    mayReturn.subtract(found)
    unsynced.formIntersection(found)
  }
}
