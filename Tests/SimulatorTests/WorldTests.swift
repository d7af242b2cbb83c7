import Core
import Profile
import Scenarios
import Testing

@testable import Simulator

/// The world around the device, where it has to be like life.
@Suite struct WorldTests {
  private func world() throws -> World {
    let text = """
      {"device": {"id": "d"}, "broker": {"url": "mqtt://localhost", "keepAlive": "30s"}, "points": {
        "door": {"kind": "input", "line": "GPIO17",
          "simulate": {"on": "10s", "off": "10s", "random": 0}}}}
      """
    let reading = ProfileReader.read(Array(text.utf8))
    let configuration = try #require(reading.configuration, "\(reading.problems.map(\.message))")
    return World(configuration, link: LinkConditions(), seed: 1)
  }

  /// Saying "offline" takes the length of a round trip or two.
  @Test func aDeviceThatTakesLongToStopStartsAgainAfterwards() throws {
    let world = try world()
    world.run(until: world.now + .seconds(60))
    let reload = Happening(.reload, at: .zero, for: .nanoseconds(1))
    world.begin(reload)
    world.end(reload)
    #expect(world.counts.runs == 1)
    world.run(until: world.now + .seconds(60))
    #expect(world.counts.runs == 2 && world.device?.agent.link.isOnline == true)
  }
}
