import Core

/// The SHA-1 digest (FIPS 180-4, section 6.1) of a short message in one piece.
///
/// RFC 6455 asks for it to show that a server has understood the handshake; nothing here is kept
/// secret or trusted because of it.
enum SHA1 {
  /// The digest of `message`, which is shorter than 2^28 bytes.
  static func digest(of message: Span<UInt8>) -> InlineArray<20, UInt8> {
    precondition(message.count < 1 << 28)
    var state: InlineArray<5, UInt32> = [
      0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0,
    ]
    // The message, one bit, zeros, and the length in bits as the last eight bytes of a block.
    let blockCount = (message.count + 1 + 8 + 63) / 64
    for block in 0..<blockCount {
      var schedule = InlineArray<80, UInt32>(repeating: 0)
      for word in 0..<16 {
        let offset = block * 64 + word * 4
        for byte in offset..<offset + 4 {
          schedule[word] = schedule[word] &<< 8 | padded(message, byte, blockCount * 64)
        }
      }
      mix(&schedule, into: &state)
    }
    var digest = InlineArray<20, UInt8>(repeating: 0)
    for index in 0..<20 {
      digest[index] = UInt8(truncatingIfNeeded: state[index / 4] >> UInt32(24 - index % 4 * 8))
    }
    return digest
  }

  /// Byte `index` of the message as it is padded to `total` bytes.
  private static func padded(_ message: Span<UInt8>, _ index: Int, _ total: Int) -> UInt32 {
    if index < message.count { return UInt32(message[index]) }
    if index == message.count { return 0x80 }
    let place = total - 1 - index
    guard place < 4 else { return 0 }
    return UInt32(truncatingIfNeeded: message.count * 8) >> UInt32(place * 8) & 0xFF
  }

  private static func mix(
    _ schedule: inout InlineArray<80, UInt32>, into state: inout InlineArray<5, UInt32>
  ) {
    for word in 16..<80 {
      schedule[word] = rotate(
        schedule[word - 3] ^ schedule[word - 8] ^ schedule[word - 14] ^ schedule[word - 16], 1)
    }
    var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
    for word in 0..<80 {
      let part: UInt32
      switch word {
      case 0..<20: part = (b & c | ~b & d) &+ 0x5A82_7999
      case 20..<40: part = (b ^ c ^ d) &+ 0x6ED9_EBA1
      case 40..<60: part = (b & c | b & d | c & d) &+ 0x8F1B_BCDC
      default: part = (b ^ c ^ d) &+ 0xCA62_C1D6
      }
      let next = rotate(a, 5) &+ part &+ e &+ schedule[word]
      (e, d, c, b, a) = (d, c, rotate(b, 30), a, next)
    }
    state[0] &+= a
    state[1] &+= b
    state[2] &+= c
    state[3] &+= d
    state[4] &+= e
  }

  private static func rotate(_ word: UInt32, _ bits: UInt32) -> UInt32 {
    word &<< bits | word &>> (32 - bits)
  }
}
