import Core

/// A whole number of up to 3,840 bits, in place: room for 10^1104, the power of ten that the
/// smallest Double with 780 digits needs, and for the largest Double.
///
/// Invariant: limbs from `count` on are 0, and the one before, if any, is not.
struct BigNumber {
  private var limbs = InlineArray<120, UInt32>(repeating: 0)
  /// Limbs up to the highest that is not 0.
  private var count = 0

  /// Zero.
  init() {}

  /// value × 2^shift.
  init(_ value: UInt64, shiftedLeftBy shift: Int) {
    limbs[0] = UInt32(truncatingIfNeeded: value)
    limbs[1] = UInt32(truncatingIfNeeded: value &>> 32)
    trim(2)
    shiftLeft(by: shift)
  }

  var isZero: Bool { count == 0 }

  var bitWidth: Int { count == 0 ? 0 : count * 32 - limbs[count - 1].leadingZeroBitCount }

  static func < (a: BigNumber, b: BigNumber) -> Bool {
    if a.count != b.count { return a.count < b.count }
    var index = a.count - 1
    while index >= 0 {
      if a.limbs[index] != b.limbs[index] { return a.limbs[index] < b.limbs[index] }
      index -= 1
    }
    return false
  }

  mutating func multiply(by factor: UInt32, adding addend: UInt32) {
    var carry = addend
    for index in 0..<count {
      let product = limbs[index].multipliedFullWidth(by: factor)
      let (low, overflow) = product.low.addingReportingOverflow(carry)
      limbs[index] = low
      carry = product.high + (overflow ? 1 : 0)
    }
    if carry > 0 {
      limbs[count] = carry
      count += 1
    }
  }

  mutating func multiply(byPowerOfTen power: Int) {
    var rest = power
    while rest >= 9 {
      multiply(by: 1_000_000_000, adding: 0)
      rest -= 9
    }
    for _ in 0..<rest { multiply(by: 10, adding: 0) }
  }

  /// Divides by 10^9 and returns the remainder.
  mutating func divideByBillion() -> UInt32 {
    var remainder: UInt32 = 0
    var index = count - 1
    while index >= 0 {
      let part = (UInt64(wide: remainder) &<< 32) | UInt64(wide: limbs[index])
      limbs[index] = UInt32(truncatingIfNeeded: part / 1_000_000_000)
      remainder = UInt32(truncatingIfNeeded: part % 1_000_000_000)
      index -= 1
    }
    trim(count)
    return remainder
  }

  mutating func shiftLeft(by bits: Int) {
    guard count > 0, bits > 0 else { return }
    let whole = bits / 32
    let part = UInt32(truncatingIfNeeded: bits % 32)
    let top = min(limbs.count, count + whole + 1)
    var index = top - 1
    while index >= 0 {
      let high = index >= whole ? limbs[index - whole] : 0
      let low = index > whole ? limbs[index - whole - 1] : 0
      limbs[index] = high << part | low >> (32 - part)
      index -= 1
    }
    trim(top)
  }

  /// Takes away `other`, which is not larger.
  mutating func subtract(_ other: BigNumber) {
    var borrow: UInt32 = 0
    for index in 0..<count {
      let (first, under) = limbs[index].subtractingReportingOverflow(other.limbs[index])
      let (second, underToo) = first.subtractingReportingOverflow(borrow)
      limbs[index] = second
      borrow = under || underToo ? 1 : 0
    }
    trim(count)
  }

  private mutating func trim(_ candidate: Int) {
    count = candidate
    while count > 0, limbs[count - 1] == 0 { count -= 1 }
  }
}
