import Core
import MQTT
import Testing

@Suite struct BackoffTests {
  /// AWS Architecture Blog, "Exponential Backoff and Jitter": full jitter draws from zero on.
  @Test func waitIsDrawnFromTheWholeRange() {
    var shortest = Interval.seconds(1000)
    var longest = Interval.zero
    for seed in 0..<2_000 as Range<UInt64> {
      var chance = Generator(seed: seed)
      var backoff = Backoff(minimum: .seconds(10), maximum: .seconds(120))
      let wait = backoff.next(&chance)
      shortest = min(shortest, wait)
      longest = max(longest, wait)
    }
    #expect(shortest >= Backoff.floor && shortest < .milliseconds(200))
    #expect(longest < .seconds(10) && longest > .milliseconds(9_900))
  }

  @Test func boundDoublesUpToTheCap() {
    var chance = Generator(seed: 1)
    var backoff = Backoff(minimum: .seconds(1), maximum: .seconds(10))
    var bounds: [Int64] = []
    for _ in 0..<6 {
      let bound = backoff.bound
      bounds.append(bound.seconds)
      let wait = backoff.next(&chance)
      #expect(wait < bound)
    }
    #expect(bounds == [1, 2, 4, 8, 10, 10])
    #expect(backoff.attempts == 6)
  }

  @Test func waitsHaveTheMeanOfFullJitter() {
    var chance = Generator(seed: 7)
    var backoff = Backoff(minimum: .seconds(60), maximum: .seconds(60))
    var sum = Interval.zero
    for _ in 0..<1_000 { sum = sum + backoff.next(&chance) }
    let mean = (sum / 1_000).seconds
    #expect(mean >= 28 && mean <= 32)
  }

  @Test func noWaitIsBelowTheFloor() {
    var chance = Generator(seed: 3)
    var backoff = Backoff(minimum: .milliseconds(120), maximum: .milliseconds(120))
    for _ in 0..<1_000 {
      let wait = backoff.next(&chance)
      #expect(wait >= Backoff.floor && wait < .milliseconds(120))
    }
  }

  @Test func boundBelowTheFloorIsTheWait() {
    var chance = Generator(seed: 3)
    var backoff = Backoff(minimum: .milliseconds(20), maximum: .milliseconds(20))
    #expect(backoff.next(&chance) == .milliseconds(20))
  }

  @Test func capBelowTheMinimumHolds() {
    var chance = Generator(seed: 3)
    var backoff = Backoff(minimum: .seconds(60), maximum: .seconds(5))
    #expect(backoff.bound == .seconds(5))
    let wait = backoff.next(&chance)
    #expect(wait < .seconds(5))
    backoff.reset()
    #expect(backoff.bound == .seconds(5))
  }

  @Test func refusalWaitsHalfTheCapAtLeast() {
    for seed in 0..<500 as Range<UInt64> {
      var chance = Generator(seed: seed)
      var backoff = Backoff(minimum: .seconds(1), maximum: .seconds(120))
      let wait = backoff.nextAfterRefusal(&chance)
      #expect(wait >= .seconds(60) && wait < .seconds(120))
      #expect(backoff.bound == .seconds(120) && backoff.attempts == 1)
    }
  }

  @Test func resetBeginsAfresh() {
    var chance = Generator(seed: 1)
    var backoff = Backoff(minimum: .seconds(1), maximum: .seconds(120))
    for _ in 0..<5 { _ = backoff.next(&chance) }
    #expect(backoff.bound == .seconds(32))
    backoff.reset()
    #expect(backoff.bound == .seconds(1) && backoff.attempts == 0)
  }
}
