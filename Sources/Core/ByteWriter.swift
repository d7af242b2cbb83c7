/// Room for so many bytes, checked once, that are written one after the other: what a packet on the
/// hot path is written with.
///
/// Exists only within a call that lends it, over memory that nobody else sees meanwhile.
@safe public struct ByteWriter: ~Copyable {
  @usableFromInline var next: UnsafeMutableRawPointer
  @usableFromInline let end: UnsafeMutableRawPointer

  /// Over `count` bytes from `start` on, which outlive the writer.
  @inlinable @unsafe init(from start: UnsafeMutableRawPointer, count: Int) {
    unsafe next = start
    unsafe end = start + count
  }

  /// True when all the room was written.
  @inlinable var isFull: Bool { unsafe next == end }

  /// Writes one byte; traps when there is no room.
  @inlinable @inline(__always)
  public mutating func put(_ byte: UInt8) {
    precondition(unsafe next < end)
    // Sound: the byte lies before the end.
    unsafe next.storeBytes(of: byte, as: UInt8.self)
    unsafe next += 1
  }

  /// Writes a 16-bit number, most significant byte first; traps when there is no room.
  @inlinable @inline(__always)
  public mutating func put(bigEndian value: UInt16) {
    precondition(unsafe end - next >= 2)
    // Sound: both bytes lie before the end.
    unsafe next.storeBytes(of: value.bigEndian, as: UInt16.self)
    unsafe next += 2
  }

  /// Writes a 32-bit number, most significant byte first; traps when there is no room.
  @inlinable @inline(__always)
  public mutating func put(bigEndian value: UInt32) {
    precondition(unsafe end - next >= 4)
    // Sound: the four bytes lie before the end.
    unsafe next.storeBytes(of: value.bigEndian, as: UInt32.self)
    unsafe next += 4
  }

  /// Writes all bytes of `source`; traps when there is no room.
  @inlinable @inline(__always)
  public mutating func put(_ source: Span<UInt8>) {
    let count = source.count
    precondition(unsafe end - next >= count)
    let target = unsafe next
    unsafe source.withUnsafeBufferPointer { from in
      guard let start = from.baseAddress else { return }
      // Sound: the room was checked, and what is borrowed is not what is being written.
      unsafe target.copyMemory(from: start, byteCount: count)
    }
    unsafe next += count
  }
}

extension OutputSpan<UInt8> {
  /// Appends exactly `count` bytes, which `body` writes; traps when there is no room, or when it
  /// writes fewer.
  @inlinable @inline(__always) @_lifetime(self: copy self)
  public mutating func append(exactly count: Int, _ body: (inout ByteWriter) -> Void) {
    precondition(count >= 0 && count <= freeCapacity)
    guard count > 0 else { return }
    unsafe withUnsafeMutableBufferPointer { buffer, initialized in
      guard let start = buffer.baseAddress else { return }
      // Sound: the room was checked, and the writer does not leave the call.
      var writer = unsafe ByteWriter(
        from: UnsafeMutableRawPointer(start + initialized), count: count)
      body(&writer)
      precondition(writer.isFull)
      initialized += count
    }
  }
}
