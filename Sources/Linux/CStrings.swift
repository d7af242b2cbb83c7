import CLinux
import Core

/// The longest path that the rim takes, with its closing NUL.
let pathBytesMax = 1024

/// Lends `bytes` as a C string from a buffer on the stack; nil when it is too long for a path, or
/// has a NUL inside.
@unsafe public func withCString<R: ~Copyable, E: Error>(
  _ bytes: Span<UInt8>, _ body: (UnsafePointer<CChar>) throws(E) -> R
) throws(E) -> R? {
  var buffer = InlineArray<1024, CChar>(repeating: 0)
  guard bytes.count < buffer.count else { return nil }
  for index in bytes.indices {
    guard bytes[index] != 0 else { return nil }
    buffer[index] = CChar(bitPattern: bytes[index])
  }
  return try unsafe buffer.span.withUnsafeBufferPointer {
    (characters: UnsafeBufferPointer<CChar>) throws(E) -> R? in
    guard let start = characters.baseAddress else { return nil }
    return try unsafe body(start)
  }
}

/// Lends the bytes of a C string, without its NUL; none for a null pointer.
@unsafe public func withBytes<R: ~Copyable, E: Error>(
  ofCString text: UnsafePointer<CChar>?, _ body: (Span<UInt8>) throws(E) -> R
) throws(E) -> R {
  let raw = unsafe UnsafeRawBufferPointer(start: text, count: text.map { unsafe strlen($0) } ?? 0)
  return try unsafe body(raw.bindMemory(to: UInt8.self).span)
}

/// Lends a literal as a C string.
@unsafe public func withCString<R>(
  of literal: StaticString, _ body: (UnsafePointer<CChar>) -> R
) -> R {
  // Sound: a StaticString's bytes live as long as the program, and end with a NUL.
  unsafe literal.utf8Start.withMemoryRebound(
    to: CChar.self, capacity: literal.utf8CodeUnitCount + 1
  ) {
    unsafe body($0)
  }
}

/// Lends the bytes of a literal.
public func withBytes<R: ~Copyable, E: Error>(
  of literal: StaticString, _ body: (Span<UInt8>) throws(E) -> R
) throws(E) -> R {
  // Sound: a StaticString's bytes live as long as the program.
  let bytes = unsafe UnsafeBufferPointer(
    start: literal.utf8Start, count: literal.utf8CodeUnitCount)
  return try body(unsafe bytes.span)
}

extension OutputSpan<UInt8> {
  /// Appends as many bytes of `source` as fit.
  @_lifetime(self: copy self)
  mutating func append(cutting source: Span<UInt8>) {
    for index in source.indices {
      guard freeCapacity > 0 else { return }
      append(source[index])
    }
  }

  /// Lends the free space to a system call that fills it; it returns how many bytes it wrote, or a
  /// negative number.
  @_lifetime(self: copy self)
  mutating func appendFromSystem(
    _ call: (_ start: UnsafeMutableRawPointer, _ capacity: Int) -> Int
  ) -> Int {
    unsafe withUnsafeMutableBufferPointer { buffer, count in
      guard let start = buffer.baseAddress else { return 0 }
      // Sound: the call gets the part that is free, and is trusted to say what it filled.
      let result = unsafe call(UnsafeMutableRawPointer(start + count), buffer.count - count)
      if result > 0 { count += result }
      return result
    }
  }
}
