import Agent
import Core
import Testing
import Uplink

/// An agent with two brokers: where it turns, what it says on the way, and that nothing is lost by it.
@Suite struct BrokersTests {
  private func twoBrokers(_ points: String, more: String = "") -> String {
    profile(
      points, broker: #""keepAlive": "20s", "urls": ["mqtt://a", "mqtt://b"]\#(more)"#,
      uplink: #""backoff": {"stableAfter": "30s"}"#)
  }

  private func brokersTold(_ world: World) -> [Int] {
    world.notices.compactMap { if case .broker(let index) = $0 { index } else { nil } }
  }

  @Test func aBrokerThatIsNotThereIsPassedOver() throws {
    let world = try World(twoBrokers(Point.door))
    world.doors[0] = .refuses
    world.run(.seconds(3))
    #expect(world.isOnline && world.attempted == [0, 1])
    #expect(brokersTold(world) == [1], "the first goes without saying")
    world.run(.seconds(1))
    #expect(world.lastDiagnostics?.broker == 1)
  }

  @Test func theLinkGoesBackToTheFirstAndNothingIsLostOrSentTwice() throws {
    let world = try World(twoBrokers(Point.cpu, more: #", "returnAfter": "2m""#))
    world.network.latency = .milliseconds(200)
    world.doors[0] = .refuses
    world.run(.seconds(60))
    #expect(world.isOnline && world.agent.link.broker == 1)
    world.doors[0] = nil
    world.forget()
    world.run(.seconds(120))
    #expect(world.isOnline && world.attempted == [0])
    #expect(world.lives == ["offline returning", "online reconnected"])
    #expect(world.lastBirth?.away?.reason == "returned")
    #expect((world.lastBirth?.away?.seconds ?? 99) < 1)
    #expect(world.partings == [.byClient], "no will")
    world.run(.seconds(5))
    let sequence = world.heard.flatMap(\.readings).filter { $0.series == "state cpu" }.map(\.seq)
    #expect(Set(sequence).count == sequence.count)
    let sorted = sequence.sorted()
    #expect(sorted.count > 120 && sorted.last! - sorted.first! == sorted.count - 1)
    world.run(.seconds(600))
    #expect(world.attempted == [0], "it stays there")
  }

  @Test func aFirstBrokerThatStaysAwayIsLookedForLessAndLess() throws {
    let world = try World(twoBrokers(Point.door, more: #", "returnAfter": "1m""#))
    world.doors[0] = .refuses
    world.run(.seconds(3_600))
    let returns = world.attempted.count { $0 == 0 } - 1
    #expect(returns >= 4 && returns <= 6, "after 1, 2, 4, 8, 16 minutes: \(returns)")
    #expect(world.isOnline && world.agent.link.broker == 1)
  }

  @Test func aStopInTheMiddleOfAReturnEndsInOrder() throws {
    let world = try World(twoBrokers(Point.door, more: #", "returnAfter": "1m""#))
    world.doors[0] = .refuses
    world.run(.seconds(10))
    world.network.latency = .milliseconds(500)
    #expect(world.run(atMost: .seconds(60)) { $0.lives.last == "offline returning" })
    world.stop()
    #expect(world.run(atMost: .seconds(10)) { $0.isStopped })
    #expect(world.lives.last == "offline stopped" && world.partings.last == .byClient)
  }

  @Test func aBrokersWordOfAnotherServerIsFollowedAndTold() throws {
    let world = try World(profile(Point.door))
    world.broker.rules.serverReference = Array("b.example".utf8)
    world.broker.rules.login = { _ in .serverMoved }
    #expect(world.run(atMost: .seconds(3)) { $0.attempts.count == 1 })
    world.broker.rules.login = nil
    #expect(world.run(atMost: .seconds(2)) { $0.isOnline })
    #expect(world.agent.link.reference != nil)
    #expect(world.notices.count { if case .sentOn = $0 { true } else { false } } == 1)
  }

  @Test func eachBrokerThatRefusesIsTold() throws {
    let world = try World(twoBrokers(Point.door))
    world.broker.rules.login = { _ in .badUserNameOrPassword }
    world.run(.seconds(30 * 60))
    #expect(brokersTold(world) == [1])
    #expect(world.notices.count { if case .refused = $0 { true } else { false } } == 2)
  }
}
