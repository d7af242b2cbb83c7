import Core

/// The packets that say nothing but which packet they answer: PUBACK, PUBREC, PUBREL, PUBCOMP and
/// UNSUBACK (sections 3.4 to 3.7 and 3.11).
public enum Acknowledgement: BitwiseCopyable, Sendable {
  /// PUBACK: a QoS 1 message has arrived.
  case publishAck
  /// PUBREC: a QoS 2 message has arrived.
  case publishReceived
  /// PUBREL: the sender has let go of a QoS 2 message.
  case publishRelease
  /// PUBCOMP: so has the receiver.
  case publishComplete
  /// UNSUBACK: an UNSUBSCRIBE has been done.
  case unsubscribeAck

  /// Bytes of the packet.
  public static var size: Int { 4 }

  private var type: PacketType {
    switch self {
    case .publishAck: .publishAck
    case .publishReceived: .publishReceived
    case .publishRelease: .publishRelease
    case .publishComplete: .publishComplete
    case .unsubscribeAck: .unsubscribeAck
    }
  }

  /// Appends the whole packet, or throws and appends nothing. `dup` marks a PUBREL that was sent
  /// before; only 3.1 has that mark (its section 2.1), so later versions leave it out.
  public func encode(
    level: ProtocolLevel, packetID: UInt16, dup: Bool = false, into out: inout OutputSpan<UInt8>
  ) throws(EncodeError) {
    guard level != .v50 else { throw .unsupportedLevel }
    guard packetID != 0 else { throw .invalidPacketID }
    guard !dup || self == .publishRelease else { throw .invalidFlags }
    guard out.freeCapacity >= Self.size else { throw .bufferFull }
    out.append(type.firstByte | (dup && level == .v31 ? 0b1000 : 0))
    out.append(2)
    out.append(bigEndian: packetID)
  }
}

/// The packets without a body: PINGREQ, PINGRESP and DISCONNECT (sections 3.12 to 3.14).
public enum BarePacket: BitwiseCopyable, Sendable {
  /// PINGREQ: are you there?
  case pingRequest
  /// PINGRESP: yes.
  case pingResponse
  /// DISCONNECT: a client takes its leave, and its will is forgotten.
  case disconnect

  /// Bytes of the packet.
  public static var size: Int { 2 }

  /// Appends the whole packet, or throws and appends nothing.
  public func encode(
    level: ProtocolLevel, into out: inout OutputSpan<UInt8>
  ) throws(EncodeError) {
    guard level != .v50 else { throw .unsupportedLevel }
    guard out.freeCapacity >= Self.size else { throw .bufferFull }
    switch self {
    case .pingRequest: out.append(PacketType.pingRequest.firstByte)
    case .pingResponse: out.append(PacketType.pingResponse.firstByte)
    case .disconnect: out.append(PacketType.disconnect.firstByte)
    }
    out.append(0)
  }
}

extension OutputSpan<UInt8> {
  /// Begins a packet of an identifier and a list: appends all but the `listSize` bytes of the
  /// list, for which there is room then; or throws and appends nothing.
  @_lifetime(self: copy self)
  mutating func appendList(
    _ type: PacketType, level: ProtocolLevel, packetID: UInt16, listSize: Int
  ) throws(EncodeError) {
    guard level != .v50 else { throw .unsupportedLevel }
    guard packetID != 0 else { throw .invalidPacketID }
    guard listSize > 0 else { throw .invalidFlags }
    guard listSize <= VarInt.max - 2 else { throw .packetTooLarge }
    let bodySize = 2 + listSize
    guard 1 + VarInt.size(of: bodySize) + bodySize <= freeCapacity else { throw .bufferFull }
    append(type.firstByte)
    append(varInt: bodySize)
    append(bigEndian: packetID)
  }
}
