import Core

/// Why a text is not JSON (RFC 8259), or more than this reader takes.
public enum JSONFault: UInt8, BitwiseCopyable, Sendable {
  /// The text ends in the middle.
  case endsEarly
  /// A character that cannot stand here.
  case unexpectedCharacter
  /// Something follows the value.
  case trailingCharacters
  /// A comma with nothing behind it.
  case trailingComma
  /// Two values or members without a comma between.
  case missingComma
  /// A member's name without a colon behind it.
  case missingColon
  /// A member's name that is not a string.
  case keyExpected
  /// `//` or `/*`: JSON has no comments.
  case comment
  /// A control character inside a string; it must be escaped.
  case controlCharacter
  /// A backslash before something that is no escape, or half of a surrogate pair.
  case invalidEscape
  /// Bytes that are not UTF-8.
  case invalidUTF8
  /// A byte-order mark at the beginning; JSON is sent without.
  case byteOrderMark
  /// A number that is not written as JSON has it: leading zeros, no digit behind the point, a sign.
  case malformedNumber
  /// A number that no Double holds.
  case numberTooLarge
  /// More than 32 levels.
  case tooDeep
}

/// A fault, and the byte at which it shows.
public struct JSONError: Error, BitwiseCopyable, Sendable {
  /// What is wrong.
  public var fault: JSONFault
  /// Bytes from the start of the text.
  public var offset: Int

  /// A fault at a place.
  public init(_ fault: JSONFault, at offset: Int) {
    self.fault = fault
    self.offset = offset
  }
}

/// A place in a text as an editor shows it.
public struct JSONPosition: BitwiseCopyable, Equatable, Sendable {
  /// The line, from 1.
  public var line: Int
  /// The character within the line, from 1; a character of several bytes counts once.
  public var column: Int

  /// Where byte `offset` of `text` is.
  public init(of offset: Int, in text: Span<UInt8>) {
    line = 1
    column = 1
    for index in 0..<min(offset, text.count) {
      if text[index] == UInt8(ascii: "\n") {
        line += 1
        column = 1
      } else if text[index] & 0xC0 != 0x80 {
        column += 1
      }
    }
  }
}
