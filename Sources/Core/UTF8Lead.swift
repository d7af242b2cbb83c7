/// What the first byte of a UTF-8 character of several bytes says: how many there are, and which
/// the second may be (RFC 3629, section 4). All further ones are 80 to BF.
///
/// The range of the second shuts out overlong forms (E0, F0), surrogates (ED) and what lies above
/// U+10FFFF (F4).
public struct UTF8Lead: BitwiseCopyable, Sendable {
  /// Bytes of the character: 2, 3 or 4.
  public let length: Int
  /// The lowest second byte.
  public let secondMin: UInt8
  /// The highest second byte.
  public let secondMax: UInt8

  /// Nil for a byte that begins no character of several bytes.
  public init?(_ first: UInt8) {
    switch first {
    case 0xC2...0xDF: length = 2
    case 0xE0...0xEF: length = 3
    case 0xF0...0xF4: length = 4
    default: return nil
    }
    secondMin = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80
    secondMax = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF
  }
}

extension Span<UInt8> {
  /// True when the bytes are whole characters in UTF-8 (RFC 3629).
  public var isUTF8: Bool {
    var index = 0
    while index < count {
      if self[index] < 0x80 {
        index += 1
        continue
      }
      guard let lead = UTF8Lead(self[index]), count - index >= lead.length,
        self[index + 1] >= lead.secondMin, self[index + 1] <= lead.secondMax
      else { return false }
      for next in index + 2..<index + lead.length where self[next] & 0xC0 != 0x80 { return false }
      index += lead.length
    }
    return true
  }
}
