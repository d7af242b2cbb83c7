import Agent
import Core
import Testing

/// An orderly stop.
@Suite struct StopTests {
  @Test func itSaysStoppingThenOfflineAndTakesItsLeave() throws {
    let world = try World.online(profile())
    world.run(.seconds(7))
    world.hold("door", 1)
    world.forget()
    world.stop()
    world.run(.seconds(4))
    #expect(world.isStopped)
    #expect(world.lives == ["stopping stopped", "offline stopped"])
    #expect(world.heard.last?.status?.state == "offline", "nothing follows")
    #expect(world.partings == [.byClient] && !world.heard.contains(where: \.isWill))
    let status = try #require(world.heard.last?.status)
    #expect(status.session == 1 && status.away == nil)
    #expect(world.retained("status") == world.heard.last?.payload)
  }

  @Test func whatWaitsIsDeliveredFirst() throws {
    let world = try World.online(profile())
    world.network.latency = .milliseconds(300)
    for round in 0..<100 { world.hold("door", Double(round % 2)) }
    world.forget()
    world.stop()
    world.run(.seconds(20))
    #expect(world.isStopped && world.unacknowledged == 0)
    #expect(world.heard.last?.status?.state == "offline")
    #expect(world.payloads("event/door").count > 50)
  }

  @Test func whatWaitsForItsTurnIsSaidBeforeTheEnd() throws {
    let door = """
      "door": {"kind": "input", "line": "GPIO17", "report": {"min": "10m"},
        "simulate": {"on": "0s", "off": "0s"}}
      """
    let world = try World.online(profile(door))
    world.run(.seconds(7))
    world.forget()
    world.hold("door", 1)
    world.run(.seconds(7))
    #expect(world.payloads("state/door").isEmpty)
    world.stop()
    world.run(.seconds(4))
    #expect(world.isStopped && world.unacknowledged == 0)
    #expect(world.payloads("state/door").count == 1)
    #expect(world.heard.last?.status?.state == "offline", "nothing follows")
  }

  @Test func nothingFollowsOfflineHoweverLateTheBrokerAnswers() throws {
    let world = try World.online(profile(device: #""diagnostics": "1s""#))
    world.network.latency = .seconds(2)
    world.publish("status", "lost", retain: true)
    world.run(.milliseconds(1_900))
    world.stop()
    world.run(.seconds(40))
    #expect(world.isStopped)
    let last = try #require(world.heard.firstIndex { $0.status?.state == "offline" })
    #expect(world.heard[last...].map(\.topic) == ["status"])
  }

  @Test func aDeadLinkHoldsTheStopUpNoLongerThanItsTimeouts() throws {
    let world = try World.online(profile(device: #""diagnostics": "1s""#))
    world.hold("door", 1)
    world.network.die()
    world.hold("door", 0)
    let asked = world.now
    world.stop()
    #expect(world.run(atMost: .seconds(60)) { $0.isStopped })
    // What waits, "offline" and the broker's closing each have their time; but answers are late after
    // 3 s, and nothing comes in 10 s more.
    #expect(world.now - asked == .seconds(3 + 10))
    #expect(world.unacknowledged > 0)
  }

  @Test func aStopWithoutALinkIsOverAtOnce() throws {
    let world = try World.online(profile())
    world.network.answer = .refuses
    world.cut()
    world.run(.seconds(10))
    world.stop()
    #expect(world.isStopped)
  }

  @Test func aLinkLostWhileStoppingEndsTheStop() throws {
    let world = try World.online(profile())
    world.network.latency = .seconds(1)
    world.hold("door", 1)
    world.stop()
    #expect(!world.isStopped)
    world.cut()
    #expect(world.isStopped)
    #expect(world.heard.last?.isWill == true, "the will is the last word of a stop that was cut")
  }

  @Test func aStopBeforeTheBirthSaysOfflineAlone() throws {
    let world = try World(profile())
    #expect(world.run(atMost: .seconds(4)) { $0.isOnline })
    world.stop()
    world.run(.seconds(4))
    #expect(world.isStopped && world.lives == ["offline stopped"])
    #expect(world.partings == [.byClient])
  }

  @Test func aReloadIsSaidAndLeavesOutputsAsTheyAre() throws {
    let world = try World.online(profile())
    world.publish("cmd/pump", "on")
    world.forget()
    world.stop(.reload)
    world.run(.seconds(4))
    #expect(world.lives == ["stopping reload", "offline reload"])
    #expect(world.drives.isEmpty && world.agent.stopReason == .reload)
  }

  @Test func whoAsksForAReloadAndThenForAStopGetsAStop() throws {
    let world = try World.online(profile())
    world.network.latency = .milliseconds(500)
    world.publish("cmd/pump", "on")
    world.run(.seconds(4))
    world.forget()
    world.stop(.reload)
    world.run(.milliseconds(100))
    world.stop(.asked)
    world.run(.seconds(10))
    #expect(world.isStopped && world.agent.stopReason == .asked)
    #expect(world.drives.map(\.level) == [false])
    #expect(world.lives.last == "offline stopped")
  }

  @Test func aStopTakesInNoCommand() throws {
    let world = try World.online(profile())
    world.network.latency = .seconds(1)
    world.hold("door", 1)
    world.stop()
    world.forget()
    world.publish("cmd/pump", #"{"v":true,"id":"7"}"#)
    world.run(.seconds(20))
    #expect(world.isStopped)
    #expect(world.drives.isEmpty)
    #expect(world.results == ["7 pump refused stopping"])
    #expect(world.heard.last?.status?.state == "offline")
  }

  @Test func aStopTakesInNoReadings() throws {
    let world = try World.online(profile())
    world.network.latency = .seconds(1)
    world.hold("door", 1)
    world.stop()
    world.forget()
    world.hold("door", 0)
    world.run(.seconds(20))
    #expect(world.isStopped)
    #expect(!world.heard.flatMap(\.readings).contains { $0.series == "event door" && $0.seq > 1 })
  }
}
