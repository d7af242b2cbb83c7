import Core
import MQTT
import TestSupport
import Testing
import Uplink

/// A link and a broker with a transport between that delivers in pieces and breaks; then calm, after
/// which every record must have arrived.
@Suite struct LinkRandomisedTests {
  @Test(arguments: 1...30 as ClosedRange<UInt64>)
  func everyRecordArrivesInOrder(seed: UInt64) {
    let world = LinkWorld(seed: seed, persistent: false)
    world.run()
    #expect(world.unacknowledged == 0)
    #expect(Set(world.live + world.history) == Set(world.appended))
    #expect(firsts(world.live) == firsts(world.live).sorted(), "each with its number in front")
    #expect(firsts(world.history) == firsts(world.history).sorted())
    #expect(world.faults == [])
    // Enough has happened to say so.
    #expect(world.appended.count > 200 && world.live.count > 50 && world.history.count > 50)
  }

  /// The broker keeps the session, and loses it now and then.
  @Test(arguments: 1...30 as ClosedRange<UInt64>)
  func everyRecordArrivesOverKeptSessions(seed: UInt64) {
    let world = LinkWorld(seed: seed, persistent: true)
    world.run()
    #expect(world.unacknowledged == 0)
    #expect(Set(world.live + world.history) == Set(world.appended))
    #expect(world.faults == [])
    #expect(world.resent > 5 && world.appended.count > 200)
  }

  private func firsts(_ texts: [String]) -> [String] {
    var seen: Set<String> = []
    return texts.filter { seen.insert($0).inserted }
  }
}

private final class LinkWorld {
  private let bench: LinkBench
  private var generator: Generator
  private let isPersistent: Bool
  private(set) var appended: [String] = []
  /// What the broker has accepted.
  private(set) var live: [String] = []
  private(set) var history: [String] = []
  private(set) var resent = 0
  private(set) var faults: [String] = []

  private var hasTransport = false
  private var hasSession = false
  private var toBroker: [UInt8] = []
  private var toLink: [UInt8] = []

  init(seed: UInt64, persistent: Bool) {
    generator = Generator(seed: seed)
    isPersistent = persistent
    bench = LinkBench(seed: seed) { spec in
      spec.persistentSession = persistent
      spec.outboxBytes = 16_384
      spec.backoffMaximum = .seconds(4)
      spec.keepAlive = .seconds(20)
      spec.inflight = 3
    }
  }

  var unacknowledged: Int { bench.unacknowledged }

  func run() {
    for round in 0..<3_000 { step(isCalm: round > 2_400) }
  }

  private func chance(_ percent: UInt64) -> Bool { generator.next(below: 100) < percent }

  private func step(isCalm: Bool) {
    bench.now = bench.now + .milliseconds(Int64(generator.next(below: 400)))
    if !isCalm {
      if chance(12) {
        // The number in front makes order a matter of sorting.
        appended.append("\(10_000 + appended.count)")
        bench.append(appended[appended.count - 1])
      }
      if chance(2) { breakTransport() }
    }
    bench.link.deadlineReached(at: bench.now)
    while let event = bench.event() {
      if case .lost(let fault) = event, isCalm { faults.append("\(fault)") }
    }
    carryOut(isCalm: isCalm)
    guard hasTransport else { return }
    bench.link.pump(bench.renderer, at: bench.moment)
    bench.link.session.withOutput(at: bench.now) { bytes in
      let count = isCalm ? bytes.count : Int(generator.next(below: UInt64(bytes.count + 1)))
      toBroker += array(bytes.extracting(0..<count))
      return count
    }
    for packet in Sent.take(&toBroker) { handle(packet) }
    let room = min(toLink.count, bench.link.session.receiveCapacity)
    let count = isCalm ? room : Int(generator.next(below: UInt64(room + 1)))
    bench.link.session.receive(at: bench.now) { out in
      for byte in toLink[..<count] { out.append(byte) }
    }
    toLink.removeFirst(count)
  }

  /// The rim: a transport comes, or fails.
  private func carryOut(isCalm: Bool) {
    while let action = bench.action() {
      switch action {
      case .open:
        closeTransport()
        if isCalm || chance(70) {
          hasTransport = true
          bench.opened()
        } else {
          bench.link.failed(.connectFailed(code: 111), at: bench.now)
        }
      case .close: closeTransport()
      }
    }
  }

  private func closeTransport() {
    hasTransport = false
    toBroker = []
    toLink = []
  }

  private func breakTransport() {
    guard hasTransport else { return }
    closeTransport()
    bench.link.failed(.broken(code: 104), at: bench.now)
  }

  private func handle(_ packet: Sent) {
    switch packet {
    case .connect:
      if isPersistent && chance(20) { hasSession = false }
      toLink += [0x20, 2, hasSession ? 1 : 0, 0]
      hasSession = isPersistent
    case .publish(let topic, let payload, let id, let dup, _):
      if dup { resent += 1 }
      if topic == "live" {
        live.append(payload)
      } else {
        history += payload.dropLast().split(separator: " ").map(String.init)
      }
      toLink += acknowledgement(id)
    case .ping: toLink += [0xD0, 0]
    default: faults.append("\(packet)")
    }
  }
}
