import Agent
import Core
import Device
import Foundation
import TestSupport
import Testing

/// What the agent says to whoever asks it on its board.
@Suite struct AskedTests {
  /// Not as the agent reads JSON.
  private static func parsed(_ text: String) throws -> [String: Any] {
    let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
    return try #require(value as? [String: Any])
  }

  @Test func onlineItSaysWhereAndSinceWhen() throws {
    let world = try World.online(profile())
    world.run(.seconds(60))
    let status = try Self.parsed(world.status())
    #expect(status["id"] as? String == "dev")
    #expect(status["version"] as? String == "1.2")
    #expect(status["session"] as? Int == 1)
    #expect((status["agentUptime"] as? Double).map { 63...65 ~= $0 } == true)
    #expect(status["uptime"] as? Int == 164, "the board's, as the health report has it")
    let link = try #require(status["link"] as? [String: Any])
    #expect(link["state"] as? String == "online")
    #expect((link["seconds"] as? Double).map { 60...64 ~= $0 } == true)
    #expect(link["protocol"] as? String == "5.0")
    #expect(link["standing"] as? String == "ordinary")
    #expect(link["fault"] == nil && link["lastLoss"] == nil && link["nextAttempt"] == nil)
    let broker = try #require(link["broker"] as? [String: Any])
    #expect(broker["scheme"] as? String == "mqtt" && broker["tls"] as? Bool == false)
    #expect(broker["host"] as? String == "localhost" && broker["port"] as? Int == 1883)
    let memory = try #require(status["memory"] as? [String: Any])
    #expect(memory["planned"] as? Int == 1000 && memory["residentKiB"] as? Int == 7)
    #expect(status["journal"] == nil && status["flash"] == nil)
  }

  @Test func pointsHaveValueUnitQualityAndAge() throws {
    let world = try World.online(profile())
    world.hold("door", 1)
    world.run(.milliseconds(3_250))
    let points = try #require(try Self.parsed(world.status())["points"] as? [[String: Any]])
    #expect(points.map { $0["p"] as? String } == ["door", "air", "pump"])
    #expect(points.map { $0["kind"] as? String } == ["input", "sensor", "output"])
    #expect(points[0]["v"] as? Bool == true && points[0]["age"] as? Double == 3.25)
    #expect(points[0]["events"] as? Int == 1)
    #expect(points[1]["v"] as? Double == 20 && points[1]["u"] as? String == "Cel")
    #expect((points[1]["age"] as? Double).map { $0 <= 5 } == true, "read each 5 s")
    #expect(points[2]["v"] as? Bool == false && points[2]["events"] == nil)
    #expect(points.allSatisfy { $0["q"] as? String == "good" })
  }

  @Test func beforeAnythingIsReadPointsAreUnread() throws {
    let world = try World(profile())
    let points = try #require(try Self.parsed(world.status())["points"] as? [[String: Any]])
    #expect(points.allSatisfy { $0["v"] is NSNull && $0["why"] as? String == "unread" })
    let link = try #require(try Self.parsed(world.status())["link"] as? [String: Any])
    #expect(link["state"] as? String == "waiting" && link["fault"] == nil)
    #expect(link["lastLoss"] == nil && link["attempts"] as? Int == 0)
  }

  @Test func withoutALinkItSaysWhyForHowLongAndWhenItTriesAgain() throws {
    let world = try World.online(profile(uplink: #""backoff": {"max": "2s"}"#))
    world.beWithoutLink(.seconds(100))
    let link = try #require(try Self.parsed(world.status())["link"] as? [String: Any])
    #expect(link["state"] as? String == "waiting")
    #expect(link["seconds"] as? Double == 100)
    #expect(link["fault"] as? String == "connect-failed", "of the last attempt")
    #expect((link["attempts"] as? Int).map { $0 > 30 } == true)
    #expect((link["nextAttempt"] as? Double).map { $0 <= 2 } == true)
    let loss = try #require(link["lastLoss"] as? [String: Any])
    #expect(loss["reason"] as? String == "connection-failed" && loss["seconds"] as? Double == 100)

    world.network.answer = .accepts
    world.run(.seconds(10))
    let again = try #require(try Self.parsed(world.status())["link"] as? [String: Any])
    #expect(again["state"] as? String == "online" && again["fault"] == nil)
    #expect((again["lastLoss"] as? [String: Any])?["seconds"] as? Double == 110)
  }

  @Test func whatWaitsIsCountedByClass() throws {
    let world = try World.online(profile())
    world.beWithoutLink(.seconds(1))
    for round in 1...4 {
      world.hold("door", Double(round % 2))
      world.run(.seconds(1))
    }
    let status = try Self.parsed(world.status())
    let waiting = try #require(status["waiting"] as? [String: Int])
    // Each change is a state, which is of the class event by default, and an event.
    #expect(waiting["event"] == 8)
    #expect(waiting.values.reduce(0, +) == world.unacknowledged)
    #expect((status["queue"] as? [String: Int])?["unacknowledged"] == world.unacknowledged)
  }

  @Test func theJournalAndItsBudgetAreTold() throws {
    let world = try World.online(
      profile(
        Point.cpu, uplink: #""backoff": {"max": "2s"}"#,
        journal: #""size": "64KiB", "after": "1s""#,
        budget: #""flashPerDay": "1MiB""#))
    let empty = try #require(Self.parsed(world.status())["journal"] as? [String: Any])
    #expect((empty["used"] as? Int).map { $0 < 512 } == true, "nothing but a note of the time")
    world.beWithoutLink(.seconds(300))
    let status = try Self.parsed(world.status())
    let journal = try #require(status["journal"] as? [String: Any])
    #expect((journal["used"] as? Int).map { $0 > 0 } == true)
    #expect(journal["state"] as? String == "good")
    let flash = try #require(status["flash"] as? [String: Int])
    #expect(flash["perDay"] == 1_048_576)
    #expect((flash["used"]).map { $0 >= 4096 } == true)
  }

  /// Long names, characters that JSON escapes, losses of all points: nothing outgrows the room that the plan
  /// gives, and with less room what is left out is counted.
  @Test func itFitsTheRoomThatIsPlanned() throws {
    let points = (10..<60).map { number in
      let name = "p\(number)" + String(repeating: "x", count: 28)
      return #""\#(name)": {"kind": "input", "line": "GPIO\#(number)", "event": true, "#
        + #""keep": {"class": "telemetry"}, "simulate": {"on": "40ms", "off": "40ms"}}"#
    }
    let world = try World.online(
      profile(
        points.joined(separator: ","), uplink: #""backoff": {"max": "2s"}, "outbox": "8KiB""#))
    world.beWithoutLink(.seconds(120))
    let whole = world.status()
    let status = try Self.parsed(whole)
    #expect((status["losses"] as? [String: Any])?.count == 50)
    #expect((status["points"] as? [Any])?.count == 50)
    #expect(status["pointsMore"] == nil && status["lossesMore"] == nil)
    #expect(whole.utf8.count <= world.statusBytesMax)

    for room in [4096, 5000, 8192, 12_000] {
      let part = world.status(room: room)
      let status = try Self.parsed(part)
      let shown = (status["points"] as? [Any])?.count ?? 0
      #expect(shown + (status["pointsMore"] as? Int ?? 0) == 50)
      let losses = (status["losses"] as? [String: Any])?.count ?? 0
      #expect(losses + (status["lossesMore"] as? Int ?? 0) == 50)
      #expect(shown < 50)
      if room <= 5000 { #expect(losses < 50) }
    }
  }

  @Test func itTellsNoSecrets() throws {
    let world = try World(
      profile(
        broker:
          #""url": "ws://roberta@broker.example/mqtt?token=geheim", "passwordFile": "/etc/geheim""#)
    )
    let status = world.status()
    #expect(status.contains("broker.example") && status.contains("/mqtt"))
    #expect(!status.contains("geheim") && !status.contains("roberta"))
  }
}

extension World {
  /// What the agent says of itself, in `room` bytes, or in as many as the plan gives.
  func status(room: Int? = nil) -> String {
    let bytes = written(capacity: room ?? statusBytesMax) { out in
      agent.appendStatus(
        ProcessFacts(memoryPlanned: 1000, memoryResidentKiB: 7), at: moment, to: &out)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The room that the plan gives.
  var statusBytesMax: Int {
    let (points, texts) = (configuration.points, configuration.texts)
    return StatusSize.bytesMax(
      AgentSpecs(device: configuration.device, uplink: configuration.uplink), points: points.span,
      texts: texts.span)
  }
}
