import Core
import Foundation
import Testing

@testable import SimulatedBoard

/// The functions of a real number, against those of libm.
@Suite struct CurveTests {
  @Test func sineIsThatOfLibm() {
    for step in 0...4_000 {
      let turns = Double(step) / 1_000
      let difference = abs(Curve.sine(turns: turns) - sin(turns * 2 * Double.pi))
      #expect(difference < 1e-7)
    }
  }

  @Test func triangleGoesThroughItsCorners() {
    let corners = [(0, 0), (0.125, 0.5), (0.25, 1), (0.5, 0), (0.75, -1), (0.875, -0.5), (1, 0)]
    for (turns, value) in corners {
      #expect(Curve.triangle(turns: turns) == value)
      #expect(Curve.triangle(turns: turns + 8) == value)
    }
  }

  @Test func squareHasTwoHalves() {
    #expect(Curve.square(turns: 0) == 1 && Curve.square(turns: 0.499) == 1)
    #expect(Curve.square(turns: 0.5) == -1 && Curve.square(turns: 0.999) == -1)
    #expect(Curve.square(turns: 1) == 1)
  }

  @Test func logarithmIsThatOfLibm() {
    var x = 0x1p-53
    while x < 1_000 {
      let difference = abs(Curve.logarithm(x) - log(x))
      #expect(difference < 2e-6)
      x *= 1.37
    }
  }

  @Test func normalNumbersHaveMeanAndDeviation() {
    var chance = Generator(seed: 1)
    var sum = 0.0
    var squares = 0.0
    for _ in 0..<10_000 {
      let drawn = Curve.normal(&chance)
      #expect(drawn >= -6 && drawn <= 6)
      sum += drawn
      squares += drawn * drawn
    }
    let mean = sum / 10_000
    let variance = squares / 10_000 - mean * mean
    #expect(abs(mean) < 0.05 && abs(variance - 1) < 0.05)
  }

  @Test func exactHoldIsTheMean() {
    var chance = Generator(seed: 1)
    for _ in 0..<10 { #expect(Curve.hold(.seconds(7), randomness: 0, &chance) == .seconds(7)) }
  }

  @Test(arguments: [0.3, 1])
  func randomHoldHasTheMean(randomness: Double) {
    var chance = Generator(seed: 1)
    var sum = Interval.zero
    for _ in 0..<4_000 {
      let hold = Curve.hold(.seconds(10), randomness: randomness, &chance)
      #expect(hold >= .milliseconds(Int64(10_000 * (1 - randomness)) - 1))
      sum = sum + hold
    }
    let mean = (sum / 4_000).milliseconds
    #expect(mean > 9_500 && mean < 10_500)
  }
}
