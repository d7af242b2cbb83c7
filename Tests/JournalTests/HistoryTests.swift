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

  private var histories: Int { 10 }
}
