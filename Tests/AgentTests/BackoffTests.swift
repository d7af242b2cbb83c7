import Core
import Testing

/// When an agent tries again, and how little it does in between.
@Suite struct BackoffTests {
  private let uplink = #""backoff": {"min": "1s", "max": "16s", "stableAfter": "30s"}"#

  /// How long the agent waited between its attempts.
  private func waits(_ world: World) -> [Interval] {
    zip(world.attempts, world.attempts.dropFirst()).map { $1 - $0 }
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func waitsGrowToTheirCap(seed: UInt64) throws {
    let world = try World(profile(uplink: uplink), seed: seed)
    world.network.answer = .refuses
    world.run(.seconds(600))
    let waits = waits(world)
    for (number, wait) in waits.enumerated() {
      #expect(wait >= .milliseconds(100))
      #expect(wait <= .seconds(1 << min(4, Int64(number))), "wait \(number)")
    }
    let late = waits.dropFirst(4)
    #expect(late.count > 30)
    let mean = late.reduce(.zero, +) / Int64(late.count)
    #expect(mean > .seconds(5) && mean < .seconds(11), "evenly drawn up to 16 s")
    world.network.answer = .accepts
    world.run(.seconds(20))
    #expect(world.isOnline)
  }

  @Test func anAgentThatIsAcceptedAndThrownOutKeepsWaitingLonger() throws {
    var last: [Interval] = []
    for seed in 1...30 as ClosedRange<UInt64> {
      let world = try World(profile(uplink: uplink), seed: seed)
      for _ in 0..<8 {
        #expect(world.run(atMost: .seconds(17)) { $0.isOnline })
        world.cut()
      }
      #expect(world.run(atMost: .seconds(17)) { $0.isOnline })
      last.append(waits(world)[7])
    }
    #expect(last.allSatisfy { $0 <= .seconds(16) })
    #expect(last.contains { $0 > .seconds(8) }, "the bound has grown, though each was accepted")
  }

  @Test func aStableConnectionLetsItStartAfresh() throws {
    for seed in 1...10 as ClosedRange<UInt64> {
      let world = try World(profile(uplink: uplink), seed: seed)
      world.network.answer = .refuses
      world.run(.seconds(200))
      world.network.answer = .accepts
      #expect(world.run(atMost: .seconds(17)) { $0.isOnline })
      world.run(.milliseconds(30_001))
      world.cut()
      #expect(world.run(atMost: .milliseconds(1_001)) { $0.isOnline }, "seed \(seed)")
    }
  }

  @Test func aBrokerThatRefusesIsNotStormed() throws {
    let world = try World(profile(uplink: uplink))
    // No room for a session: "server unavailable", which may pass.
    world.broker = crowdedBroker()
    world.run(.seconds(300))
    #expect(!world.isOnline && world.attempts.count > 15 && world.attempts.count < 80)
    #expect(world.heard.isEmpty)
  }

  @Test func aSilentNetworkIsTriedAgainAfterTheConnectTimeout() throws {
    let world = try World(
      profile(uplink: uplink + #", "timeouts": {"connect": "3s"}"#))
    world.network.answer = .isSilent
    world.run(.seconds(300))
    #expect(world.attempts.count > 15)
    #expect(waits(world).allSatisfy { $0 >= .seconds(3) && $0 <= .seconds(19) })
  }

  @Test func aBrokerThatNeverAnswersConnectIsLeftAfterTheReplyTimeout() throws {
    let world = try World(profile(uplink: uplink + #", "timeouts": {"reply": "2s"}"#))
    world.network.latency = .seconds(60)
    world.run(.seconds(300))
    #expect(!world.isOnline && world.attempts.count > 15)
    #expect(waits(world).allSatisfy { $0 >= .seconds(2) && $0 <= .seconds(18) })
  }

  @Test func nothingIsDoneThatIsNotDue() throws {
    // Every hour: 720 readings of air, 60 health reports, a few pings, reports and their answers.
    let world = try World.online(profile())
    let online = world.turns
    world.run(.seconds(3_600))
    #expect(world.turns - online > 720 && world.turns - online < 1_100)
    // Without a link: the readings, and an attempt each two minutes at most.
    world.network.answer = .refuses
    world.cut()
    let offline = world.turns
    world.run(.seconds(3_600))
    #expect(world.turns - offline > 720 && world.turns - offline < 1_000)
  }
}
