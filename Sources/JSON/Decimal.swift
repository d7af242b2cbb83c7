import Core

/// The digits of a number as they are read, and how they become a Double.
///
/// Nineteen digits are kept; that suffices for most. Where it does not, the digits are read once
/// more from the text, and the Double is found by dividing big numbers.
struct Decimal {
  /// Where the digits begin in the text.
  let start: Int
  /// Where they, and the point among them, end.
  var end: Int
  /// The power of ten that the last digit stands for.
  var exponent = 0
  /// The first nineteen digits, zeros in front not counted.
  private var mantissa: UInt64 = 0
  /// Digits so far, zeros in front not counted.
  private var count = 0
  /// A digit behind the nineteenth is not 0.
  private var hasMore = false

  /// No digits yet; they begin at `start`.
  init(from start: Int) {
    self.start = start
    end = start
  }

  mutating func take(_ digit: UInt8) {
    let digit = digit - UInt8(ascii: "0")
    if count < 19 {
      mantissa = mantissa &* 10 &+ UInt64(wide: digit)
    } else if digit != 0 {
      hasMore = true
    }
    if count > 0 || digit != 0 { count += 1 }
  }

  mutating func take(fraction digit: UInt8) {
    take(digit)
    exponent -= 1
  }

  /// The number, when it is whole and an Int64 holds it.
  func whole(isNegative: Bool) -> Int64? {
    guard mantissa > 0 else { return 0 }
    guard !hasMore else { return nil }
    var value = mantissa
    var power = mantissaExponent
    while power < 0, value % 10 == 0 {
      value /= 10
      power += 1
    }
    guard power >= 0 else { return nil }
    while power > 0 {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      guard !overflow else { return nil }
      value = product
      power -= 1
    }
    let limit: UInt64 = 0x8000_0000_0000_0000
    if isNegative { return value <= limit ? 0 &- Int64(bitPattern: value) : nil }
    return value < limit ? Int64(bitPattern: value) : nil
  }

  /// The power of ten that the mantissa's last digit stands for.
  private var mantissaExponent: Int { exponent + max(0, count - 19) }

  /// The nearest Double, ties to even; nil when that is infinite.
  func magnitude(in text: Span<UInt8>) -> Double? {
    // The number is at least 10^(count + exponent - 1), and less than ten times that. The largest
    // Double is 1.8e308; less than half of the smallest, 4.9e-324, is rounded to 0.
    if mantissa == 0 || count + exponent < -323 { return 0 }
    if count + exponent > 309 { return nil }
    // Up to 2^53 and 10^22 both are exact as Doubles, and one operation rounds correctly
    // (Clinger, How to Read Floating Point Numbers Accurately, 1990).
    let power = mantissaExponent
    if !hasMore, mantissa <= 1 &<< 53, power >= -22, power <= 22 {
      var factor = 1.0
      for _ in 0..<abs(power) { factor *= 10 }
      let value = Double(Int64(bitPattern: mantissa))
      return power < 0 ? value / factor : value * factor
    }
    return exactly(text)
  }

  /// Long division of big numbers: 64 bits of the quotient, and whether anything remains.
  private func exactly(_ text: Span<UInt8>) -> Double? {
    var numerator = BigNumber()
    let (taken, hasRest) = read(into: &numerator, text)
    let power = exponent + (count - taken)
    var denominator = BigNumber(1, shiftedLeftBy: 0)
    if power >= 0 {
      numerator.multiply(byPowerOfTen: power)
    } else {
      denominator.multiply(byPowerOfTen: -power)
    }
    // Scaled to the same width, the quotient is above 1/2 and below 2.
    let shift = denominator.bitWidth - numerator.bitWidth
    if shift >= 0 { numerator.shiftLeft(by: shift) } else { denominator.shiftLeft(by: -shift) }
    var quotient: UInt64 = 0
    for _ in 0..<64 {
      quotient = quotient &<< 1
      if !(numerator < denominator) {
        numerator.subtract(denominator)
        quotient |= 1
      }
      numerator.shiftLeft(by: 1)
    }
    var binaryExponent = -shift
    if quotient.leadingZeroBitCount == 1 {
      quotient = quotient &<< 1
      binaryExponent -= 1
    }
    return Self.round(quotient, hasMore: hasRest || !numerator.isZero, binaryExponent)
  }

  /// Reads the digits that can decide the rounding into `number`, and says how many those were and
  /// whether another one behind them is not 0. (Halfway between two Doubles lies a number of at most
  /// 768 digits.)
  private func read(into number: inout BigNumber, _ text: Span<UInt8>) -> (Int, Bool) {
    let limit = 780
    var taken = 0
    var chunk: UInt32 = 0
    var factor: UInt32 = 1
    var index = start
    while index < end {
      let byte = text[index]
      index += 1
      if byte == UInt8(ascii: ".") || taken == 0 && byte == UInt8(ascii: "0") { continue }
      if taken == limit {
        if byte == UInt8(ascii: "0") { continue }
        number.multiply(by: factor, adding: chunk)
        return (taken, true)
      }
      chunk = chunk * 10 + UInt32(byte - UInt8(ascii: "0"))
      factor *= 10
      taken += 1
      if factor == 1_000_000_000 {
        number.multiply(by: factor, adding: chunk)
        chunk = 0
        factor = 1
      }
    }
    number.multiply(by: factor, adding: chunk)
    return (taken, false)
  }

  /// quotient / 2^63 × 2^exponent, rounded to the nearest Double, ties to even.
  private static func round(_ quotient: UInt64, hasMore: Bool, _ exponent: Int) -> Double? {
    // Below 2^-1022 numbers have fewer bits (IEEE 754, subnormal numbers).
    let shift = 11 + max(0, -1022 - exponent)
    guard shift < 65 else { return 0 }
    let isWidest = shift == 64
    let wideShift = UInt64(wide: shift)
    var mantissa = isWidest ? 0 : quotient &>> wideShift
    let rest = isWidest ? quotient : quotient & ((1 &<< wideShift) &- 1)
    let half: UInt64 = 1 &<< (wideShift &- 1)
    if rest > half || rest == half && (hasMore || mantissa & 1 == 1) { mantissa = mantissa &+ 1 }
    // The leading bit, where there is one, adds one to the exponent's field.
    let field = UInt64(wide: max(0, exponent + 1022))
    let bits = (exponent < -1022 ? 0 : field &<< 52) &+ mantissa
    return bits < 0x7FF0_0000_0000_0000 ? Double(bitPattern: bits) : nil
  }
}
