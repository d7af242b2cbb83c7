import Core

/// Writing JSON into the caller's bytes. The caller sees to it that there is room.
extension OutputSpan<UInt8> {
  /// Appends `text` as a JSON string, quotation marks and all: at most 6 bytes for each byte, and 2.
  /// Bytes that are not UTF-8 become U+FFFD.
  @_lifetime(self: copy self)
  public mutating func append(jsonString text: Span<UInt8>) {
    append(UInt8(ascii: "\""))
    var index = 0
    while index < text.count {
      let byte = text[index]
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        append(UInt8(ascii: "\\"))
        append(byte)
      case 0x0A: append(literal: "\\n")
      case 0x0D: append(literal: "\\r")
      case 0x09: append(literal: "\\t")
      case 0..<0x20, 0x7F:
        append(literal: "\\u00")
        append(hexDigit: byte >> 4)
        append(hexDigit: byte & 0xF)
      case 0x20..<0x7F: append(byte)
      default:
        guard let end = try? text.endOfMultibyte(at: index) else {
          append(scalar: 0xFFFD)
          break
        }
        append(contentsOf: text.extracting(index..<end))
        index = end
        continue
      }
      index += 1
    }
    append(UInt8(ascii: "\""))
  }

  /// Appends a time as RFC 3339 in UTC with milliseconds: `2026-11-23T04:50:00.123Z`, 24 bytes.
  /// Years before 0000 and after 9999 are cut to these.
  @_lifetime(self: copy self)
  public mutating func append(timestamp time: WallTime) {
    let first = WallTime.year0.milliseconds
    let last = WallTime.year10000.milliseconds - 1
    let date = CivilDate(WallTime(milliseconds: max(first, min(last, time.milliseconds))))
    append(digits: UInt64(bitPattern: date.year), width: 4)
    append(UInt8(ascii: "-"))
    append(digits: UInt64(bitPattern: date.month), width: 2)
    append(UInt8(ascii: "-"))
    append(digits: UInt64(bitPattern: date.day), width: 2)
    append(UInt8(ascii: "T"))
    let second = date.millisecondOfDay / 1000
    append(digits: UInt64(bitPattern: second / 3600), width: 2)
    append(UInt8(ascii: ":"))
    append(digits: UInt64(bitPattern: second / 60 % 60), width: 2)
    append(UInt8(ascii: ":"))
    append(digits: UInt64(bitPattern: second % 60), width: 2)
    append(UInt8(ascii: "."))
    append(digits: UInt64(bitPattern: date.millisecondOfDay % 1000), width: 3)
    append(UInt8(ascii: "Z"))
  }

  /// Appends 16 hexadecimal digits.
  @_lifetime(self: copy self)
  public mutating func append(hex value: UInt64) {
    var shift: UInt64 = 64
    while shift > 0 {
      shift = shift &- 4
      append(hexDigit: UInt8(truncatingIfNeeded: value &>> shift) & 0xF)
    }
  }

  @_lifetime(self: copy self)
  private mutating func append(hexDigit digit: UInt8) {
    append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
  }
}

extension Span<UInt8> {
  /// The most bytes that `append(jsonString:)` takes for this text.
  public var jsonStringBytesMax: Int {
    var bytes = 2
    for index in indices {
      switch self[index] {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += 2
      case 0x20..<0x7F: bytes += 1
      // What is no UTF-8 becomes U+FFFD.
      case 0x80...: bytes += 3
      default: bytes += 6
      }
    }
    return bytes
  }
}
