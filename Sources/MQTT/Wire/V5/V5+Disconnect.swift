import Core

extension V5 {
  /// DISCONNECT: a side takes its leave (section 3.14).
  public struct Disconnect: BitwiseCopyable, Equatable, Sendable {
    /// Why.
    public var reason: DisconnectReason
    /// What else there is to say.
    public var properties: Properties

    /// Without a reason it is normal; with a reason there may be no properties (sections 3.14.2.1
    /// and 3.14.2.2.1).
    init(
      _ bytes: Span<UInt8>, _ fields: inout FieldReader, from sender: Role
    ) throws(DecodeError) {
      let code = fields.isAtEnd ? 0 : try fields.byte(in: bytes)
      guard let reason = DisconnectReason(rawValue: code), reason.mayCome(from: sender) else {
        throw .invalidReturnCode
      }
      self.reason = reason
      properties = try Properties(bytes, last: &fields, in: .disconnect(from: sender))
    }

    /// Appends the whole packet in its shortest form, or throws and appends nothing. `properties`
    /// are as `Properties.append` has written them.
    public static func encode(
      from sender: Role, reason: DisconnectReason, properties: Span<UInt8>,
      into out: inout OutputSpan<UInt8>
    ) throws(EncodeError) {
      guard reason.mayCome(from: sender) else { throw .invalidFlags }
      let list = try Properties(written: properties, in: .disconnect(from: sender))
      let hasReason = reason != .normalDisconnection || !list.isEmpty
      let bodySize = (hasReason ? 1 : 0) + (list.isEmpty ? 0 : list.size)
      try out.appendHeader(PacketType.disconnect.firstByte, bodySize: bodySize)
      if hasReason { out.append(reason.rawValue) }
      if !list.isEmpty { out.append(properties: properties) }
    }
  }

  /// AUTH: a step of an authentication (section 3.15).
  public struct Authenticate: BitwiseCopyable, Equatable, Sendable {
    /// What the step is.
    public var reason: AuthenticateReason
    /// The method, and what it needs. The method is there, unless the packet has no body.
    public var properties: Properties

    /// Only a success without properties may be left out (section 3.15.2.1).
    init(
      _ bytes: Span<UInt8>, _ fields: inout FieldReader, from sender: Role,
      in place: PropertyPlace
    ) throws(DecodeError) {
      let isBare = fields.isAtEnd
      let code = isBare ? 0 : try fields.byte(in: bytes)
      guard let reason = AuthenticateReason(rawValue: code), reason.mayCome(from: sender) else {
        throw .invalidReturnCode
      }
      self.reason = reason
      guard !isBare else {
        properties = Properties(noneAt: fields.offset)
        return
      }
      properties = try Properties(bytes, &fields, in: place)
      guard fields.isAtEnd else { throw .malformedBody }
    }

    /// Appends the whole packet, or throws and appends nothing. `properties`, as
    /// `Properties.append` has written them, name the method; only a success may have none.
    public static func encode(
      from sender: Role, reason: AuthenticateReason, properties: Span<UInt8>,
      into out: inout OutputSpan<UInt8>
    ) throws(EncodeError) {
      guard reason.mayCome(from: sender) else { throw .invalidFlags }
      guard reason != .success || !properties.isEmpty else {
        return try out.appendHeader(PacketType.authenticate.firstByte, bodySize: 0)
      }
      let size = try Properties(written: properties, in: .authenticate).size
      try out.appendHeader(PacketType.authenticate.firstByte, bodySize: 1 + size)
      out.append(reason.rawValue)
      out.append(properties: properties)
    }
  }
}
