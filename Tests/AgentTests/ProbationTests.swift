import Agent
import Broker
import Core
import Testing

/// A message for which the broker closes the connection, each time: 3.1.1 has no other way to refuse one.
@Suite struct ProbationTests {
  /// Numbers of the readings of `cpu` that were heard, and those that were heard twice.
  private func numbers(_ world: World) -> (all: Set<Int>, twice: Int) {
    let heard = world.heard.flatMap(\.readings).filter { $0.p == "cpu" }.compactMap(\.seq)
    return (Set(heard), heard.count - Set(heard).count)
  }

  private func world(
    _ session: String, journal: String? = nil, limits: BrokerLimits = BrokerLimits()
  ) throws -> World {
    let world = try World(
      profile(
        Point.cpu, device: #""diagnostics": "10s""#,
        broker: #""keepAlive": "20s", "version": "3.1.1", "session": "\#(session)""#,
        uplink: #""backoff": {"max": "2s"}"#, journal: journal),
      limits: limits)
    world.network.latency = .milliseconds(20)
    world.run(.seconds(20))
    try #require(world.isOnline)
    return world
  }

  private func expectAllBut(_ number: Int?, _ world: World) throws {
    let (all, twice) = numbers(world)
    let last = try #require(all.max())
    #expect(Set(1...last).subtracting(all) == (number.map { [$0] } ?? []))
    #expect(twice <= 64)
    let diagnostics = try #require(world.lastDiagnostics)
    #expect(diagnostics.unsendable == (number == nil ? 0 : 1))
    #expect(
      diagnostics.dropped == (number == nil ? [:] : ["cpu": 1]), "it is counted with its point, too"
    )
    let isTesting = world.agent.link.isTesting
    #expect(!isTesting)
  }

  @Test(arguments: ["clean", "persistent"])
  func liveReadingIsGivenUpAndAllOthersCome(session: String) throws {
    let world = try world(session)
    world.network.isPoison = { $0.contains(#""seq":40}"#) }
    world.run(.seconds(120))
    #expect(world.network.poisoned == 5)
    try expectAllBut(40, world)
    #expect(
      world.notices.contains {
        if case .unsendable(.closedFor, count: 1) = $0 { true } else { false }
      })
  }

  @Test(arguments: ["clean", "persistent"])
  func lateReadingIsGivenUpAndAllOthersCome(session: String) throws {
    let world = try world(session)
    world.network.isPoison = { $0.contains(#""seq":57}"#) }
    world.beWithoutLink(.seconds(90))
    world.network.answer = .accepts
    world.run(.seconds(120))
    #expect(world.network.poisoned == 5)
    try expectAllBut(57, world)
  }

  @Test(arguments: ["clean", "persistent"])
  func readingFromTheJournalIsGivenUpAndAllOthersCome(session: String) throws {
    let world = try world(session, journal: #""size": "64KiB""#)
    world.network.isPoison = { $0.contains(#""seq":157}"#) }
    world.beWithoutLink(.seconds(400))
    world.network.answer = .accepts
    world.run(.seconds(120))
    #expect(world.network.poisoned <= 6, "the one before may have been with others")
    try expectAllBut(157, world)
  }

  /// Two that lie side by side in the journal: the first is passed over while the second is tested.
  @Test func neighboursInTheJournalAreGivenUpEachAndCountedOnce() throws {
    let world = try world("clean", journal: #""size": "64KiB""#)
    world.network.isPoison = { $0.contains(/"seq":15[78]}/) }
    world.beWithoutLink(.seconds(400))
    world.network.answer = .accepts
    world.run(.seconds(200))
    let (all, _) = numbers(world)
    #expect(Set(1...400).subtracting(all) == [157, 158])
    let diagnostics = try #require(world.lastDiagnostics)
    #expect(diagnostics.unsendable == 2 && diagnostics.dropped == ["cpu": 2])
  }

  /// The journal begins with a note of the time, which is never sent.
  @Test func aNoteBeforeItDoesNotHideIt() throws {
    let world = try World(
      profile(
        Point.cpu, device: #""diagnostics": "10s""#,
        broker: #""keepAlive": "20s", "version": "3.1.1""#,
        uplink: #""backoff": {"max": "2s"}"#, journal: #""size": "64KiB""#))
    world.network.latency = .milliseconds(20)
    world.network.isPoison = { $0.contains(#""seq":1}"#) }
    world.network.answer = .refuses
    world.run(.seconds(200))
    world.network.answer = .accepts
    world.run(.seconds(120))
    #expect(world.network.poisoned <= 6)
    try expectAllBut(1, world)
  }

  @Test(arguments: ["clean", "persistent"])
  func severalAreFoundOneAfterTheOther(session: String) throws {
    let world = try world(session, journal: #""size": "64KiB""#)
    world.network.isPoison = { $0.contains(/"seq":\d*7}/) }
    world.beWithoutLink(.seconds(100))
    world.network.answer = .accepts
    world.run(.seconds(200))
    world.network.isPoison = { _ in false }
    world.run(.seconds(20))
    let missing = Set(20...320).subtracting(numbers(world).all)
    #expect(missing.count >= 10 && missing.allSatisfy { $0 % 10 == 7 })
  }

  @Test(arguments: ["clean", "persistent"])
  func packsThatTheBrokerFindsTooLongGetShorter(session: String) throws {
    var limits = BrokerLimits()
    limits.packetBytesMax = 1_500
    let world = try world(session, journal: #""size": "64KiB""#, limits: limits)
    world.beWithoutLink(.seconds(400))
    world.network.answer = .accepts
    world.forget()
    world.run(.seconds(120))
    #expect(world.attempts.count <= 10)
    #expect(
      world.payloads("history").contains { $0.utf8.count > 500 }, "but not to one reading each")
    let all = numbers(world).all
    #expect(Set(100...400).isSubset(of: all))
    try #require(world.lastDiagnostics?.unsendable == 0)
  }

  @Test func endsThatAreNotTheBrokersDoingCostNothing() throws {
    let world = try world("clean")
    for _ in 0..<8 {
      world.run(.milliseconds(1_010))
      world.network.die()
      #expect(world.run(atMost: .seconds(60)) { !$0.isOnline })
      #expect(world.run(atMost: .seconds(60)) { $0.isOnline })
    }
    world.run(.seconds(30))
    try expectAllBut(nil, world)
  }

  @Test func brokerThatClosesBeforeItHasAnsweredAnythingCostsNothing() throws {
    let world = try world("clean")
    for _ in 0..<20 {
      world.run(.seconds(3))
      world.network.isPoison = { $0.contains("MQTT") }
      world.cut()
      world.run(.seconds(5))
      world.network.isPoison = { _ in false }
    }
    world.run(.seconds(30))
    try expectAllBut(nil, world)
  }
}
