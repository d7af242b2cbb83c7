import Profile
import Testing

private let sources =
  #"/points/p: expected one source: "thermal", "w1", "hwmon", "iio" or "simulated""#

@Test func aSensorHasExactlyOneSource() {
  #expect(profile(point: #""kind": "sensor""#).messages == [sources])
  let two = #""kind": "sensor", "thermal": "cpu-thermal", "w1": "28-00000a1b2c3d""#
  #expect(profile(point: two).messages == [sources])
  #expect(
    profile(point: #""kind": "sensor", "simulated": false"#).messages == [
      "/points/p/simulated: false says nothing: name a real source"
    ])
}

@Test(arguments: ["hwmon", "iio"])
func aChannelIsADeviceAndItsChannel(key: String) {
  func messages(_ value: String) -> [String] {
    profile(point: "\"kind\": \"sensor\", \"\(key)\": \(value)").messages
  }
  #expect(
    messages("{}") == [
      "/points/p/\(key): \"device\" is missing", "/points/p/\(key): \"channel\" is missing",
    ])
  #expect(messages("\"x\"") == ["/points/p/\(key): expected an object, found \"x\""])
  for name in ["../x", "a/b", ".", "a b", "a\\u0000", String(repeating: "x", count: 65)] {
    #expect(
      messages("{\"device\": \"\(name)\", \"channel\": \"c\"}") == [
        "/points/p/\(key)/device: expected a name as the kernel shows it, without /"
      ])
    #expect(
      messages("{\"device\": \"d\", \"channel\": \"\(name)\"}") == [
        "/points/p/\(key)/channel: expected a name as the kernel shows it, without /"
      ])
  }
}

@Test(arguments: [
  "28", "28-", "28-00000a1b2c3", "28-00000a1b2c3d4", "28-00000A1B2C3D", "28_00000a1b2c3d",
  "28-00000a1b2c3/", "../../etc/passw", "zz-00000a1b2c3d",
])
func aOneWireIdentifierHasTheKernelsForm(id: String) {
  #expect(
    profile(point: #""kind": "sensor", "w1": "\#(id)""#).messages == [
      #"/points/p/w1: expected a 1-wire identifier such as "28-00000a1b2c3d""#
    ])
}

@Test(arguments: [
  ("°C", "Cel"), ("celsius", "Cel"), ("cel", "Cel"), ("CEL", "Cel"), ("°F", "[degF]"), ("l", "L"),
  ("litre", "L"), ("m³", "m3"), ("kpa", "kPa"), ("rpm", "{rpm}"), ("ppm", "[ppm]"), ("lux", "lx"),
  ("Ω", "Ohm"), ("percent", "%"), ("kWh", "kW.h"), ("VA", "V.A"),
])
func aUnitThatIsNoCodeIsToldWithTheOneThatIsMeant(unit: String, code: String) {
  #expect(
    profile(point: #""kind": "counter", "line": "a", "unit": "\#(unit)""#).messages == [
      #"/points/p/unit: expected a unit's UCUM code such as "Cel" or "{count}", found "\#(unit)"; "#
        + #"did you mean "\#(code)"?"#
    ])
}

@Test(arguments: ["parsec", "{}", "{a b}", "{a", "a}", "{ä}", "L per minute"])
func otherUnitsAreRefused(unit: String) {
  let reading = profile(point: #""kind": "counter", "line": "a", "unit": "\#(unit)""#)
  #expect(reading.messages.count == 1)
  #expect(reading.text.contains("/points/p/unit: expected a unit's UCUM code"))
}

@Test func anyWordInBracesIsAUnit() {
  func told(_ unit: String) -> [String] {
    profile(point: #""kind": "counter", "line": "a", "unit": "\#(unit)""#).told
  }
  for unit in ["{count}", "{rpm}", "{#}", "{" + String(repeating: "x", count: 46) + "}"] {
    #expect(told(unit) == [])
  }
  #expect(told("{" + String(repeating: "x", count: 47) + "}").count == 1)
}

@Test func theUnitOfASourceIsItsOwnUnlessItIsConverted() {
  let zone = #""kind": "sensor", "thermal": "cpu-thermal", "unit": "K""#
  #expect(
    profile(point: zone).messages == [
      #"/points/p/unit: this source measures in "Cel", found "K"; to convert, give scale and "#
        + "offset too"
    ])
  #expect(profile(point: zone + #", "offset": 273.15"#).told == [])
  #expect(profile(point: zone + #", "scale": 1, "offset": 0"#).told.count == 1)
}

@Test func aDeltaHasNoMeaningForALine() {
  for kind in ["input", "output"] {
    #expect(
      profile(point: #""kind": "\#(kind)", "line": "a", "report": {"delta": 1}"#).messages == [
        "/points/p/report/delta: a line is on or off: delta has no meaning here"
      ])
  }
}

@Test func anOutputHasNothingToSimulate() {
  #expect(
    profile(point: #""kind": "output", "line": "a", "simulate": {}"#).messages == [
      "/points/p/simulate: an output does as it is told: it has nothing to simulate"
    ])
}

@Test func aLostStateNeedsBothItsMembers() {
  #expect(
    profile(point: #""kind": "output", "line": "a", "lost": {}"#).messages == [
      #"/points/p/lost: "after" is missing"#, #"/points/p/lost: "state" is missing"#,
    ])
}

@Test func aLeastThatIsAboveTheMostIsRefused() {
  #expect(
    profile(point: harmless + #", "report": {"min": "2s", "max": "1s"}"#).messages == [
      "/points/p/report: min must not be longer than max"
    ])
  #expect(
    profile(around: #""uplink": {"backoff": {"min": "2s", "max": "1s"}}"#).messages == [
      "/uplink/backoff: min must not be longer than max"
    ])
  for (low, high) in [("2", "1"), ("1", "1")] {
    let bounds = #""kind": "sensor", "simulated": true, "low": \#(low), "high": \#(high)"#
    #expect(profile(point: bounds).messages == ["/points/p: low must be less than high"])
  }
}

@Test func aScaleOfZeroIsRefused() {
  #expect(
    profile(point: #""kind": "counter", "line": "a", "scale": 0"#).messages == [
      "/points/p/scale: a scale of 0 makes every value the same"
    ])
}

@Test func aReportWithoutALongestIntervalIsAWarning() {
  let reading = profile(point: harmless + #", "report": {"max": "0s"}"#)
  #expect(reading.configuration != nil)
  #expect(reading.told.count == 1)
  #expect(reading.text.contains(": warning: /points/p/report/max: without a longest interval"))
}

@Test func everyProblemOfAFileIsToldInItsOrder() {
  let reading = Reading(
    """
    {
      "points": {
        "door": {"kind": "input", "line": "gpiochip0", "debounce": "5 parsecs"},
        "pump": {"kind": 7},
        "air": {"kind": "sensor", "w1": "28-1", "unit": "F", "report": {"max": "0s"}}
      },
      "broker": {"url": "broker.example", "keepAlive": 60},
      "device": {"id": "", "colour": "green"}
    }
    """)
  #expect(reading.configuration == nil)
  let places = reading.told.map { $0.split(separator: " ")[0...2].joined(separator: " ") }
  #expect(
    places == [
      "FILE:3:39: error: /points/door/line:", "FILE:3:64: error: /points/door/debounce:",
      "FILE:4:22: error: /points/pump/kind:", "FILE:5:37: error: /points/air/w1:",
      "FILE:5:53: error: /points/air/unit:", "FILE:5:68: warning: /points/air/report/max:",
      "FILE:7:21: error: /broker/url:", "FILE:7:52: error: /broker/keepAlive:",
      "FILE:8:20: error: /device/id:", "FILE:8:24: error: /device/colour:",
    ])
}
