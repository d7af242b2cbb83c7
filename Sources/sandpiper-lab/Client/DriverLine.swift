import Core

/// One command of the line protocol: a word, then `key=value` words, values percent-encoded.
///
/// Kept between lines so that reading one takes no memory. Values are decoded once, into `decoded`.
struct DriverLine {
  struct Field {
    var key: Range<Int>
    /// The value as it stands in the line.
    var raw: Range<Int>
    /// The value without percent-encoding, in `decoded`.
    var value: Range<Int>
  }

  /// What is wrong with a line.
  enum Fault: Error {
    case malformed
  }

  private(set) var bytes: [UInt8] = []
  private(set) var decoded: [UInt8] = []
  private(set) var command = 0..<0
  private(set) var fields: [Field] = []

  /// Reads the line `source[range]`, without its end.
  mutating func read(_ source: [UInt8], _ range: Range<Int>) throws(Fault) {
    bytes.removeAll(keepingCapacity: true)
    decoded.removeAll(keepingCapacity: true)
    fields.removeAll(keepingCapacity: true)
    bytes.append(contentsOf: source[range])
    if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    var start = 0
    var isFirst = true
    command = 0..<0
    while start <= bytes.count {
      var end = start
      while end < bytes.count, bytes[end] != UInt8(ascii: " ") { end += 1 }
      if end > start {
        if isFirst { command = start..<end } else { try readField(start..<end) }
        isFirst = false
      }
      start = end + 1
    }
  }

  private mutating func readField(_ word: Range<Int>) throws(Fault) {
    var equals = word.lowerBound
    while equals < word.upperBound, bytes[equals] != UInt8(ascii: "=") { equals += 1 }
    guard equals < word.upperBound, equals > word.lowerBound else { throw .malformed }
    let raw = equals + 1..<word.upperBound
    let start = decoded.count
    try decode(raw)
    fields.append(
      Field(key: word.lowerBound..<equals, raw: raw, value: start..<decoded.count))
  }

  /// Appends the bytes that percent-encoded ones stand for to `decoded`.
  mutating func decode(_ raw: Range<Int>) throws(Fault) {
    var index = raw.lowerBound
    while index < raw.upperBound {
      let byte = bytes[index]
      guard byte == UInt8(ascii: "%") else {
        decoded.append(byte)
        index += 1
        continue
      }
      guard index + 2 < raw.upperBound, let high = Self.hex(bytes[index + 1]),
        let low = Self.hex(bytes[index + 2])
      else { throw .malformed }
      decoded.append(high << 4 | low)
      index += 3
    }
  }

  static func hex(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  // MARK: What it says

  func isCommand(_ word: StaticString) -> Bool { bytes.span.extracting(command).equals(word) }

  func isKey(_ field: Field, _ key: StaticString) -> Bool {
    bytes.span.extracting(field.key).equals(key)
  }

  /// The last field of this key.
  func field(_ key: StaticString) -> Field? { fields.last { isKey($0, key) } }

  /// The bytes of a key; nil when it is not there.
  func value(_ key: StaticString) -> ArraySlice<UInt8>? { field(key).map { decoded[$0.value] } }

  /// Text of a key.
  func text(_ key: StaticString) -> String? {
    value(key).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The number of a key: decimal, or hexadecimal behind 0x. Nil when it is not there.
  func number(_ key: StaticString) throws(Fault) -> Int? {
    guard let field = field(key) else { return nil }
    return try number(field)
  }

  func number(_ field: Field) throws(Fault) -> Int {
    guard let number = Self.number(decoded.span.extracting(field.value)) else { throw .malformed }
    return number
  }

  /// A number from 0 to 2^48: decimal, or hexadecimal behind 0x.
  static func number(_ text: Span<UInt8>) -> Int? {
    let isHex =
      text.count > 2 && text[0] == UInt8(ascii: "0") && text[1] | 0x20 == UInt8(ascii: "x")
    guard text.count > 0, text.count <= 15 else { return nil }
    var number = 0
    for index in (isHex ? 2 : 0)..<text.count {
      guard let digit = hex(text[index]), isHex || digit < 10 else { return nil }
      number = number * (isHex ? 16 : 10) + Int(digit)
    }
    return number <= 1 << 48 ? number : nil
  }

  /// 0 or 1; `fallback` when it is not there.
  func flag(_ key: StaticString, _ fallback: Bool = false) throws(Fault) -> Bool {
    switch try number(key) {
    case nil: return fallback
    case 0: return false
    case 1: return true
    default: throw .malformed
    }
  }
}
