import Core
import JSON

/// A value of the profile with its place in the file.
package struct ProfileNode {
  package enum Value {
    case object([ProfileMember])
    case array([ProfileNode])
    case string([UInt8])
    case number(JSONNumber)
    case bool(Bool)
    case null
  }

  package var offset: Int
  package var value: Value

  /// What a person calls it.
  package var found: String {
    switch value {
    case .object: return "an object"
    case .array: return "an array"
    case .string(let bytes): return "\"" + String(decoding: bytes, as: UTF8.self) + "\""
    case .number(let number):
      if let whole = number.whole { return "the number " + text(whole) }
      return "a number"
    case .bool(let value): return value ? "true" : "false"
    case .null: return "null"
    }
  }
}

/// A member of an object.
package struct ProfileMember {
  package var key: [UInt8]
  package var keyOffset: Int
  package var value: ProfileNode
}

/// A whole number in decimal.
package func text(_ number: Int64) -> String {
  var digits = [UInt8]()
  var rest = number.magnitude
  repeat {
    digits.insert(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10), at: 0)
    rest /= 10
  } while rest > 0
  if number < 0 { digits.insert(UInt8(ascii: "-"), at: 0) }
  return String(decoding: digits, as: UTF8.self)
}

/// "line:column" of a byte offset.
struct JSONPositionText {
  var text: String

  init(_ offset: Int, _ bytes: [UInt8]) {
    let position = JSONPosition(of: offset, in: bytes.span)
    text =
      Profile.text(Int64(wide: position.line)) + ":" + Profile.text(Int64(wide: position.column))
  }
}

/// Reads JSON into nodes. Names that come twice are problems, the first one counts; a fault of
/// syntax ends the reading, and what was read until then still counts.
package struct ProfileParser {
  private var reader = JSONReader()
  package private(set) var problems: [ProfileProblem] = []

  /// The most names of one object that are looked at: each is compared with all the others, and a
  /// running agent reads its new profile between two turns of its loop.
  private static var namesMax: Int { 1024 }

  /// Nothing is read yet.
  package init() {}

  package mutating func parse(_ bytes: [UInt8]) -> ProfileNode? {
    do throws(JSONError) {
      guard let first = try reader.next(in: bytes.span) else { return nil }
      let node = try node(first, bytes, pointer: "")
      _ = try reader.next(in: bytes.span)
      return node
    } catch {
      problems.append(
        ProfileProblem(
          isWarning: false, offset: error.offset, pointer: "", message: error.fault.words))
      return partial
    }
  }

  /// What there was of the outermost object when the syntax failed.
  private var partial: ProfileNode?

  private mutating func node(
    _ token: JSONToken, _ bytes: [UInt8], pointer: String
  ) throws(JSONError) -> ProfileNode {
    let offset = reader.tokenOffset
    switch token {
    case .beginObject: return try object(bytes, offset, pointer)
    case .beginArray:
      var elements: [ProfileNode] = []
      while let next = try reader.next(in: bytes.span) {
        if case .endArray = next { break }
        elements.append(try node(next, bytes, pointer: pointer))
      }
      return ProfileNode(offset: offset, value: .array(elements))
    case .string(let text): return ProfileNode(offset: offset, value: .string(decode(text, bytes)))
    case .number(let number): return ProfileNode(offset: offset, value: .number(number))
    case .bool(let value): return ProfileNode(offset: offset, value: .bool(value))
    case .null, .key, .endObject, .endArray: return ProfileNode(offset: offset, value: .null)
    }
  }

  private mutating func object(
    _ bytes: [UInt8], _ offset: Int, _ pointer: String
  ) throws(JSONError) -> ProfileNode {
    var members: [ProfileMember] = []
    var isFull = false
    let isOutermost = reader.depth == 1
    while case .key(let name)? = try reader.next(in: bytes.span) {
      let keyOffset = reader.tokenOffset
      let key = decode(name, bytes)
      let path = pointer + "/" + pointerToken(key)
      guard let first = try reader.next(in: bytes.span) else { break }
      let value = try node(first, bytes, pointer: path)
      if members.count == Self.namesMax {
        if !isFull {
          problems.append(
            ProfileProblem(
              isWarning: false, offset: keyOffset, pointer: pointer,
              message: "an object has at most 1024 names"))
        }
        isFull = true
      } else if members.contains(where: { $0.key == key }) {
        problems.append(
          ProfileProblem(
            isWarning: false, offset: keyOffset, pointer: path,
            message: "this name stands here twice"))
      } else {
        members.append(ProfileMember(key: key, keyOffset: keyOffset, value: value))
      }
      if isOutermost { partial = ProfileNode(offset: offset, value: .object(members)) }
    }
    return ProfileNode(offset: offset, value: .object(members))
  }

  private func decode(_ text: JSONText, _ bytes: [UInt8]) -> [UInt8] {
    [UInt8](capacity: text.count) { out in text.decode(into: &out, in: bytes.span) }
  }
}

/// A name within a JSON pointer (RFC 6901, section 3).
func pointerToken(_ key: [UInt8]) -> String {
  var token: [UInt8] = []
  for byte in key {
    switch byte {
    case UInt8(ascii: "~"): token += [UInt8(ascii: "~"), UInt8(ascii: "0")]
    case UInt8(ascii: "/"): token += [UInt8(ascii: "~"), UInt8(ascii: "1")]
    default: token.append(byte)
    }
  }
  return String(decoding: token, as: UTF8.self)
}

extension JSONFault {
  /// What is wrong, in words that say what to do.
  var words: String {
    switch self {
    case .endsEarly: "the file ends in the middle: a closing bracket or quotation mark is missing"
    case .unexpectedCharacter: "this character cannot stand here"
    case .trailingCharacters: "nothing may follow the last closing bracket"
    case .trailingComma: "a comma with nothing behind it: JSON has no trailing commas"
    case .missingComma: "a comma is missing before this"
    case .missingColon: "a colon is missing between name and value"
    case .keyExpected: "expected a name in quotation marks"
    case .comment: "JSON has no comments; use \"description\""
    case .controlCharacter: "a line break or control character inside a string; write it as \\n"
    case .invalidEscape: "no escape of JSON begins like this"
    case .invalidUTF8: "these bytes are not UTF-8"
    case .byteOrderMark: "a byte-order mark; save the file as UTF-8 without BOM"
    case .malformedNumber: "this is not a number as JSON writes it (no leading zeros or +)"
    case .numberTooLarge: "this number is too large"
    case .tooDeep: "more than 32 levels"
    }
  }
}
