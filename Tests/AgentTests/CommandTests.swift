import Core
import Testing

/// Commands from the broker, and their answers there.
@Suite struct CommandTests {
  private let points = Point.door + "," + Point.pump + "," + Point.valve

  @Test func aCommandIsCarriedOutReadBackAndAnswered() throws {
    let world = try World.online(profile(points))
    world.forget()
    world.publish("cmd/pump", #"{"v":true,"id":"42"}"#)
    #expect(world.drives == [World.Switching(point: "pump", level: true, at: world.now)])
    #expect(world.results == ["42 pump done true"])
    let result = try #require(world.heard.first { $0.topic == "result" })
    #expect(result.qos == 1 && !result.isRetained && result.result?.tq == "synced")
    let state = try #require(world.heard.first { $0.topic == "state/pump" })
    #expect(state.isRetained && state.readings.first?.v == .bool(true))
    world.publish("cmd/pump", "OFF")
    #expect(world.results.last == "- pump done false")
    #expect(world.heard.last { $0.topic == "state/pump" }?.readings.first?.v == .bool(false))
  }

  @Test func whatTheLineReadsBackIsTheTruth() throws {
    let world = try World.online(profile(points))
    world.stuck[world.index("pump")] = .some(false)
    world.forget()
    world.publish("cmd/pump", #"{"v":true,"id":"1"}"#)
    #expect(world.results == ["1 pump failed false"])
    #expect(world.heard.last { $0.topic == "state/pump" }?.readings.first?.v == .bool(false))
    world.stuck[world.index("pump")] = .some(nil)
    world.publish("cmd/pump", #"{"v":true,"id":"2"}"#)
    #expect(world.results.last == "2 pump failed false")
    let state = try #require(world.heard.last { $0.topic == "state/pump" }?.readings.first)
    #expect(state.v == nil && state.q == "bad" && state.why == "unreadable")
  }

  /// Which is how a retained command is cleared.
  @Test func anEmptyMessageIsNoCommand() throws {
    let world = try World.online(profile(points))
    world.forget()
    world.publish("cmd/pump", "")
    #expect(world.drives.isEmpty && world.results.isEmpty)
  }

  @Test(arguments: [
    ("pump", "{", "malformed"),
    ("pump", "{\"for\":\"1s\"}", "malformed"),
    ("pump", "7", "bad-value"), ("pump", "\"open\"", "bad-value"), ("pump", "[]", "malformed"),
    ("fan", "true", "unknown-point"), ("door", "true", "not-an-output"),
    ("pump", #"{"v":true,"t":"2026-11-23T04:00:00Z","maxAge":"10s"}"#, "too-old"),
    ("pump", #"{"v":true,"t":"2026-11-23T05:00:00Z","maxAge":"10s"}"#, "age-unknown"),
  ])
  func aCommandIsRefusedAndToldWhy(point: String, payload: String, reason: String) throws {
    let world = try World.online(profile(points))
    world.forget()
    world.publish("cmd/\(point)", payload)
    #expect(world.drives.isEmpty)
    #expect(world.results == ["- \(point) refused \(reason)"])
  }

  @Test func aRetainedCommandIsRefusedAtEachConnection() throws {
    let world = try World(profile(points))
    world.publish("cmd/pump", #"{"v":true,"id":"old"}"#, retain: true)
    world.run(.seconds(5))
    #expect(world.results == ["old pump refused retained"])
    #expect(world.drives.allSatisfy { $0.point != "pump" || !$0.level })
    world.cut()
    world.run(.seconds(5))
    #expect(world.results.count == 2)
    #expect(world.drives.allSatisfy { $0.point != "pump" || !$0.level })
  }

  @Test func aCommandWhileTheLinkIsGoneIsNotDeliveredLater() throws {
    let world = try World.online(profile(points))
    world.cut()
    world.publish("cmd/pump", "on")
    world.forget()
    world.run(.seconds(10))
    #expect(world.isOnline && world.results.isEmpty && world.drives.isEmpty)
  }

  @Test func aKeptSessionDeliversLateAndOnlyWhatSaysItsAgeIsCarriedOut() throws {
    let world = try World.online(
      profile(points, broker: #""keepAlive": "20s", "session": "persistent""#))
    world.network.answer = .refuses
    world.cut()
    world.forget()
    world.publish("cmd/pump", #"{"v":true,"id":"1"}"#)
    world.publish("cmd/pump", #"{"v":true,"id":"2","t":"2026-11-23T04:01:44Z","maxAge":"1h"}"#)
    world.publish("cmd/valve", #"{"v":false,"id":"3","t":"2026-11-23T04:01:44Z","maxAge":"2s"}"#)
    world.run(.seconds(5))
    world.network.answer = .accepts
    world.run(.seconds(30))
    #expect(
      world.results == [
        "1 pump refused age-unknown", "2 pump done true", "3 valve refused too-old",
      ])
    #expect(world.drives.map(\.point) == ["pump"])
  }

  @Test func manyCommandsAreCarriedOutInTheirOrder() throws {
    let world = try World.online(profile(points))
    world.forget()
    let commands = (1...60).map { "\($0)" }
    world.network.latency = .milliseconds(50)
    for id in commands {
      world.publish("cmd/pump", "{\"v\":\(Int(id).map { $0 % 2 == 1 } ?? false),\"id\":\"\(id)\"}")
    }
    world.run(.seconds(10))
    #expect(world.heard.compactMap { $0.result?.id } == commands)
    #expect(world.results.allSatisfy { $0.contains("done") })
    #expect(world.drives.map(\.level) == (1...60).map { $0 % 2 == 1 })
  }

  @Test func answersThatWereUnderWayComeAgainAndAlone() throws {
    let world = try World.online(profile(points))
    world.network.latency = .milliseconds(400)
    world.forget()
    world.publish("cmd/pump", #"{"v":true,"id":"9"}"#)
    world.run(.milliseconds(500))
    world.cut()
    world.run(.seconds(10))
    #expect(!world.results.isEmpty && world.results.allSatisfy { $0 == "9 pump done true" })
    #expect(world.drives.map(\.level) == [true], "the command itself is carried out once")
  }
}
