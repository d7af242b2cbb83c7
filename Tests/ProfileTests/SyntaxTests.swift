import Profile
import Testing

@Test(
  arguments: [
    ("", "FILE:1:1: error: the file ends in the middle"),
    ("{\n  \"device\" 1}", "FILE:2:12: error: a colon is missing between name and value"),
    ("{\"ä\" 1}", "FILE:1:6: error: a colon is missing"),
    ("{\n\"description\": \"x\",\n}", "FILE:2:19: error: a comma with nothing behind it"),
    ("{\"description\": \"x\"\n \"b\": 2}", "FILE:2:2: error: a comma is missing before this"),
    ("{device: 1}", "FILE:1:2: error: expected a name in quotation marks"),
    ("{\n  // the pump\n}", "FILE:2:3: error: JSON has no comments; use \"description\""),
    ("{\"a\": \"x\ny\"}", "FILE:1:9: error: a line break or control character inside a string"),
    ("{\"a\": \"\\x\"}", "FILE:1:8: error: no escape of JSON begins like this"),
    ("{\"a\": 007}", "FILE:1:7: error: this is not a number as JSON writes it"),
    ("{\"a\": 1e999}", "FILE:1:7: error: this number is too large"),
    ("{\"a\": yes}", "FILE:1:7: error: this character cannot stand here"),
    ("\u{FEFF}{}", "FILE:1:1: error: a byte-order mark"),
  ] as [(String, String)])
func aFaultOfSyntaxIsToldWithItsPlaceAndNothingElse(text: String, expected: String) {
  let reading = Reading(text)
  #expect(reading.configuration == nil)
  #expect(reading.told.count == 1)
  #expect(reading.told[0].hasPrefix(expected), "\(reading.told)")
}

@Test func bytesThatAreNotUTF8AreTold() {
  let result = ProfileReader.read([0x7B, 0x22, 0xFF, 0x22])
  #expect(result.configuration == nil)
  #expect(result.problems.map(\.message) == ["these bytes are not UTF-8"])
  #expect(result.problems.map(\.offset) == [2])
}

@Test func nestingWithoutEndIsRefused() {
  let reading = Reading("{\"a\":" + String(repeating: "[", count: 100_000))
  #expect(reading.messages == ["more than 32 levels"])
}

@Test func whatFollowsTheProfileIsRefused() {
  let text = "{\"device\": {\"id\": \"d\"}, \"points\": {\"p\": {\(harmless)}}}"
  #expect(Reading(text + " \n").configuration != nil)
  let reading = Reading(text + "\n{}")
  #expect(reading.configuration == nil)
  #expect(
    reading.told == [
      "FILE:2:1: error: nothing may follow the last closing bracket"
    ])
}

@Test func whatWasReadBeforeAFaultOfSyntaxIsCheckedToo() {
  let reading = Reading(
    """
    {"device": {"id": "a b"},
     "colour": 1,
     "points": {"door": }}
    """)
  #expect(reading.told.count == 3)
  #expect(reading.told[0].hasPrefix("FILE:1:19: error: /device/id: expected 1 to 64 letters"))
  #expect(reading.told[1].hasPrefix("FILE:2:2: error: /colour: unknown name"))
  #expect(reading.told[2] == "FILE:3:21: error: this character cannot stand here")
}

@Test func noTruncationOfAProfileIsGood() {
  let text = "{\"device\": {\"id\": \"d\"}, \"points\": {\"p\": {\(harmless)}}}"
  for length in 0..<text.utf8.count {
    let reading = Reading(String(text.prefix(length)))
    #expect(reading.configuration == nil)
    #expect(!reading.told.isEmpty)
  }
}

@Test func aNameThatStandsTwiceIsToldAndTheFirstOneCounts() {
  let reading = Reading(
    """
    {"device": {"id": "d", "id": 5},
     "points": {"p": {\(harmless)},
                "p": {"kind": "button"}}}
    """)
  #expect(
    reading.told == [
      "FILE:1:24: error: /device/id: this name stands here twice",
      "FILE:3:13: error: /points/p: this name stands here twice",
    ])
}

@Test(arguments: ["[]", "1", "\"x\"", "null", "true"])
func aProfileIsAnObject(text: String) {
  let reading = Reading(text)
  #expect(reading.configuration == nil)
  #expect(reading.told.count == 1)
  #expect(reading.told[0].hasPrefix("FILE:1:1: error: expected an object, found "))
}

@Test func aProfileHasAtMostOneMebibyte() {
  let text = "{\"device\": {\"id\": \"d\"}, \"points\": {\"p\": {\(harmless)}}}"
  let room = ProfileReader.bytesMax - text.utf8.count
  #expect(Reading(text + String(repeating: " ", count: room)).configuration != nil)
  let tooLarge = Reading(text + String(repeating: " ", count: room + 1))
  #expect(tooLarge.configuration == nil)
  #expect(tooLarge.messages == ["a profile has at most 1 MiB"])
}

@Test func theHashTellsProfilesApart() throws {
  func hash(_ text: String) throws -> UInt64 {
    try #require(profile(around: text).configuration).device.profileHash
  }
  let first = try hash(#""description": "a""#)
  #expect(try hash(#""description": "a""#) == first)
  #expect(try hash(#""description": "b""#) != first)
}
