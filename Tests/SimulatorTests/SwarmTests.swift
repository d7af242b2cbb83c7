import Core
import Profile
import Scenarios
import Simulator
import Testing

/// Lives of a device in virtual time, under faults at random.
@Suite struct SwarmTests {
  /// A device with points of all kinds: readings that are durable before they are sent, readings that go to
  /// the journal while the link is down, events, and a counter.
  private func profile(
    journal: String = #""size": "256KiB", "after": "30s", "every": "60s""#,
    uplink: String = "", broker: String = #""keepAlive": "30s""#, air: String = "30s",
    budget: String = "{}", soil: String = "always"
  ) throws -> Configuration {
    let text = """
      {"device": {"id": "d"}, "broker": {"url": "mqtt://localhost", \(broker)},
       "budget": \(budget), "journal": {\(journal)}, "uplink": {\(uplink)},
       "points": {
         "door": {"kind": "input", "line": "GPIO17", "event": true,
           "simulate": {"on": "60s", "off": "300s", "random": 0.8}},
         "water": {"kind": "counter", "line": "GPIO24", "unit": "L",
           "report": {"min": "10s", "max": "10m"},
           "simulate": {"on": "1s", "off": "20s", "random": 1}},
         "pump": {"kind": "output", "line": "GPIO23"},
         "air": {"kind": "sensor", "w1": "28-00000a1b2c3d", "unit": "Cel", "every": "\(air)",
           "decimals": 2, "simulate": {"wave": "walk", "mean": 22, "amplitude": 1, "noise": 0.1}},
         "soil": {"kind": "sensor", "w1": "28-00000a1b2c3e", "unit": "Cel", "every": "60s",
           "decimals": 2, "keep": {"durability": "\(soil)"},
           "simulate": {"wave": "sine", "mean": 12, "amplitude": 5}}}}
      """
    let reading = ProfileReader.read(Array(text.utf8))
    return try #require(reading.configuration, "\(reading.problems.map(\.message))")
  }

  private func swarm(
    _ configuration: Configuration, _ seeds: Range<UInt64>, sabotage: Sabotage? = nil
  ) -> Swarm {
    Swarm(
      configuration: configuration, seeds: seeds, length: .seconds(21_600),
      faults: ChanceOfFaults(perDay: 240), links: [LinkConditions(), edge], sabotage: sabotage)
  }

  /// A mobile network where it ends.
  private var edge: LinkConditions {
    var link = LinkConditions()
    (link.latency, link.jitter) = (.milliseconds(60), .milliseconds(200))
    (link.upRate, link.downRate, link.lossPerMille) = (16_000, 32_000, 10)
    return link
  }

  private func expectKept(_ outcome: Swarm.Outcome, lives: Int) {
    #expect(
      outcome.failed == nil, "\(outcome.failed.map { "seed \($0.seed): \($0.violations)" } ?? "")")
    #expect(outcome.good == lives)
    #expect(
      outcome.counts.faults > 20 * lives && outcome.counts.losses > 3 * lives
        && outcome.counts.runs > lives)
  }

  @Test func lifeUnderFaultsKeepsEveryPromise() throws {
    expectKept(swarm(try profile(), 1..<7).run(), lives: 6)
  }

  @Test func lifeWithShortMemoryAndJournalKeepsEveryPromise() throws {
    let tight = try profile(
      journal: #""size": "64KiB", "after": "10s", "every": "30s""#, uplink: #""outbox": 4096"#,
      air: "5s")
    expectKept(swarm(tight, 1..<5).run(), lives: 4)
  }

  @Test func lifeWithSessionsThatTheBrokerKeepsKeepsEveryPromise() throws {
    let kept = try profile(
      uplink: #""outbox": 4096"#,
      broker: #""keepAlive": "30s", "session": "persistent", "version": "3.1.1""#)
    expectKept(swarm(kept, 1..<5).run(), lives: 4)
  }

  @Test func lifeInBatchesKeepsEveryPromise() throws {
    let batches = try profile(
      uplink: #""batch": {"every": "5m"}"#, broker: #""keepAlive": "5m", "probe": "10s""#)
    expectKept(swarm(batches, 1..<5).run(), lives: 4)
  }

  @Test func lifeOnFlashThatIsToBeSparedKeepsEveryPromise() throws {
    let thrifty = try profile(
      journal: #""size": "64KiB", "after": "10s", "every": "10s""#,
      budget: #"{"flashPerDay": "512KiB"}"#, soil: "spill")
    expectKept(swarm(thrifty, 1..<5).run(), lives: 4)
  }

  @Test func twoLivesOfOneSeedAreTheSame() throws {
    let swarm = swarm(try profile(), 1..<2)
    let (first, second) = (swarm.trial(of: 7, logs: true), swarm.trial(of: 7, logs: true))
    #expect(first.log == second.log && first.log.count > 1_000)
    #expect(first.digest == second.digest && first.digest != swarm.trial(of: 8).digest)
  }

  /// The net itself: what can't be made good has to be noticed.
  @Test(arguments: Sabotage.allCases)
  func sabotageIsFoundOut(sabotage: Sabotage) throws {
    #expect(swarm(try profile(), 1..<21, sabotage: sabotage).run().failed != nil)
  }
}
