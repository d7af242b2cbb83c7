/// Base64 (RFC 4648, section 4), padded and without line breaks.
extension OutputSpan<UInt8> {
  /// Appends `source` in base64.
  @_lifetime(self: copy self)
  public mutating func append(base64 source: Span<UInt8>) {
    var index = 0
    while index < source.count {
      let left = min(3, source.count - index)
      var bits: UInt32 = 0
      for place in 0..<3 {
        bits = bits &<< 8 | (place < left ? UInt32(source[index + place]) : 0)
      }
      for place in 0..<4 {
        let sextet = UInt8(truncatingIfNeeded: bits &>> UInt32(18 - place * 6)) & 63
        append(place <= left ? Base64.character(sextet) : UInt8(ascii: "="))
      }
      index += 3
    }
  }

  /// Appends the bytes that `text` stands for. False when it is not the one base64 that these bytes have
  /// (section 3.5: bits that stand for nothing are zero), or there is no room for all of them; what was
  /// appended means nothing then.
  @_lifetime(self: copy self)
  public mutating func append(decodingBase64 text: Span<UInt8>) -> Bool {
    guard text.count % 4 == 0 else { return false }
    var end = text.count
    while end > 0, end > text.count - 2, text[end - 1] == UInt8(ascii: "=") { end -= 1 }
    var bits: UInt32 = 0
    var bitCount = 0
    for index in 0..<end {
      guard let sextet = Base64.sextet(text[index]) else { return false }
      bits = bits &<< 6 | UInt32(sextet)
      bitCount += 6
      guard bitCount >= 8 else { continue }
      guard freeCapacity > 0 else { return false }
      bitCount -= 8
      append(UInt8(truncatingIfNeeded: bits &>> UInt32(bitCount)))
      bits &= (1 &<< UInt32(bitCount)) &- 1
    }
    return bits == 0 && (text.count - end) * 2 == bitCount
  }
}

private enum Base64 {
  /// The character that stands for six bits.
  static func character(_ sextet: UInt8) -> UInt8 {
    switch sextet {
    case 0..<26: UInt8(ascii: "A") + sextet
    case 26..<52: UInt8(ascii: "a") + (sextet - 26)
    case 52..<62: UInt8(ascii: "0") + (sextet - 52)
    case 62: UInt8(ascii: "+")
    default: UInt8(ascii: "/")
    }
  }

  /// What a character stands for; nil for one that base64 does not have.
  static func sextet(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
