/// A short text held in place: a name, a number, a path. What does not fit is cut off, and the text
/// then equals no other.
public struct FixedText<let capacity: Int>: BitwiseCopyable, Sendable {
  private var bytes = InlineArray<capacity, UInt8>(repeating: 0)
  /// Bytes that are used.
  public private(set) var count = 0
  /// True when something did not fit.
  public private(set) var isCut = false

  /// No text.
  public init() {}

  /// A copy of `source`.
  public init(_ source: Span<UInt8>) { append(source) }

  /// Takes what `fill` writes, up to `capacity` bytes.
  public init(_ fill: (inout OutputSpan<UInt8>) -> Void) {
    var written = 0
    var span = bytes.mutableSpan
    // Sound: the bytes are this value's own, and `out` does not leave this call.
    unsafe span.withUnsafeMutableBufferPointer { buffer in
      var out = unsafe OutputSpan(buffer: buffer, initializedCount: 0)
      fill(&out)
      written = unsafe out.finalize(for: buffer)
    }
    count = written
  }

  /// True when there are no bytes.
  public var isEmpty: Bool { count == 0 }

  /// Byte `index`.
  public subscript(index: Int) -> UInt8 {
    precondition(index >= 0 && index < count)
    return bytes[index]
  }

  /// Appends one byte.
  public mutating func append(_ byte: UInt8) {
    guard count < capacity else {
      isCut = true
      return
    }
    bytes[count] = byte
    count += 1
  }

  /// Appends bytes.
  public mutating func append(_ source: Span<UInt8>) {
    for index in source.indices { append(source[index]) }
  }

  /// Appends a literal.
  public mutating func append(_ literal: StaticString) {
    // Sound: a StaticString's bytes live as long as the program.
    let source = unsafe UnsafeBufferPointer(
      start: literal.utf8Start, count: literal.utf8CodeUnitCount)
    append(unsafe source.span)
  }

  /// Appends another text.
  public mutating func append<let other: Int>(_ text: FixedText<other>) {
    for index in 0..<text.count { append(text[index]) }
  }

  /// Appends a number of up to ten digits, not negative.
  public mutating func append(decimal value: Int) {
    var divisor = 1
    while value / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / divisor % 10))
      divisor /= 10
    }
  }

  /// Drops bytes from the end until `count` are left.
  public mutating func cut(to count: Int) {
    precondition(count >= 0 && count <= self.count)
    self.count = count
    isCut = false
  }

  /// Keeps just the bytes before the first that `isEnd`.
  public mutating func cut(before isEnd: (UInt8) -> Bool) {
    for index in 0..<count where isEnd(bytes[index]) { return cut(to: index) }
  }

  /// Lends the bytes.
  public func withBytes<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
    try body(bytes.span.extracting(0..<count))
  }

  /// True when the text is whole and its bytes are those of `other`.
  public func equals(_ other: Span<UInt8>) -> Bool {
    !isCut && withBytes { $0.equals(other) }
  }

  /// True when the bytes are those of `literal`.
  public func equals(_ literal: StaticString) -> Bool {
    !isCut && withBytes { $0.equals(literal) }
  }

  /// True when both are whole and equal.
  public func equals(_ other: Self) -> Bool {
    !other.isCut && other.withBytes { equals($0) }
  }

  /// Appends the text, cut where `out` is full.
  public func write(into out: inout OutputSpan<UInt8>) {
    for index in 0..<min(count, out.freeCapacity) { out.append(bytes[index]) }
  }
}

/// A text of up to 64 bytes.
public typealias ShortText = FixedText<64>
