import Core
import JSON
import Testing

@Test func everyKindOfTokenIsTold() {
  #expect(
    tokens(#"{"a":[1,-2.5,"x",true,false,null,{},[]],"b":{"c":""}}"#)
      == "{ a: [ 1 -2.5 'x' true false null { } [ ] ] b: { c: '' } }")
}

@Test(arguments: ["0", "\"x\"", "true", "false", "null", "[]", "{}"])
func anyValueIsAWholeText(text: String) {
  #expect(fault(text) == "none")
}

@Test func theFourKindsOfWhiteSpaceStandAnywhereBetweenTokens() {
  let space = " \t\r\n"
  let text = ["", "{", "\"a\"", ":", "[", "1", ",", "2", "]", "}", ""].joined(separator: space)
  #expect(tokens(text) == "{ a: [ 1 2 ] }")
}

@Test func otherWhiteSpaceStandsNowhere() {
  for space in ["\u{0B}", "\u{0C}", "\u{A0}", "\u{2028}", "\0"] {
    #expect(fault("[1]" + space) == "trailingCharacters@3")
    #expect(fault("[" + space + "1]") == "unexpectedCharacter@1")
  }
}

@Test(arguments: [
  ("", "endsEarly@0"),
  (" \n", "endsEarly@2"),
  ("]", "unexpectedCharacter@0"),
  ("[1}", "unexpectedCharacter@2"),
  ("{\"a\":1]", "unexpectedCharacter@6"),
  ("[,1]", "unexpectedCharacter@1"),
  ("[1,,2]", "unexpectedCharacter@3"),
  ("[1:2]", "unexpectedCharacter@2"),
  ("{\"a\":}", "unexpectedCharacter@5"),
  ("[1,]", "trailingComma@2"),
  ("{\"a\":1 , }", "trailingComma@7"),
  ("[1 2]", "missingComma@3"),
  ("{\"a\":1 \"b\":2}", "missingComma@7"),
  ("[truefalse]", "missingComma@5"),
  ("{\"a\" 1}", "missingColon@5"),
  ("{\"a\"}", "missingColon@4"),
  ("{a:1}", "keyExpected@1"),
  ("{1:2}", "keyExpected@1"),
  ("{,}", "keyExpected@1"),
  ("{\"a\":1,2}", "keyExpected@7"),
  ("1 2", "trailingCharacters@2"),
  ("{}{}", "trailingCharacters@2"),
  ("[] ,", "trailingCharacters@3"),
])
func structureThatIsNotJSONIsRefusedWhereItShows(text: String, expected: String) {
  #expect(fault(text) == expected)
}

@Test(arguments: [
  "True", "nUll", "nulx", "tru ", "undefined", "NaN", "Infinity", "'a'", "`a`", "&",
])
func onlyTheThreeWordsAreWords(text: String) {
  #expect(fault(text) == "unexpectedCharacter@0")
}

@Test(arguments: [
  ("// c\n1", 0), ("[/* c */1]", 1), ("[1/**/]", 2), ("{//\n}", 1), ("{\"a\":1,/**/\"b\":2}", 7),
  ("1 // c", 2),
])
func commentsAreNamedAsSuch(text: String, offset: Int) {
  #expect(fault(text) == "comment@\(offset)")
}

@Test func byteOrderMarkIsNamedAsSuch() {
  #expect(fault([0xEF, 0xBB, 0xBF] + Array("{}".utf8)) == "byteOrderMark@0")
  #expect(fault(" \u{FEFF}1") == "unexpectedCharacter@1")
}

@Test func aNameThatComesTwiceIsHandedOutTwice() {
  #expect(tokens(#"{"a":1,"a":2}"#) == "{ a: 1 a: 2 }")
}

@Test func depthIsBoundedBy32() {
  let limit = JSONReader.depthMax
  #expect(limit == 32)
  for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
    func nested(_ count: Int) -> String {
      String(repeating: open, count: count) + (open == "[" ? "" : "1")
        + String(repeating: close, count: count)
    }
    #expect(fault(nested(limit)) == "none")
    #expect(fault(nested(limit + 1)) == "tooDeep@\(limit * open.utf8.count)")
    #expect(fault(nested(100_000)) == "tooDeep@\(limit * open.utf8.count)")
  }
}

@Test func depthReturnsBetweenSiblings() {
  let pair = "[[[]],{\"a\":[]}],"
  let text = "[" + String(repeating: pair, count: 5000) + "0]"
  #expect(fault(text) == "none")
}

@Test func objectsAndArraysAreToldApartAtEveryLevel() {
  var chance = Generator(seed: 11)
  for _ in 0..<200 {
    var opening = ""
    var closing = ""
    for _ in 0..<32 {
      let isObject = chance.next() & 1 == 1
      opening += isObject ? "{\"k\":" : "["
      closing = (isObject ? "}" : "]") + closing
    }
    #expect(fault(opening + "0" + closing) == "none")
    // The wrong bracket at any level.
    let level = Int(chance.next(below: 32))
    var wrong = Array(closing.utf8)
    wrong[level] = wrong[level] == UInt8(ascii: "}") ? UInt8(ascii: "]") : UInt8(ascii: "}")
    let text = Array((opening + "0").utf8) + wrong
    #expect(fault(text) == "unexpectedCharacter@\(opening.utf8.count + 1 + level)")
  }
}

@Test func skippingPassesOverWholeValues() throws {
  let text = Array(#"{"skip":{"deep":[1,{"x":"]}"}]},"list":[[],2],"next":3}"#.utf8)
  var reader = JSONReader()
  guard case .beginObject? = try reader.next(in: text.span) else {
    Issue.record("no object")
    return
  }
  for name: StaticString in ["skip", "list"] {
    guard case .key(let key)? = try reader.next(in: text.span) else {
      Issue.record("no key")
      return
    }
    let isName = key.equals(name, in: text.span)
    #expect(isName)
    #expect(reader.depth == 1)
    try reader.skipValue(in: text.span)
    #expect(reader.depth == 1)
  }
  guard case .key(let key)? = try reader.next(in: text.span) else {
    Issue.record("no key")
    return
  }
  let isNext = key.equals("next", in: text.span)
  #expect(isNext)
  #expect(reader.tokenOffset == text.count - 9)
  try reader.skipContainer(in: text.span)
  #expect(reader.depth == 0)
  let end = try reader.next(in: text.span)
  #expect(end == nil)
}

@Test func whatIsPassedOverMustBeJSONToo() {
  let text = Array("[[1,,2],3]".utf8)
  var reader = JSONReader()
  #expect(throws: JSONError.self) {
    _ = try reader.next(in: text.span)
    try reader.skipValue(in: text.span)
  }
}

@Test func theEndStaysTheEnd() throws {
  let text = Array("1 ".utf8)
  var reader = JSONReader()
  _ = try reader.next(in: text.span)
  for _ in 0..<3 {
    let end = try reader.next(in: text.span)
    #expect(end == nil)
  }
}
