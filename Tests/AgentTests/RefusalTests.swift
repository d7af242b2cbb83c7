import Agent
import Broker
import Core
import MQTT
import TestSupport
import Testing
import Uplink

/// What only a person can mend: said once and then seldom, counted, and not hammered at.
@Suite struct RefusalTests {
  private func refusals(_ world: World) -> Int {
    world.notices.count { if case .refused = $0 { true } else { false } }
  }

  private func contests(_ world: World) -> Int {
    world.notices.count { if case .contested = $0 { true } else { false } }
  }

  private func failures(_ world: World) -> Int {
    world.notices.count { if case .attemptFailed = $0 { true } else { false } }
  }

  @Test(arguments: ["3.1.1", "5.0"]) func aRefusalIsToldOnceAndThenEachHour(version: String) throws
  {
    let world = try World(profile(broker: #""version": "\#(version)""#))
    world.broker.rules.login = { _ in .badUserNameOrPassword }
    world.run(.seconds(30 * 60))
    #expect(refusals(world) == 1 && failures(world) == 0)
    #expect(world.attempts.count >= 15 && world.attempts.count <= 31, "each 60 to 120 s")
    world.run(.seconds(4 * 3_600))
    #expect(refusals(world) == 5)
    let attempts = world.attempts.count
    world.broker.rules.login = nil
    #expect(world.run(atMost: .seconds(121)) { $0.isOnline })
    #expect(world.run(atMost: .seconds(10)) { $0.lastDiagnostics != nil })
    #expect(world.lastDiagnostics?.refusals == attempts)
  }

  @Test func aRefusalAfterAnAcceptanceIsToldAnew() throws {
    let world = try World.online(profile())
    world.forget()
    world.broker.rules.login = { _ in .notAuthorized }
    world.cut()
    world.run(.seconds(300))
    #expect(refusals(world) == 1)
  }

  @Test func aBrokerThatIsOnlyBusyIsNoRefusal() throws {
    let world = try World(profile())
    world.broker = crowdedBroker()
    world.run(.seconds(600))
    #expect(refusals(world) == 0 && failures(world) == world.attempts.count)
  }

  /// The other comes back as soon as it is thrown out, and stays as long as we let it.
  @Test(arguments: ["3.1.1", "5.0"]) func twoOfOneNameDoNotStormTheBroker(version: String) throws {
    let world = try World.online(profile(broker: #""version": "\#(version)""#))
    world.forget()
    let bytes: [UInt8] = [0x10, 15, 0, 4] + utf8("MQTT") + [4, 2, 0, 0, 0, 3] + utf8("dev")
    let end = world.now + .seconds(3_600)
    while world.now < end {
      world.run(.seconds(1))
      guard world.isOnline else { continue }
      let other = world.broker.open(at: world.now)
      world.broker.receive(bytes.span, from: other, at: world.now)
      world.run(.seconds(1))
    }
    #expect(contests(world) == 1, "told once")
    #expect(world.attempts.count >= 25 && world.attempts.count <= 70, "each 60 to 120 s")
    #expect(refusals(world) == 0)
    // The other has gone.
    #expect(world.run(atMost: .seconds(121)) { $0.isOnline })
    world.run(.seconds(70))
    world.cut()
    #expect(world.run(atMost: .seconds(2)) { $0.isOnline }, "as if nothing had been")
  }
}
