import Agent
import Core
import Testing

/// Readings of a device whose radio is to sleep.
@Suite struct BatchTests {
  private func world(_ points: String) throws -> World {
    let world = try World(
      profile(
        points, device: #""diagnostics": "20s""#, broker: #""keepAlive": "1h""#,
        uplink: #""batch": {"every": "60s"}"#))
    world.run(.seconds(4))
    try #require(world.isOnline)
    return world
  }

  /// When something was heard from the device.
  private func times(_ world: World) -> Set<Instant> {
    Set(world.heard.filter { $0.client == "dev" }.map(\.at))
  }

  @Test func readingsAndHealthReportsLeaveTogether() throws {
    let world = try world(Point.cpu)
    world.forget()
    world.run(.seconds(600))
    #expect((540...600).contains(world.payloads("state/cpu").count))
    #expect(
      (9...10).contains(world.payloads("diag").count), "one each window, though due more often")
    #expect((9...10).contains(times(world).count), "the radio wakes once a minute")
  }

  @Test func edgeOfAContactWakesTheRadio() throws {
    let world = try world(Point.cpu + "," + Point.door)
    world.run(.seconds(25))
    world.forget()
    world.hold("door", 1)
    world.run(.milliseconds(1))
    #expect(world.payloads("event/door").count == 1)
    #expect(world.payloads("state/cpu").count >= 20, "what waits goes along")
  }

  @Test func commandIsAnsweredAtOnce() throws {
    let world = try world(Point.pump)
    world.forget()
    world.publish("cmd/pump", #"{"state": true}"#)
    world.run(.milliseconds(1))
    #expect(world.results.count == 1)
  }

  @Test func stopWaitsForNoWindow() throws {
    let world = try world(Point.cpu)
    world.run(.seconds(12))
    world.forget()
    let asked = world.now
    world.stop()
    #expect(world.run(atMost: .seconds(60)) { $0.isStopped })
    #expect(world.now - asked < .seconds(1) && world.unacknowledged == 0)
    #expect(!world.payloads("state/cpu").isEmpty)
  }

  @Test func windowOverADeadLinkFindsItOut() throws {
    let world = try world(Point.cpu)
    world.network.die()
    #expect(world.run(atMost: .seconds(60 + 15)) { !$0.isOnline })
  }

  @Test func healthReportSaysHowLongTheWayHasBorneToBeIdle() throws {
    let world = try World(
      profile(
        Point.pump, device: #""diagnostics": "10m""#,
        broker: #""keepAlive": "100s", "probe": "40s""#))
    world.run(.seconds(5))
    #expect(world.payloads("diag").last?.contains(#""idleBorne":0,"#) == true)
    world.run(.seconds(700))
    #expect(world.payloads("diag").last?.contains(#""idleBorne":100,"#) == true)
  }
}
