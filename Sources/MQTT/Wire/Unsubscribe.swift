import Core

/// UNSUBSCRIBE: topic filters that a client no longer wants (section 3.10).
public struct Unsubscribe: BitwiseCopyable, Equatable, Sendable {
  /// Identifies the request until UNSUBACK.
  public var packetID: UInt16
  /// The list of at least one filter, as sent; `walk` goes through it.
  public var filters: Field

  /// Goes through the list: `while let filter = walk.next(in: bytes) { ... }`.
  public struct Walk: BitwiseCopyable, Sendable {
    fileprivate var fields: FieldReader

    /// The next filter; nil behind the last. `bytes` is the span that was decoded.
    public mutating func next(in bytes: Span<UInt8>) -> Field? {
      guard !fields.isAtEnd else { return nil }
      return try? fields.filter(in: bytes)
    }
  }

  /// The list from its first filter on.
  public var walk: Walk {
    Walk(fields: FieldReader(offset: filters.offset, end: filters.offset + filters.count))
  }

  init(_ bytes: Span<UInt8>, _ fields: inout FieldReader) throws(DecodeError) {
    packetID = try fields.packetID(in: bytes)
    var list = fields
    filters = fields.rest()
    guard filters.count > 0 else { throw .malformedBody }
    while !list.isAtEnd { _ = try list.filter(in: bytes) }
  }

  /// Appends one filter as it stands in the list of an UNSUBSCRIBE, or throws and appends nothing:
  /// to build a list for `encode(filters:)`.
  public static func append(
    filter: Span<UInt8>, to list: inout OutputSpan<UInt8>
  ) throws(EncodeError) {
    guard filter.count <= UInt16.max else { throw .packetTooLarge }
    guard TopicFilter.isValid(filter) else { throw .invalidTopicFilter }
    guard 2 + filter.count <= list.freeCapacity else { throw .bufferFull }
    list.append(prefixed: filter)
  }

  /// Appends the whole packet for one filter, or throws and appends nothing.
  public static func encode(
    level: ProtocolLevel, packetID: UInt16, filter: Span<UInt8>,
    into out: inout OutputSpan<UInt8>
  ) throws(EncodeError) {
    guard filter.count <= UInt16.max else { throw .packetTooLarge }
    guard TopicFilter.isValid(filter) else { throw .invalidTopicFilter }
    try out.appendList(.unsubscribe, level: level, packetID: packetID, listSize: 2 + filter.count)
    out.append(prefixed: filter)
  }

  /// Appends the whole packet for a list made by `append(filter:to:)`, or throws and appends
  /// nothing.
  public static func encode(
    level: ProtocolLevel, packetID: UInt16, filters: Span<UInt8>,
    into out: inout OutputSpan<UInt8>
  ) throws(EncodeError) {
    try out.appendList(.unsubscribe, level: level, packetID: packetID, listSize: filters.count)
    out.append(contentsOf: filters)
  }
}
