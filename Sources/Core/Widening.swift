/// Conversions to and from 64 bits that stay free of the heap on 32-bit CPUs.
///
/// There the standard library's generic initialisers go through `words`, an array, which
/// `-no-allocations` refuses (Swift 6.3). `_truncatingBits` is the standard library's own
/// primitive beneath them.
extension UInt64 {
  /// The same number in 64 bits.
  @inlinable public init(wide value: UInt) { self.init(_truncatingBits: value) }

  /// The same number in 64 bits.
  @inlinable public init(wide value: UInt32) { self.init(_truncatingBits: UInt(value)) }

  /// The same number in 64 bits.
  @inlinable public init(wide value: UInt8) { self.init(_truncatingBits: UInt(value)) }

  /// The same number in 64 bits; traps below zero.
  @inlinable public init(wide value: Int) { self.init(_truncatingBits: UInt(value)) }
}

extension Int64 {
  /// The same number in 64 bits.
  @inlinable public init(wide value: Int) {
    let magnitude = Int64(bitPattern: UInt64(wide: value.magnitude))
    self = value < 0 ? 0 &- magnitude : magnitude
  }
}

extension Int {
  /// The same number, or the nearest that an `Int` holds.
  @inlinable public init(narrow value: Int64) {
    let smallest = Int64(wide: Int.min)
    let largest = Int64(wide: Int.max)
    self.init(truncatingIfNeeded: value < smallest ? smallest : value > largest ? largest : value)
  }
}
