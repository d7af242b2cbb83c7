import Core
import Scenarios
import Testing

@testable import Simulator

/// Faults that are left out one after the other, until no more can be.
@Suite struct ShrinkerTests {
  private let many = (0..<60).map { Happening(.reset, at: .seconds($0)) }

  @Test func whatIsLeftIsWhatItTakes() {
    let culprits: Set<Int64> = [7, 8, 41]
    var lives = 0
    var shrinker = Shrinker(tries: 300) { happenings in
      lives += 1
      return culprits.isSubset(of: happenings.map(\.at.seconds))
    }
    #expect(shrinker.shrink(many).map(\.at.seconds) == culprits.sorted())
    #expect(lives < 150)
  }

  @Test func onceTheTriesHaveRunOutWhatIsLeftStillBreaksIt() {
    var shrinker = Shrinker(tries: 10) { $0.contains { $0.at == .seconds(5) } }
    let left = shrinker.shrink(many)
    #expect(left.contains { $0.at == .seconds(5) } && left.count < many.count)
  }

  @Test func whatBreaksWithoutAnyFaultIsLeftWithNone() {
    var shrinker = Shrinker(tries: 300) { _ in true }
    #expect(shrinker.shrink(many).isEmpty)
  }
}
