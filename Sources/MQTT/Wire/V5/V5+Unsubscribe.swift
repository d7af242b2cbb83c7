import Core

extension V5 {
  /// UNSUBSCRIBE: topic filters that a client no longer wants (section 3.10).
  public struct Unsubscribe: BitwiseCopyable, Equatable, Sendable {
    /// Identifies the request until UNSUBACK.
    public var packetID: UInt16
    /// Of all the filters: user properties.
    public var properties: Properties
    /// The list of at least one filter, as sent; `walk` goes through it.
    public var filters: Field

    /// Goes through the list: `while let filter = walk.next(in: bytes) { ... }`.
    public struct Walk: BitwiseCopyable, Sendable {
      fileprivate var fields: FieldReader

      /// The next filter; nil behind the last. `bytes` is the span that was decoded.
      public mutating func next(in bytes: Span<UInt8>) -> Field? {
        try? filter(in: bytes)
      }

      fileprivate mutating func filter(in bytes: Span<UInt8>) throws(DecodeError) -> Field? {
        fields.isAtEnd ? nil : try fields.filterV5(in: bytes)
      }
    }

    /// The list from its first filter on.
    public var walk: Walk { Walk(fields: FieldReader(filters)) }

    init(_ bytes: Span<UInt8>, _ fields: inout FieldReader) throws(DecodeError) {
      packetID = try fields.packetID(in: bytes)
      properties = try Properties(bytes, &fields, in: .unsubscribe)
      filters = fields.rest()
      guard filters.count > 0 else { throw .malformedBody }
      var walk = walk
      while try walk.filter(in: bytes) != nil {}
    }

    /// Appends one filter as it stands in the list of an UNSUBSCRIBE, or throws and appends
    /// nothing: to build a list for `encode(filters:)`.
    public static func append(
      filter: Span<UInt8>, to list: inout OutputSpan<UInt8>
    ) throws(EncodeError) {
      guard filter.count <= UInt16.max else { throw .packetTooLarge }
      guard TopicFilter.isValidV5(filter) else { throw .invalidTopicFilter }
      guard 2 + filter.count <= list.freeCapacity else { throw .bufferFull }
      list.append(prefixed: filter)
    }

    /// Appends the whole packet for one filter, or throws and appends nothing. `properties` are as
    /// `Properties.append` has written them.
    public static func encode(
      packetID: UInt16, properties: Span<UInt8>, filter: Span<UInt8>,
      into out: inout OutputSpan<UInt8>
    ) throws(EncodeError) {
      guard filter.count <= UInt16.max else { throw .packetTooLarge }
      guard TopicFilter.isValidV5(filter) else { throw .invalidTopicFilter }
      try out.appendRequest(
        .unsubscribe, packetID: packetID, properties: properties, in: .unsubscribe,
        listSize: 2 + filter.count)
      out.append(prefixed: filter)
    }

    /// Appends the whole packet, or throws and appends nothing. `filters` is a list made by
    /// `append(filter:to:)`, `properties` are as `Properties.append` has written them.
    public static func encode(
      packetID: UInt16, properties: Span<UInt8>, filters: Span<UInt8>,
      into out: inout OutputSpan<UInt8>
    ) throws(EncodeError) {
      var walk = Walk(fields: FieldReader(Field(offset: 0, count: filters.count)))
      do throws(DecodeError) {
        while try walk.filter(in: filters) != nil {}
      } catch { throw .invalidTopicFilter }
      try out.appendRequest(
        .unsubscribe, packetID: packetID, properties: properties, in: .unsubscribe,
        listSize: filters.count)
      out.append(contentsOf: filters)
    }
  }
}
