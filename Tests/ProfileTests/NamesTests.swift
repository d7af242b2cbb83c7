import Profile
import Testing

@Test func everyUnknownNameIsToldWithItsPlaceAndTheNearestKnownOne() {
  let reading = Reading(
    """
    {
      "device": { "id": "d", "Base": "x" },
      "brokr": {},
      "points": {
        "door": {
          "kind": "input",
          "line": { "name": "GPIO17", "chp": "x" },
          "debouce": "20ms",
          "report": { "minn": "1s" },
          "simulate": { "wave": "sine" }
        }
      }
    }
    """)
  #expect(reading.configuration == nil)
  #expect(
    reading.told == [
      "FILE:2:26: error: /device/Base: unknown name; did you mean \"base\"?",
      "FILE:3:3: error: /brokr: unknown name; did you mean \"broker\"?",
      "FILE:7:35: error: /points/door/line/chp: unknown name; did you mean \"chip\"?",
      "FILE:8:7: error: /points/door/debouce: unknown name; did you mean \"debounce\"?",
      "FILE:9:19: error: /points/door/report/minn: unknown name; did you mean \"min\"?",
      "FILE:10:21: error: /points/door/simulate/wave: unknown name",
    ])
}

@Test(arguments: [
  ("debuonce", "debounce"), ("DEBOUNCE", "debounce"), ("bebounce", "debounce"),
  ("activelow", "activeLow"), ("active_low", "activeLow"), ("lines", "line"), ("bais", "bias"),
])
func letterOrderCaseAndASlipAreForgiven(misspelt: String, meant: String) {
  let reading = profile(point: harmless + ", \"\(misspelt)\": 1")
  #expect(reading.text.contains("/points/p/\(misspelt): unknown name; did you mean \"\(meant)\"?"))
}

@Test(arguments: ["colour", "x", "", "temperature", "gpioPinNumber"])
func aNameFarFromAllOthersHasNoSuggestion(name: String) {
  let reading = profile(point: harmless + ", \"\(name)\": 1")
  #expect(reading.messages == ["/points/p/\(name): unknown name"])
}

@Test func aNameThatIsTooLongToBeMeantIsNotCompared() {
  let long = String(repeating: "debounce", count: 1000)
  #expect(
    profile(point: harmless + ", \"\(long)\": 1").messages == ["/points/p/\(long): unknown name"])
}

@Test func aPointerEscapesWhatItsSyntaxUses() {
  let reading = profile(point: harmless + #", "a/b~c": 1"#)
  #expect(reading.messages == ["/points/p/a~1b~0c: unknown name"])
}

@Test func aNameOfAnotherKindOfPointIsToldAsThat() {
  for (kind, name) in [
    (harmless, "edge"), (harmless, "unit"), (harmless, "drive"), (harmless, "start"),
    (#""kind": "counter", "line": "GPIO4""#, "event"),
    (#""kind": "counter", "line": "GPIO4""#, "every"),
    (#""kind": "output", "line": "GPIO4""#, "debounce"),
    (#""kind": "sensor", "simulated": true"#, "line"),
  ] {
    let reading = profile(point: kind + ", \"\(name)\": 1")
    #expect(reading.text.contains("s have no \"\(name)\""), "\(kind)")
  }
}

@Test func aMissingNameIsToldWhereItWouldStand() {
  #expect(
    Reading("{}").messages == [
      #""device" is missing: {"device": {"id": "..."}, ...}"#,
      #""points" is missing: {"points": {"door": {"kind": "input", ...}}}"#,
    ])
  let device = Reading("{\"device\": {}, \"points\": {\"p\": {\(harmless)}}}")
  #expect(
    device.told == [
      #"FILE:1:12: error: /device: "id" is missing: the device's name, such as "pump-1""#
    ])
  #expect(profile("\"points\": {}").messages == ["/points: a device has at least one point"])
}

@Test func aPointWithoutAKindIsToldOnlyThat() {
  #expect(
    profile(point: #""line": 7, "colour": "green""#).messages == [
      #"/points/p: "kind" is missing: "input", "counter", "sensor" or "output""#
    ])
  #expect(
    profile(point: #""kidn": "input", "line": "GPIO17""#).messages == [
      #"/points/p/kidn: unknown name; did you mean "kind"?"#
    ])
  #expect(
    profile(point: #""kind": "ouput", "line": 7"#).messages == [
      #"/points/p/kind: expected one of "input", "counter", "sensor", "output", found "ouput"; "#
        + #"did you mean "output"?"#
    ])
}

@Test(
  arguments: [
    (#""kind": 7"#, "kind", #"one of "input", "counter", "sensor", "output", found the number 7"#),
    (harmless + #", "activeLow": "yes""#, "activeLow", #"true or false, found "yes""#),
    (harmless + #", "activeLow": null"#, "activeLow", "true or false, found null"),
    (harmless + #", "event": 1"#, "event", "true or false, found the number 1"),
    (harmless + #", "description": """#, "description", #"a string that is not empty, found """#),
    (harmless + #", "report": []"#, "report", "an object, found an array"),
    (harmless + #", "report": false"#, "report", "an object, found false"),
    (harmless + #", "simulate": "yes""#, "simulate", #"an object, found "yes""#),
    (#""kind": "output", "line": "a", "lost": 5"#, "lost", "an object, found the number 5"),
    (
      #""kind": "output", "line": "a", "stop": 0"#, "stop",
      #"true, false or "keep", found the number 0"#
    ),
    (#""kind": "sensor", "simulated": true, "low": "x""#, "low", #"a number, found "x""#),
    (#""kind": "sensor", "simulated": true, "scale": {}"#, "scale", "a number, found an object"),
  ] as [(String, String, String)])
func aValueOfAnotherTypeIsToldWithWhatWasExpectedAndFound(
  point: String, key: String, expected: String
) {
  #expect(profile(point: point).messages == ["/points/p/\(key): expected " + expected])
}

@Test(arguments: ["device", "broker", "uplink", "budget", "journal", "points"])
func aSectionThatIsNoObjectIsToldOnce(section: String) {
  let members = ["device": "{\"id\": \"d\"}", "points": "{\"p\": {\(harmless)}}"]
    .merging([section: "[1]"]) { $1 }
  let text = "{" + members.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
  #expect(Reading(text).messages == ["/\(section): expected an object, found an array"])
}

@Test func aPointThatIsNoObjectIsToldOnce() {
  let reading = profile(#""points": {"p": "GPIO17"}"#)
  #expect(reading.messages == [#"/points/p: expected an object, found "GPIO17""#])
}

@Test(arguments: ["a b", "ä", "a/b", "a+b", "#", "", "a.b", "$SYS"])
func namesThatAreLevelsOfTopicsHaveFewCharacters(name: String) {
  let message = "letters, digits, _ or - (it becomes a level of the topics)"
  let device = Reading("{\"device\": {\"id\": \"\(name)\"}, \"points\": {\"p\": {\(harmless)}}}")
  let point = profile("\"points\": {\"\(name)\": {\(harmless)}}")
  #expect(point.text.contains("expected 1 to 32 " + message))
  #expect(device.text.contains("/device/id: expected "))
  if !name.isEmpty { #expect(device.text.contains("1 to 64 " + message)) }
}

@Test func namesHaveAGreatestLength() {
  func device(_ count: Int) -> Reading {
    let id = String(repeating: "x", count: count)
    return Reading("{\"device\": {\"id\": \"\(id)\"}, \"points\": {\"p\": {\(harmless)}}}")
  }
  func point(_ count: Int) -> Reading {
    profile("\"points\": {\"\(String(repeating: "x", count: count))\": {\(harmless)}}")
  }
  #expect(device(64).told == [])
  #expect(device(65).told.count == 1)
  #expect(point(32).told == [])
  #expect(point(33).told.count == 1)
}

@Test(arguments: ["/a", "a/", "a/#", "+/a", "$SYS", "a b", "a\\u0000", "a\\u007f", "/"])
func aBaseIsTheBeginningOfATopic(base: String) {
  let text =
    "{\"device\": {\"id\": \"d\", \"base\": \"\(base)\"}, \"points\": {\"p\": {\(harmless)}}}"
  #expect(Reading(text).messages.count == 1)
  #expect(Reading(text).text.contains("/device/base: expected the beginning of a topic"))
}

@Test func aDeviceHasAtMost256Points() {
  func reading(_ count: Int) -> Reading {
    let points = (0..<count).map { "\"p\($0)\": {\"kind\": \"input\", \"line\": \"L\($0)\"}" }
    return profile("\"points\": {" + points.joined(separator: ", ") + "}")
  }
  #expect(reading(256).configuration?.points.count == 256)
  #expect(reading(257).messages == ["/points: a device has at most 256 points"])
}
