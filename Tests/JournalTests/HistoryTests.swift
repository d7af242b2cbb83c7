import Core
import TestSupport
import Testing

@testable import Journal

@Suite struct HistoryTests {
  @Test(arguments: 0..<12)
  func everySyncedRecordOutlivesCutsWithItsContext(shard: Int) throws {
    for seed in shard * 1_000..<shard * 1_000 + histories {
      var history = try History(seed: UInt64(seed))
      history.run()
      #expect(history.failure == nil, "seed \(seed)")
      if history.failure != nil { return }
    }
  }

  @Test(arguments: 0..<12)
  func aMediumThatFailsNowAndThenLosesNothingThatWasDurable(shard: Int) throws {
    for seed in shard * 1_000..<shard * 1_000 + histories {
      var history = try History(seed: UInt64(seed), hasFaults: true)
      history.run()
      #expect(history.failure == nil, "seed \(seed)")
      if history.failure != nil { return }
    }
  }

  /// The room behind it may be too little, or what is not durable too much for the memory.
  @Test(arguments: [false, true])
  func aBlockThatFailsForGoodIsPassedOverAndNothingDurableIsLost(hasFaults: Bool) throws {
    var (passed, stuck) = (0, 0)
    for seed in 0..<6 * histories {
      var history = try History(
        seed: UInt64(seed), hasFaults: hasFaults, badBlocks: 1 + seed % 2)
      history.run()
      #expect(history.failure == nil, "seed \(seed)")
      if history.failure != nil { return }
      if !history.recovers() { stuck += 1 }
      passed += history.passed
    }
    #expect(passed > 20 && stuck < passed / 8, "\(passed) passed, \(stuck) stuck")
  }

  private var histories: Int { 10 }
}
