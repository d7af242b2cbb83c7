import Core

extension V5 {
  /// PUBACK or PUBREC: what became of a message (sections 3.4 and 3.5).
  public struct PublishAnswer: BitwiseCopyable, Equatable, Sendable {
    /// That of the PUBLISH.
    public var packetID: UInt16
    /// What became of it.
    public var reason: PublishReason
    /// What else there is to say: a reason string, user properties.
    public var properties: Properties

    /// The packets that answer PUBLISH.
    public enum Kind: BitwiseCopyable, Sendable {
      /// PUBACK: a QoS 1 message has arrived.
      case publishAck
      /// PUBREC: a QoS 2 message has arrived.
      case publishReceived
    }

    init(
      _ bytes: Span<UInt8>, _ fields: inout FieldReader, from sender: Role,
      in place: PropertyPlace
    ) throws(DecodeError) {
      let answer = try Answer(bytes, &fields, in: place)
      guard let reason = PublishReason(rawValue: answer.code), reason.mayCome(from: sender) else {
        throw .invalidReturnCode
      }
      packetID = answer.packetID
      self.reason = reason
      properties = answer.properties
    }

    /// Appends the whole packet in its shortest form, or throws and appends nothing. `properties`
    /// are as `Properties.append` has written them.
    public static func encode(
      _ kind: Kind, from sender: Role, packetID: UInt16, reason: PublishReason,
      properties: Span<UInt8>, into out: inout OutputSpan<UInt8>
    ) throws(EncodeError) {
      guard reason.mayCome(from: sender) else { throw .invalidFlags }
      try out.appendAnswer(
        kind == .publishAck ? .publishAck : .publishReceived, packetID: packetID,
        code: reason.rawValue, properties: properties)
    }
  }

  /// PUBREL or PUBCOMP: a QoS 2 message is let go of (sections 3.6 and 3.7).
  public struct ReleaseAnswer: BitwiseCopyable, Equatable, Sendable {
    /// That of the PUBLISH.
    public var packetID: UInt16
    /// Whether the message was known.
    public var reason: ReleaseReason
    /// What else there is to say: a reason string, user properties.
    public var properties: Properties

    /// The packets that let go of a message.
    public enum Kind: BitwiseCopyable, Sendable {
      /// PUBREL: the sender has let go of it.
      case publishRelease
      /// PUBCOMP: so has the receiver.
      case publishComplete
    }

    init(
      _ bytes: Span<UInt8>, _ fields: inout FieldReader, in place: PropertyPlace
    ) throws(DecodeError) {
      let answer = try Answer(bytes, &fields, in: place)
      guard let reason = ReleaseReason(rawValue: answer.code) else { throw .invalidReturnCode }
      packetID = answer.packetID
      self.reason = reason
      properties = answer.properties
    }

    /// Appends the whole packet in its shortest form, or throws and appends nothing. `properties`
    /// are as `Properties.append` has written them.
    public static func encode(
      _ kind: Kind, packetID: UInt16, reason: ReleaseReason, properties: Span<UInt8>,
      into out: inout OutputSpan<UInt8>
    ) throws(EncodeError) {
      try out.appendAnswer(
        kind == .publishRelease ? .publishRelease : .publishComplete, packetID: packetID,
        code: reason.rawValue, properties: properties)
    }
  }

  /// What the four packets have in common. A body of two bytes means success, one of three has no
  /// properties (sections 3.4.2.1 and 3.4.2.2.1).
  private struct Answer {
    let packetID: UInt16
    let code: UInt8
    let properties: Properties

    init(
      _ bytes: Span<UInt8>, _ fields: inout FieldReader, in place: PropertyPlace
    ) throws(DecodeError) {
      packetID = try fields.packetID(in: bytes)
      code = fields.isAtEnd ? 0 : try fields.byte(in: bytes)
      properties = try Properties(bytes, last: &fields, in: place)
    }
  }
}

extension V5.Properties {
  /// The properties at the end of a packet, which may end before their length.
  init(
    _ bytes: Span<UInt8>, last fields: inout FieldReader, in place: V5.PropertyPlace
  ) throws(DecodeError) {
    guard !fields.isAtEnd else {
      self.init(noneAt: fields.offset)
      return
    }
    try self.init(bytes, &fields, in: place)
    guard fields.isAtEnd else { throw .malformedBody }
  }
}

extension OutputSpan<UInt8> {
  @_lifetime(self: copy self)
  fileprivate mutating func appendAnswer(
    _ type: PacketType, packetID: UInt16, code: UInt8, properties: Span<UInt8>
  ) throws(EncodeError) {
    guard packetID != 0 else { throw .invalidPacketID }
    let size = try V5.Properties(written: properties, in: .answer).size
    let hasReason = code != 0 || !properties.isEmpty
    let bodySize = 2 + (hasReason ? 1 : 0) + (properties.isEmpty ? 0 : size)
    try appendHeader(type.firstByte, bodySize: bodySize)
    append(bigEndian: packetID)
    if hasReason { append(code) }
    if !properties.isEmpty { append(properties: properties) }
  }
}
