import Core

extension V5 {
  /// CONNACK: the server's answer to CONNECT (section 3.2).
  public struct ConnectAck: BitwiseCopyable, Equatable, Sendable {
    /// The server has a session from before.
    public var sessionPresent: Bool
    /// Whether the connection is open, or why not.
    public var reason: ConnectReason
    /// What the server says about itself and the session.
    public var properties: Properties

    init(_ bytes: Span<UInt8>, _ fields: inout FieldReader) throws(DecodeError) {
      let flags = try fields.byte(in: bytes)
      guard flags & 0xFE == 0 else { throw .invalidFlags }
      sessionPresent = flags == 1
      guard let reason = ConnectReason(rawValue: try fields.byte(in: bytes)) else {
        throw .invalidReturnCode
      }
      self.reason = reason
      // Section 3.2.2.1.1: a refusal says "no session".
      guard reason == .success || !sessionPresent else { throw .invalidFlags }
      properties = try Properties(bytes, &fields, in: .connectAck)
      guard fields.isAtEnd else { throw .malformedBody }
    }

    /// Appends the whole packet, or throws and appends nothing. `properties` are as
    /// `Properties.append` has written them.
    public static func encode(
      sessionPresent: Bool, reason: ConnectReason, properties: Span<UInt8>,
      into out: inout OutputSpan<UInt8>
    ) throws(EncodeError) {
      guard reason == .success || !sessionPresent else { throw .invalidFlags }
      let size = try Properties(written: properties, in: .connectAck).size
      try out.appendHeader(PacketType.connectAck.firstByte, bodySize: 2 + size)
      out.append(sessionPresent ? 1 : 0)
      out.append(reason.rawValue)
      out.append(properties: properties)
    }
  }
}
