import Agent
import Core
import TestSupport
import Testing

/// Requests for remote care: whose, when, how many, and how large they may be.
@Suite struct CareTests {
  @Test func withoutCareNobodyIsHeardAndNoMemoryIsTaken() throws {
    let world = try World.online(profile())
    world.forget()
    world.ask(#"{"n":1,"do":"status"}"#)
    #expect(world.care.verified == 0 && world.heard.count == 1, "the request itself")
    #expect(world.lastDiagnostics == nil)
    var with = Arena()
    var without = Arena()
    plan(try World(careful()), &with)
    plan(try World(profile(Point.door + "," + Point.air)), &without)
    let rows = (0..<with.rowCount).map { with.row($0) }.filter { "\($0.name)".contains("care") }
    #expect(rows.count == 1 && rows[0].bytes >= 16 << 10)
    #expect(!(0..<without.rowCount).contains { "\(without.row($0).name)".contains("care") })
  }

  private func plan(_ world: World, _ arena: inout Arena) {
    let configuration = world.configuration
    _ = DeviceAgent(
      AgentSpecs(
        device: configuration.device, uplink: configuration.uplink, care: configuration.care),
      points: configuration.points.span, texts: configuration.texts.span, boardDebounces: false,
      identity: Identity(
        version: "1", bootID: InlineArray(repeating: 48), lastSession: 0, seed: 1),
      medium: MemoryStorage(memory: MemoryBytes(0)), at: world.moment, arena: &arena)
  }

  @Test func theStateIsAnsweredAndSaidToAllAnew() throws {
    let world = try World.online(careful())
    world.forget()
    world.ask(#"{"n":1,"do":"status"}"#)
    world.run(.seconds(1))
    let answer = try #require(world.heard.first { $0.topic == "care/result" })
    #expect(answer.qos == 1 && !answer.isRetained)
    #expect(
      answer.payload.hasPrefix(#"{"n":1,"do":"status","result":"done","status":{"session":1,"#))
    #expect(world.payloads("diag").count == 1)
    #expect(Set(world.heard.map(\.topic)).isSuperset(of: ["state/door", "state/air"]))
    #expect(world.care.orders.isEmpty, "nothing is written for it")
  }

  @Test func aForgedRequestGetsNoAnswerAndIsCounted() throws {
    let world = try World.online(careful())
    world.forget()
    let good = CareRim.message(#"{"n":1,"do":"restart"}"#)
    world.publish("care", good.replacing(#""n":1"#, with: #""n":2"#))
    world.publish("care", CareRim.message(#"{"n":3,"do":"restart"}"#, to: "sandpiper/other"))
    #expect(world.care.verified == 2 && world.care.orders.isEmpty && !world.isStopped)
    #expect(world.careAnswers.isEmpty)
    #expect(world.careRefusals == ["wrong-signature"], "once a minute")
    world.run(.seconds(61))
    world.publish("care", good.replacing(#""n":1"#, with: #""n":4"#))
    #expect(world.careRefusals == ["wrong-signature", "wrong-signature"])
    world.run(.seconds(61))
    #expect(world.payloads("diag").last?.contains(#""careRefused":3"#) == true)
  }

  @Test(arguments: [
    "x", "{}", String(repeating: "A", count: 90), String(repeating: "A", count: 88) + "\n{}",
  ])
  func whatHasNotTheFormOfARequestIsNotEvenVerified(payload: String) throws {
    let world = try World.online(careful())
    world.forget()
    world.publish("care", payload)
    #expect(world.care.verified == 0 && world.careAnswers.isEmpty)
    #expect(world.careRefusals == ["malformed"])
  }

  @Test func aNumberCountsOnce() throws {
    var start = CareStart.withRecord
    start.number = 10
    let world = try World(careful(), care: start)
    world.run(.seconds(4))
    world.forget()
    for (number, answers) in [(9, 1), (10, 1), (11, 2), (11, 2), (10, 3)] {
      world.ask("{\"n\":\(number),\"do\":\"log\",\"level\":\"debug\"}")
      world.run(.seconds(2))
      #expect(world.careAnswers.count == answers, "\(number)")
    }
    let refused = #""do":"log","result":"refused","reason":"n-not-greater","last":"#
    #expect(
      world.careAnswers == [refused + "10}", #""do":"log","result":"done"}"#, refused + "11}"])
    #expect(world.care.orders.map(\.number) == [11])
  }

  @Test func aSecondRequestLeavesTheAnswerThatIsKeptToTheFirst() throws {
    var start = CareStart.withRecord
    start.number = 5
    start.answer = CareAnswer(5, .restart, .done)
    let world = try World(careful(), care: start)
    // No acknowledgement comes.
    world.network.altering = { packet in packet[0] == 0x40 ? [] : packet }
    world.run(.seconds(4))
    world.ask(#"{"n":6,"do":"log","level":"debug"}"#)
    world.run(.seconds(2))
    #expect(world.care.forgotten.isEmpty)
    world.network.altering = { $0 }
    world.forget()
    world.cut()
    world.run(.seconds(30))
    #expect(
      world.careAnswers == [
        #""do":"restart","result":"done"}"#, #""do":"log","result":"done"}"#,
      ])
    #expect(world.care.forgotten == [5])
  }

  @Test func aRetainedRequestIsRefused() throws {
    let world = try World(careful())
    world.publish("care", CareRim.message(#"{"n":1,"do":"restart"}"#), retain: true)
    world.run(.seconds(5))
    #expect(world.careRefusals == ["retained"] && world.care.verified == 0)
    #expect(world.careAnswers.isEmpty && !world.isStopped)
    world.forget()
    world.publish("care", "", retain: true)
    #expect(world.careRefusals.isEmpty, "which is how it is cleared")
  }

  @Test func whatTheProfileDoesNotAllowIsRefusedAndItsNumberSpent() throws {
    let world = try World.online(careful(#""status""#))
    world.forget()
    world.ask(#"{"n":1,"do":"restart"}"#)
    #expect(world.careAnswers == [#""do":"restart","result":"refused","reason":"not-allowed"}"#])
    #expect(world.care.orders.map(\.number) == [1] && world.care.orders[0].task == nil)
    #expect(world.isOnline)
  }

  @Test func aRequestCanExpire() throws {
    let world = try World.online(careful())
    world.forget()
    world.ask(#"{"n":1,"do":"log","level":"debug","expires":"2026-11-23T04:01:00Z"}"#)
    world.ask(#"{"n":2,"do":"log","level":"debug","expires":"2026-11-23T05:01:00Z"}"#)
    world.quality = .none
    world.ask(#"{"n":3,"do":"log","level":"debug","expires":"2026-11-23T05:01:00Z"}"#)
    #expect(
      world.careAnswers == [
        #""do":"log","result":"refused","reason":"expired"}"#, #""do":"log","result":"done"}"#,
        #""do":"log","result":"refused","reason":"age-unknown"}"#,
      ])
    #expect(world.care.orders.map(\.task) == [nil, .log, nil])
  }

  /// A new board in the place of an old one: what was signed for that one is good for it, too.
  @Test func withoutARecordARequestHasToExpire() throws {
    let world = try World(careful(), care: CareStart())
    world.run(.seconds(4))
    world.forget()
    let log = #""do":"log","level":"debug""#
    world.ask("{\"n\":5,\(log)}")
    world.ask("{\"n\":6,\(log),\"expires\":\"2026-11-23T04:00:00Z\"}")
    world.ask("{\"n\":7,\(log)}")
    world.run(.seconds(5))
    world.ask(#"{"n":8,"do":"status"}"#)
    world.run(.seconds(5))
    #expect(world.care.orders.isEmpty, "nothing begins a record that is refused")
    world.ask("{\"n\":9,\(log),\"expires\":\"2026-11-23T05:00:00Z\"}")
    world.ask("{\"n\":10,\(log)}")
    world.run(.seconds(5))
    #expect(
      world.careAnswers == [
        #""do":"log","result":"refused","reason":"expires-required"}"#,
        #""do":"log","result":"refused","reason":"expired"}"#,
        #""do":"log","result":"refused","reason":"expires-required"}"#,
        #""do":"status","result":"done"}"#,
        #""do":"log","result":"done"}"#, #""do":"log","result":"done"}"#,
      ])
    #expect(world.care.orders.map(\.number) == [9, 10])
  }

  @Test func aFloodIsDroppedAtTheCostOfOneVerificationASecond() throws {
    let world = try World.online(careful())
    world.run(.seconds(5))
    world.forget()
    for number in 1...50 { world.ask("{\"n\":\(number),\"do\":\"status\"}") }
    #expect(world.care.verified == 3)
    for _ in 1...100 {
      world.run(.milliseconds(100))
      world.publish("care", CareRim.message(#"{"n":1,"do":"status"}"#))
    }
    #expect((12...14).contains(world.care.verified), "\(world.care.verified)")
    #expect(world.careRefusals == ["too-many"])
  }

  @Test func theLogGoesBackByItself() throws {
    let world = try World.online(careful())
    world.forget()
    world.ask(#"{"n":1,"do":"log","level":"debug","for":"10m"}"#)
    #expect(world.careAnswers == [#""do":"log","result":"done"}"#])
    #expect(world.care.levels == [.debug])
    world.run(.seconds(599))
    #expect(world.care.levels == [.debug])
    world.run(.seconds(2))
    #expect(world.care.levels == [.debug, nil])
    world.ask(#"{"n":2,"do":"log","level":"error"}"#)
    world.run(.seconds(3_599))
    #expect(world.care.levels == [.debug, nil, .error])
    world.run(.seconds(2))
    #expect(world.care.levels == [.debug, nil, .error, nil])
  }

  @Test func aRequestLargerThanAPacketIsTakenInPieces() throws {
    let world = try World.online(careful())
    world.forget()
    world.network.latency = .milliseconds(3)
    let text = "\n {\"x\": \"" + String(repeating: "y", count: 16_000) + "\"}"
    world.care.outcome = .profileRefused(CareReason("no"))
    world.ask("{\"n\":1,\"do\":\"profile\",\"profile\":\(text)}")
    world.run(.seconds(5))
    #expect(world.care.profiles == [text], "white space and all: lines are counted in it")
    #expect(world.careAnswers == [#""do":"profile","result":"refused","reason":"no"}"#])
    #expect(!world.notices.contains { if case .messageTooLarge = $0 { true } else { false } })
  }

  @Test func oneThatIsTooLongIsPassedOver() throws {
    let world = try World.online(careful(more: #", "maxProfile": "4KiB""#))
    world.forget()
    let text = String(repeating: " ", count: 4_400)
    world.ask("{\"n\":1,\"do\":\"profile\",\"profile\":{}\(text)}")
    world.run(.seconds(2))
    #expect(world.careRefusals == ["too-long"] && world.care.verified == 0)
    world.ask(#"{"n":2,"do":"status"}"#)
    world.run(.seconds(1))
    #expect(world.careAnswers == [#""do":"status","result":"done"}"#], "the session goes on")
    world.publish("status", String(repeating: "z", count: 5_000))
    world.run(.seconds(10))
    #expect(world.lives.last == "online started", "another's large word is answered as ever")
  }

  @Test func aLargeRequestThatTheLinkCutsIsForgotten() throws {
    let world = try World.online(careful())
    world.forget()
    // A PUBLISH of 5.0 at QoS 1 that says 9,000 bytes, and of these the first 1,000.
    let topic = utf8("sandpiper/dev/care")
    let body = [0, UInt8(topic.count)] + topic + [0, 9, 0] + [UInt8](repeating: 65, count: 1_000)
    let rest = 2 + topic.count + 3 + 9_000
    let packet = [0x32, UInt8(rest & 127) | 128, UInt8(rest >> 7)] + body
    world.agent.receive(at: world.now) { out in out.append(contentsOf: packet.span) }
    world.turn()
    world.agent.receive(at: world.now) { out in
      for _ in 0..<1_000 { out.append(65) }
    }
    world.turn()
    world.cut()
    world.run(.seconds(10))
    #expect(world.isOnline && world.care.verified == 0 && world.careRefusals.isEmpty)
    world.ask(#"{"n":2,"do":"status"}"#)
    world.run(.seconds(2))
    #expect(world.careAnswers == [#""do":"status","result":"done"}"#])
  }
}
