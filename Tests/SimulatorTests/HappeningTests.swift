import Core
import Profile
import Scenarios
import Testing

@testable import Simulator

/// Faults as text, and back.
@Suite struct HappeningTests {
  private func configuration() throws -> Configuration {
    let text = """
      {"device": {"id": "d"}, "points": {
        "door": {"kind": "input", "line": "GPIO17"},
        "air": {"kind": "sensor", "thermal": "cpu-thermal"}}}
      """
    return try #require(ProfileReader.read(Array(text.utf8)).configuration)
  }

  @Test func whatChanceBringsIsReadBackAsItWas() throws {
    let configuration = try configuration()
    var seen: Set<Fault> = []
    for seed in UInt64(0)..<20 {
      var chaos = Chaos(ChanceOfFaults(perDay: 300), seed: seed)
      let happenings = chaos.happenings(within: .seconds(86_400), configuration)
      let text = "{\"events\": [" + happenings.map(\.json).joined(separator: ",\n") + "]}"
      let reading = ScenarioReader.read(Array(text.utf8), for: configuration)
      #expect(reading.problems.map(\.message) == [])
      #expect(try #require(reading.scenario).happenings == happenings)
      seen.formUnion(happenings.map(\.fault))
    }
    #expect(seen == Set(Fault.allCases).subtracting([.heal, .wearOut]))
  }

  @Test func chanceBringsOnlyWhatIsAskedFor() throws {
    var chaos = Chaos(ChanceOfFaults(perDay: 100, only: [.reset, .cut]), seed: 1)
    let faults = chaos.happenings(within: .seconds(86_400), try configuration()).map(\.fault)
    #expect(faults.count > 50 && Set(faults) == [.reset, .cut])
  }

  @Test func twoUnitsSuffice() {
    let times: [(Int64, String)] = [
      (0, "0 ms"), (250, "250 ms"), (1_000, "1 s"), (61_000, "1 min 1 s"), (3_600_000, "1 h"),
      (3_660_000, "1 h 1 min"), (3_601_000, "1 h"), (90_000_000, "1 d 1 h"),
    ]
    for (milliseconds, words) in times {
      #expect(Interval.milliseconds(milliseconds).inWords == words)
    }
  }
}
