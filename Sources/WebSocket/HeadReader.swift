import Core

/// Puts the lines of an HTTP head together, byte by byte, in fixed memory (RFC 9112, section 2.1).
///
/// Strict: lines end with CR and LF, and hold no other control character but the tab.
public struct HeadReader: BitwiseCopyable, Sendable {
  /// What a byte has led to.
  public enum Step: BitwiseCopyable, Equatable, Sendable {
    /// More bytes are needed.
    case more
    /// `line` is whole; the next byte begins another.
    case line
    /// The empty line behind the last field.
    case end
    /// A byte that may not be where it is.
    case malformed
    /// More than a head may have.
    case tooLong
  }

  /// The longest head, in bytes.
  public static var bytesMax: Int { 8192 }

  /// The present line, without its end. What a longer one has beyond this is cut off: fields of no
  /// interest may be that long, and those that count are refused when they are cut.
  public private(set) var line = FixedText<640>()
  private var byteCount = 0
  private var isWhole = false
  private var endsNext = false

  /// A reader at the beginning of a head.
  public init() {}

  /// Takes the next byte.
  public mutating func take(_ byte: UInt8) -> Step {
    byteCount += 1
    guard byteCount <= Self.bytesMax else { return .tooLong }
    if isWhole {
      line = FixedText()
      isWhole = false
    }
    if endsNext {
      guard byte == UInt8(ascii: "\n") else { return .malformed }
      endsNext = false
      isWhole = true
      return line.isEmpty ? .end : .line
    }
    switch byte {
    case UInt8(ascii: "\r"): endsNext = true
    case 0..<0x20 where byte != UInt8(ascii: "\t"), 0x7F: return .malformed
    default: line.append(byte)
    }
    return .more
  }
}

/// The first line of an answer: "HTTP/1.1 101 Switching Protocols"; the words may be missing
/// (RFC 9112, section 4).
public struct StatusLine: BitwiseCopyable, Sendable {
  /// True for HTTP/1.1, false for HTTP/1.0.
  public let isVersion11: Bool
  /// The status: three digits.
  public let status: UInt16

  /// Nil when the line is none.
  public init?(_ line: Span<UInt8>) {
    guard line.count >= 12, line.count == 12 || line[12] == UInt8(ascii: " ") else { return nil }
    let version = line.extracting(0..<9)
    isVersion11 = version.equals("HTTP/1.1 ")
    guard isVersion11 || version.equals("HTTP/1.0 ") else { return nil }
    var status: UInt16 = 0
    for index in 9..<12 {
      guard line[index] >= UInt8(ascii: "0"), line[index] <= UInt8(ascii: "9") else { return nil }
      status = status * 10 + UInt16(line[index] - UInt8(ascii: "0"))
    }
    self.status = status
  }
}

/// A field line of an HTTP head: where its name and its value lie in the line (RFC 9112, section 5).
public struct HeadField: Sendable {
  /// The name's bytes: a token.
  public let name: Range<Int>
  /// The value's bytes, without the blanks around it.
  public let value: Range<Int>

  /// Nil when the line is no field: the name is no token, or the line goes on with the one before.
  public init?(_ line: Span<UInt8>) {
    var colon = 0
    while colon < line.count, line[colon] != UInt8(ascii: ":") {
      guard Self.isTokenCharacter(line[colon]) else { return nil }
      colon += 1
    }
    guard colon > 0, colon < line.count else { return nil }
    name = 0..<colon
    value = Self.trimmed(line, colon + 1..<line.count)
  }

  /// `range` without spaces and tabs at either end.
  static func trimmed(_ line: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
    var (start, end) = (range.lowerBound, range.upperBound)
    while start < end, isBlank(line[start]) { start += 1 }
    while end > start, isBlank(line[end - 1]) { end -= 1 }
    return start..<end
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  /// RFC 9110, section 5.6.2.
  static func isTokenCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "!"), UInt8(ascii: "#"),
      UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"), UInt8(ascii: "'"),
      UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"),
      UInt8(ascii: "~"):
      true
    default: false
    }
  }
}

extension Span<UInt8> {
  /// True when one of the comma-separated elements is `word`, which is in lower case, in any case.
  func lists(_ word: StaticString) -> Bool {
    var start = 0
    while start <= count {
      var end = start
      while end < count, self[end] != UInt8(ascii: ",") { end += 1 }
      let element = HeadField.trimmed(self, start..<end)
      if extracting(element).equalsIgnoringCase(word) { return true }
      start = end + 1
    }
    return false
  }
}
