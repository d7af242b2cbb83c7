import Core
import JSON
import Testing

private func interval(_ text: String) -> Interval? { Interval(parsing: Array(text.utf8).span) }

private func wall(_ text: String) -> Int64? {
  WallTime(parsing: Array(text.utf8).span)?.milliseconds
}

private func timestamp(_ milliseconds: Int64) -> String {
  written(capacity: 24) { $0.append(timestamp: WallTime(milliseconds: milliseconds)) }
}

@Test(
  arguments: [
    ("0s", .zero), ("0ms", .zero), ("250ms", .milliseconds(250)), ("1.5s", .milliseconds(1500)),
    ("5m", .seconds(300)), ("12h", .seconds(43_200)), ("7d", .seconds(604_800)),
    ("0.1ms", .microseconds(100)), ("0.000000001s", .nanoseconds(1)), ("0.0000000001s", .zero),
    ("1.25h", .seconds(4500)), ("36525d", .seconds(36_525 * 86_400)),
  ] as [(String, Interval)])
func durationsAreANumberAndAUnit(text: String, expected: Interval) {
  #expect(interval(text) == expected)
}

@Test(arguments: [
  "", "5", "s", "ms", "5 s", " 5s", "5s ", "5S", "5sec", "5min", "5us", "5w", "-5s", "+5s", "05s",
  ".5s",
  "5.s", "1e3s", "1,5s", "1m30s", "5parsecs", "0x5s", "36525.1d", "99999999999999999999d",
])
func otherSpellingsOfDurationsAreNone(text: String) {
  #expect(interval(text) == nil)
}

@Test(
  arguments: [
    ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:00.001Z", 1), ("1969-12-31T23:59:59.999Z", -1),
    ("2026-11-23T04:50:00.123Z", 1_795_409_400_123),
    ("2026-11-23t04:50:00.123z", 1_795_409_400_123),
    ("2026-11-23T05:50:00.123+01:00", 1_795_409_400_123),
    ("2026-11-22T19:20:00.123-09:30", 1_795_409_400_123),
    ("2000-02-29T00:00:00Z", 951_782_400_000), ("2016-12-31T23:59:60Z", 1_483_228_800_000),
    ("2026-11-23T04:50:00.1239999999999999999999Z", 1_795_409_400_123),
    ("2026-11-23T04:50:00.1Z", 1_795_409_400_100),
    ("0000-01-01T00:00:00Z", -62_167_219_200_000),
    ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
  ] as [(String, Int64)])
func timesAreRFC3339(text: String, expected: Int64) {
  #expect(wall(text) == expected)
}

@Test(arguments: [
  "", "2026-11-23", "2026-11-23T04:50:00", "2026-11-23 04:50:00Z", "2026-11-23T04:50Z",
  "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z",
  "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-11-23T24:00:00Z",
  "2026-11-23T04:60:00Z", "2026-11-23T04:50:61Z", "2026-11-23T04:50:00.Z", "2026-11-23T04:50:00,1Z",
  "2026-11-23T04:50:00+1:00", "2026-11-23T04:50:00+0100", "2026-11-23T04:50:00+24:00",
  "2026-11-23T04:50:00+01:60", "2026-11-23T04:50:00ZZ", "2026-11-23T04:50:00.123Z ",
  "+026-11-23T04:50:00Z", "2026-11-23T04:50:0aZ", "12026-11-23T04:50:00Z",
])
func otherSpellingsOfTimesAreNone(text: String) {
  #expect(wall(text) == nil)
}

@Test func noTruncationOfATimeIsOne() {
  for text in ["2026-11-23T04:50:00.123Z", "2026-11-23T05:50:00+01:00"] {
    for length in 0..<text.utf8.count { #expect(wall(String(text.prefix(length))) == nil) }
  }
}

@Test func timesAreWrittenInUTCWithMilliseconds() {
  #expect(timestamp(0) == "1970-01-01T00:00:00.000Z")
  #expect(timestamp(-1) == "1969-12-31T23:59:59.999Z")
  #expect(timestamp(1_795_409_400_123) == "2026-11-23T04:50:00.123Z")
  #expect(timestamp(951_868_799_999) == "2000-02-29T23:59:59.999Z")
}

@Test func yearsOutsideFourDigitsAreCut() {
  #expect(timestamp(.min) == "0000-01-01T00:00:00.000Z")
  #expect(timestamp(.max) == "9999-12-31T23:59:59.999Z")
  #expect(timestamp(253_402_300_800_000) == "9999-12-31T23:59:59.999Z")
}

@Test func everyDayOfTenThousandYearsFollowsTheOneBefore() {
  var previous = ""
  var time: Int64 = -62_167_219_200_000
  while time < 253_402_300_800_000 {
    let text = timestamp(time)
    #expect(text > previous)
    #expect(wall(text) == time)
    previous = text
    // A prime number of hours near nine days, so that all days and hours come up.
    time += 211 * 3_600_000
  }
}

@Test func everyTimeComesBack() {
  var chance = Generator(seed: 9)
  for _ in 0..<20_000 {
    let time = Int64(chance.next(below: 315_569_520_000_000)) - 62_167_219_200_000
    #expect(wall(timestamp(time)) == time)
  }
}
