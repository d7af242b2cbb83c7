import Core

extension OutputSpan<UInt8> {
  /// Appends `source` in base64 (RFC 4648, section 4), padded.
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
}

enum Base64 {
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
