import Profile
import Testing

private let numbers =
  "chip numbers move between kernels and boots: name the line (\"GPIO17\"), or the chip by its "
  + "label and an offset; `sandpiper lines` shows both"

@Test(arguments: ["gpiochip0", "/dev/gpiochip0", "gpiochip12"])
func aChipsNumberIsRefusedWithTheReason(chip: String) {
  #expect(
    profile(point: #""kind": "input", "line": "\#(chip)""#).messages == [
      "/points/p/line: " + numbers
    ])
  #expect(
    profile(point: #""kind": "input", "line": {"chip": "\#(chip)", "offset": 5}"#).messages == [
      "/points/p/line/chip: " + numbers
    ])
  #expect(
    profile(point: #""kind": "input", "line": {"name": "\#(chip)"}"#).messages == [
      "/points/p/line/name: " + numbers
    ])
}

@Test func aLineIsANameOrAPlace() {
  let expected =
    #"expected a name such as "GPIO17", or {"chip": "label", "offset": 17}, found "#
  for (line, found) in [("17", "the number 17"), ("[]", "an array"), ("null", "null")] {
    #expect(
      profile(point: "\"kind\": \"input\", \"line\": \(line)").messages == [
        "/points/p/line: " + expected + found
      ])
  }
  #expect(
    profile(point: #""kind": "output""#).messages == [
      #"/points/p: "line" is missing: a name such as "GPIO17", or {"chip": "label", "offset": 17}"#
    ])
}

@Test(
  arguments: [
    (#"{"offset": 5}"#, [#"/points/p/line: "chip" is missing: the label of the line's chip"#]),
    (#"{"chip": "a"}"#, [#"/points/p/line: expected either "offset" or "name""#]),
    (
      #"{"chip": "a", "offset": 5, "name": "b"}"#,
      [#"/points/p/line: expected either "offset" or "name""#]
    ),
    (#"{"name": "b", "offset": 5}"#, [#"/points/p/line: expected either "offset" or "name""#]),
    (
      "{}",
      [
        #"/points/p/line: "chip" is missing: the label of the line's chip"#,
        #"/points/p/line: expected either "offset" or "name""#,
      ]
    ),
    (
      #"{"chip": "a", "offset": -1}"#,
      ["/points/p/line/offset: expected a whole number from 0 to 4095, found the number -1"]
    ),
    (
      #"{"chip": "a", "offset": 1.5}"#,
      ["/points/p/line/offset: expected a whole number from 0 to 4095, found a number"]
    ),
    (
      #"{"chip": 0, "offset": 4096}"#,
      [
        "/points/p/line/chip: expected a string that is not empty, found the number 0",
        "/points/p/line/offset: expected a whole number from 0 to 4095, found the number 4096",
      ]
    ),
  ] as [(String, [String])])
func aPlaceIsAChipsLabelAndEitherOffsetOrName(line: String, expected: [String]) {
  #expect(profile(point: "\"kind\": \"input\", \"line\": \(line)").messages == expected)
}

@Test(arguments: [
  #"{"chip": "a", "offset": 0}"#, #"{"chip": "a", "offset": 4095}"#, #"{"name": "b"}"#,
])
func placesAtTheirLimitsAreGood(line: String) {
  #expect(profile(point: "\"kind\": \"input\", \"line\": \(line)").told == [])
}

@Test func namesOfLinesAndChipsHaveUpTo64Bytes() {
  let longest = String(repeating: "ä", count: 32)
  let message = "expected a name of 1 to 64 bytes; `sandpiper lines` shows them"
  for (form, key) in [
    ("\"NAME\"", "line"), ("{\"name\": \"NAME\"}", "line/name"),
    ("{\"chip\": \"NAME\", \"offset\": 1}", "line/chip"),
  ] {
    func messages(_ name: String) -> [String] {
      let line = form.split(separator: "NAME").joined(separator: name)
      return profile(point: "\"kind\": \"input\", \"line\": \(line)").messages
    }
    #expect(messages(longest) == [])
    #expect(messages(longest + "x") == ["/points/p/\(key): " + message])
  }
}

@Test func theSameLineTwiceIsToldAtTheSecond() {
  for (line, other) in [
    (#""GPIO5""#, #""GPIO5""#), (#""GPIO5""#, #"{"name": "GPIO5"}"#),
    (#"{"chip": "a", "offset": 5}"#, #"{"offset": 5, "chip": "a"}"#),
    (#"{"chip": "a", "name": "b"}"#, #"{"chip": "a", "name": "b"}"#),
  ] {
    let reading = profile(
      """
      "points": {
        "door": {"kind": "input", "line": \(line)},
        "pump": {"kind": "output", "line": \(other)}}
      """)
    #expect(reading.configuration == nil)
    #expect(
      reading.told == [
        "FILE:3:38: error: /points/pump/line: this line is taken by /points/door already"
      ])
  }
}

@Test func threeTimesTheSameLineIsToldTwice() {
  let points = ["a", "b", "c"].map { "\"\($0)\": {\"kind\": \"input\", \"line\": \"GPIO5\"}" }
  #expect(
    profile("\"points\": {" + points.joined(separator: ", ") + "}").messages == [
      "/points/b/line: this line is taken by /points/a already",
      "/points/c/line: this line is taken by /points/a already",
    ])
}

@Test func differentLinesMayShareAnOffsetOrAName() {
  let reading = profile(
    """
    "points": {
      "a": {"kind": "input", "line": {"chip": "x", "offset": 5}},
      "b": {"kind": "input", "line": {"chip": "y", "offset": 5}},
      "c": {"kind": "input", "line": {"chip": "x", "offset": 6}},
      "d": {"kind": "input", "line": {"chip": "x", "name": "n"}},
      "e": {"kind": "input", "line": {"chip": "y", "name": "n"}},
      "f": {"kind": "sensor", "simulated": true},
      "g": {"kind": "sensor", "simulated": true}}
    """)
  #expect(reading.told == [])
}

@Test func aChoiceIsToldWithItsWords() {
  #expect(
    profile(point: harmless + #", "bias": "pullup""#).messages == [
      #"/points/p/bias: expected one of "as-is", "disabled", "pull-up", "pull-down", found "#
        + #""pullup"; did you mean "pull-up"?"#
    ])
  #expect(
    profile(point: #""kind": "output", "line": "a", "drive": true"#).messages == [
      #"/points/p/drive: expected one of "push-pull", "open-drain", "open-source", found true"#
    ])
}
