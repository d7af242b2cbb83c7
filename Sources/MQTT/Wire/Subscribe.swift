import Core

/// SUBSCRIBE: topic filters that a client asks for (section 3.8).
public struct Subscribe: BitwiseCopyable, Equatable, Sendable {
  /// Identifies the request until SUBACK.
  public var packetID: UInt16
  /// The list of at least one filter with its QoS, as sent; `walk` goes through it.
  public var filters: Field

  /// One filter of the list.
  public struct Request: BitwiseCopyable, Equatable, Sendable {
    /// The topic filter.
    public var filter: Field
    /// The highest QoS at which messages are to come.
    public var qos: QoS
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
      let filter = try fields.filter(in: bytes)
      // Section 3.8.3: the upper six bits are reserved.
      guard let qos = QoS(rawValue: try fields.byte(in: bytes)) else { throw .invalidQoS }
      return Request(filter: filter, qos: qos)
    }
  }

  /// The list from its first filter on.
  public var walk: Walk {
    Walk(fields: FieldReader(offset: filters.offset, end: filters.offset + filters.count))
  }

  init(_ bytes: Span<UInt8>, _ fields: inout FieldReader) throws(DecodeError) {
    packetID = try fields.packetID(in: bytes)
    filters = fields.rest()
    guard filters.count > 0 else { throw .malformedBody }
    var walk = walk
    while try walk.request(in: bytes) != nil {}
  }

  /// Appends one filter as it stands in the list of a SUBSCRIBE, or throws and appends nothing:
  /// to build a list for `encode(filters:)`.
  public static func append(
    filter: Span<UInt8>, qos: QoS, to list: inout OutputSpan<UInt8>
  ) throws(EncodeError) {
    guard filter.count <= UInt16.max else { throw .packetTooLarge }
    guard TopicFilter.isValid(filter) else { throw .invalidTopicFilter }
    guard 2 + filter.count + 1 <= list.freeCapacity else { throw .bufferFull }
    list.append(prefixed: filter)
    list.append(qos.rawValue)
  }

  /// Appends the whole packet for one filter, or throws and appends nothing.
  public static func encode(
    level: ProtocolLevel, packetID: UInt16, filter: Span<UInt8>, qos: QoS,
    into out: inout OutputSpan<UInt8>
  ) throws(EncodeError) {
    guard filter.count <= UInt16.max else { throw .packetTooLarge }
    guard TopicFilter.isValid(filter) else { throw .invalidTopicFilter }
    try out.appendList(
      .subscribe, level: level, packetID: packetID, listSize: 2 + filter.count + 1)
    out.append(prefixed: filter)
    out.append(qos.rawValue)
  }

  /// Appends the whole packet for a list made by `append(filter:qos:to:)`, or throws and appends
  /// nothing.
  public static func encode(
    level: ProtocolLevel, packetID: UInt16, filters: Span<UInt8>,
    into out: inout OutputSpan<UInt8>
  ) throws(EncodeError) {
    try out.appendList(.subscribe, level: level, packetID: packetID, listSize: filters.count)
    out.append(contentsOf: filters)
  }
}

/// What a server says to one filter of a SUBSCRIBE (section 3.9.3).
public enum SubscribeReturnCode: UInt8, BitwiseCopyable, Sendable {
  /// Messages will come at QoS 0.
  case grantedAtMostOnce = 0x00
  /// Messages will come at QoS 1 at most.
  case grantedAtLeastOnce = 0x01
  /// Messages will come at QoS 2 at most.
  case grantedExactlyOnce = 0x02
  /// No messages will come. Not in 3.1.
  case failure = 0x80

  /// The subscription was granted at `qos`.
  public init(granting qos: QoS) {
    switch qos {
    case .atMostOnce: self = .grantedAtMostOnce
    case .atLeastOnce: self = .grantedAtLeastOnce
    case .exactlyOnce: self = .grantedExactlyOnce
    }
  }

  /// The QoS granted; nil for a failure.
  public var qos: QoS? { QoS(rawValue: rawValue) }
}

/// SUBACK: the answer to SUBSCRIBE (section 3.9).
public struct SubscribeAck: BitwiseCopyable, Equatable, Sendable {
  /// That of the SUBSCRIBE.
  public var packetID: UInt16
  /// One byte for each filter, in order; each is a `SubscribeReturnCode`.
  public var codes: Field

  init(
    _ bytes: Span<UInt8>, _ fields: inout FieldReader, level: ProtocolLevel
  ) throws(DecodeError) {
    packetID = try fields.packetID(in: bytes)
    codes = fields.rest()
    guard codes.count > 0 else { throw .malformedBody }
    let list = bytes[codes]
    for index in list.indices {
      guard let code = SubscribeReturnCode(rawValue: list[index]) else { throw .invalidReturnCode }
      guard level != .v31 || code != .failure else { throw .invalidReturnCode }
    }
  }

  /// The answer to filter `index`, counted from 0.
  public func code(_ index: Int, in bytes: Span<UInt8>) -> SubscribeReturnCode {
    SubscribeReturnCode(rawValue: bytes[codes][index]) ?? .failure
  }

  /// Appends the whole packet, or throws and appends nothing. `codes` holds the raw value of one
  /// `SubscribeReturnCode` for each filter.
  public static func encode(
    level: ProtocolLevel, packetID: UInt16, codes: Span<UInt8>,
    into out: inout OutputSpan<UInt8>
  ) throws(EncodeError) {
    for index in codes.indices {
      guard let code = SubscribeReturnCode(rawValue: codes[index]) else { throw .invalidFlags }
      guard level != .v31 || code != .failure else { throw .invalidFlags }
    }
    try out.appendList(.subscribeAck, level: level, packetID: packetID, listSize: codes.count)
    out.append(contentsOf: codes)
  }
}
