import Core

extension V5 {
  /// How a subscription is to work (section 3.8.3.1).
  public struct SubscriptionOptions: BitwiseCopyable, Equatable, Sendable {
    /// The highest QoS at which messages are to come.
    public var qos: QoS
    /// The client's own messages are not to come back. Not for a shared subscription.
    public var noLocal: Bool
    /// Messages are to come with the retain flag that they were published with.
    public var retainAsPublished: Bool
    /// When messages that were kept are to come.
    public var retainHandling: RetainHandling

    /// When messages that were kept come to a new subscriber.
    public enum RetainHandling: UInt8, BitwiseCopyable, Sendable {
      /// Whenever the client subscribes.
      case sendAlways = 0
      /// When there was no such subscription before.
      case sendIfNew = 1
      /// Never.
      case sendNever = 2
    }

    /// What is not named is as in 3.1.1.
    public init(
      qos: QoS, noLocal: Bool = false, retainAsPublished: Bool = false,
      retainHandling: RetainHandling = .sendAlways
    ) {
      self.qos = qos
      self.noLocal = noLocal
      self.retainAsPublished = retainAsPublished
      self.retainHandling = retainHandling
    }

    init(_ byte: UInt8) throws(DecodeError) {
      guard byte & 0xC0 == 0 else { throw .invalidFlags }
      guard let qos = QoS(rawValue: byte & 0b11),
        let retainHandling = RetainHandling(rawValue: byte &>> 4 & 0b11)
      else { throw .invalidSubscription }
      self.init(
        qos: qos, noLocal: byte & 0x04 != 0, retainAsPublished: byte & 0x08 != 0,
        retainHandling: retainHandling)
    }

    var byte: UInt8 {
      qos.rawValue | (noLocal ? 0x04 : 0) | (retainAsPublished ? 0x08 : 0)
        | retainHandling.rawValue &<< 4
    }
  }

  /// SUBSCRIBE: topic filters that a client asks for (section 3.8).
  public struct Subscribe: BitwiseCopyable, Equatable, Sendable {
    /// Identifies the request until SUBACK.
    public var packetID: UInt16
    /// Of all the filters: a subscription identifier, user properties.
    public var properties: Properties
    /// The list of at least one filter with its options, as sent; `walk` goes through it.
    public var filters: Field

    /// One filter of the list.
    public struct Request: BitwiseCopyable, Equatable, Sendable {
      /// The topic filter.
      public var filter: Field
      /// How the subscription is to work.
      public var options: SubscriptionOptions
    }

    /// Goes through the list: `while let request = walk.next(in: bytes) { ... }`.
    public struct Walk: BitwiseCopyable, Sendable {
      fileprivate var fields: FieldReader

      /// The next filter; nil behind the last. `bytes` is the span that was decoded.
      public mutating func next(in bytes: Span<UInt8>) -> Request? {
        try? request(in: bytes)
      }

      /// Decoding and walking read the list by the same code, so what was decoded can be walked.
      fileprivate mutating func request(in bytes: Span<UInt8>) throws(DecodeError) -> Request? {
        guard !fields.isAtEnd else { return nil }
        let filter = try fields.filterV5(in: bytes)
        let options = try SubscriptionOptions(try fields.byte(in: bytes))
        // Section 3.8.3.1: a share of the messages has no one client to leave out.
        guard !options.noLocal || !TopicFilter.isShared(bytes[filter]) else {
          throw .invalidSubscription
        }
        return Request(filter: filter, options: options)
      }
    }

    /// The list from its first filter on.
    public var walk: Walk { Walk(fields: FieldReader(filters)) }

    init(_ bytes: Span<UInt8>, _ fields: inout FieldReader) throws(DecodeError) {
      packetID = try fields.packetID(in: bytes)
      properties = try Properties(bytes, &fields, in: .subscribe)
      filters = fields.rest()
      guard filters.count > 0 else { throw .malformedBody }
      var walk = walk
      while try walk.request(in: bytes) != nil {}
    }

    /// Appends one filter as it stands in the list of a SUBSCRIBE, or throws and appends nothing:
    /// to build a list for `encode(filters:)`.
    public static func append(
      filter: Span<UInt8>, options: SubscriptionOptions, to list: inout OutputSpan<UInt8>
    ) throws(EncodeError) {
      try check(filter, options)
      guard 2 + filter.count + 1 <= list.freeCapacity else { throw .bufferFull }
      list.append(prefixed: filter)
      list.append(options.byte)
    }

    /// Appends the whole packet for one filter, or throws and appends nothing. `properties` are as
    /// `Properties.append` has written them.
    public static func encode(
      packetID: UInt16, properties: Span<UInt8>, filter: Span<UInt8>,
      options: SubscriptionOptions, into out: inout OutputSpan<UInt8>
    ) throws(EncodeError) {
      try check(filter, options)
      try out.appendRequest(
        .subscribe, packetID: packetID, properties: properties, in: .subscribe,
        listSize: 2 + filter.count + 1)
      out.append(prefixed: filter)
      out.append(options.byte)
    }

    /// Appends the whole packet, or throws and appends nothing. `filters` is a list made by
    /// `append(filter:options:to:)`, `properties` are as `Properties.append` has written them.
    public static func encode(
      packetID: UInt16, properties: Span<UInt8>, filters: Span<UInt8>,
      into out: inout OutputSpan<UInt8>
    ) throws(EncodeError) {
      var walk = Walk(fields: FieldReader(Field(offset: 0, count: filters.count)))
      do throws(DecodeError) {
        while try walk.request(in: filters) != nil {}
      } catch { throw .invalidTopicFilter }
      try out.appendRequest(
        .subscribe, packetID: packetID, properties: properties, in: .subscribe,
        listSize: filters.count)
      out.append(contentsOf: filters)
    }

    private static func check(
      _ filter: Span<UInt8>, _ options: SubscriptionOptions
    ) throws(EncodeError) {
      guard filter.count <= UInt16.max else { throw .packetTooLarge }
      guard TopicFilter.isValidV5(filter) else { throw .invalidTopicFilter }
      guard !options.noLocal || !TopicFilter.isShared(filter) else { throw .invalidFlags }
    }
  }
}

extension FieldReader {
  /// The fields within `field`.
  init(_ field: Field) {
    self.init(offset: field.offset, end: field.offset + field.count)
  }

  /// A topic filter of 5.0 behind a 16-bit length.
  mutating func filterV5(in bytes: Span<UInt8>) throws(DecodeError) -> Field {
    let field = try filter(in: bytes)
    guard hasShareForm(bytes[field]) else { throw .invalidTopicFilter }
    return field
  }
}

extension OutputSpan<UInt8> {
  /// Begins a packet of an identifier, properties and a list: appends all but the `listSize` bytes
  /// of the list, for which there is room then; or throws and appends nothing.
  @_lifetime(self: copy self)
  mutating func appendRequest(
    _ type: PacketType, packetID: UInt16, properties: Span<UInt8>, in place: V5.PropertyPlace,
    listSize: Int
  ) throws(EncodeError) {
    guard packetID != 0 else { throw .invalidPacketID }
    guard listSize > 0 else { throw .invalidFlags }
    guard listSize <= VarInt.max else { throw .packetTooLarge }
    let size = try V5.Properties(written: properties, in: place).size
    try appendHeader(type.firstByte, bodySize: 2 + size + listSize)
    append(bigEndian: packetID)
    append(properties: properties)
  }
}
