import Core
import JSON
import Testing

/// The string that `text` is, without its quotation marks; nil when it is none.
private func decoded(_ text: String) -> String? {
  let word = tokens("\"" + text + "\"")
  guard word.hasPrefix("'"), word.hasSuffix("'"), word.utf8.count >= 2 else { return nil }
  return String(word.dropFirst().dropLast())
}

@Test func everyEscapeStandsForItsCharacter() {
  #expect(decoded(#"\"\\\/\b\f\n\r\t"#) == "\"\\/\u{8}\u{C}\n\r\t")
  #expect(decoded(#"\u0041\u00e4\u20AC\uFFFF"#) == "Aä€\u{FFFF}")
  #expect(decoded(#"\ud83d\uDE00"#) == "😀")
  #expect(decoded(#"\ud800\udc00\udbff\udfff"#) == "\u{10000}\u{10FFFF}")
  #expect(decoded(#"a\u0000b"#) == "a\0b")
}

@Test(arguments: [
  #"\a"#, #"\'"#, #"\0"#, #"\x41"#, #"\U0041"#, #"\ "#, #"\u004"#, #"\u 041"#, #"\u00g1"#,
  #"\u+041"#,
  #"\u{41}"#,
])
func otherEscapesAreRefusedAtTheirBackslash(text: String) {
  #expect(fault("[\"" + text + "\"]") == "invalidEscape@2")
}

@Test(arguments: [
  #"\ud83d"#, #"\ud83d "#, #"\ud83dx"#, #"\ud83d\n"#, #"\ud83d\u0041"#, #"\ud83d\ud83d"#,
  #"\ud83d\ue000"#,
  #"\ude00"#,
  #"\ude00\ud83d"#, #"\udfff"#, #"\udbff"#,
])
func halfASurrogatePairIsRefused(text: String) {
  #expect(fault("[\"" + text + "\"]") == "invalidEscape@2")
}

@Test func everyControlCharacterMustBeEscaped() {
  for byte in UInt8(0)..<0x20 {
    #expect(fault([0x22, 0x61, byte, 0x22]) == "controlCharacter@2")
    #expect(fault([0x7B, 0x22, byte, 0x22]) == "controlCharacter@2")
  }
  #expect(decoded("\u{7F}\u{80}\u{2028}") == "\u{7F}\u{80}\u{2028}")
}

/// Byte sequences that are not UTF-8 (RFC 3629): each is refused at its first byte.
@Test(
  arguments: [
    [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC3, 0x28], [0xE0, 0x80, 0x80],
    [0xE0, 0x9F, 0xBF],
    [0xE2, 0x28, 0xA1], [0xE2, 0x82, 0x28], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
    [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x9F, 0x98, 0x28],
    [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF],
  ] as [[UInt8]])
func bytesThatAreNotUTF8AreRefused(bytes: [UInt8]) {
  #expect(fault([0x22, 0x61] + bytes + [0x22]) == "invalidUTF8@2")
  #expect(fault(bytes + [0x22, 0x20, 0x20]) == "invalidUTF8@0")
}

@Test func theFirstAndLastCharacterOfEachLengthAreTaken() {
  for scalar: Unicode.Scalar in [
    "\u{80}", "\u{7FF}", "\u{800}", "\u{D7FF}", "\u{E000}", "\u{FFFF}", "\u{10000}", "\u{10FFFF}",
  ] {
    #expect(decoded(String(scalar)) == String(scalar))
  }
}

@Test func everyTwoBytesAreUTF8ExactlyWhenTheStandardLibrarySaysSo() {
  for first in UInt8(0x80)...0xFF {
    for second in UInt8(0x80)...0xFF {
      for rest: [UInt8] in [[], [0x80], [0x80, 0x80]] {
        let bytes = [first, second] + rest
        let isValid = String(validating: bytes, as: UTF8.self) != nil
        #expect(
          (fault([0x22] + bytes + [0x22, 0x22]) == "trailingCharacters@\(bytes.count + 2)")
            == isValid)
      }
    }
  }
}

@Test(
  arguments: [
    ("state", "state", true), (#"st\u0061te"#, "state", true), (#"\u0073tate"#, "state", true),
    ("stat", "state", false), ("states", "state", false), (#"stat\u0065s"#, "state", false),
    (#"stat\u0066"#, "state", false), (#"\ud83d\ude00"#, "😀", true), ("😀", "😀", true),
    (#"\ud83d\ude01"#, "😀", false), ("", "", true), (#"\n"#, "", false), ("", "\n", false),
  ] as [(String, StaticString, Bool)])
func stringsAreComparedByWhatTheyMean(text: String, literal: StaticString, isEqual: Bool) throws {
  let bytes = Array(("\"" + text + "\"").utf8)
  var reader = JSONReader()
  guard case .string(let string)? = try reader.next(in: bytes.span) else {
    Issue.record("no string")
    return
  }
  let found = string.equals(literal, in: bytes.span)
  #expect(found == isEqual)
  #expect(string.hasEscapes == text.contains("\\"))
}

@Test func aLongStringWithEscapesIsComparedWhole() throws {
  let literal: StaticString =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"
  let long = String(repeating: #"\u0061"#, count: literal.utf8CodeUnitCount - 1)
  for (end, isEqual) in [("b", true), ("c", false), ("", false), ("bb", false)] {
    let bytes = Array(("\"" + long + end + "\"").utf8)
    var reader = JSONReader()
    guard case .string(let string)? = try reader.next(in: bytes.span) else {
      Issue.record("no string")
      return
    }
    let found = string.equals(literal, in: bytes.span)
    #expect(found == isEqual)
    let count = string.withBytes(in: bytes.span) { $0.count }
    #expect(count == bytes.count - 2)
  }
}
