import Core
import TestSupport

@testable import Journal

/// What one record says, for comparison.
struct Entry: Equatable, CustomStringConvertible {
  var position: Int64
  var next: Int64
  var recordClass: UInt8
  var time: Int64
  var context: UInt8
  var body: [UInt8]

  var description: String { "#\(position)+\(body.count) c\(recordClass) x\(context)" }
}

typealias Ring = RecordRing<CrashStorage>

/// One history: appends, commits, settlements, changes of context, faults, reopenings and cuts in an
/// order that a seed decides, beside a list of what was promised.
struct History: ~Copyable {
  private var random: Generator
  private(set) var medium: CrashMedium
  private let blockBytes: Int
  private let sector: Int
  private let bodyMax: Int
  private let hasFaults: Bool
  private(set) var ring: Ring
  /// What was broken, when something was.
  private(set) var failure: String?
  private(set) var cuts = 0

  /// What lies in the journal as far as the owner knows; not what was settled.
  private var live: [Entry] = []
  /// Settled, but the mark may be lost yet.
  private var mayReturn: [Entry] = []
  /// Whatever was settled at some time, by position.
  private var acknowledged: Set<Int64> = []
  private var count: Int64 = 0
  private var contextNow: UInt8 = 0

  init(seed: UInt64, hasFaults: Bool = false) throws {
    random = Generator(seed: seed)
    self.hasFaults = hasFaults
    blockBytes = random.next(below: 3) == 0 ? 1_024 : 512
    let blocks = 10 + Int(random.next(below: 30))
    bodyMax = [40, 200, 900][Int(random.next(below: 3))]
    sector = random.next(below: 3) == 0 ? 4_096 : 512
    medium = CrashMedium(Array(repeating: 0, count: blockBytes * blocks))
    var storage = CrashStorage(medium: medium)
    _ = try Ring.format(&storage, blockBytes: blockBytes, id: seed &* 77 &+ 1)
    medium = CrashMedium(medium.current)
    medium.syncPolls = Int(random.next(below: 3))
    ring = Self.ring(medium, blockBytes, bodyMax)
    if ring.open(seed: random.next()) != .opened { failure = "a new journal was refused" }
  }

  private static func ring(_ medium: CrashMedium, _ blockBytes: Int, _ bodyMax: Int) -> Ring {
    var arena = testArena(bytes: 1 << 16)
    return RecordRing(
      CrashStorage(medium: medium), sizes: .init(blockBytes: blockBytes, bodyBytesMax: bodyMax),
      arena: &arena)
  }

  mutating func run(steps: Int = 250) {
    for _ in 0..<steps where failure == nil {
      switch random.next(below: 100) {
      case 0..<50: append(Int(1 + random.next(below: 6)))
      case 50..<62: commit()
      case 62..<76: finish()
      case 76..<88: settle()
      case 88..<91: changeContext()
      case 91..<94:
        medium.failingCalls = []
        compare("reading", entries(&ring), live)
      case 94: commitAll()
      case 95: if hasFaults { medium.failCalls(after: Int(random.next(below: 4)), count: 1) }
      case 96: reopen(medium.afterKill())
      default:
        cuts += 1
        reopen(medium.afterCut(sectorBytes: sector, &random))
      }
      mend()
    }
  }

  private mutating func append(_ many: Int) {
    for _ in 0..<many {
      count += 1
      let size = Int(random.next(below: UInt64(bodyMax + 1)))
      let byte = UInt8(truncatingIfNeeded: random.next())
      let body = (0..<(random.next(below: 3) == 0 ? size : min(size, 30))).map {
        UInt8(truncatingIfNeeded: $0) &+ byte
      }
      do throws(AppendFault) {
        let position = try ring.append(
          recordClass: UInt8(count % 16), time: Instant(nanoseconds: count), bodyBytes: body.count
        ) { $0.append(contentsOf: body.span) }
        live.append(
          Entry(
            position: position.offset, next: ring.tail.offset, recordClass: UInt8(count % 16),
            time: count, context: contextNow, body: body))
      } catch {
        if error == .full { drop() }
        return
      }
    }
  }

  /// Full: what every owner does at last.
  private mutating func drop() {
    commitAll()
    if !live.isEmpty { settle(0..<1 + live.count / 2) }
    commitAll()
    if ring.fault == nil, live.isEmpty, ring.freeBytes < bodyMax + 100 { failure = "stays full" }
  }

  private mutating func commit() { try? ring.commit() }

  private mutating func finish() {
    guard let ended = try? ring.finishCommit(), ended else { return }
    noteSync()
  }

  private mutating func commitAll() {
    for _ in 0..<64 where ring.fault == nil {
      commit()
      guard ring.isSyncing else { break }
      finish()
    }
    noteSync()
  }

  /// A failed medium comes back sooner or later.
  private mutating func mend() {
    guard ring.fault != nil, random.next(below: 3) == 0 else { return }
    try? ring.retry()
  }

  /// When nothing is under way or unwritten, only what one stretch too many makes forgotten may return.
  private mutating func noteSync() {
    guard !ring.isSyncing, !ring.hasUnsynced, !ring.hasUnwrittenMarks, ring.fault == nil else {
      return
    }
    let head = ring.head.offset
    mayReturn.removeAll { $0.next <= head }
  }

  private mutating func settle(_ range: Range<Int>) {
    acknowledged.formUnion(live[range].map(\.position))
    ring.settle(
      from: RecordPosition(offset: live[range.lowerBound].position),
      upTo: RecordPosition(offset: live[range.upperBound - 1].next))
    // One stretch too many is forgotten: this one, or another.
    let all = (live + mayReturn).sorted { $0.position < $1.position }
    live = []
    mayReturn = []
    for entry in all {
      if ring.isSettled(RecordPosition(offset: entry.position)) {
        mayReturn.append(entry)
      } else {
        live.append(entry)
      }
    }
  }

  private mutating func settle() {
    guard !live.isEmpty else { return }
    if random.next(below: 3) > 0 {
      settle(0..<min(live.count, 1 + Int(random.next(below: 8))))
    } else {
      let first = Int(random.next(below: UInt64(live.count)))
      settle(first..<min(live.count, first + 1 + Int(random.next(below: 3))))
    }
  }

  private mutating func changeContext() {
    contextNow = UInt8(truncatingIfNeeded: random.next())
    ring.setContext(RecordContext(repeating: contextNow))
  }

  private mutating func reopen(_ state: [UInt8]) {
    let durable = ring.durable.offset
    medium = CrashMedium(state)
    medium.syncPolls = Int(random.next(below: 3))
    ring = Self.ring(medium, blockBytes, bodyMax)
    if hasFaults, random.next(below: 4) == 0 {
      medium.failCalls(after: Int(random.next(below: 80)), count: 1)
    }
    if cuts % 4 == 1 { medium.spoil(at: 0) }
    var opening = ring.open(seed: random.next(), repairing: true)
    // One that has failed, or read less than there is, has done no harm.
    if medium.hasFailed {
      medium.failingCalls = []
      ring = Self.ring(medium, blockBytes, bodyMax)
      opening = ring.open(seed: random.next(), repairing: true)
    }
    medium.failingCalls = []
    guard opening == .opened else {
      failure = "refused: \(opening)"
      return
    }
    if ring.counters.rotten > 0, !hasFaults {
      failure = "\(ring.counters.rotten) rotten"
      return
    }
    contextNow = ring.context[0]
    let found = entries(&ring)
    let positions = Set(found.map(\.position))
    var expected = live + mayReturn.filter { positions.contains($0.position) }
    // The places behind the tail are used again.
    let tail = ring.tail.offset
    mayReturn.removeAll { positions.contains($0.position) || $0.next > tail }
    acknowledged = acknowledged.filter { $0 < tail }
    // What was settled and forgotten again may be remembered by an older mark.
    expected.removeAll { acknowledged.contains($0.position) && !positions.contains($0.position) }
    expected.sort { $0.position < $1.position }
    // A prefix of what was not durable.
    while let last = expected.last, last.next > durable, !positions.contains(last.position) {
      expected.removeLast()
    }
    compare("reopened, durable \(durable)", found, expected)
    live = expected
  }

  private mutating func compare(_ place: String, _ found: [Entry], _ expected: [Entry]) {
    guard found != expected else { return }
    let at = zip(found, expected).prefix { $0 == $1 }.count
    failure = """
      \(place), \(cuts) cuts: \(found.count) found, \(expected.count) expected, first difference \
      at \(at): \(found.dropFirst(at).first?.description ?? "none") for \
      \(expected.dropFirst(at).first?.description ?? "none"); head \(ring.head.offset), tail \
      \(ring.tail.offset)
      """
  }
}

/// All that a reader finds.
func entries(_ ring: inout Ring) -> [Entry] {
  var found: [Entry] = []
  var place = ring.head
  while let head = ring.next(from: place) {
    let body = ring.withBody(of: head) { array($0) }
    found.append(
      Entry(
        position: head.position.offset, next: head.next.offset, recordClass: head.recordClass,
        time: head.time.nanoseconds, context: ring.contextRead[0], body: body))
    place = head.next
  }
  return found
}
