import Core
import Testing

@Suite struct GeneratorTests {
  /// Sebastiano Vigna, splitmix64.c, run with these seeds.
  @Test(
    arguments: [
      (
        0,
        [
          0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F,
          0xF88B_B8A8_724C_81EC,
        ]
      ),
      (
        1_234_567,
        [
          6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
          4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
      ),
    ] as [(UInt64, [UInt64])])
  func numbersAreThoseOfSplitMix64(seed: UInt64, numbers: [UInt64]) {
    var chance = Generator(seed: seed)
    for number in numbers { #expect(chance.next() == number) }
  }

  @Test func sameSeedGivesTheSameNumbers() {
    var first = Generator(seed: 42)
    var second = Generator(seed: 42)
    for _ in 0..<100 { #expect(first.next() == second.next()) }
  }

  @Test func numbersBelowABoundAreEven() {
    var chance = Generator(seed: 1)
    var counts = [Int](repeating: 0, count: 6)
    for _ in 0..<6_000 { counts[Int(chance.next(below: 6))] += 1 }
    #expect(counts.allSatisfy { $0 > 900 && $0 < 1_100 })
    for _ in 0..<10 { #expect(chance.next(below: 1) == 0) }
  }

  @Test func unitIsBelowOne() {
    var chance = Generator(seed: 1)
    var sum = 0.0
    for _ in 0..<10_000 {
      let unit = chance.unit()
      #expect(unit >= 0 && unit < 1)
      sum += unit
    }
    #expect(sum > 4_800 && sum < 5_200)
  }

  @Test func intervalsAreBelowTheirBound() {
    var chance = Generator(seed: 1)
    for _ in 0..<1_000 {
      let interval = chance.interval(below: .seconds(2))
      #expect(interval >= .zero && interval < .seconds(2))
    }
    #expect(chance.interval(below: .zero) == .zero)
    #expect(chance.interval(below: .seconds(-1)) == .zero)
    #expect(chance.interval(below: .nanoseconds(1)) == .zero)
  }
}
