/// Appending to borrowed bytes. Sizes are checked once by the caller; appending past the end traps.
extension OutputSpan<UInt8> {
  /// Appends a 16-bit number, most significant byte first.
  @inlinable @inline(__always) @_lifetime(self: copy self)
  public mutating func append(bigEndian value: UInt16) {
    append(UInt8(truncatingIfNeeded: value >> 8))
    append(UInt8(truncatingIfNeeded: value))
  }

  /// Appends a 32-bit number, most significant byte first.
  @inlinable @_lifetime(self: copy self)
  public mutating func append(bigEndian value: UInt32) {
    append(bigEndian: UInt16(truncatingIfNeeded: value >> 16))
    append(bigEndian: UInt16(truncatingIfNeeded: value))
  }

  /// Appends all bytes of `source`; traps when there is no room for them.
  @inlinable @inline(__always) @_lifetime(self: copy self)
  public mutating func append(contentsOf source: Span<UInt8>) {
    let count = source.count
    precondition(count <= freeCapacity)
    guard count > 0 else { return }
    unsafe source.withUnsafeBufferPointer { from in
      unsafe withUnsafeMutableBufferPointer { buffer, initialized in
        // Sound: the room was checked, and neither pointer leaves the call; the two do not overlap,
        // because one is borrowed and the other is being written.
        guard let target = buffer.baseAddress, let start = from.baseAddress else { return }
        unsafe UnsafeMutableRawPointer(target + initialized).copyMemory(
          from: start, byteCount: count)
        initialized += count
      }
    }
  }

  /// Appends the UTF-8 bytes of a literal.
  @inlinable @_lifetime(self: copy self)
  public mutating func append(literal: StaticString) {
    // Sound: a StaticString's bytes live as long as the program.
    let bytes = unsafe UnsafeBufferPointer(
      start: literal.utf8Start, count: literal.utf8CodeUnitCount)
    unsafe append(contentsOf: bytes.span)
  }

  /// Appends a whole number in decimal.
  @inlinable @_lifetime(self: copy self)
  public mutating func append(decimal value: Int64) {
    if value < 0 { append(UInt8(ascii: "-")) }
    append(digits: value.magnitude, width: 1)
  }

  /// Appends `value` in decimal, with leading zeros up to `width` digits.
  @inlinable @_lifetime(self: copy self)
  public mutating func append(digits value: UInt64, width: Int) {
    var divisor: UInt64 = 1
    var digits = 1
    while digits < width || value / divisor >= 10 {
      divisor *= 10
      digits += 1
    }
    while divisor > 0 {
      append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / divisor % 10))
      divisor /= 10
    }
  }
}

extension Span<UInt8> {
  /// True when the bytes are those of `literal`.
  @inlinable public func equals(_ literal: StaticString) -> Bool {
    guard count == literal.utf8CodeUnitCount else { return false }
    // Sound: a StaticString's bytes live as long as the program.
    for index in indices {
      if unsafe self[index] != literal.utf8Start[index] { return false }
    }
    return true
  }

  /// True when the bytes are those of `literal`, which is in lower case, in any case of ASCII letters.
  @inlinable public func equalsIgnoringCase(_ literal: StaticString) -> Bool {
    guard count == literal.utf8CodeUnitCount else { return false }
    for index in indices {
      let byte = self[index]
      let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
      // Sound: a StaticString's bytes live as long as the program.
      if unsafe (isUpper ? byte | 0x20 : byte) != literal.utf8Start[index] { return false }
    }
    return true
  }

  /// The 64-bit FNV-1a hash (Fowler, Noll, Vo): tells texts apart that are not made to collide.
  @inlinable public var fnv1a: UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for index in indices { hash = (hash ^ UInt64(wide: self[index])) &* 0x0000_0100_0000_01B3 }
    return hash
  }

  /// How many bytes from `start` on are ASCII, not NUL, and neither `a` nor `b`: all there are, or a
  /// multiple of eight. What is behind has to be looked at byte by byte.
  ///
  /// `a` and `b` are ASCII, the same or different in one bit: without that bit they are one byte to
  /// look for. Eight bytes are looked at in one word: where all are below 0x80, the sum of each and
  /// 0x7F reaches 0x80 unless the byte is zero, and none carries into the next.
  @inlinable @inline(__always)
  public func plainPrefix(from start: Int, without a: UInt8, _ b: UInt8) -> Int {
    precondition(start >= 0 && (a | b) < 0x80 && (a ^ b) & ((a ^ b) &- 1) == 0)
    let ones: UInt64 = 0x0101_0101_0101_0101
    let sevens = ones &* 0x7F
    let tops = ones &* 0x80
    let difference = ones &* UInt64(wide: a ^ b)
    let both = ones &* UInt64(wide: a | b)
    return unsafe withUnsafeBufferPointer { bytes in
      let raw = UnsafeRawBufferPointer(bytes)
      let last = bytes.count &- 8
      guard start <= last else { return 0 }
      var index = start
      while true {
        // Sound: `index` is at most `last`, so eight bytes are there.
        let word = unsafe raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        let isNeither = ((word | difference) ^ both) &+ sevens
        guard (word &+ sevens) & isNeither & ~word & tops == tops else { break }
        guard index < last else { return bytes.count &- start }
        // The last eight may be looked at twice in part.
        index = min(index &+ 8, last)
      }
      return (index &- start) & ~7
    }
  }

  /// True when both hold the same bytes.
  @inlinable public func equals(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    for index in indices where self[index] != other[index] { return false }
    return true
  }
}

/// Numbers inside records of our own: least significant byte first, at any offset.
extension OutputSpan<UInt8> {
  /// Appends the low `count` bytes of `value`, least significant first.
  @inlinable @_lifetime(self: copy self)
  public mutating func append(littleEndian value: UInt64, bytes count: Int) {
    var rest = value
    for _ in 0..<count {
      append(UInt8(truncatingIfNeeded: rest))
      rest = rest &>> 8
    }
  }
}

extension Span<UInt8> {
  /// The number in `count` bytes from `offset`, least significant first.
  @inlinable public func littleEndian(at offset: Int, bytes count: Int) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<count {
      value = (value &<< 8) | UInt64(wide: self[offset + count - 1 - index])
    }
    return value
  }
}
