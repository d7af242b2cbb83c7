import Core

/// What a server says to a CONNECT (table 3.1).
public enum ConnectReturnCode: UInt8, BitwiseCopyable, Sendable {
  /// The connection is open.
  case accepted = 0
  /// The server does not speak this protocol level.
  case unacceptableProtocolVersion = 1
  /// The server does not allow this client identifier.
  case identifierRejected = 2
  /// The service is not available at the moment.
  case serverUnavailable = 3
  /// The user name or the password is wrong or malformed.
  case badUserNameOrPassword = 4
  /// The client may not connect.
  case notAuthorized = 5
}

/// CONNACK: the server's answer to CONNECT (section 3.2).
public struct ConnectAck: BitwiseCopyable, Equatable, Sendable {
  /// The server has a session from before. 3.1 leaves the bit unused; it is as the server has set it.
  public var sessionPresent: Bool
  /// Whether the connection is open, or why not.
  public var returnCode: ConnectReturnCode

  init(
    _ bytes: Span<UInt8>, _ fields: inout FieldReader, level: ProtocolLevel
  ) throws(DecodeError) {
    let flags = try fields.byte(in: bytes)
    // The first byte is unused in 3.1; in 3.1.1 all bits but the last are reserved.
    guard level == .v31 || flags & 0xFE == 0 else { throw .invalidFlags }
    sessionPresent = flags & 1 == 1
    guard let code = ConnectReturnCode(rawValue: try fields.byte(in: bytes)) else {
      throw .invalidReturnCode
    }
    returnCode = code
    // Section 3.2.2.2: a refusal says "no session".
    guard code == .accepted || !sessionPresent || level == .v31 else { throw .invalidFlags }
  }

  /// Appends the whole packet, or throws and appends nothing. `sessionPresent` is left out in 3.1.
  public static func encode(
    level: ProtocolLevel, sessionPresent: Bool, returnCode: ConnectReturnCode,
    into out: inout OutputSpan<UInt8>
  ) throws(EncodeError) {
    guard level != .v50 else { throw .unsupportedLevel }
    guard returnCode == .accepted || !sessionPresent else { throw .invalidFlags }
    guard out.freeCapacity >= 4 else { throw .bufferFull }
    out.append(PacketType.connectAck.firstByte)
    out.append(2)
    out.append(sessionPresent && level != .v31 ? 1 : 0)
    out.append(returnCode.rawValue)
  }
}
