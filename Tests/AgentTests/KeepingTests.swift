import Broker
import Core
import Device
import JSON
import TestSupport
import Testing

/// What outlives the agent: readings of a long outage, in the journal.
@Suite struct KeepingTests {
  private static let kept = profile(
    uplink: #""backoff": {"max": "5s"}"#, journal: #""size": "64KiB", "after": "30s""#)

  private func events(_ world: World) -> [Reading] {
    world.heard.filter { $0.topic == "history" || $0.topic.hasPrefix("event/") }
      .flatMap(\.readings).filter { $0.series == "event door" }
  }

  /// The link is gone, and the door moves once in ten seconds.
  private func outage(_ world: World, rounds: ClosedRange<Int>) {
    world.network.answer = .refuses
    world.cut()
    for round in rounds {
      world.hold("door", Double(round % 2))
      world.run(.seconds(10))
    }
  }

  @Test func readingsOfALongOutageSurviveAPowerCut() throws {
    let world = try World.online(Self.kept)
    world.forget()
    outage(world, rounds: 1...12)
    // What the last half minute has brought is in memory only.
    world.restart(boot: UInt8(ascii: "b"))
    world.network.answer = .accepts
    world.run(.seconds(20))
    let found = events(world)
    #expect(found.count >= 9 && found.map(\.seq) == Array(1...found.count))
    #expect(found.allSatisfy { $0.run == 1 && $0.tq == "synced" && $0.t != nil })
    #expect(found.map(\.v) == (1...found.count).map { .bool($0 % 2 == 1) })
    #expect(world.heard.filter { $0.topic == "history" }.allSatisfy { !$0.isRetained })
  }

  @Test func aReadingIsDatedByTheClockOfItsOwnBoot() throws {
    let world = try World.online(Self.kept)
    world.forget()
    let moved = world.moment.wall
    outage(world, rounds: 1...8)
    world.restart(boot: UInt8(ascii: "b"))
    // The new boot has no clock at all.
    world.quality = .none
    world.network.answer = .accepts
    world.run(.seconds(20))
    let first = try #require(events(world).first)
    let expected = ShortText { $0.append(timestamp: moved) }.withBytes { text($0) }
    #expect(first.t == expected && first.tq == "synced")
  }

  @Test func nothingIsWrittenWhileTheLinkIsHealthyOrAwayForAMoment() throws {
    let world = try World.online(Self.kept)
    let written = world.flash.writes
    for round in 1...30 {
      world.hold("door", Double(round % 2))
      world.run(.seconds(60))
      if round % 10 == 0 { world.cut() }
    }
    #expect(world.flash.writes == written)
  }

  @Test func whatIsDrainedIsNotedOnceAndThenNothingIsWritten() throws {
    let world = try World.online(Self.kept)
    outage(world, rounds: 1...12)
    world.network.answer = .accepts
    world.run(.seconds(60))
    #expect(world.unacknowledged == 0)
    let (writes, bytes) = (world.flash.writes, world.flash.bytesWritten)
    world.run(.seconds(3_600))
    #expect(world.flash.writes == writes && bytes < 20_000)
    world.forget()
    world.restart(boot: UInt8(ascii: "b"))
    world.run(.seconds(20))
    #expect(events(world).isEmpty, "nothing comes twice")
  }

  @Test func nothingIsMissingAndOrderHoldsWhereTheAgentLivesThroughTheOutage() throws {
    let world = try World.online(Self.kept)
    world.forget()
    outage(world, rounds: 1...40)
    world.network.answer = .accepts
    world.run(.seconds(60))
    #expect(events(world).map(\.seq) == Array(1...40))
    #expect(events(world).allSatisfy { $0.run == nil })
  }

  @Test func anOrderlyStopKeepsWhatTheBrokerHasNotGot() throws {
    let world = try World.online(Self.kept)
    world.forget()
    world.network.answer = .refuses
    world.cut()
    for round in 1...3 { world.hold("door", Double(round % 2)) }
    world.stop()
    world.run(.seconds(30))
    #expect(world.isStopped)
    world.restart()
    world.network.answer = .accepts
    world.run(.seconds(20))
    #expect(events(world).map(\.seq) == [1, 2, 3])
    #expect(events(world).allSatisfy { $0.run == 1 })
  }

  @Test func anOrderlyStopKeepsWhatIsUnderWayOverALinkThatIsDead() throws {
    let world = try World.online(Self.kept)
    world.forget()
    world.network.answer = .refuses
    world.network.die()
    for round in 1...3 { world.hold("door", Double(round % 2)) }
    world.stop()
    #expect(world.run(atMost: .seconds(60)) { $0.isStopped })
    world.restart()
    world.network.answer = .accepts
    world.run(.seconds(20))
    #expect(events(world).map(\.seq) == [1, 2, 3])
    #expect(events(world).allSatisfy { $0.run == 1 })
  }

  /// The broker was to keep the session, and has lost it.
  @Test(arguments: [false, true])
  func whatWasUnderWayAtTheLossGoesToTheJournalWithTheRest(isCut: Bool) throws {
    let world = try World.online(
      profile(
        broker: #""keepAlive": "20s", "session": "persistent""#,
        uplink: #""backoff": {"max": "5s"}"#, journal: #""size": "64KiB", "after": "30s""#))
    world.forget()
    world.network.answer = .refuses
    world.network.die()
    for round in 1...3 { world.hold("door", Double(round % 2)) }
    #expect(world.run(atMost: .seconds(60)) { !$0.isOnline })
    outage(world, rounds: 4...12)
    if isCut { world.restart(boot: UInt8(ascii: "b")) }
    world.broker = MessageBroker(isObserved: true)
    world.network.answer = .accepts
    world.run(.seconds(20))
    let found = events(world)
    #expect(found.count >= 9 && found.map(\.seq) == Array(1...found.count))
  }

  @Test func aMediumThatFailsIsNoLossWhileTheAgentLives() throws {
    for fault in [StorageFault.full, .readOnly, .failed(code: 5)] {
      let world = try World.online(Self.kept)
      world.forget()
      world.flash.fault = fault
      outage(world, rounds: 1...20)
      world.network.answer = .accepts
      world.run(.seconds(60))
      #expect(events(world).map(\.seq) == Array(1...20), "\(fault)")
    }
  }

  /// So little that no pack of two fits, in the last case.
  @Test(arguments: [1_024, 512, 300], [false, true])
  func whatWaitsGoesInPacksThatTheBrokerTakes(bytes: Int, isShort: Bool) throws {
    var limits = BrokerLimits()
    limits.packetBytesMax = bytes
    let world = try World(
      profile(
        Point.door + "," + Point.cpu, device: #""diagnostics": "0s""#,
        broker: #""keepAlive": "20s", "version": "5.0""#, uplink: #""backoff": {"max": "5s"}"#,
        journal: #""size": "64KiB", "after": "30s""#), limits: limits)
    world.run(.seconds(4))
    try #require(world.isOnline)
    world.forget()
    outage(world, rounds: 1...(isShort ? 2 : 9))
    world.network.answer = .accepts
    world.run(.seconds(60))
    #expect(events(world).map(\.seq) == Array(1...(isShort ? 2 : 9)))
    #expect(world.agent.link.counters.unsendable == 0 && world.unacknowledged == 0)
  }

  @Test func aMediumThatFailsForATimeIsUsedAgain() throws {
    let world = try World.online(Self.kept)
    world.forget()
    world.flash.fault = .failed(code: 5)
    outage(world, rounds: 1...8)
    world.flash.fault = nil
    outage(world, rounds: 9...24)
    world.restart(boot: UInt8(ascii: "b"))
    world.network.answer = .accepts
    world.run(.seconds(20))
    let found = events(world)
    #expect(found.count >= 20 && found.map(\.seq) == Array(1...found.count))
  }

  private static var alwaysKept: String {
    profile(
      #""door": {"kind": "input", "line": "GPIO17", "event": true, "keep": {"durability": "always"}, "#
        + #""simulate": {"on": "0s", "off": "0s"}}"#, journal: #""size": "64KiB""#)
  }

  @Test func aMediumThatFailsWhileTheLinkIsThereIsTriedAgainToo() throws {
    let world = try World.online(Self.alwaysKept)
    world.flash.fault = .failed(code: 5)
    world.hold("door", 1)
    world.run(.seconds(30))
    world.flash.fault = nil
    world.run(.seconds(61))
    let written = world.flash.writes
    world.hold("door", 0)
    world.run(.seconds(5))
    #expect(world.flash.writes > written)
    #expect(world.heard.flatMap(\.readings).filter { $0.series == "event door" }.count == 2)
  }

  @Test func whatIsAlwaysKeptIsInTheJournalBeforeItIsSent() throws {
    let world = try World.online(Self.alwaysKept)
    world.forget()
    let before = world.flash.writes
    world.hold("door", 1)
    world.run(.seconds(5))
    #expect(world.flash.writes > before)
    let found = world.heard.filter { $0.topic == "event/door" }
    #expect(found.count == 1)
    // Once the broker has it, it does not come again.
    world.run(.seconds(60))
    world.restart(boot: UInt8(ascii: "b"))
    world.run(.seconds(30))
    #expect(!world.heard.flatMap(\.readings).contains { $0.run != nil })
    // And what it never got comes after a power cut, with nothing but the sync in between.
    world.network.answer = .refuses
    world.cut()
    world.hold("door", 1)
    world.run(.seconds(1))
    world.restart(boot: UInt8(ascii: "c"))
    world.network.answer = .accepts
    world.run(.seconds(30))
    let late = world.heard.filter { $0.topic == "history" }.flatMap(\.readings)
    #expect(late.contains { $0.series == "event door" && $0.v == .bool(true) && $0.run == 2 })
  }

  @Test func whatIsKeptInMemoryOnlyNeverTouchesFlash() throws {
    let world = try World.online(
      profile(
        #""cpu": {"kind": "sensor", "thermal": "cpu-thermal", "every": "1s", "#
          + #""keep": {"durability": "memory"}, "simulate": {"mean": 50, "amplitude": 10}}"#,
        journal: #""size": "64KiB", "after": "5s""#))
    let written = world.flash.writes
    world.beWithoutLink(.seconds(600))
    #expect(world.flash.writes == written)
  }

  @Test func aReadingThatHasWaitedTooLongIsNotSentAndCounted() throws {
    let world = try World.online(
      profile(
        #""cpu": {"kind": "sensor", "thermal": "cpu-thermal", "every": "1s", "#
          + #""keep": {"expire": "60s"}, "simulate": {"wave": "triangle", "mean": 50, "amplitude": 10}}"#,
        uplink: #""backoff": {"max": "2s"}"#, journal: #""size": "64KiB", "after": "5s""#))
    world.forget()
    world.beWithoutLink(.seconds(600))
    world.network.answer = .accepts
    world.run(.seconds(70))
    let late = world.heard.filter { $0.topic == "history" }.flatMap(\.readings)
    #expect(late.count > 50 && late.count < 66)
    let expired = try #require(world.lastDiagnostics).lost("expired")["cpu"]
    #expect((530...550).contains(expired ?? 0))
  }

  @Test func aStopKeepsWhatWaitsThoughTheMediumIsBusy() throws {
    let world = try World.online(
      profile(
        Point.cpu, uplink: #""backoff": {"max": "5s"}"#, journal: #""size": "64KiB", "after": "1h""#
      ))
    world.run(.seconds(2 * 3_600))
    world.beWithoutLink(.seconds(60))
    world.forget()
    // The time of day is noted at the end, too: two syncs that might come in each other's way.
    world.flash.holdsSyncs = true
    world.stop()
    world.run(.seconds(2))
    #expect(!world.isStopped)
    world.flash.holdsSyncs = false
    #expect(world.run(atMost: .seconds(10)) { $0.isStopped })
    world.restart()
    world.network.answer = .accepts
    world.run(.seconds(30))
    let late = world.heard.filter { $0.topic == "history" }.flatMap(\.readings).filter {
      $0.run == 1
    }
    #expect(late.count > 50)
  }

  @Test func aTimeServiceThatWasWrongOnceIsForgotten() throws {
    let world = try World.online(profile(journal: #""size": "64KiB""#))
    let nextYear = world.moment.wall.milliseconds + 365 * 86_400_000
    let tenYears: Int64 = 10 * 365 * 86_400_000
    world.wallAtBoot += tenYears
    world.restart(boot: UInt8(ascii: "b"))
    world.run(.seconds(30))
    #expect(try #require(world.timeFloor).milliseconds > nextYear)
    world.wallAtBoot -= tenYears
    world.restart(boot: UInt8(ascii: "c"))
    world.run(.seconds(30))
    #expect(try #require(world.timeFloor).milliseconds < nextYear)
  }
}
