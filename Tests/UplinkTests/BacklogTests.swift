import Core
import Journal
import TestSupport
import Testing

@testable import Uplink

/// A journal that is full, on a medium that does not always do as asked.
@Suite struct BacklogTests {
  private final class Bench {
    let memory = MemoryBytes(64 * 1024)
    var backlog: Backlog<MemoryStorage>
    var merger: Merger
    var losses: LossLedger
    private(set) var made = 0

    init() throws {
      var storage = MemoryStorage(memory: memory)
      _ = try RecordRing.format(&storage, id: 7)
      var arena = testArena()
      backlog = Backlog(storage, isWanted: true, inflight: 2, arena: &arena)
      merger = Merger(series: 1, arena: &arena)
      losses = LossLedger(series: 1, arena: &arena)
      _ = backlog.open(seed: 1, boot: 1)
    }

    /// Appends numbers until there is no room.
    func fill() {
      while !backlog.isFull {
        let text = "\(made + 1)"
        let place = backlog.append(
          RecordLabel(.telemetry, series: 0), at: .boot, bodyBytes: text.utf8.count
        ) { TestSupport.append(text, to: &$0) }
        if place != nil { made += 1 }
        if made % 100 == 0 { backlog.commit() }
      }
      backlog.commit()
    }

    func beginThinning() -> Bool { backlog.beginThinning(merger, RangeRenderer()) }
    func rewriteChunk() { backlog.rewriteChunk(&merger, &losses, RangeRenderer()) }

    /// The ranges that are in the journal, in order.
    func ranges() -> [ClosedRange<Int>] {
      backlog.restart()
      var found: [ClosedRange<Int>] = []
      _ = backlog.read { _, _, body in
        let parts = text(body).split(separator: "-").compactMap { Int($0) }
        found.append(parts[0]...(parts.last ?? parts[0]))
        return true
      }
      return found
    }

    var isRewriting: Bool { backlog.isRewriting }
    var isStuck: Bool { backlog.isStuck }
    var thinned: Int { Int(losses.total.thinned) }
  }

  private func expectWhole(_ ranges: [ClosedRange<Int>], upTo made: Int) {
    #expect(ranges.first?.lowerBound == 1 && ranges.last?.upperBound == made)
    for (one, next) in zip(ranges, ranges.dropFirst()) {
      #expect(one.upperBound + 1 == next.lowerBound, "no hole, nothing twice, in order")
    }
  }

  @Test func anEmptyJournalUsesNothingAndAFullOneAllOfItsRoom() throws {
    let bench = try Bench()
    #expect(bench.backlog.usedBytes == 0)
    bench.fill()
    let (used, room) = (bench.backlog.usedBytes, bench.backlog.roomBytes)
    #expect(used <= room && used > room * 98 / 100)
    #expect(room < bench.backlog.capacityBytes, "the rest is thinning's")
  }

  @Test func aFullJournalIsThinned() throws {
    let bench = try Bench()
    bench.fill()
    #expect(bench.beginThinning())
    for _ in 0..<64 where bench.isRewriting { bench.rewriteChunk() }
    #expect(!bench.isRewriting)
    let ranges = bench.ranges()
    expectWhole(ranges, upTo: bench.made)
    #expect(ranges.count < bench.made / 2)
  }

  @Test(arguments: 0...4)
  func aRewriteThatCannotReadRestsAndGoesOn(chunks: Int) throws {
    let bench = try Bench()
    bench.fill()
    #expect(bench.beginThinning())
    for _ in 0..<chunks where bench.isRewriting { bench.rewriteChunk() }
    try #require(bench.isRewriting)
    // Writes that have to be taken back can't be, either.
    bench.memory.readFault = .failed(code: 5)
    for _ in 0..<3 { bench.rewriteChunk() }
    bench.memory.readFault = nil
    for _ in 0..<200 where bench.isRewriting { bench.rewriteChunk() }
    #expect(!bench.isRewriting)
    let ranges = bench.ranges()
    expectWhole(ranges, upTo: bench.made)
    #expect(bench.thinned == ranges.reduce(0) { $0 + ($1.count > 1 ? $1.count : 0) })
  }

  @Test func aMediumThatNeverReadsAgainStopsTheRewriteAndNotTheAgent() throws {
    let bench = try Bench()
    bench.fill()
    #expect(bench.beginThinning())
    bench.rewriteChunk()
    try #require(bench.isRewriting)
    bench.memory.readFault = .failed(code: 5)
    for _ in 0..<100 where bench.isRewriting && !bench.isStuck { bench.rewriteChunk() }
    #expect(bench.isStuck || !bench.isRewriting)
  }
}
