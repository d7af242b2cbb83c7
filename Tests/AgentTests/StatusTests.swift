import Core
import Testing

/// That the last word on the status topic is the device's own while it lives.
@Suite struct StatusTests {
  private let lateWill = #"{"state":"lost","session":1,"boot":"-","reason":"connection-lost"}"#

  @Test func aLateWillIsCorrectedAtOnce() throws {
    let world = try World.online(profile())
    world.cut()
    world.run(.seconds(4))
    let birth = try #require(world.heard.last { $0.topic == "status" }?.payload)
    world.run(.seconds(30))
    world.forget()
    world.publish("status", lateWill, retain: true)
    #expect(world.payloads("status") == [lateWill, birth])
    #expect(world.retained("status") == birth)
    #expect(world.heard.allSatisfy { $0.at == world.now })
    world.run(.seconds(60))
    #expect(world.payloads("status").count == 2, "said once")
    #expect(world.lastDiagnostics?.reassertions == 1)
  }

  @Test func itIsCorrectedAtMostEachFiveSeconds() throws {
    let world = try World.online(profile())
    world.run(.seconds(30))
    world.forget()
    for _ in 0..<61 {
      world.publish("status", lateWill, retain: true)
      world.run(.milliseconds(500))
    }
    world.run(.seconds(5))
    let corrections = world.heard.filter { $0.client == "dev" && $0.topic == "status" }
    #expect(corrections.count == 7 || corrections.count == 8)
    for (earlier, later) in zip(corrections, corrections.dropFirst()) {
      #expect(later.at - earlier.at == .seconds(5))
    }
    #expect(world.retained("status")?.contains(#""state":"online""#) == true)
  }

  @Test func aStatusThatSomebodyCleared() throws {
    let world = try World.online(profile())
    world.publish("status", "", retain: true)
    #expect(world.retained("status")?.contains(#""state":"online""#) == true)
  }

  @Test func ourOwnWordIsNotAnswered() throws {
    let world = try World.online(profile())
    for _ in 0..<5 {
      world.cut()
      world.run(.seconds(100))
    }
    #expect(world.lastBirth?.session == 6)
    #expect(world.lives.filter { $0.hasPrefix("online") }.count == 6)
    world.run(.seconds(60))
    #expect(world.lastDiagnostics?.reassertions == 0)
  }

  @Test func aKeptSessionDoesNotLetTheOwnWillStand() throws {
    let world = try World.online(profile(broker: #""keepAlive": "20s", "session": "persistent""#))
    world.run(.seconds(20))
    world.cut()
    world.run(.seconds(10))
    #expect(world.retained("status")?.contains(#""state":"online","session":2"#) == true)
  }
}
