import Core
import Device
import Testing

/// Everything at once, by chance: links that break, wills that come late, commands, faults, stops and
/// new runs. Then calm, after which the broker has to know the truth.
@Suite struct StormTests {
  private let points =
    Point.door + "," + Point.air + "," + Point.cpu + "," + Point.pump + "," + Point.valve

  @Test(arguments: 1...15 as ClosedRange<UInt64>, [false, true])
  func theBrokerKnowsTheTruthInTheEnd(seed: UInt64, isPersistent: Bool) throws {
    let session = isPersistent ? "persistent" : "clean"
    let world = try World(
      profile(
        points, device: #""diagnostics": "7s""#,
        broker: #""keepAlive": "10s", "session": "\#(session)""#,
        uplink: #""backoff": {"max": "8s"}, "inflight": 2, "outbox": 2048"#), seed: seed)
    var chance = Generator(seed: seed)
    var runs = 1
    for _ in 0..<400 { step(world, &chance, &runs) }
    calm(world)

    let status = try #require(world.retained("status"))
    #expect(status == world.heard.last { $0.client == "dev" && $0.topic == "status" }?.payload)
    let birth = try #require(world.lastBirth)
    #expect(status.contains(#"{"state":"online","session":\#(birth.session),"#))
    #expect(UInt64(birth.session) == world.agent.session)
    for (name, value) in [("door", Value.bool(true)), ("air", .number(21))] {
      let reading = try #require(world.heard.last { $0.topic == "state/\(name)" }?.readings.first)
      #expect(reading.v == value && reading.q == "good")
    }
    for name in ["pump", "valve"] {
      let level = world.drives.last { $0.point == name }?.level
      let reading = try #require(world.heard.last { $0.topic == "state/\(name)" }?.readings.first)
      #expect(reading.v == level.map(Value.bool), "\(name)")
    }
    // Enough has happened to say so.
    #expect(runs > 2 && world.drives.count > 10 && world.results.count > 2)

    world.stop()
    #expect(world.run(atMost: .seconds(5)) { $0.isStopped })
    #expect(world.retained("status")?.contains(#""state":"offline""#) == true)
  }

  private func step(_ world: World, _ chance: inout Generator, _ runs: inout Int) {
    switch chance.next(below: 24) {
    case 0, 1: world.cut()
    case 2: world.network.die()
    case 3: world.network.answer = .refuses
    case 4: world.network.answer = .isSilent
    case 5, 6, 7, 8: world.network.answer = .accepts
    case 9: world.network.latency = .milliseconds(Int64(chance.next(below: 1_000)))
    case 10: world.network.chunkBytesMax = 1 + Int(chance.next(below: 300))
    case 11: world.publish("status", #"{"state":"lost","session":1}"#, retain: true)
    case 12: world.publish("diag", "", retain: true)
    case 13, 14: world.publish("cmd/pump", command(&chance))
    case 15, 16: world.publish("cmd/valve", command(&chance))
    case 17: world.fail("air", chance.next(below: 2) == 0 ? .timedOut : nil)
    case 18: world.fail("door", chance.next(below: 2) == 0 ? .missing : nil)
    case 19: world.quality = chance.next(below: 3) == 0 ? .none : .synced
    case 20: if chance.next(below: 3) == 0 { world.stop(.reload) }
    case 21: if chance.next(below: 3) == 0 { world.stop() }
    case 22 where world.isStopped || chance.next(below: 8) == 0:
      runs += 1
      world.restart(lastSession: world.agent.session, seed: chance.next())
    default:
      for _ in 0..<chance.next(below: 30) { world.hold("door", Double(chance.next(below: 2))) }
    }
    world.run(chance.interval(below: .seconds(6)))
  }

  private func command(_ chance: inout Generator) -> String {
    let value = chance.next(below: 2) == 0
    switch chance.next(below: 4) {
    case 0: return "{\"v\":\(value),\"for\":\"3s\",\"id\":\"x\"}"
    case 1: return "{\"v\":\(value),\"t\":\"2026-11-23T04:10:00Z\",\"maxAge\":\"1h\"}"
    case 2: return "{\"v\":"
    default: return "\(value)"
    }
  }

  private func calm(_ world: World) {
    world.network.answer = .accepts
    world.network.latency = .zero
    world.network.chunkBytesMax = 1 << 20
    world.quality = .synced
    if world.agent.stopReason != nil {
      world.run(.seconds(60))
      #expect(world.isStopped)
      world.restart(lastSession: world.agent.session, seed: 99)
    }
    world.fail("air", nil)
    world.fail("door", nil)
    world.hold("air", 21)
    world.hold("door", 1)
    world.run(.seconds(60))
    #expect(world.isOnline && world.unacknowledged == 0)
  }
}
