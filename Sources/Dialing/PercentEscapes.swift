import Core

/// Percent escapes of a URL's user name (RFC 3986, section 2.1).
enum PercentEscapes {
  /// Appends `text` with its escapes replaced by the bytes they stand for. `text` was checked.
  static func decode(_ text: Span<UInt8>, into out: inout OutputSpan<UInt8>) {
    var index = 0
    while let byte = next(text, &index) { out.append(byte) }
  }

  /// Throws unless `text` stands for 1 to `longest` bytes of UTF-8 without the character U+0000, which
  /// MQTT has no room for (3.1.1, section 1.5.3).
  static func check(_ text: Span<UInt8>, longest: Int) throws(URLFault) {
    var check = FixedText<256>()
    var index = 0
    while index < text.count {
      guard let byte = next(text, &index), byte != 0 else { throw .user }
      check.append(byte)
    }
    guard !check.isEmpty, !check.isCut, check.count <= longest,
      check.withBytes({ $0.isUTF8 })
    else { throw .user }
  }

  /// The byte at `index`, which moves behind it; nil at the end, and for an escape that is none.
  private static func next(_ text: Span<UInt8>, _ index: inout Int) -> UInt8? {
    guard index < text.count else { return nil }
    let byte = text[index]
    guard byte == UInt8(ascii: "%") else {
      index += 1
      return byte
    }
    guard text.count - index >= 3, let high = digit(text[index + 1]),
      let low = digit(text[index + 2])
    else { return nil }
    index += 3
    return high << 4 | low
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
