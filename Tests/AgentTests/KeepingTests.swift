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

  @Test func aFullJournalDropsTheOldestAndSaysHowMany() throws {
    let world = try World.online(
      profile(
        Point.cpu, uplink: #""outbox": "4KiB", "backoff": {"max": "5s"}"#,
        journal: #""size": "32KiB", "after": "10s", "every": "10s""#))
    world.forget()
    world.network.answer = .refuses
    world.cut()
    world.run(.seconds(1_500))
    world.network.answer = .accepts
    world.run(.seconds(60))
    let readings = world.heard.filter { $0.topic == "history" }.flatMap(\.readings)
    let numbers = readings.map(\.seq)
    #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
    #expect(numbers.count > 200)
    #expect(world.dropped > 0 && numbers.count + world.dropped >= 1_450)
  }
}
