import Core
import Device
import Profile
import Scenarios
import Testing

/// What a scenario may say, and what is said of one that is wrong.
@Suite struct ScenarioReaderTests {
  private static let profile = """
    {"device": {"id": "d"}, "broker": {"urls": ["mqtt://a", "mqtt://b"]}, "points": {
      "door": {"kind": "input", "line": "GPIO17"},
      "air": {"kind": "sensor", "thermal": "cpu-thermal"}}}
    """

  private func read(
    _ text: String, ownsBroker: Bool = true
  ) throws -> (scenario: Scenario?, problems: [String]) {
    let configuration = try #require(
      ProfileReader.read(Array(Self.profile.utf8)).configuration)
    let bytes = Array(text.utf8)
    let reading = ScenarioReader.read(bytes, for: configuration, ownsBroker: ownsBroker)
    return (reading.scenario, reading.problems.map { $0.described(file: "FILE", in: bytes) })
  }

  @Test func anEventHasATimeALengthAndADetail() throws {
    let (scenario, problems) = try read(
      #"{"title": "t", "length": "2d", "events": [{"at": "90m", "do": "hold", "point": "door", "value": 0, "for": "1h"}]}"#
    )
    #expect(problems.isEmpty)
    var expected = Happening(.hold, at: .seconds(5_400), for: .seconds(3_600))
    expected.point = Array("door".utf8)
    #expect(try #require(scenario).happenings == [expected])
    #expect(scenario?.length == .seconds(2 * 86_400))
  }

  @Test func everyFaultHasAWordThatIsRead() throws {
    for fault in Fault.allCases {
      let (scenario, problems) = try read(#"{"events": [{"do": "\#(fault.word)"}]}"#)
      #expect(problems.isEmpty)
      #expect(try #require(scenario).happenings.map(\.fault) == [fault])
    }
  }

  @Test func anEventAtABrokerMayNameIt() throws {
    for fault in Fault.allCases {
      let (scenario, problems) = try read(#"{"events": [{"do": "\#(fault.word)", "broker": 2}]}"#)
      #expect(scenario?.happenings.map(\.broker) == (fault.isAtBroker ? [2] : nil))
      #expect(problems.isEmpty == fault.isAtBroker)
    }
  }

  @Test func theOnlyBrokerIsTheFirst() throws {
    let profile =
      #"{"device": {"id": "d"}, "points": {"door": {"kind": "input", "line": "GPIO17"}}}"#
    let configuration = try #require(ProfileReader.read(Array(profile.utf8)).configuration)
    func read(_ broker: Int) -> (scenario: Scenario?, problems: [String]) {
      let text = #"{"events": [{"do": "cut", "broker": \#(broker)}]}"#
      let reading = ScenarioReader.read(Array(text.utf8), for: configuration)
      return (reading.scenario, reading.problems.map(\.message))
    }
    #expect(read(1).scenario?.happenings.map(\.broker) == [1])
    #expect(
      read(2).problems == ["expected 1, for the only broker of the profile, found the number 2"])
  }

  @Test func whatSomebodyElsesBrokerIsNotToldIsSaid() throws {
    let text = """
      {"events": [
        {"do": "cut"},
        {"do": "reject", "reason": "busy"}],
       "random": {"only": ["publish", "kill"]}}
      """
    #expect(try read(text).problems.isEmpty)
    let (scenario, problems) = try read(text, ownsBroker: false)
    #expect(scenario?.happenings.map(\.fault) == [.cut, .reject])
    #expect(
      problems == [
        #"FILE:3:3: warning: /events/1: not played: "reject" needs a broker of its own"#,
        #"FILE:4:12: warning: /random: not played: "publish" needs another client at the broker"#,
      ])
  }

  @Test func whatComesAgainIsThereEachTimeAndInOrder() throws {
    let (scenario, _) = try read(
      #"{"events": [{"at": "1h", "every": "6h", "do": "cut", "for": "1m"}, {"at": "7h", "do": "reset"}]}"#
    )
    let times = try #require(scenario).happenings(within: .seconds(86_400))
      .map { ($0.fault, $0.at.seconds / 3_600) }
    #expect(times.map(\.0) == [.cut, .cut, .reset, .cut, .cut])
    #expect(times.map(\.1) == [1, 7, 7, 13, 19])
  }

  @Test func whatComesAgainIsCountedBeforeItIsThere() throws {
    let (scenario, _) = try read(
      #"{"events": [{"at": "1h", "every": "6h", "do": "cut", "for": "1m"}, {"at": "7h", "do": "reset"}, {"at": "2d", "do": "heal"}], "random": {"perDay": 9}}"#
    )
    let day = Interval.seconds(86_400)
    #expect(try #require(scenario).count(within: day) == 5 + 9)
    #expect(scenario?.happenings(within: day).count == 5)
  }

  @Test func onlySomeFaultsByChance() throws {
    let (scenario, problems) = try read(#"{"random": {"perDay": 9, "only": ["reset", "rot"]}}"#)
    #expect(problems.isEmpty)
    let chance = try #require(scenario?.chance)
    #expect(chance.perDay == 9)
    #expect(chance.only == [.reset, .rot])
  }

  @Test(arguments: [
    (#"{"events": [{"do": "cutt"}]}"#, "1:20: error: /events/0/do: expected one of"),
    (
      #"{"events": [{"do": "cut", "fro": "1m"}]}"#,
      "1:27: error: /events/0/fro: unknown name; did you mean \"for\"?"
    ),
    (#"{"events": [{"at": "1h"}]}"#, "1:13: error: /events/0: \"do\" is missing"),
    (
      #"{"events": [{"do": "half-open", "for": "1m"}]}"#,
      "1:33: error: /events/0/for: \"half-open\" has no \"for\""
    ),
    (
      #"{"length": "20s", "events": [{"at": "40s", "do": "cut"}]}"#,
      "1:30: error: /events/0/at: nothing happens then: the scenario is over after 20s"
    ),
    (
      #"{"events": [{"do": "hold", "point": "gate"}]}"#,
      "1:37: error: /events/0/point: the profile has no point \"gate\"; it has \"door\", \"air\""
    ),
    (
      #"{"events": [{"do": "publish", "topic": "cmd/+"}]}"#,
      "1:40: error: /events/0/topic: expected a topic without + and #"
    ),
    (
      #"{"events": [{"do": "publish", "topic": "a\u0000"}]}"#,
      "1:40: error: /events/0/topic: expected a topic without + and #"
    ),
    (
      #"{"events": [{"do": "cut", "broker": 3}]}"#,
      "1:37: error: /events/0/broker: expected a broker's place in the profile's list, 1 to 2, found the number 3"
    ),
    (
      #"{"events": [{"do": "cut", "broker": "b"}]}"#,
      "1:37: error: /events/0/broker: expected a broker's place in the profile's list, 1 to 2, found \"b\""
    ),
    (
      #"{"events": [{"do": "kill", "broker": 1}]}"#,
      "1:28: error: /events/0/broker: \"kill\" has no \"broker\""
    ),
    (#"{"events": {}}"#, "1:12: error: /events: expected an array of events, found an object"),
    (#"{"random": {"perDay": 0}}"#, "1:23: error: /random/perDay: expected a whole number"),
    (#"{"random": {"only": ["x"]}}"#, "1:22: error: /random/only/0: expected one of"),
    (#"{"length": "5 apples"}"#, "1:12: error: /length: expected a duration"),
  ])
  func whatIsWrongIsToldWithItsPlace(_ text: String, _ problem: String) throws {
    let (scenario, problems) = try read(text)
    #expect(scenario == nil)
    #expect(problems.count == 1)
    #expect(problems.first?.hasPrefix("FILE:" + problem) == true, "\(problems)")
  }
}
