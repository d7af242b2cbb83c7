import Core
import MQTT
import Testing

/// A manager and a model broker over a link that delivers in pieces and breaks at any moment; what
/// either side had on the way is lost then.
@Suite struct ManagerStormTests {
  /// Every message above QoS 0 arrives or is told as dropped, and each tag is reported once.
  @Test(arguments: 1...60 as ClosedRange<UInt64>)
  func everyMessageArrivesOrIsToldAsDropped(seed: UInt64) {
    let storm = Storm(seed: seed)
    storm.run()
    #expect(storm.server.violations == [])
    #expect(storm.reports.values.allSatisfy { $0 == 1 }, "each once")
    let taken = Set(storm.taken.keys)
    #expect(Set(storm.reports.keys) == taken, "each of them")
    let arrived = Set(storm.server.accepted)
    for (tag, message) in storm.taken where message.qos != .atMostOnce {
      #expect(arrived.contains(message.payload) || storm.dropped.contains(tag))
    }
    // Enough has happened to say so.
    #expect(storm.taken.count > 200 && storm.connections > 10)
    if seed == 1 { #expect(!storm.dropped.isEmpty) }
  }

  /// Over kept sessions: what arrives is in publishing order, and at QoS 2 exactly once.
  @Test(arguments: 1...30 as ClosedRange<UInt64>)
  func orderHoldsOverKeptSessions(seed: UInt64) {
    let storm = Storm(seed: seed, isForgetful: false)
    storm.run()
    for qos in [QoS.atLeastOnce, .exactlyOnce] {
      let got = storm.server.accepted.filter { $0.hasPrefix("\(qos.rawValue):") }
      var seen: Set<String> = []
      let firsts = got.filter { seen.insert($0).inserted }
      #expect(qos == .atLeastOnce || got == firsts, "exactly once")
      let numbers = firsts.compactMap { Int($0.dropFirst(2)) }
      #expect(numbers == numbers.sorted())
    }
  }
}

private final class Storm {
  let server = ScriptedServer()
  let bench: ManagerBench
  private var chance: Generator
  private let isForgetful: Bool
  private(set) var taken: [UInt64: (payload: String, qos: QoS)] = [:]
  private(set) var reports: [UInt64: Int] = [:]
  private(set) var dropped: Set<UInt64> = []
  private(set) var connections = 0
  private var nextTag: UInt64 = 1
  private var isOpen = false
  private var seenActions = 0
  private var toServer: [UInt8] = []
  private var toClient: [UInt8] = []

  init(seed: UInt64, isForgetful: Bool = true) {
    chance = Generator(seed: seed)
    self.isForgetful = isForgetful
    bench = ManagerBench(cleanSession: false, seed: seed) {
      $0.whenFull = seed % 2 == 0 ? .refuse : .dropOldest
      $0.backoffMaximum = .seconds(4)
      $0.connect.keepAlive = 10
    }
    bench.manager.connect()
  }

  func run() {
    for round in 0..<3_000 { step(isCalm: round > 2_500) }
  }

  private func lucky(_ percent: UInt64) -> Bool { chance.next(below: 100) < percent }

  private func step(isCalm: Bool) {
    bench.now = bench.now + .milliseconds(Int64(chance.next(below: 300)))
    if !isCalm {
      if lucky(30) { publish() }
      if isOpen, lucky(3) { breakLink() }
      if lucky(1) { bench.manager.disconnect(drain: .seconds(2), at: bench.now) }
      if lucky(3) { bench.manager.connect() }
    } else {
      bench.manager.connect()
    }
    turn()
    move(isCalm: isCalm)
    turn()
  }

  private func publish() {
    let qos = QoS(rawValue: UInt8(chance.next(below: 3))) ?? .atMostOnce
    let tag = nextTag
    nextTag += 1
    let payload = "\(qos.rawValue):\(tag)"
    let expiry: Interval? = lucky(20) ? .milliseconds(Int64(chance.next(below: 3_000)) + 1) : nil
    guard (try? bench.publish(payload, qos, tag: tag, expiry: expiry)) != nil else { return }
    taken[tag] = (payload, qos)
  }

  private func turn() {
    for told in bench.turn() {
      switch told {
      case .published(let tag, _): reports[tag, default: 0] += 1
      case .dropped(let tag, _):
        reports[tag, default: 0] += 1
        dropped.insert(tag)
      case .connected: connections += 1
      default: break
      }
    }
    let actions = bench.actions
    for action in actions[seenActions...] {
      closeLink()
      if action == .open { open() }
    }
    seenActions = actions.count
  }

  private func open() {
    guard !lucky(10) else { return bench.manager.transportFailed(at: bench.now) }
    isOpen = true
    bench.manager.opened(at: bench.now)
  }

  /// Bytes move, some of them.
  private func move(isCalm: Bool) {
    guard isOpen else { return }
    bench.manager.withOutput(at: bench.now) { bytes in
      let count = isCalm ? bytes.count : Int(chance.next(below: UInt64(bytes.count + 1)))
      for index in 0..<count { toServer.append(bytes[index]) }
      return count
    }
    let count = isCalm ? toServer.count : Int(chance.next(below: UInt64(toServer.count + 1)))
    server.receive(Array(toServer[..<count]))
    toServer.removeFirst(count)
    toClient += server.outbox
    server.outbox = []
    let room = min(bench.manager.receiveCapacity, toClient.count)
    let brought = isCalm ? room : Int(chance.next(below: UInt64(room + 1)))
    let bytes = Array(toClient[..<brought])
    toClient.removeFirst(brought)
    bench.manager.receive(at: bench.now) { out in
      for byte in bytes { out.append(byte) }
    }
    // A server closes after DISCONNECT.
    if server.isDisconnected { breakLink() }
  }

  private func breakLink() {
    closeLink()
    bench.manager.transportFailed(at: bench.now)
  }

  private func closeLink() {
    isOpen = false
    toServer = []
    toClient = []
    server.closed()
    if isForgetful, lucky(30) { server.dropSession() }
  }
}
