import Core
import Foundation
import TestSupport
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

  /// The broker does not get it, or its acknowledgement does not come back.
  @Test(arguments: [false, true])
  func aPowerCutBehindAnOutageDoesNotCostItsReport(arrives: Bool) throws {
    let world = try World.online(profile(journal: #""size": "64KiB""#))
    world.beWithoutLink(.seconds(100))
    world.forget()
    world.network.answer = .accepts
    world.network.latency = .seconds(3)
    #expect(world.run(atMost: .seconds(200)) { $0.isOnline })
    let found = ShortText { $0.append(timestamp: world.moment.wall) }.withBytes { text($0) }
    if arrives { #expect(world.run(atMost: .seconds(20)) { !self.outages($0).isEmpty }) }
    #expect(outages(world).count == (arrives ? 1 : 0) && world.unacknowledged > 0)
    world.forget()
    world.network.latency = .zero
    world.restart(boot: UInt8(ascii: "b"))
    world.run(.seconds(60))
    let told = outages(world)
    #expect(told.map(\.reason).sorted() == ["connection-failed", "rebooted"])
    let first = try #require(told.first { $0.reason == "connection-failed" })
    let seconds = try #require(first.seconds)
    #expect(seconds >= 99 && seconds < 310)
    // When it was over, by the clock of the boot before.
    #expect(first.t == found && world.unacknowledged == 0)
    // Once, and not again with each start.
    world.forget()
    world.restart(boot: UInt8(ascii: "c"))
    world.run(.seconds(60))
    #expect(outages(world).map(\.reason) == ["rebooted"])
  }

  @Test func aMomentWithoutALinkIsReportedWithoutFlash() throws {
    let world = try World.online(profile(journal: #""size": "64KiB""#))
    let writes = world.flash.writes
    world.forget()
    for _ in 1...5 {
      world.cut()
      world.run(.seconds(20))
    }
    #expect(outages(world).count == 5 && world.flash.writes == writes)
  }

  @Test func aReportIsDurableBeforeItIsSent() throws {
    let world = try World.online(profile(journal: #""size": "64KiB""#))
    world.beWithoutLink(.seconds(100))
    world.forget()
    world.flash.holdsSyncs = true
    world.network.answer = .accepts
    world.run(.seconds(200))
    #expect(world.isOnline && outages(world).isEmpty)
    world.flash.holdsSyncs = false
    world.run(.seconds(5))
    #expect(outages(world).count == 1)
  }

  /// It waits in the journal with what was read, and leaves on its own topic.
  @Test func aReportThatLongerWaitsThanTheLinkLastsIsNoReading() throws {
    let world = try World.online(
      profile(Point.cpu, journal: #""size": "64KiB", "after": "5s", "every": "5s""#))
    world.beWithoutLink(.seconds(100))
    world.forget()
    world.network.answer = .accepts
    #expect(world.run(atMost: .seconds(200)) { $0.isOnline })
    world.network.die()
    world.network.answer = .refuses
    world.run(.seconds(120))
    #expect(!world.isOnline)
    world.network.answer = .accepts
    world.run(.seconds(200))
    #expect(outages(world).count == 2)
    #expect(world.heard.allSatisfy { $0.topic != "history" || $0.payload.hasSuffix("]}") })
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
