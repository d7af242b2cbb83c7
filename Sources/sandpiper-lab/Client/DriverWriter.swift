import CLinux
import Core
import JSON

/// The lines that go out, one after the other, as far as the reader takes them: standard output is
/// never waited for.
struct DriverWriter {
  private var bytes: [UInt8] = []
  private var sent = 0

  /// Bytes that wait for the reader.
  var waiting: Int { bytes.count - sent }

  init() { bytes.reserveCapacity(1 << 16) }

  // MARK: Lines

  mutating func begin(_ words: StaticString) { append(words) }

  mutating func key(_ name: StaticString) {
    append(" ")
    append(name)
    append("=")
  }

  mutating func field(_ name: StaticString, _ number: Int) {
    key(name)
    append(number)
  }

  mutating func field(_ name: StaticString, _ word: StaticString) {
    key(name)
    append(word)
  }

  mutating func field(_ name: StaticString, encoding value: Span<UInt8>) {
    key(name)
    append(encoding: value)
  }

  mutating func end() { bytes.append(UInt8(ascii: "\n")) }

  mutating func append(_ words: StaticString) {
    // Sound: a StaticString's bytes live as long as the program.
    let text = unsafe UnsafeBufferPointer(
      start: words.utf8Start, count: words.utf8CodeUnitCount)
    unsafe bytes.append(contentsOf: text)
  }

  mutating func append(_ number: Int) {
    var divisor = 1
    while number / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      bytes.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
      divisor /= 10
    }
  }

  /// "0x9c".
  mutating func append(hexByte byte: UInt8) {
    append("0x")
    append(hexDigits: byte)
  }

  mutating func append(hexDigits byte: UInt8) {
    bytes.append(Self.digit(byte >> 4))
    bytes.append(Self.digit(byte & 15))
  }

  /// Appends a value: what is not plain stands as %xx, a colon only where `colons` says so.
  mutating func append(encoding value: Span<UInt8>, colons: Bool = false, commas: Bool = false) {
    for index in value.indices {
      let byte = value[index]
      let isPlain =
        byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "%") && byte != UInt8(ascii: "=")
        && !(colons && byte == UInt8(ascii: ":")) && !(commas && byte == UInt8(ascii: ","))
      if isPlain {
        bytes.append(byte)
      } else {
        bytes.append(UInt8(ascii: "%"))
        append(hexDigits: byte)
      }
    }
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }

  // MARK: The reader

  /// Hands to standard output what it takes without waiting. False when nobody reads any more.
  mutating func flush() -> Bool {
    while sent < bytes.count {
      let count = unsafe bytes.withUnsafeBufferPointer { all in
        // Sound: the call only reads the bytes.
        let rest = unsafe UnsafeBufferPointer(rebasing: all[sent...])
        return unsafe clinux_write_ready(1, rest.baseAddress, rest.count)
      }
      if count < 0 { return clinux_errno() == EAGAIN }
      if count == 0 { return true }
      sent += count
    }
    bytes.removeAll(keepingCapacity: true)
    sent = 0
    return true
  }
}
