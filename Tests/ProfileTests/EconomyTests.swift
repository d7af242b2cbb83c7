import Profile
import Testing
import Uplink

@Test func pingsCanBeginAtAShortIntervalOfTheirOwn() {
  func reading(_ members: String) -> Reading { profile(around: #""broker": {\#(members)}"#) }
  #expect(reading(#""probe": "30s""#).configuration?.uplink.probeFrom == .seconds(30))
  #expect(reading("").configuration?.uplink.probeFrom == .zero)
  for wrong in [#""probe": "60s""#, #""probe": "30s", "keepAlive": "20s""#] {
    #expect(
      reading(wrong).messages == [
        "/broker/probe: expected less than keepAlive, which it grows to"
      ])
  }
  #expect(reading(#""probe": "1s""#).messages.count == 1)
}

@Test func readingsCanLeaveTogether() throws {
  func reading(_ batch: String) -> Reading { profile(around: #""uplink": {"batch": \#(batch)}"#) }
  let plain = try #require(reading(#"{"every": "5m"}"#).configuration).uplink
  #expect(plain.batchEvery == .seconds(300) && plain.urgent == RecordClasses(.event, .answer))
  let named = reading(#"{"every": "5m", "urgent": ["state", "note"]}"#)
  #expect(named.configuration?.uplink.urgent == RecordClasses(.state, .note))
  let none = reading(#"{"every": "5m", "urgent": []}"#)
  #expect(none.configuration?.uplink.urgent == RecordClasses())
  #expect(
    reading("{}").messages == [
      "/uplink/batch: \"every\" is missing: how often readings leave"
    ])
  #expect(
    reading(#"{"every": "5m", "urgent": ["state", "events"]}"#).messages[0]
      .hasPrefix("/uplink/batch/urgent/1: expected one of"))
  #expect(
    reading(#"{"every": "5m", "urgent": "state"}"#).messages[0]
      .hasPrefix("/uplink/batch/urgent: expected an array"))
}

@Test func readingsDoNotExpireBeforeTheyCanLeave() {
  func messages(_ keep: String, urgent: String = "") -> [String] {
    profile(
      #""uplink": {"batch": {"every": "5m"\#(urgent)}}, "#
        + #""points": {"p": {\#(harmless), "keep": {\#(keep)}}}"#
    ).messages
  }
  #expect(
    messages(#""class": "telemetry", "expire": "5m""#) == [
      "/points/p/keep/expire: readings would expire while they wait for the next batch: "
        + "expected more than every in uplink.batch"
    ])
  #expect(messages(#""class": "telemetry", "expire": "301s""#) == [])
  #expect(messages(#""class": "event", "expire": "5m""#) == [], "an event leaves at once")
  #expect(messages(#""class": "event", "expire": "5m""#, urgent: #", "urgent": []"#).count == 1)
}
