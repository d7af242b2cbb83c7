import Broker
import Core
import Testing

/// Which version of MQTT the agent speaks, and what it makes of it.
@Suite struct VersionTests {
  private func level(_ world: World) -> UInt8? { world.agent.link.session.level.rawValue }

  @Test func theNewestIsSpokenWhereTheBrokerKnowsIt() throws {
    let world = try World.online(profile())
    #expect(level(world) == 5)
  }

  @Test func aBrokerWithout50IsAskedFor311AtOnce() throws {
    var limits = BrokerLimits()
    limits.levels = [.v31, .v311]
    let world = try World(profile(), limits: limits)
    world.run(.seconds(4))
    #expect(world.isOnline && level(world) == 4)
    try #require(world.attempts.count == 2)
    #expect(world.attempts[1] - world.attempts[0] < .seconds(1))
    // It is remembered.
    world.cut()
    world.run(.seconds(10))
    #expect(world.isOnline && level(world) == 4 && world.attempts.count == 3)
  }

  @Test(arguments: [("3.1.1", UInt8(4)), ("5.0", 5)])
  func theProfileCanSayWhich(version: String, number: UInt8) throws {
    let world = try World.online(profile(broker: #""version": "\#(version)""#))
    #expect(level(world) == number)
  }

  /// 5.0 lets us ask for the mark (section 3.8.3.1); before, it cannot be told (3.1.1, 3.3.1.3).
  @Test(arguments: [("5.0", true), ("3.1.1", false)])
  func aCommandPublishedWithRetainIsRefusedWhereThatCanBeSeen(
    version: String, isRefused: Bool
  ) throws {
    let world = try World.online(
      profile(Point.pump, broker: #""version": "\#(version)""#))
    world.forget()
    world.publish("cmd/pump", "true", retain: true)
    #expect(world.drives.isEmpty == isRefused)
    #expect(world.results.last == (isRefused ? "- pump refused retained" : "- pump done true"))
  }

  @Test func topicsAreSaidOnceForEachConnection() throws {
    let points = Point.air
    let old = try World.online(profile(points, broker: #""version": "3.1.1""#))
    let new = try World.online(profile(points, broker: #""version": "5.0""#))
    func bytesSent(_ world: World) -> UInt64 {
      let before = world.agent.link.session.counters.bytesSent
      world.run(.seconds(3600))
      return world.agent.link.session.counters.bytesSent - before
    }
    let (oldBytes, newBytes) = (bytesSent(old), bytesSent(new))
    #expect(newBytes > 0 && newBytes < oldBytes)
  }
}
