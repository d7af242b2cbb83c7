import Core

extension V5 {
  /// SUBACK: the answer to SUBSCRIBE (section 3.9).
  public struct SubscribeAck: BitwiseCopyable, Equatable, Sendable {
    /// That of the SUBSCRIBE.
    public var packetID: UInt16
    /// What else there is to say: a reason string, user properties.
    public var properties: Properties
    /// One byte for each filter, in order; each is a `SubscribeReason`.
    public var codes: Field

    init(
      _ bytes: Span<UInt8>, _ fields: inout FieldReader, in place: PropertyPlace
    ) throws(DecodeError) {
      packetID = try fields.packetID(in: bytes)
      properties = try Properties(bytes, &fields, in: place)
      codes = fields.rest()
      guard codes.count > 0 else { throw .malformedBody }
      guard Self.areValid(bytes[codes]) else { throw .invalidReturnCode }
    }

    /// The answer to filter `index`, counted from 0.
    public func reason(_ index: Int, in bytes: Span<UInt8>) -> SubscribeReason {
      SubscribeReason(rawValue: bytes[codes][index]) ?? .unspecifiedError
    }

    /// Appends the whole packet, or throws and appends nothing. `codes` holds the raw value of one
    /// `SubscribeReason` for each filter.
    public static func encode(
      packetID: UInt16, properties: Span<UInt8>, codes: Span<UInt8>,
      into out: inout OutputSpan<UInt8>
    ) throws(EncodeError) {
      guard areValid(codes) else { throw .invalidFlags }
      try out.appendRequest(
        .subscribeAck, packetID: packetID, properties: properties, in: .answer,
        listSize: codes.count)
      out.append(contentsOf: codes)
    }

    private static func areValid(_ codes: Span<UInt8>) -> Bool {
      for index in codes.indices where SubscribeReason(rawValue: codes[index]) == nil {
        return false
      }
      return true
    }
  }

  /// UNSUBACK: the answer to UNSUBSCRIBE (section 3.11).
  public struct UnsubscribeAck: BitwiseCopyable, Equatable, Sendable {
    /// That of the UNSUBSCRIBE.
    public var packetID: UInt16
    /// What else there is to say: a reason string, user properties.
    public var properties: Properties
    /// One byte for each filter, in order; each is an `UnsubscribeReason`.
    public var codes: Field

    init(
      _ bytes: Span<UInt8>, _ fields: inout FieldReader, in place: PropertyPlace
    ) throws(DecodeError) {
      packetID = try fields.packetID(in: bytes)
      properties = try Properties(bytes, &fields, in: place)
      codes = fields.rest()
      guard codes.count > 0 else { throw .malformedBody }
      guard Self.areValid(bytes[codes]) else { throw .invalidReturnCode }
    }

    /// The answer to filter `index`, counted from 0.
    public func reason(_ index: Int, in bytes: Span<UInt8>) -> UnsubscribeReason {
      UnsubscribeReason(rawValue: bytes[codes][index]) ?? .unspecifiedError
    }

    /// Appends the whole packet, or throws and appends nothing. `codes` holds the raw value of one
    /// `UnsubscribeReason` for each filter.
    public static func encode(
      packetID: UInt16, properties: Span<UInt8>, codes: Span<UInt8>,
      into out: inout OutputSpan<UInt8>
    ) throws(EncodeError) {
      guard areValid(codes) else { throw .invalidFlags }
      try out.appendRequest(
        .unsubscribeAck, packetID: packetID, properties: properties, in: .answer,
        listSize: codes.count)
      out.append(contentsOf: codes)
    }

    private static func areValid(_ codes: Span<UInt8>) -> Bool {
      for index in codes.indices where UnsubscribeReason(rawValue: codes[index]) == nil {
        return false
      }
      return true
    }
  }
}
