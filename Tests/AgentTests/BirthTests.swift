import Core
import TestSupport
import Testing

/// What the broker hears when an agent comes.
@Suite struct BirthTests {
  @Test func theBirthIsRetainedAndSaysWhoLives() throws {
    let text = profile()
    let world = try World.online(text)
    let birth = try #require(world.heard.first)
    #expect(birth.topic == "status" && birth.isRetained && birth.qos == 1 && !birth.isWill)
    #expect(world.retained("status") == birth.payload)
    let status = try #require(birth.status)
    #expect(status.state == "online" && status.reason == "started" && status.session == 1)
    #expect(status.boot == String(repeating: "a", count: 36) && status.version == "1.2")
    let hash = String(utf8(text).span.fnv1a, radix: 16)
    #expect(status.profile == String(repeating: "0", count: 16 - hash.count) + hash)
    #expect(status.since?.hasPrefix("2026-11-23T04:01:4") == true, "100 s after boot, and a bit")
    #expect(status.away == nil, "nobody knows of an earlier run")
  }

  @Test func eachConnectionIsASessionThatGoesOnFromTheLastRun() throws {
    let world = try World.online(profile())
    world.cut()
    world.run(.seconds(4))
    #expect(world.lastBirth?.session == 2 && world.lastBirth?.reason == "reconnected")
    world.restart(lastSession: 100)
    world.run(.seconds(4))
    #expect(world.lastBirth?.session == 101 && world.lastBirth?.reason == "started")
  }

  @Test func readingsFollowTheBirthAsDocumented() throws {
    let world = try World.online(profile())
    let topics = world.heard.map(\.topic)
    #expect(topics.first == "status")
    let others = ["history", "diag", "state/door", "state/air", "state/pump"]
    #expect(Set(topics.dropFirst()) == Set(others))
    #expect(world.heard.allSatisfy { $0.client == "dev" })
    for message in world.heard {
      #expect(message.qos == (message.topic == "diag" ? 0 : 1), "\(message.topic)")
      #expect(message.isRetained == (message.topic != "history"), "\(message.topic)")
    }
  }

  @Test func aReadingSaysValueUnitTimeQualityAndNumber() throws {
    let world = try World.online(profile())
    world.run(.seconds(10))
    world.forget()
    world.hold("air", 21.46)
    world.hold("door", 1)
    let t = #""t":"2026-11-23T04:01:54.000Z","tq":"synced","q":"good""#
    #expect(world.payloads("state/door") == [#"{"v":true,\#(t),"seq":3}"#])
    #expect(world.payloads("event/door") == [#"{"v":true,\#(t),"seq":1}"#])
    let air = #"{"v":21.5,"u":"Cel",\#(t),"seq":3}"#
    #expect(world.payloads("state/air") == [air])
    #expect(world.retained("state/air") == air)
    #expect(world.heard.filter { $0.isRetained }.map(\.topic) == ["state/air", "state/door"])
  }

  @Test func aPointThatFailsIsOfBadQualityAndTheOthersGoOn() throws {
    let world = try World.online(profile())
    world.run(.seconds(10))
    world.forget()
    world.fail("air", .timedOut)
    world.hold("door", 1)
    world.run(.seconds(5))
    let reading = try #require(world.heard.first { $0.topic == "state/air" }?.readings.first)
    #expect(reading.v == nil && reading.q == "bad" && reading.why == "timed-out")
    #expect(world.payloads("state/door").count == 1)
    world.fail("air", nil)
    world.run(.seconds(10))
    #expect(world.heard.last { $0.topic == "state/air" }?.readings.first?.v == .number(20))
  }

  @Test func theHealthReportIsRetainedAndRepeated() throws {
    let world = try World.online(profile())
    world.run(.seconds(180))
    let reports = world.heard.filter { $0.topic == "diag" }
    #expect(reports.count == 4)
    for (earlier, later) in zip(reports, reports.dropFirst()) {
      #expect(later.at - earlier.at == .seconds(60))
    }
    let last = try #require(world.lastDiagnostics)
    #expect(last.session == 1 && last.connections == 1 && last.attemptsFailed == 0)
    #expect(last.queue.unacknowledged == 0 && last.queue.capacity == 65_536)
    #expect(last.dropped.isEmpty && last.tq == "synced")
    #expect(world.retained("diag") == reports.last?.payload)
  }

  @Test func theWallClockMayBeSetLate() throws {
    let world = try World(profile())
    world.quality = .none
    world.wallAtBoot = 0
    world.run(.seconds(10))
    #expect(world.lastBirth?.state == "online" && world.lastBirth?.since == nil)
    let early = try #require(world.heard.last { $0.topic == "state/air" }?.readings.first)
    #expect(early.t == nil && early.tq == "none")
    #expect(world.lastDiagnostics?.tq == "none" && world.lastDiagnostics?.t == nil)

    // What is read without a clock and sent with one is dated back.
    world.network.answer = .refuses
    world.cut()
    world.hold("door", 1)
    world.run(.seconds(100))
    world.quality = .estimated
    world.wallAtBoot = 1_795_406_400_000
    world.network.answer = .accepts
    world.forget()
    world.run(.seconds(130))
    let late = world.heard.flatMap(\.readings).first { $0.series == "event door" }
    #expect(late?.t == "2026-11-23T04:01:50.000Z" && late?.tq == "estimated")
    #expect(world.lastBirth?.since?.hasPrefix("2026-11-23T04:") == true)
    world.quality = .synced
    world.forget()
    world.hold("door", 0)
    #expect(world.heard.first?.readings.first?.tq == "synced")
  }
}
