import Core
import Foundation
import Testing

/// What the device says of a time without a link, once that is over.
@Suite struct OutageTests {
  private struct Outage: Decodable {
    var reason: String
    var t: String?
    var seconds: Double?
    var unnoticed: Double
    var attempts: Int
    var dropped: Int
    var thinned: Int
    var flash: Int
  }

  private func outages(_ world: World) -> [Outage] {
    world.heard.filter { $0.topic == "outage" }.compactMap { message in
      try? JSONDecoder().decode(Outage.self, from: Data(message.payload.utf8))
    }
  }

  @Test func eachLossIsReportedOnceWithItsReasonAndLength() throws {
    let world = try World.online(profile(uplink: #""backoff": {"max": "5s"}"#))
    world.forget()
    world.beWithoutLink(.seconds(100))
    world.network.answer = .accepts
    world.run(.seconds(60))
    let found = outages(world)
    #expect(found.count == 1)
    let outage = try #require(found.first)
    #expect(outage.reason == world.lastBirth?.away?.reason && outage.t != nil)
    #expect(outage.attempts > 5 && outage.dropped == 0 && outage.flash == 0)
    let seconds = try #require(outage.seconds)
    #expect(seconds >= 99 && seconds < 130)
    let message = world.heard.first { $0.topic == "outage" }
    #expect(message?.isRetained == false && message?.qos == 1)
  }

  @Test func aHalfOpenLinkIsLongerAwayThanItWasNoticed() throws {
    let world = try World.online(profile())
    world.forget()
    world.run(.seconds(5))
    world.network.die()
    world.run(.seconds(120))
    let outage = try #require(outages(world).first)
    #expect(outage.unnoticed > 5 && (outage.seconds ?? 0) >= outage.unnoticed)
  }

  @Test func aRebootIsReportedTooAndTheTimeIsNoEarlierThanItWas() throws {
    let world = try World.online(profile(journal: #""size": "64KiB""#))
    let before = world.moment.wall
    world.run(.seconds(30))
    world.forget()
    world.restart(boot: UInt8(ascii: "b"))
    world.run(.seconds(30))
    #expect(outages(world).map(\.reason) == ["rebooted"])
    let floor = try #require(world.timeFloor)
    #expect(floor.milliseconds > 0 && floor <= before)
  }
}
