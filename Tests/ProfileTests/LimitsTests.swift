import Core
import Profile
import Testing

/// A profile in which one duration or size stands.
private struct Place: Sendable {
  let pointer: String
  let text: @Sendable (String) -> Reading

  /// `members` of the top level, with VALUE where the value goes.
  init(_ pointer: String, around members: String) {
    self.pointer = pointer
    text = { profile(around: Self.put($0, into: members)) }
  }

  /// `members` of a point, with VALUE where the value goes.
  init(_ pointer: String, point members: String) {
    self.pointer = "/points/p/" + pointer
    text = { profile(point: Self.put($0, into: members)) }
  }

  private static func put(_ value: String, into members: String) -> String {
    members.split(separator: "VALUE", omittingEmptySubsequences: false).joined(separator: value)
  }

  func isGood(_ value: String) -> Bool { text(value).configuration != nil }
}

private let sensor = #""kind": "sensor", "simulated": true"#

private let durations:
  [(place: Place, least: String, tooLittle: String?, most: String, tooMuch: String)] =
    [
      (
        Place("/broker/keepAlive", around: #""broker": {"keepAlive": "VALUE"}"#), "1s", "0.999s",
        "65535s", "65536s"
      ),
      (
        Place(
          "/uplink/backoff/min", around: #""uplink": {"backoff": {"min": "VALUE", "max": "1d"}}"#),
        "100ms", "99ms", "1d", "24.1h"
      ),
      (
        Place(
          "/uplink/backoff/max", around: #""uplink": {"backoff": {"min": "100ms", "max": "VALUE"}}"#
        ),
        "100ms", "99ms", "1d", "86401s"
      ),
      (
        Place(
          "/uplink/backoff/stableAfter", around: #""uplink": {"backoff": {"stableAfter": "VALUE"}}"#
        ),
        "0s", nil, "1d", "86401s"
      ),
      (
        Place("/uplink/timeouts/resolve", around: #""uplink": {"timeouts": {"resolve": "VALUE"}}"#),
        "100ms", "99ms", "10m", "601s"
      ),
      (
        Place("/uplink/timeouts/connect", around: #""uplink": {"timeouts": {"connect": "VALUE"}}"#),
        "100ms", "99ms", "10m", "601s"
      ),
      (
        Place("/uplink/timeouts/proxy", around: #""uplink": {"timeouts": {"proxy": "VALUE"}}"#),
        "100ms", "99ms", "10m", "601s"
      ),
      (
        Place("/uplink/timeouts/tls", around: #""uplink": {"timeouts": {"tls": "VALUE"}}"#),
        "100ms", "99ms", "10m", "601s"
      ),
      (
        Place(
          "/uplink/timeouts/webSocket", around: #""uplink": {"timeouts": {"webSocket": "VALUE"}}"#
        ),
        "100ms", "99ms", "10m", "601s"
      ),
      (
        Place("/uplink/timeouts/reply", around: #""uplink": {"timeouts": {"reply": "VALUE"}}"#),
        "100ms", "99ms", "10m", "601s"
      ),
      (Place("debounce", point: harmless + #", "debounce": "VALUE""#), "0s", nil, "60s", "60001ms"),
      (
        Place("report/min", point: harmless + #", "report": {"min": "VALUE", "max": "1d"}"#), "0s",
        nil, "1d", "86401s"
      ),
      (
        Place("report/max", point: harmless + #", "report": {"max": "VALUE"}"#), "1ms", nil, "1d",
        "2d"
      ),
      (Place("every", point: sensor + #", "every": "VALUE""#), "10ms", "9ms", "1d", "25h"),
      (
        Place("simulate/period", point: sensor + #", "simulate": {"period": "VALUE"}"#), "10ms",
        "9ms",
        "365d", "366d"
      ),
      (
        Place("simulate/on", point: harmless + #", "simulate": {"on": "VALUE"}"#), "0s", nil,
        "365d",
        "366d"
      ),
      (
        Place("simulate/bounce", point: harmless + #", "simulate": {"bounce": "VALUE"}"#), "0s",
        nil,
        "1s", "1001ms"
      ),
      (
        Place(
          "lost/after",
          point: #""kind": "output", "line": "a", "lost": {"state": false, "after": "VALUE"}"#),
        "0s",
        nil, "365d", "366d"
      ),
    ]

@Test func everyDurationHasItsLimits() {
  for (place, least, tooLittle, most, tooMuch) in durations {
    #expect(place.isGood(least), "\(place.pointer): \(place.text(least).told)")
    #expect(place.isGood(most), "\(place.pointer): \(place.text(most).told)")
    for wrong in [tooLittle, tooMuch].compactMap({ $0 }) {
      let told = place.text(wrong).text
      #expect(told.contains("error: \(place.pointer): expected a duration such as "), "\(told)")
      #expect(told.contains("found \"\(wrong)\""), "\(told)")
    }
  }
}

@Test func aDurationIsToldWithItsRange() {
  #expect(
    profile(around: #""broker": {"keepAlive": "0s"}"#).messages == [
      #"/broker/keepAlive: expected a duration such as "60s" (from 1s to 65535s), found "0s""#
    ])
  #expect(
    profile(around: #""uplink": {"timeouts": {"reply": 5}}"#).messages == [
      #"/uplink/timeouts/reply: expected a duration such as "10s" (from 100ms to 10m), found "#
        + "the number 5"
    ])
}

@Test(arguments: [
  "", "5", "5 s", "-5s", "1e3s", "5sec", "1m30s", "05s", ".5s", "99999999999999999999d",
])
func otherSpellingsOfADurationAreRefused(text: String) {
  #expect(profile(point: harmless + ", \"debounce\": \"\(text)\"").messages.count == 1)
}

private let sizes:
  [(place: Place, least: [String], wrong: [String], most: [String], tooMuch: [String])] =
    [
      (
        Place("/uplink/outbox", around: #""uplink": {"outbox": VALUE}"#), ["1024", "\"1KiB\""],
        ["1023", "\"0.9KiB\"", "0", "-1"], ["268435456", "\"256MiB\"", "\"262144KiB\""],
        ["268435457", "\"256.001MiB\"", "\"4096MiB\""]
      ),
      (
        Place("/uplink/packet", around: #""uplink": {"packet": VALUE}"#), ["1024", "\"1KiB\""],
        ["1023", "\"0KiB\""], ["1048576", "\"1MiB\""], ["1048577", "\"1025KiB\""]
      ),
      (
        Place("/journal/size", around: #""journal": {"size": VALUE}"#), ["32768", "\"32KiB\""],
        ["32767"], ["1073741824"], ["1073741825"]
      ),
      (
        Place("/budget/memory", around: #""budget": {"memory": VALUE}"#), ["1024", "\"1KiB\""],
        ["1023"], ["1073741824", "\"1024MiB\"", "\"1048576KiB\""],
        ["1073741825", "\"1025MiB\"", "\"9999999999999MiB\"", "9223372036854775807", "1e300"]
      ),
    ]

@Test func everySizeHasItsLimits() {
  for (place, least, tooLittle, most, tooMuch) in sizes {
    for value in least + most {
      #expect(place.isGood(value), "\(place.pointer): \(place.text(value).told)")
    }
    for value in tooLittle + tooMuch {
      let told = place.text(value).text
      #expect(
        told.contains("error: \(place.pointer): expected a size such as \"64KiB\""), "\(told)")
    }
  }
}

@Test(arguments: [
  "64", "64K", "64 KiB", "64kib", "KiB", "", "1e3KiB", "-1KiB", "064KiB", "1.KiB", "64GiB",
])
func otherSpellingsOfASizeAreRefused(text: String) {
  let reading = profile(around: #""uplink": {"outbox": "\#(text)"}"#)
  #expect(reading.messages.count == 1)
}

@Test func aSizeInThousandsIsToldWhatIsMeant() {
  for (size, meant) in [("64KB", "64KiB"), ("1MB", "1MiB")] {
    let reading = profile(around: #""uplink": {"outbox": "\#(size)"}"#)
    #expect(reading.text.contains("(KiB is 1,024 bytes: did you mean \"\(meant)\"?)"))
  }
}

@Test func everyNumberHasItsLimits() {
  for (place, good, wrong) in [
    (
      Place("/uplink/inflight", around: #""uplink": {"inflight": VALUE}"#), ["1", "64", "6.4e1"],
      ["0", "65", "1.5", "\"16\"", "-1"]
    ),
    (
      Place("decimals", point: sensor + #", "decimals": VALUE"#), ["0", "9", "2.0"],
      ["-1", "10", "0.5", "true"]
    ),
    (Place("scale", point: sensor + #", "scale": VALUE"#), ["-1e12", "1e12", "1e-9"], ["1.1e12"]),
    (Place("offset", point: sensor + #", "offset": VALUE"#), ["-1e12", "0"], ["-1.1e12"]),
    (
      Place("report/delta", point: sensor + #", "report": {"delta": VALUE}"#), ["0", "1e9"],
      ["-0.1", "\"1\""]
    ),
    (
      Place("simulate/random", point: harmless + #", "simulate": {"random": VALUE}"#),
      ["0", "1", "0.5"], ["-0.1", "1.1"]
    ),
    (
      Place("simulate/noise", point: sensor + #", "simulate": {"noise": VALUE}"#), ["0", "5"],
      ["-1", "null"]
    ),
  ] {
    for value in good { #expect(place.isGood(value), "\(place.pointer): \(value)") }
    for value in wrong {
      #expect(!place.isGood(value), "\(place.pointer): \(value)")
      #expect(place.text(value).text.contains("error: \(place.pointer): expected "), "\(value)")
    }
  }
}
