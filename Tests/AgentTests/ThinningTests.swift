import Core
import TestSupport
import Testing

/// Readings of a long outage, merged with their neighbours where the journal is too small for all.
@Suite struct ThinningTests {
  /// With so little room that an hour has to be thinned.
  private static let tight = profile(
    Point.cpu, uplink: #""outbox": "4KiB", "backoff": {"max": "5s"}"#,
    journal: #""size": "32KiB", "after": "10s", "every": "10s""#)

  /// Whatever the sensor said, alone or merged: without a hole, in order.
  private func expectWhole(
    _ world: World, _ point: String, from first: Int = 12, upTo made: Int
  ) {
    let readings = world.heard.filter { $0.topic == "history" }.flatMap(\.readings)
      .filter { $0.p == point }
    // The first few went out before the link was lost.
    var next = readings.first.map { $0.seq - ($0.n ?? 1) + 1 } ?? 0
    #expect(next < first)
    for reading in readings {
      next += reading.n ?? 1
      #expect(reading.seq == next - 1, "no hole before \(reading.seq)")
      guard next == reading.seq + 1 else { return }
    }
    #expect(next >= made)
    #expect(world.dropped == 0)
  }

  @Test func aFullJournalIsThinnedOverAllOfTheOutage() throws {
    let world = try World.online(Self.tight)
    world.forget()
    world.beWithoutLink(.seconds(20_000))
    world.network.answer = .accepts
    world.run(.seconds(130))
    expectWhole(world, "cpu", upTo: 19_990)
    let merged = world.heard.filter { $0.topic == "history" }.flatMap(\.readings).filter {
      $0.n != nil
    }
    // Never a cliff: each twentieth of the time has readings of its own, on a journal of 32 KiB.
    #expect(merged.count > 30)
    #expect((merged.compactMap(\.n).max() ?? 0) < 1_000)
    let thinned = try #require(world.lastDiagnostics).lost("thinned")["cpu"]
    #expect(thinned == merged.reduce(0) { $0 + ($1.n ?? 0) })
    for reading in merged {
      guard case .number(let low)? = reading.min, case .number(let high)? = reading.max,
        case .number(let mean)? = reading.v
      else {
        Issue.record("no bounds")
        return
      }
      #expect(low <= mean && mean <= high)
    }
  }

  @Test func aFullJournalIsThinnedAlsoAfterALossInTheMiddleOfADrain() throws {
    let world = try World.online(Self.tight)
    world.forget()
    world.beWithoutLink(.seconds(500))
    world.network.answer = .accepts
    world.network.latency = .seconds(1)
    #expect(world.run(atMost: .seconds(20)) { $0.isOnline })
    world.run(.milliseconds(3_500))
    try #require(world.isOnline && world.heard.contains { $0.topic == "history" })
    world.forget()
    world.beWithoutLink(.seconds(20_000))
    world.network.latency = .zero
    world.network.answer = .accepts
    world.run(.seconds(130))
    expectWhole(world, "cpu", from: 200, upTo: 20_490)
    // On a journal of 32 KiB, not in a memory of 4: there are some 40 of 550.
    let merged = world.heard.filter { $0.topic == "history" }.flatMap(\.readings).compactMap(\.n)
    #expect((merged.max() ?? 0) < 1_500)
  }

  @Test(arguments: 1...20 as ClosedRange<Int64>)
  func aPowerCutWhileTheJournalIsThinnedCostsNothingOfIt(seconds: Int64) throws {
    let world = try World.online(Self.tight)
    world.forget()
    world.beWithoutLink(.seconds(550 + 2 * seconds))
    world.restart(boot: UInt8(ascii: "b"))
    world.run(.seconds(700))
    world.restart(boot: UInt8(ascii: "c"))
    world.network.answer = .accepts
    world.run(.seconds(60))
    let readings = world.heard.filter { $0.topic == "history" }.flatMap(\.readings)
    for run in [1, 2] {
      let ofRun = readings.filter { $0.run == run }
      var next = ofRun.first.map { $0.seq - ($0.n ?? 1) + 1 } ?? 0
      #expect(run == 2 || next <= 12)
      for reading in ofRun {
        next += reading.n ?? 1
        #expect(reading.seq == next - 1, "run \(run): no hole before \(reading.seq)")
      }
      #expect(next > 500, "run \(run)")
    }
  }

  /// At moments of the time in which the journal is full for the first time, and then again.
  @Test(arguments: (0..<60 as Range<Int64>).map { 100 + 7 * $0 })
  func whatHasToBeDurableIsSoWhileRoomIsMade(seconds: Int64) throws {
    let fuel =
      #""fuel": {"kind": "sensor", "w1": "28-00000a1b2c3e", "every": "1s", "#
      + #""keep": {"durability": "always"}, "simulate": {"wave": "sine", "mean": 20, "amplitude": 5}}"#
    let world = try World.online(
      profile(
        Point.cpu + "," + fuel, uplink: #""outbox": "4KiB", "backoff": {"max": "5s"}"#,
        journal: #""size": "32KiB", "after": "10s", "every": "30s""#))
    world.beWithoutLink(.seconds(seconds))
    let made = Int(world.agent.points.stateCount(1))
    world.restart(boot: UInt8(ascii: "b"))
    world.network.answer = .accepts
    world.run(.seconds(60))
    let readings = world.heard.filter { $0.topic == "history" }.flatMap(\.readings)
    // The last ones may be on their way.
    #expect(readings.filter { $0.p == "fuel" && $0.run == 1 }.map(\.seq).max() ?? 0 >= made - 2)
  }

  @Test func theFlashBudgetHoldsAndCostsResolutionOnly() throws {
    let world = try World.online(
      profile(
        Point.cpu, uplink: #""outbox": "8KiB", "backoff": {"max": "5s"}"#,
        journal: #""size": "64KiB", "after": "10s", "every": "10s""#,
        budget: #""flashPerDay": "512KiB""#))
    world.forget()
    world.network.answer = .refuses
    world.cut()
    let before = world.flash.bytesWritten
    world.run(.seconds(86_400))
    #expect(world.flash.bytesWritten - before <= 512 * 1024)
    world.network.answer = .accepts
    world.run(.seconds(130))
    expectWhole(world, "cpu", upTo: 86_390)
  }
}
