import Core

/// One step through a JSON text.
public enum JSONToken: BitwiseCopyable, Sendable {
  /// `{` and `}`.
  case beginObject, endObject
  /// `[` and `]`.
  case beginArray, endArray
  /// The name of a member; its value follows.
  case key(JSONText)
  /// A string.
  case string(JSONText)
  /// A number.
  case number(JSONNumber)
  /// `true` or `false`.
  case bool(Bool)
  /// `null`.
  case null
}

/// A string in a JSON text: the place between its quotation marks, escapes and all.
public struct JSONText: BitwiseCopyable, Sendable {
  /// Where the first byte behind the quotation mark is.
  public var offset: Int
  /// Bytes up to the closing quotation mark.
  public var count: Int
  /// True when there is a backslash between, so that the bytes are not the string itself.
  public var hasEscapes: Bool

  /// Lends the bytes as they stand in the text, escapes and all.
  public func withBytes<R, E: Error>(
    in text: Span<UInt8>, _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    try body(text.extracting(offset..<offset + count))
  }

  /// True when the string is `literal`, whichever way it is written.
  public func equals(_ literal: StaticString, in text: Span<UInt8>) -> Bool {
    guard hasEscapes else { return text.extracting(offset..<offset + count).equals(literal) }
    var index = offset
    var matched = 0
    while index < offset + count {
      // One character at a time, so that the string may be of any length.
      let isNext = ShortText { out in character(at: &index, in: text, &out) }.withBytes { bytes in
        guard matched + bytes.count <= literal.utf8CodeUnitCount else { return false }
        for byte in bytes.indices {
          // Sound: a StaticString's bytes live as long as the program; the bound was checked.
          if unsafe bytes[byte] != literal.utf8Start[matched + byte] { return false }
        }
        matched += bytes.count
        return true
      }
      guard isNext else { return false }
    }
    return matched == literal.utf8CodeUnitCount
  }

  /// Appends the string itself, which is never longer than `count` bytes.
  public func decode(into out: inout OutputSpan<UInt8>, in text: Span<UInt8>) {
    var index = offset
    while index < offset + count { character(at: &index, in: text, &out) }
  }

  /// Appends the byte, or what the escape at `index` stands for, and leaves `index` behind it.
  private func character(
    at index: inout Int, in text: Span<UInt8>, _ out: inout OutputSpan<UInt8>
  ) {
    let byte = text[index]
    index += 1
    guard byte == UInt8(ascii: "\\") else { return out.append(byte) }
    let escape = text[index]
    index += 1
    switch escape {
    case UInt8(ascii: "b"): out.append(0x08)
    case UInt8(ascii: "f"): out.append(0x0C)
    case UInt8(ascii: "n"): out.append(0x0A)
    case UInt8(ascii: "r"): out.append(0x0D)
    case UInt8(ascii: "t"): out.append(0x09)
    case UInt8(ascii: "u"):
      var scalar = text.hex4(at: index)
      index += 4
      if scalar >= 0xD800 && scalar < 0xDC00 {
        // The reader has seen to it that the other half follows.
        scalar = 0x1_0000 + (scalar - 0xD800) << 10 + (text.hex4(at: index + 2) - 0xDC00)
        index += 6
      }
      out.append(scalar: scalar)
    default: out.append(escape)
    }
  }
}
