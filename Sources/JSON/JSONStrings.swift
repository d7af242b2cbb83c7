import Core

/// What strings are made of: characters (RFC 3629) and escapes (RFC 8259, section 7).
extension Span<UInt8> {
  /// The offset behind the escape that begins at `start`, with the second half of a surrogate pair.
  func endOfEscape(at start: Int) throws(JSONError) -> Int {
    guard start + 1 < count else { throw JSONError(.endsEarly, at: count) }
    switch self[start + 1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
      UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      return start + 2
    case UInt8(ascii: "u"): break
    default: throw JSONError(.invalidEscape, at: start)
    }
    let unit = try unicodeEscape(at: start)
    guard unit >= 0xD800 && unit < 0xE000 else { return start + 6 }
    guard unit < 0xDC00 else { throw JSONError(.invalidEscape, at: start) }
    guard start + 6 < count else { throw JSONError(.endsEarly, at: count) }
    guard self[start + 6] == UInt8(ascii: "\\") else { throw JSONError(.invalidEscape, at: start) }
    guard start + 7 < count else { throw JSONError(.endsEarly, at: count) }
    guard self[start + 7] == UInt8(ascii: "u") else { throw JSONError(.invalidEscape, at: start) }
    let second = try unicodeEscape(at: start + 6)
    guard second >= 0xDC00 && second < 0xE000 else { throw JSONError(.invalidEscape, at: start) }
    return start + 12
  }

  private func unicodeEscape(at start: Int) throws(JSONError) -> UInt32 {
    for index in start + 2..<start + 6 {
      guard index < count else { throw JSONError(.endsEarly, at: count) }
      guard self[index].hexDigit != nil else { throw JSONError(.invalidEscape, at: start) }
    }
    return hex4(at: start + 2)
  }

  /// Why the character at `offset` cannot stand where a value is expected.
  func faultOfCharacter(at offset: Int) -> JSONFault {
    guard self[offset] >= 0x80 else { return .unexpectedCharacter }
    if offset == 0, count >= 3, self[0] == 0xEF, self[1] == 0xBB, self[2] == 0xBF {
      return .byteOrderMark
    }
    do throws(JSONError) {
      _ = try endOfMultibyte(at: offset)
      return .unexpectedCharacter
    } catch {
      return error.fault
    }
  }

  /// The offset behind the character of two to four bytes at `start` (RFC 3629, section 4).
  func endOfMultibyte(at start: Int) throws(JSONError) -> Int {
    guard let lead = UTF8Lead(self[start]) else { throw JSONError(.invalidUTF8, at: start) }
    var range = lead.secondMin...lead.secondMax
    for index in start + 1..<start + lead.length {
      guard index < count else { throw JSONError(.endsEarly, at: count) }
      guard range.contains(self[index]) else { throw JSONError(.invalidUTF8, at: start) }
      range = 0x80...0xBF
    }
    return start + lead.length
  }
}

extension Span<UInt8> {
  /// The four hexadecimal digits at `offset`.
  func hex4(at offset: Int) -> UInt32 {
    var value: UInt32 = 0
    for index in offset..<offset + 4 {
      value = value << 4 | UInt32(self[index].hexDigit ?? 0)
    }
    return value
  }
}

extension UInt8 {
  /// The value of a hexadecimal digit.
  var hexDigit: UInt8? {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// True for `0`...`9`.
  var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
}

extension OutputSpan<UInt8> {
  /// Appends a Unicode scalar as UTF-8.
  @_lifetime(self: copy self)
  mutating func append(scalar: UInt32) {
    func tail(_ shift: UInt32) -> UInt8 {
      UInt8(truncatingIfNeeded: scalar >> shift & 0x3F | 0x80)
    }
    switch scalar {
    case 0..<0x80: append(UInt8(truncatingIfNeeded: scalar))
    case 0x80..<0x800:
      append(UInt8(truncatingIfNeeded: scalar >> 6 | 0xC0))
      append(tail(0))
    case 0x800..<0x1_0000:
      append(UInt8(truncatingIfNeeded: scalar >> 12 | 0xE0))
      append(tail(6))
      append(tail(0))
    default:
      append(UInt8(truncatingIfNeeded: scalar >> 18 | 0xF0))
      append(tail(12))
      append(tail(6))
      append(tail(0))
    }
  }
}
