import Core
import Testing

/// That nothing of what a device reads is lost, whatever the link does, as long as there is room;
/// and that what there is no room for is counted.
@Suite struct DeliveryTests {
  private let points = Point.door + "," + Point.air + "," + Point.cpu + "," + Point.pump

  /// What arrived, by series: the numbers in the order of arrival, repetitions included.
  private func arrived(
    _ world: World, where isWanted: (Heard) -> Bool = { _ in true }
  ) -> [String: [Int]] {
    var numbers: [String: [Int]] = [:]
    for message in world.heard where message.client == "dev" && isWanted(message) {
      for reading in message.readings { numbers[reading.series, default: []].append(reading.seq) }
    }
    return numbers
  }

  private func firsts(_ numbers: [Int]) -> [Int] {
    var seen: Set<Int> = []
    return numbers.filter { seen.insert($0).inserted }
  }

  /// The door switches and links break in every way, by chance; then there is calm. Returns how
  /// often the door has switched.
  private func storm(_ world: World, seed: UInt64) -> Int {
    var chance = Generator(seed: seed)
    var level = 0.0
    var changes = 0
    for _ in 0..<250 {
      world.network.latency = .milliseconds(Int64(chance.next(below: 300)))
      world.network.chunkBytesMax = 1 + Int(chance.next(below: 900))
      switch chance.next(below: 20) {
      case 0, 1, 2: world.cut()
      case 3: world.network.die()
      case 4: world.network.answer = .refuses
      case 5: world.network.answer = .isSilent
      case 6...12: world.network.answer = .accepts
      default: break
      }
      for _ in 0..<chance.next(below: 4) {
        level = 1 - level
        world.hold("door", level)
        changes += 1
        world.run(chance.interval(below: .milliseconds(500)))
      }
      world.run(chance.interval(below: .seconds(5)))
    }
    world.network.answer = .accepts
    world.network.latency = .zero
    world.network.chunkBytesMax = 1 << 20
    #expect(world.run(atMost: .seconds(120)) { $0.isOnline && $0.unacknowledged == 0 })
    return changes
  }

  @Test(arguments: 1...12 as ClosedRange<UInt64>, [false, true])
  func everyReadingArrives(seed: UInt64, isPersistent: Bool) throws {
    let session = isPersistent ? "persistent" : "clean"
    let world = try World(
      profile(
        points, broker: #""keepAlive": "10s", "session": "\#(session)""#,
        uplink: #""backoff": {"max": "8s"}, "inflight": 3, "outbox": 65536"#), seed: seed)
    let changes = storm(world, seed: seed)
    let all = arrived(world)
    #expect(Set(all.keys).isSuperset(of: ["event door", "state door", "state cpu", "state air"]))
    for (series, numbers) in all {
      #expect(Set(numbers) == Set(1...(numbers.max() ?? 0)), "\(series)")
    }
    #expect(all["event door"]?.max() == changes && changes > 200)
    // Enough has happened to say so.
    let sessions = world.heard.filter { $0.status?.state == "online" }.count
    #expect(sessions > 8 && (all["state cpu"]?.max() ?? 0) > 400)
    // A session that the broker keeps repeats packets, live ones among late ones.
    guard !isPersistent else { return }
    for isHistory in [false, true] {
      for (series, numbers) in arrived(world, where: { ($0.topic == "history") == isHistory }) {
        let firsts = firsts(numbers)
        #expect(firsts == firsts.sorted(), "\(series), history \(isHistory)")
      }
    }
    #expect(world.lastDiagnostics?.dropped.isEmpty == true)
  }

  @Test func aRepetitionSaysWhatWasSaidBefore() throws {
    let world = try World(
      profile(points, uplink: #""backoff": {"max": "8s"}, "inflight": 3"#), seed: 7)
    _ = storm(world, seed: 7)
    var values: [String: Value?] = [:]
    var repetitions = 0
    for reading in world.heard.flatMap(\.readings) {
      let name = "\(reading.series) \(reading.seq)"
      if let before = values[name] {
        #expect(before == reading.v, "\(name)")
        repetitions += 1
      }
      values[name] = .some(reading.v)
    }
    #expect(repetitions > 0)
  }

  @Test(arguments: 1...5 as ClosedRange<UInt64>)
  func whatDoesNotFitIsCountedExactly(seed: UInt64) throws {
    let world = try World(
      profile(points, uplink: #""backoff": {"max": "8s"}, "outbox": 4096"#), seed: seed)
    world.run(.seconds(60))
    try #require(world.isOnline && world.unacknowledged == 0)
    world.network.answer = .refuses
    world.cut()
    for round in 1...300 {
      world.hold("door", Double(round % 2))
      world.run(.seconds(4))
    }
    world.network.answer = .accepts
    #expect(world.run(atMost: .seconds(20)) { $0.isOnline })
    world.run(.seconds(65))
    #expect(world.unacknowledged == 0)
    let diagnostics = try #require(world.lastDiagnostics)
    let dropped = diagnostics.dropped
    let thinned = diagnostics.lost("thinned")
    let all = arrived(world)
    let merged = world.heard.flatMap(\.readings).filter { $0.n != nil }
    for point in ["door", "air", "cpu", "pump"] {
      var taken = 0
      var received = 0
      for numbers in [all["state \(point)"], all["event \(point)"]].compactMap({ $0 }) {
        taken += numbers.max() ?? 0
        received += Set(numbers).count
      }
      let ofPoint = merged.filter { $0.p == point }
      #expect(ofPoint.reduce(0) { $0 + ($1.n ?? 0) } == thinned[point] ?? 0, "\(point)")
      let apart = received - ofPoint.count
      #expect(apart + (dropped[point] ?? 0) + (thinned[point] ?? 0) == taken, "\(point)")
    }
    // Events can't be merged; of what a sensor says nothing is lost altogether.
    #expect(try #require(dropped["door"]) > 100 && #require(thinned["cpu"]) > 500)
    #expect(dropped["cpu"] == nil && dropped["air"] == nil)
    let told = try #require(world.lastBirth?.away?.dropped)
    // What the two lines say anew behind the birth pushes as many old events out.
    #expect(told + 2 == dropped.values.reduce(0, +))
    // The newest are what is kept.
    #expect(all["event door"]?.max() == 300)
    #expect(Set(all["event door"] ?? []).isSuperset(of: 290...300))
  }

  @Test func aLossThatWasToldOnceIsNotToldAgain() throws {
    let world = try World(profile(points, uplink: #""backoff": {"max": "8s"}, "outbox": 1024"#))
    world.run(.seconds(10))
    world.network.answer = .refuses
    world.cut()
    for round in 1...75 {
      world.hold("door", Double(round % 2))
      world.run(.seconds(4))
    }
    world.network.answer = .accepts
    world.run(.seconds(100))
    #expect(try #require(world.lastBirth?.away?.dropped) > 100)
    for _ in 0..<3 {
      world.cut()
      world.run(.seconds(70))
    }
    let births = world.heard.compactMap(\.status).filter { $0.state == "online" && $0.away != nil }
    #expect(births.count == 4 && births.last?.away?.dropped == 0)
    let told = births.compactMap { $0.away?.dropped }.reduce(0, +)
    #expect(told == world.lastDiagnostics?.dropped.values.reduce(0, +))
  }
}
