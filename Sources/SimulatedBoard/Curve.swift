import Core

/// The few functions of a real number that a simulated board needs, without libm, so that they give
/// the same bits on every CPU.
enum Curve {
  /// The sine after so many turns, within 1e-7. Taylor series on the first quarter.
  static func sine(turns: Double) -> Double {
    var turn = part(turns)
    var sign = 1.0
    if turn >= 0.5 {
      turn -= 0.5
      sign = -1
    }
    if turn > 0.25 { turn = 0.5 - turn }
    let x = turn * 2 * Double.pi
    let square = x * x
    var term = x
    var sum = x
    var step = 1.0
    while step <= 11 {
      term = term * -square / ((step + 1) * (step + 2))
      sum += term
      step += 2
    }
    return sign * sum
  }

  /// -1 ... 1 and back over one turn, beginning at 0 and rising, as the sine does.
  static func triangle(turns: Double) -> Double {
    let turn = part(turns)
    if turn < 0.25 { return 4 * turn }
    return turn < 0.75 ? 2 - 4 * turn : 4 * turn - 4
  }

  /// 1 for the first half of a turn, -1 for the second.
  static func square(turns: Double) -> Double { part(turns) < 0.5 ? 1 : -1 }

  /// The part of a turn behind the last whole one; `turns` is not below 0.
  private static func part(_ turns: Double) -> Double { turns - Double(Int64(turns)) }

  /// The natural logarithm of `x` > 0, within 2e-6: 2 artanh((m - 1) / (m + 1)) of the significand.
  static func logarithm(_ x: Double) -> Double {
    let z = (x.significand - 1) / (x.significand + 1)
    let square = z * z
    let series = 1 + square * (1 / 3 + square * (1 / 5 + square * (1 / 7 + square / 9)))
    return 2 * z * series + Double(x.exponent) * 0.693_147_180_559_945_3
  }

  /// A number drawn from the normal distribution with mean 0 and deviation 1: twelve even ones.
  static func normal(_ chance: inout Generator) -> Double {
    var sum = -6.0
    for _ in 0..<12 { sum += chance.unit() }
    return sum
  }

  /// A length drawn around `mean`: exactly that for `randomness` 0, exponentially distributed for 1.
  static func hold(_ mean: Interval, randomness: Double, _ chance: inout Generator) -> Interval {
    let drawn = -logarithm(max(chance.unit(), 0x1p-53))
    let factor = 1 - randomness + randomness * drawn
    return .nanoseconds(Int64(Double(mean.nanoseconds) * factor))
  }
}
