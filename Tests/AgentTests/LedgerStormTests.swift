import Core
import Device
import Journal
import Testing
import Uplink

/// Links that break, stay away, die unnoticed and crawl, with little room in memory and on flash; then
/// calm, after which every reading was heard or is counted, and nothing else is. Memory is not so short that
/// what is under way has to be overtaken by what goes to the journal.
@Suite struct LedgerStormTests {
  private static let points = [
    Point.cpu,
    #""door": {"kind": "input", "line": "GPIO17", "event": true, "simulate": {"on": "0s", "off": "0s"}}"#,
    #""gate": {"kind": "input", "line": "GPIO18", "keep": {"durability": "always"}, "#
      + #""simulate": {"on": "0s", "off": "0s"}}"#,
    #""mode": {"kind": "input", "line": "GPIO19", "keep": {"class": "state"}, "#
      + #""simulate": {"on": "0s", "off": "0s"}}"#,
    #""lock": {"kind": "input", "line": "GPIO20", "keep": {"class": "state", "durability": "always"}, "#
      + #""simulate": {"on": "0s", "off": "0s"}}"#,
    #""air": {"kind": "sensor", "w1": "28-00000a1b2c3d", "every": "2s", "#
      + #""keep": {"expire": "90s"}, "simulate": {"wave": "triangle", "mean": 20, "amplitude": 5}}"#,
    #""fuel": {"kind": "sensor", "w1": "28-00000a1b2c3e", "every": "3s", "#
      + #""keep": {"durability": "always", "expire": "5m"}, "#
      + #""simulate": {"wave": "triangle", "mean": 20, "amplitude": 5}}"#,
    #""tank": {"kind": "sensor", "w1": "28-00000a1b2c3f", "every": "2s", "#
      + #""keep": {"durability": "memory"}, "#
      + #""simulate": {"wave": "triangle", "mean": 20, "amplitude": 5}}"#,
  ].joined(separator: ",")

  private static let lines = ["door", "gate", "mode", "lock"]

  @Test(arguments: 1...4 as ClosedRange<UInt64>, [false, true])
  func everyReadingIsHeardOrCounted(seed: UInt64, isPersistent: Bool) throws {
    let isExact = seed % 3 == 0
    let session = isPersistent ? "persistent" : "clean"
    let version = seed % 2 == 0 ? "5.0" : "3.1.1"
    let world = try World(
      profile(
        Self.points, device: #""diagnostics": "0s""#,
        broker: #""keepAlive": "10s", "version": "\#(version)", "session": "\#(session)""#,
        uplink: #""backoff": {"max": "8s"}, "inflight": 3, "outbox": "6KiB""#,
        journal: #""size": "32KiB", "after": "20s", "every": "10s""#), seed: seed)
    var chance = Generator(seed: seed)
    for _ in 0..<100 { step(world, &chance, isExact: isExact) }
    calm(world)

    var lost = 0
    for index in world.configuration.points.indices {
      let name = world.configuration.string(world.configuration.points[index].name)
      lost += expectLedger(world, index, name, isExact: isExact)
      expectOrder(world, name)
    }
    #expect(lost > 0, "enough has happened to say so")
  }

  private func step(_ world: World, _ chance: inout Generator, isExact: Bool) {
    switch chance.next(below: isExact ? 20 : 24) {
    case 0, 1: world.cut()
    case 2, 3, 4: world.network.answer = .refuses
    case 5: world.network.answer = .isSilent
    case 6, 7, 8, 9: world.network.answer = .accepts
    case 10: world.wallAtBoot += Int64(chance.next(below: 7_200_000)) - 3_600_000
    case 11: world.quality = chance.next(below: 3) == 0 ? .none : .synced
    case 20: world.network.die()
    case 21: world.network.latency = .milliseconds(Int64(chance.next(below: 3_000)))
    case 22: world.network.latency = .zero
    case 23: world.network.chunkBytesMax = 1 + Int(chance.next(below: 300))
    default:
      let name = Self.lines[Int(chance.next(below: UInt64(Self.lines.count)))]
      for _ in 0..<chance.next(below: 30) { world.hold(name, Double(chance.next(below: 2))) }
    }
    // Short and long ones.
    let longest: Interval = chance.next(below: 12) == 0 ? .seconds(400) : .seconds(12)
    world.run(chance.interval(below: longest))
  }

  private func calm(_ world: World) {
    world.network.answer = .accepts
    world.network.latency = .zero
    world.network.chunkBytesMax = 1 << 20
    world.quality = .synced
    world.run(.seconds(120))
    // What was journaled and not acknowledged goes over a new connection at the latest.
    world.cut()
    world.run(.seconds(60))
    #expect(world.isOnline && world.unacknowledged < 3)
  }

  /// Everything that was heard of a point, and what was counted as lost; returns how many that were.
  private func expectLedger(_ world: World, _ index: Int, _ name: String, isExact: Bool) -> Int {
    let events = world.agent.link.outbox.losses.losses(series: index, events: true)
    let others = world.agent.link.outbox.losses.losses(series: index, events: false)
    let counted = [events, others].reduce(0) { $0 + Int($1.dropped + $1.expired + $1.replaced) }
    var made = 0
    var heard = 0
    for kind in ["state", "event"] {
      let readings = world.heard.flatMap(\.readings).filter { $0.series == "\(kind) \(name)" }
      made += readings.map(\.seq).max() ?? 0
      // Of a message that came twice one counts.
      var seen: Set<[Int]> = []
      for reading in readings where seen.insert([reading.seq, reading.n ?? 1]).inserted {
        heard += reading.n ?? 1
      }
    }
    #expect(heard + counted >= made, "\(name): \(made) made, \(heard) heard, \(counted) counted")
    // What the broker has got, and could not say so, may be counted as well.
    #expect(
      !isExact || heard + counted == made,
      "\(name): \(made) made, \(heard) heard, \(counted) counted: \(events) \(others)")
    return counted
  }

  /// Among what was heard for the first time, each stream is in order.
  private func expectOrder(_ world: World, _ name: String) {
    for kind in ["state", "event"] {
      for isHistory in [false, true] {
        let numbers = world.heard.filter { ($0.topic == "history") == isHistory }
          .flatMap(\.readings).filter { $0.series == "\(kind) \(name)" }.map(\.seq)
        var seen: Set<Int> = []
        let firsts = numbers.filter { seen.insert($0).inserted }
        #expect(firsts == firsts.sorted(), "\(kind) \(name) \(isHistory ? "late" : "live")")
      }
    }
  }
}
