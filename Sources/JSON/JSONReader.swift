import Core

/// A strict pull reader for JSON (RFC 8259): one token a call, in fixed memory, with positions.
///
/// The text is lent with each call and must be the same each time. Depth is bounded by 32.
///
/// | expects    | takes                                   |
/// |------------|-----------------------------------------|
/// | value      | any value                               |
/// | firstKey   | a key, or `}`                           |
/// | key        | a key                                   |
/// | firstValue | any value, or `]`                       |
/// | separator  | a comma, or the end of what is open     |
/// | nothing    | white space to the end                  |
public struct JSONReader: BitwiseCopyable, Sendable {
  private enum Expectation: BitwiseCopyable {
    case value, firstKey, key, firstValue, separator, nothing
  }

  /// How many objects and arrays may be open at once.
  public static var depthMax: Int { 32 }

  private var expectation = Expectation.value
  private var offset = 0
  /// One bit for each level, the innermost last: set for an object.
  private var objects: UInt32 = 0
  /// How many objects and arrays are open.
  public private(set) var depth = 0
  /// Where the last token begins: byte offset into the text.
  public private(set) var tokenOffset = 0

  /// A reader at the beginning of a text.
  public init() {}

  /// The next token, or nil at the end of a text that is JSON to its last byte.
  public mutating func next(in text: Span<UInt8>) throws(JSONError) -> JSONToken? {
    skipWhitespace(text)
    if expectation == .separator { try separator(text) }
    tokenOffset = offset
    guard offset < text.count else {
      if expectation == .nothing { return nil }
      throw JSONError(.endsEarly, at: offset)
    }
    let byte = text[offset]
    switch (expectation, byte) {
    case (.nothing, _):
      throw JSONError(byte == UInt8(ascii: "/") ? .comment : .trailingCharacters, at: offset)
    case (.firstKey, UInt8(ascii: "}")), (.separator, UInt8(ascii: "}")):
      close()
      return .endObject
    case (.firstValue, UInt8(ascii: "]")), (.separator, UInt8(ascii: "]")):
      close()
      return .endArray
    case (.firstKey, _), (.key, _): return .key(try key(text))
    case (.value, _), (.firstValue, _), (.separator, _): return try value(byte, text)
    }
  }

  /// Passes over what is left of the object or array that the last token has begun.
  public mutating func skipContainer(in text: Span<UInt8>) throws(JSONError) {
    let outside = depth - 1
    while depth > outside { _ = try next(in: text) }
  }

  /// Passes over the next value, whatever it is.
  public mutating func skipValue(in text: Span<UInt8>) throws(JSONError) {
    switch try next(in: text) {
    case .beginObject, .beginArray: try skipContainer(in: text)
    default: break
    }
  }

  // MARK: Structure

  private var isInObject: Bool { depth > 0 && objects & 1 == 1 }

  private mutating func open(object: Bool) throws(JSONError) {
    guard depth < Self.depthMax else { throw JSONError(.tooDeep, at: offset) }
    objects = objects << 1 | (object ? 1 : 0)
    depth += 1
    expectation = object ? .firstKey : .firstValue
    offset += 1
  }

  private mutating func close() {
    objects >>= 1
    depth -= 1
    offset += 1
    expectation = depth == 0 ? .nothing : .separator
  }

  /// Behind a value: a comma, after which the next one must come, or the closing bracket, which
  /// stays for `next`.
  private mutating func separator(_ text: Span<UInt8>) throws(JSONError) {
    guard offset < text.count else { throw JSONError(.endsEarly, at: offset) }
    let closing = isInObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
    switch text[offset] {
    case closing: break
    case UInt8(ascii: ","):
      let comma = offset
      offset += 1
      skipWhitespace(text)
      expectation = isInObject ? .key : .value
      if offset < text.count, text[offset] == closing { throw JSONError(.trailingComma, at: comma) }
    case UInt8(ascii: "/"): throw JSONError(.comment, at: offset)
    case UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ":"):
      throw JSONError(.unexpectedCharacter, at: offset)
    default: throw JSONError(.missingComma, at: offset)
    }
  }

  private mutating func skipWhitespace(_ text: Span<UInt8>) {
    while offset < text.count {
      switch text[offset] {
      case 0x20, 0x09, 0x0A, 0x0D: offset += 1
      default: return
      }
    }
  }

  // MARK: Values

  private mutating func key(_ text: Span<UInt8>) throws(JSONError) -> JSONText {
    guard text[offset] == UInt8(ascii: "\"") else {
      throw JSONError(text[offset] == UInt8(ascii: "/") ? .comment : .keyExpected, at: offset)
    }
    let key = try string(text)
    skipWhitespace(text)
    guard offset < text.count else { throw JSONError(.endsEarly, at: offset) }
    guard text[offset] == UInt8(ascii: ":") else { throw JSONError(.missingColon, at: offset) }
    offset += 1
    expectation = .value
    return key
  }

  private mutating func value(
    _ byte: UInt8, _ text: Span<UInt8>
  ) throws(JSONError) -> JSONToken {
    let token: JSONToken
    switch byte {
    case UInt8(ascii: "{"):
      try open(object: true)
      return .beginObject
    case UInt8(ascii: "["):
      try open(object: false)
      return .beginArray
    case UInt8(ascii: "\""): token = .string(try string(text))
    case UInt8(ascii: "t"):
      try word("true", text)
      token = .bool(true)
    case UInt8(ascii: "f"):
      try word("false", text)
      token = .bool(false)
    case UInt8(ascii: "n"):
      try word("null", text)
      token = .null
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      token = .number(try JSONNumber(text, &offset))
    case UInt8(ascii: "+"), UInt8(ascii: "."): throw JSONError(.malformedNumber, at: offset)
    case UInt8(ascii: "/"): throw JSONError(.comment, at: offset)
    default: throw JSONError(text.faultOfCharacter(at: offset), at: offset)
    }
    expectation = depth == 0 ? .nothing : .separator
    return token
  }

  private mutating func word(_ word: StaticString, _ text: Span<UInt8>) throws(JSONError) {
    let end = offset + word.utf8CodeUnitCount
    guard end <= text.count else {
      throw JSONError(
        text.extracting(offset..<text.count).isPrefix(of: word) ? .endsEarly : .unexpectedCharacter,
        at: offset)
    }
    guard text.extracting(offset..<end).equals(word) else {
      throw JSONError(.unexpectedCharacter, at: offset)
    }
    offset = end
  }

  /// Reads a string; `offset` stands at its quotation mark, and behind the closing one afterwards.
  private mutating func string(_ text: Span<UInt8>) throws(JSONError) -> JSONText {
    let start = offset + 1
    var index = start
    var hasEscapes = false
    while true {
      guard index < text.count else { throw JSONError(.endsEarly, at: text.count) }
      switch text[index] {
      case UInt8(ascii: "\""):
        offset = index + 1
        return JSONText(offset: start, count: index - start, hasEscapes: hasEscapes)
      case UInt8(ascii: "\\"):
        hasEscapes = true
        index = try text.endOfEscape(at: index)
      case 0..<0x20: throw JSONError(.controlCharacter, at: index)
      case 0x20..<0x80: index += 1
      default: index = try text.endOfMultibyte(at: index)
      }
    }
  }
}

extension Span<UInt8> {
  fileprivate func isPrefix(of word: StaticString) -> Bool {
    for index in indices {
      // Sound: the literal lives as long as the program, and is longer than this span.
      if unsafe self[index] != word.utf8Start[index] { return false }
    }
    return true
  }
}
