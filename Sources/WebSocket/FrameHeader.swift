import Core

/// What a frame is (RFC 6455, section 5.2).
public enum Opcode: UInt8, BitwiseCopyable, Sendable {
  /// More of the message that a frame before has begun.
  case continuation = 0
  /// The beginning of a message of text.
  case text = 1
  /// The beginning of a message of bytes.
  case binary = 2
  /// The last word.
  case close = 8
  /// To be answered by a pong with the same payload.
  case ping = 9
  /// The answer.
  case pong = 10

  /// True for frames that may come between those of a message.
  public var isControl: Bool { rawValue & 8 != 0 }
}

/// Four bytes that a client's payload is combined with, byte for byte, by exclusive or.
public struct MaskKey: BitwiseCopyable, Equatable, Sendable {
  private let bits: UInt32

  /// The key of 32 bits that no one can foresee (RFC 6455, section 5.3); the first byte is the most
  /// significant.
  public init(_ bits: UInt32) { self.bits = bits }

  /// Byte `index & 3` of the key.
  public subscript(index: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: bits &>> UInt32(truncatingIfNeeded: 24 - (index & 3) * 8))
  }
}

/// What stands before a frame's payload.
///
///     | fin reserved opcode | masked length | 0, 2 or 8 bytes of length | 0 or 4 bytes of key |
public struct FrameHeader: BitwiseCopyable, Equatable, Sendable {
  /// True for the last frame of a message.
  public var isFinal: Bool
  /// What the frame is.
  public var opcode: Opcode
  /// The key that the payload is masked with; nil when it is not.
  public var mask: MaskKey?
  /// How many bytes follow: less than 2^63.
  public var payloadBytes: UInt64

  /// The longest header, in bytes.
  public static var bytesMax: Int { 14 }
  /// The longest payload of a control frame, in bytes.
  public static var controlBytesMax: Int { 125 }

  /// The header of a frame.
  public init(isFinal: Bool = true, opcode: Opcode, mask: MaskKey?, payloadBytes: UInt64) {
    precondition(payloadBytes < 1 &<< 63)
    precondition(!opcode.isControl || isFinal && payloadBytes <= 125)
    self.isFinal = isFinal
    self.opcode = opcode
    self.mask = mask
    self.payloadBytes = payloadBytes
  }

  /// Bytes that `encode` appends.
  public var size: Int { 2 + extraBytes + (mask == nil ? 0 : 4) }

  private var extraBytes: Int { payloadBytes < 126 ? 0 : payloadBytes <= 0xFFFF ? 2 : 8 }

  /// Appends the header: `size` bytes.
  public func encode(into out: inout OutputSpan<UInt8>) {
    precondition(out.freeCapacity >= size)
    out.append(opcode.rawValue | (isFinal ? 0x80 : 0))
    let masked: UInt8 = mask == nil ? 0 : 0x80
    switch extraBytes {
    case 0: out.append(masked | UInt8(truncatingIfNeeded: payloadBytes))
    case 2: out.append(masked | 126)
    default: out.append(masked | 127)
    }
    var place = extraBytes
    while place > 0 {
      place -= 1
      out.append(UInt8(truncatingIfNeeded: payloadBytes &>> UInt64(wide: place * 8)))
    }
    guard let mask else { return }
    for index in 0..<4 { out.append(mask[index]) }
  }

  /// The header that `bytes` begin with, as `side` receives it; nil when more bytes are needed.
  /// What is wrong is refused as soon as it shows.
  public static func decode(
    _ bytes: Span<UInt8>, at side: Side
  ) throws(FrameFault) -> FrameHeader? {
    guard bytes.count >= 1 else { return nil }
    guard bytes[0] & 0x70 == 0 else { throw .reservedBits }
    guard let opcode = Opcode(rawValue: bytes[0] & 0x0F) else { throw .reservedOpcode }
    let isFinal = bytes[0] & 0x80 != 0
    guard isFinal || !opcode.isControl else { throw .fragmentedControl }
    guard bytes.count >= 2 else { return nil }
    let isMasked = bytes[1] & 0x80 != 0
    guard isMasked == (side == .server) else { throw .wrongMasking }
    let short = bytes[1] & 0x7F
    guard short < 126 || !opcode.isControl else { throw .longControl }
    let extraBytes = short < 126 ? 0 : short == 126 ? 2 : 8
    guard bytes.count >= 2 + extraBytes else { return nil }
    var length: UInt64 = extraBytes == 0 ? UInt64(wide: short) : 0
    for index in 2..<2 + extraBytes { length = length &<< 8 | UInt64(wide: bytes[index]) }
    guard extraBytes == 0 || length > (extraBytes == 2 ? 125 : 0xFFFF) else {
      throw .lengthNotMinimal
    }
    guard length < 1 &<< 63 else { throw .lengthTooLarge }
    let end = 2 + extraBytes
    guard isMasked else {
      return FrameHeader(isFinal: isFinal, opcode: opcode, mask: nil, payloadBytes: length)
    }
    guard bytes.count >= end + 4 else { return nil }
    var key: UInt32 = 0
    for index in end..<end + 4 { key = key &<< 8 | UInt32(bytes[index]) }
    return FrameHeader(
      isFinal: isFinal, opcode: opcode, mask: MaskKey(key), payloadBytes: length)
  }
}

/// Whole frames of one piece.
public enum Frame {
  /// Appends a frame: `FrameHeader.bytesMax` bytes and the payload at the most. A client masks.
  public static func append(
    _ opcode: Opcode, payload: Span<UInt8>, mask: MaskKey?, to out: inout OutputSpan<UInt8>
  ) {
    let header = FrameHeader(
      opcode: opcode, mask: mask, payloadBytes: UInt64(wide: payload.count))
    header.encode(into: &out)
    guard let mask else { return out.append(contentsOf: payload) }
    for index in payload.indices { out.append(payload[index] ^ mask[index]) }
  }

  /// Appends a close frame: 8 bytes at the most.
  public static func appendClose(
    code: UInt16?, mask: MaskKey?, to out: inout OutputSpan<UInt8>
  ) {
    let payload = FixedText<2> { bytes in
      if let code { bytes.append(bigEndian: code) }
    }
    payload.withBytes { append(.close, payload: $0, mask: mask, to: &out) }
  }
}
