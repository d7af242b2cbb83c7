import Core
import TestSupport
import Testing

@testable import Journal

@Suite struct RewriteTests {
  @Test(arguments: 0..<8)
  func eachRecordIsThereOnceItselfOrReplacedOverCutsAtAnyPoint(shard: Int) throws {
    var (cuts, rewrites, resumed, laps) = (0, 0, 0, Int64(0))
    for seed in shard * 1_000..<shard * 1_000 + lives {
      var life = try RewriteLife(seed: UInt64(seed))
      life.run()
      #expect(life.failure == nil, "seed \(seed)")
      if life.failure != nil { return }
      cuts += life.cuts
      rewrites += life.rewrites
      resumed += life.resumed
      laps += life.laps
    }
    #expect(cuts > lives && rewrites > lives && resumed > 0 && laps > 0)
  }

  @Test(arguments: 0..<8)
  func aMediumThatFailsNowAndThenLeavesARewriteAtItsLastChunk(shard: Int) throws {
    for seed in shard * 1_000..<shard * 1_000 + lives {
      var life = try RewriteLife(seed: UInt64(seed), hasFaults: true)
      life.run()
      #expect(life.failure == nil, "seed \(seed)")
      if life.failure != nil { return }
    }
  }

  private var lives: Int { 12 }
}
