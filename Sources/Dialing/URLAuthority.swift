import Core

/// The part of a URL between `//` and the path: `user@host:port` (RFC 3986, section 3.2).
struct URLAuthority {
  /// Percent escapes not yet read.
  var user: Range<Int>?
  /// Without brackets.
  var host: Range<Int>
  /// Nil when none is given.
  var port: UInt16?

  /// The longest host name, in bytes (RFC 1035, section 2.3.4, as text).
  static var hostBytesMax: Int { 253 }

  /// Reads `text[range]`, all of it.
  init(_ text: Span<UInt8>, _ range: Range<Int>) throws(URLFault) {
    var start = range.lowerBound
    let end = range.upperBound
    if let at = Self.first(UInt8(ascii: "@"), in: text, start..<end) {
      let user = start..<at
      guard Self.first(UInt8(ascii: ":"), in: text, user) == nil else { throw .password }
      try PercentEscapes.check(text.extracting(user), longest: BrokerURL.userBytesMax)
      self.user = user
      start = at + 1
    }
    let hostEnd: Int
    if start < end, text[start] == UInt8(ascii: "[") {
      guard let bracket = Self.first(UInt8(ascii: "]"), in: text, start..<end) else {
        throw .brackets
      }
      host = start + 1..<bracket
      hostEnd = bracket + 1
    } else {
      hostEnd = Self.first(UInt8(ascii: ":"), in: text, start..<end) ?? end
      host = start..<hostEnd
    }
    guard !host.isEmpty, host.count <= Self.hostBytesMax else { throw .host }
    for index in host where !Self.isHostCharacter(text[index]) { throw .host }
    if host.lowerBound > start, !Self.isAddress(text.extracting(host)) { throw .address }
    guard hostEnd < end else { return }
    guard text[hostEnd] == UInt8(ascii: ":"), let port = Self.port(text, hostEnd + 1..<end) else {
      throw .port
    }
    self.port = port
  }

  static func first(_ byte: UInt8, in text: Span<UInt8>, _ range: Range<Int>) -> Int? {
    for index in range where text[index] == byte { return index }
    return nil
  }

  private static func isHostCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case 0...0x20, 0x7F, UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"),
      UInt8(ascii: "@"), UInt8(ascii: "\\"), UInt8(ascii: "["), UInt8(ascii: "]"):
      false
    default: true
    }
  }

  /// The characters of an IPv6 address, two colons at the least, and perhaps a zone; what they mean the
  /// system knows.
  private static func isAddress(_ host: Span<UInt8>) -> Bool {
    var colons = 0
    for index in host.indices {
      switch host[index] {
      case UInt8(ascii: "%"): return colons >= 2 && index + 1 < host.count
      case UInt8(ascii: ":"): colons += 1
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
        UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "."):
        break
      default: return false
      }
    }
    return colons >= 2
  }

  private static func port(_ text: Span<UInt8>, _ range: Range<Int>) -> UInt16? {
    var number = 0
    for index in range {
      let byte = text[index]
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
      number = number * 10 + Int(byte - UInt8(ascii: "0"))
      guard number <= 65_535 else { return nil }
    }
    return number == 0 ? nil : UInt16(truncatingIfNeeded: number)
  }
}
