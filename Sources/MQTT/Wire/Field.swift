/// A run of bytes of a received packet, counted from the first byte of the span that was decoded.
public struct Field: BitwiseCopyable, Hashable, Sendable {
  /// Where the bytes begin.
  public var offset: Int
  /// How many bytes there are.
  public var count: Int

  /// The `count` bytes from `offset` on.
  @inlinable public init(offset: Int, count: Int) {
    self.offset = offset
    self.count = count
  }

  /// The same bytes when the span begins `distance` bytes earlier.
  @inlinable public func moved(by distance: Int) -> Field {
    Field(offset: offset + distance, count: count)
  }
}

extension Span<UInt8> {
  /// The bytes of `field`; traps when it reaches beyond the span.
  @inlinable public subscript(field: Field) -> Span<UInt8> {
    @_lifetime(copy self)
    get { extracting(field.offset..<field.offset + field.count) }
  }
}

/// Walks through the fields of one packet. `end` is the first byte behind the packet, so no field
/// can reach into the next one.
struct FieldReader: BitwiseCopyable {
  private(set) var offset: Int
  let end: Int

  init(offset: Int, end: Int) {
    self.offset = offset
    self.end = end
  }

  var isAtEnd: Bool { offset == end }

  mutating func byte(in bytes: Span<UInt8>) throws(DecodeError) -> UInt8 {
    guard offset < end else { throw .malformedBody }
    offset += 1
    return bytes[offset - 1]
  }

  mutating func number(in bytes: Span<UInt8>) throws(DecodeError) -> UInt16 {
    guard end - offset >= 2 else { throw .malformedBody }
    offset += 2
    return UInt16(bytes[offset - 2]) &<< 8 | UInt16(bytes[offset - 1])
  }

  /// A packet identifier (section 2.3.1).
  mutating func packetID(in bytes: Span<UInt8>) throws(DecodeError) -> UInt16 {
    let id = try number(in: bytes)
    guard id != 0 else { throw .invalidPacketID }
    return id
  }

  /// Bytes behind a 16-bit length: binary data, or text that the caller checks.
  mutating func prefixed(in bytes: Span<UInt8>) throws(DecodeError) -> Field {
    let count = Int(try number(in: bytes))
    return try take(count)
  }

  /// The next `count` bytes.
  mutating func take(_ count: Int) throws(DecodeError) -> Field {
    guard end - offset >= count else { throw .malformedBody }
    offset += count
    return Field(offset: offset - count, count: count)
  }

  /// UTF-8 text behind a 16-bit length (section 1.5.3).
  mutating func text(in bytes: Span<UInt8>) throws(DecodeError) -> Field {
    let field = try prefixed(in: bytes)
    guard isValidText(bytes[field]) else { throw .malformedText }
    return field
  }

  /// A topic filter behind a 16-bit length.
  mutating func filter(in bytes: Span<UInt8>) throws(DecodeError) -> Field {
    let field = try text(in: bytes)
    guard hasFilterForm(bytes[field]) else { throw .invalidTopicFilter }
    return field
  }

  /// A topic name behind a 16-bit length.
  mutating func topicName(in bytes: Span<UInt8>) throws(DecodeError) -> Field {
    let field = try text(in: bytes)
    guard hasNameForm(bytes[field]) else { throw .invalidTopicName }
    return field
  }

  /// Everything up to the packet's end.
  mutating func rest() -> Field {
    let field = Field(offset: offset, count: end - offset)
    offset = end
    return field
  }
}
