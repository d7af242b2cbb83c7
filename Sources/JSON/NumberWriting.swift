import Core

/// Writing numbers as JSON has them. The caller sees to it that there is room.
extension OutputSpan<UInt8> {
  /// Appends `value` rounded to `decimals` (0...9) places, half away from zero, without needless
  /// zeros: `21.4`, `-0.5`, `7`. The value is taken exactly as the Double holds it, so 1.005 to two
  /// places is 1. Values from 2^63 on have an exponent (`1e300`) and as many digits as lead back
  /// to the same Double. Infinite and undefined values are `null`. At most 32 bytes.
  @_lifetime(self: copy self)
  public mutating func append(fixed value: Double, decimals: Int) {
    guard value.isFinite else { return append(literal: "null") }
    let magnitude = value.magnitude
    guard magnitude < 0x1p63 else {
      if value < 0 { append(UInt8(ascii: "-")) }
      return LargeNumber(magnitude).append(to: &self)
    }
    var power: UInt64 = 1
    for _ in 0..<max(0, min(9, decimals)) { power = power &* 10 }
    var whole = Int64(magnitude)
    var rest = Self.fraction(magnitude - Double(whole), times: power)
    if rest == power {
      whole += 1
      rest = 0
    }
    if value < 0 && (whole > 0 || rest > 0) { append(UInt8(ascii: "-")) }
    append(digits: UInt64(bitPattern: whole), width: 1)
    guard rest > 0 else { return }
    append(UInt8(ascii: "."))
    while rest > 0 {
      power /= 10
      append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / power))
      rest %= power
    }
  }

  /// A fraction (0 up to, but without, 1) times `power`, rounded to a whole number, half up.
  private static func fraction(_ fraction: Double, times power: UInt64) -> UInt64 {
    // fraction = significand / 2^shift, exactly; and with it times 10^9 there are at most 83 bits.
    let shift = 1075 - UInt64(wide: fraction.exponentBitPattern)
    guard fraction > 0, shift <= 84 else { return 0 }
    let significand = fraction.significandBitPattern | 0x10_0000_0000_0000
    var (high, low) = significand.multipliedFullWidth(by: power)
    if shift > 64 {
      high = high &+ (1 &<< (shift &- 65))
      return high &>> (shift &- 64)
    }
    let (sum, carry) = low.addingReportingOverflow(1 &<< (shift &- 1))
    low = sum
    if carry { high = high &+ 1 }
    return shift == 64 ? high : (high &<< (64 &- shift)) | (low &>> shift)
  }
}

/// A finite number from 2^63 on, which is whole, in decimal digits.
private struct LargeNumber {
  /// The largest Double has 309 digits; they come nine at a time.
  private var digits = InlineArray<315, UInt8>(repeating: 0)
  /// The place of the first digit that is not 0.
  private var start: Int
  private let value: Double

  init(_ value: Double) {
    self.value = value
    // From 2^63 on the shift is 11 or more.
    let shift = Int(truncatingIfNeeded: value.exponentBitPattern) - 1075
    var number = BigNumber(
      value.significandBitPattern | 0x10_0000_0000_0000, shiftedLeftBy: shift)
    start = digits.count
    while !number.isZero {
      var chunk = number.divideByBillion()
      for _ in 0..<9 {
        start -= 1
        digits[start] = UInt8(truncatingIfNeeded: chunk % 10)
        chunk /= 10
      }
    }
    while digits[start] == 0 { start += 1 }
  }

  /// Appends 15 digits, or 16 or 17 if it takes these to tell the number from its neighbours.
  func append(to out: inout OutputSpan<UInt8>) {
    for precision in 15...17 {
      let text = ShortText { out in write(precision, to: &out) }
      let isSame = text.withBytes { Double(parsing: $0) } == value
      if isSame || precision == 17 { return text.write(into: &out) }
    }
  }

  private func write(_ precision: Int, to out: inout OutputSpan<UInt8>) {
    var mantissa: UInt64 = 0
    for index in start..<start + precision {
      mantissa = mantissa &* 10 &+ UInt64(wide: digits[index])
    }
    if digits[start + precision] >= 5 { mantissa = mantissa &+ 1 }
    // The first digit's power of ten; one more when rounding up has made 999... into 1000...
    var exponent = digits.count - start - 1
    var power: UInt64 = 1
    for _ in 1..<precision { power = power &* 10 }
    if mantissa / power == 10 {
      mantissa /= 10
      exponent += 1
    }
    out.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: mantissa / power))
    mantissa %= power
    if mantissa > 0 { out.append(UInt8(ascii: ".")) }
    while mantissa > 0 {
      power /= 10
      out.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: mantissa / power))
      mantissa %= power
    }
    out.append(UInt8(ascii: "e"))
    out.append(digits: UInt64(wide: exponent), width: 1)
  }
}
