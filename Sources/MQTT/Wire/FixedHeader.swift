import Core

/// The remaining length of a packet: 1 to 4 bytes of seven bits, least significant first
/// (section 2.2.3).
public enum VarInt {
  /// The largest number that fits: the longest body.
  public static var max: Int { 268_435_455 }

  /// Bytes that `value`, which is at most `max`, takes.
  @inlinable public static func size(of value: Int) -> Int {
    if value < 128 { return 1 }
    if value < 16_384 { return 2 }
    return value < 2_097_152 ? 3 : 4
  }

  /// The bytes of `value`, the first of them the least significant. Never inlined: where most numbers
  /// are short, this is to be in nobody's way.
  @inline(never)
  static func bytes(of value: Int) -> UInt32 {
    var bytes: UInt32 = 0
    var rest = UInt32(truncatingIfNeeded: value)
    var shift: UInt32 = 0
    while rest >= 128 {
      bytes |= (rest & 0x7F | 0x80) &<< shift
      rest = rest &>> 7
      shift = shift &+ 8
    }
    return bytes | rest &<< shift
  }
}

extension OutputSpan<UInt8> {
  /// Appends a number of at most `VarInt.max` in `VarInt.size` bytes.
  @inlinable @_lifetime(self: copy self)
  mutating func append(varInt value: Int) {
    var rest = value
    while rest >= 128 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest = rest &>> 7
    }
    append(UInt8(truncatingIfNeeded: rest))
  }
}

extension ByteWriter {
  /// Writes a number of at most `VarInt.max` in `VarInt.size` bytes; traps when there is no room.
  @inline(__always)
  mutating func put(varInt value: Int) {
    var bytes = VarInt.bytes(of: value)
    while bytes > 0xFF {
      put(UInt8(truncatingIfNeeded: bytes))
      bytes = bytes &>> 8
    }
    put(UInt8(truncatingIfNeeded: bytes))
  }
}

/// The first two to five bytes of a packet: enough to know what it is and how long, before the
/// body is there.
public struct FixedHeader: BitwiseCopyable, Sendable {
  /// What the packet is.
  public var type: PacketType
  /// The lower four bits of the first byte.
  public var flags: UInt8
  /// Bytes of the header itself, 2 to 5.
  public var size: Int
  /// Bytes of the body.
  public var remainingLength: Int

  /// Bytes of the whole packet.
  public var packetSize: Int { size + remainingLength }

  /// The header at the start of `bytes`; nil when more bytes are needed to know.
  ///
  /// Refuses all that can be refused without the body: type, direction, flags, a malformed
  /// length, and a length that the type never has.
  public static func decode(
    _ bytes: Span<UInt8>, from sender: Role, level: ProtocolLevel
  ) throws(DecodeError) -> FixedHeader? {
    guard bytes.count > 0 else { return nil }
    guard let type = PacketType(rawValue: bytes[0] &>> 4),
      type != .authenticate || level == .v50
    else { throw .reservedType }
    guard type.mayCome(from: sender, level: level) else { throw .wrongDirection }
    let flags = bytes[0] & 0x0F
    try check(flags, of: type, level: level)

    var remainingLength = 0
    for index in 1...4 {
      guard index < bytes.count else { return nil }
      let byte = bytes[index]
      remainingLength |= Int(byte & 0x7F) &<< (7 &* (index &- 1))
      guard byte & 0x80 == 0 else { continue }
      // A last byte of zero adds nothing: the length would have fitted without it.
      guard byte != 0 || index == 1 else { throw .malformedLength }
      let isPossible =
        level == .v50 ? mayBeV5(remainingLength, of: type) : mayBe(remainingLength, of: type)
      guard isPossible else { throw .malformedBody }
      return FixedHeader(
        type: type, flags: flags, size: index + 1, remainingLength: remainingLength)
    }
    throw .malformedLength
  }

  /// Flags as in table 2.2. In 3.1 a repeated PUBREL, SUBSCRIBE or UNSUBSCRIBE carries DUP.
  private static func check(
    _ flags: UInt8, of type: PacketType, level: ProtocolLevel
  ) throws(DecodeError) {
    if type == .publish {
      guard flags & 0b0110 != 0b0110 else { throw .invalidQoS }
      guard flags & 0b1110 != 0b1000 else { throw .invalidQoS }
      return
    }
    let expected = type.firstByte & 0x0F
    if flags == expected { return }
    guard level == .v31, expected != 0, flags == expected | 0b1000 else { throw .invalidFlags }
  }

  /// What versions before 5.0 allow as the length of a body.
  private static func mayBe(_ remainingLength: Int, of type: PacketType) -> Bool {
    switch type {
    case .pingRequest, .pingResponse, .disconnect: remainingLength == 0
    case .connectAck, .publishAck, .publishReceived, .publishRelease, .publishComplete,
      .unsubscribeAck:
      remainingLength == 2
    case .connect, .publish, .subscribe, .subscribeAck, .unsubscribe: remainingLength >= 3
    case .authenticate: false
    }
  }

  /// What 5.0 allows: properties make any body longer, and reason codes may be left out.
  private static func mayBeV5(_ remainingLength: Int, of type: PacketType) -> Bool {
    switch type {
    case .pingRequest, .pingResponse: remainingLength == 0
    case .publishAck, .publishReceived, .publishRelease, .publishComplete: remainingLength >= 2
    case .connect, .connectAck, .publish, .subscribe, .unsubscribe: remainingLength >= 3
    case .subscribeAck, .unsubscribeAck: remainingLength >= 4
    case .disconnect: true
    // A reason without the method that has to come with it is too short.
    case .authenticate: remainingLength != 1
    }
  }
}
