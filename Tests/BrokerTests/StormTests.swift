import Broker
import Core
import MQTT
import Testing

/// Several clients that all publish and subscribe, over links that deliver in pieces and break,
/// checked against what each of them has published.
@Suite struct StormTests {
  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func everyMessageReachesEveryPersistentSubscriber(seed: UInt64) {
    let levels = [ProtocolLevel.v311, .v50, .v31]
    let first = Int(seed % 4)
    let storm = Storm(
      seed: seed, levels: first == 3 ? [.v311, .v311, .v311] : levels[first...] + levels[..<first])
    storm.run()
    for publisher in storm.players {
      #expect(publisher.isSettled, "\(publisher.name) has everything acknowledged")
      for subscriber in storm.players {
        for qos in [QoS.atLeastOnce, .exactlyOnce] {
          let prefix = "\(publisher.name) \(qos.rawValue) "
          let sent = publisher.published.filter { $0.hasPrefix(prefix) }
          let taken = subscriber.taken.filter { $0.hasPrefix(prefix) }
          let isOnce = min(qos, subscriber.granted) == .exactlyOnce
          #expect(
            (isOnce ? taken : firsts(taken)) == sent,
            "\(prefix)to \(subscriber.name)")
        }
      }
    }
    let published = storm.players.reduce(0) { $0 + $1.published.count }
    let breaks = storm.players.reduce(0) { $0 + $1.breaks }
    let duplicates = storm.players.reduce(0) { $0 + $1.duplicates }
    #expect(published > 100 && breaks > 30 && duplicates > 5, "enough has happened to say so")
    #expect(storm.bench.takeDropped() == [])
  }

  private func firsts(_ texts: [String]) -> [String] {
    var seen: Set<String> = []
    return texts.filter { seen.insert($0).inserted }
  }
}

private final class Storm {
  let bench: Bench
  let players: [StormPlayer]
  private var chance: Generator

  init(seed: UInt64, levels: some Sequence<ProtocolLevel>) {
    chance = Generator(seed: seed)
    var limits = BrokerLimits()
    limits.inflightMax = 3
    limits.queuedMax = 100_000
    limits.outputBytesMax = 200
    bench = Bench(limits)
    let granted = zip([QoS.exactlyOnce, .atLeastOnce, .exactlyOnce], levels)
    players = granted.enumerated().map { [bench] index, kind in
      StormPlayer(bench, "p\(index)", granted: kind.0, level: kind.1)
    }
    // All are subscribed before anything is published.
    for player in players {
      player.connect()
      for _ in 0..<100 { player.carry(&chance) }
    }
  }

  func run() {
    for _ in 0..<3_000 { step() }
    for _ in 0..<3_000 { for player in players { player.carry(&chance) } }
    for player in players { player.reconnectIfLost() }
    for _ in 0..<3_000 { for player in players { player.carry(&chance) } }
  }

  private func step() {
    let player = players[Int(chance.next(below: UInt64(players.count)))]
    switch chance.next(below: 100) {
    case 0..<10: player.publish(QoS(rawValue: UInt8(chance.next(below: 3))) ?? .atMostOnce)
    case 10..<12: player.lose(isNoticed: true)
    case 12..<14: player.lose(isNoticed: false)
    case 14..<24: player.reconnectIfLost()
    default: player.carry(&chance)
    }
    bench.pass(.milliseconds(Int64(chance.next(below: 100))))
  }
}

/// A client with a persistent session, as the specification wants it, and its link.
private final class StormPlayer {
  let name: String
  let granted: QoS
  private let speech: Speech
  private(set) var published: [String] = []
  private(set) var taken: [String] = []
  private(set) var breaks = 0
  private(set) var duplicates = 0

  private let bench: Bench
  private var transport: Client?
  private var isOnline = false
  private var up: [UInt8] = []
  private var down: [UInt8] = []
  private var input: [UInt8] = []

  private struct Outgoing {
    var id: UInt16
    var payload: String
    var qos: QoS
    var isReleased = false
  }

  /// What is not acknowledged, in publishing order; the first `sentCount` are under way.
  private var store: [Outgoing] = []
  private var sentCount = 0
  private var lastID: UInt16 = 0
  private var received: Set<UInt16> = []

  init(_ bench: Bench, _ name: String, granted: QoS, level: ProtocolLevel) {
    self.bench = bench
    speech = Speech(level: level)
    self.name = name
    self.granted = granted
  }

  var isSettled: Bool { store.isEmpty }

  func connect() {
    transport = bench.open()
    up = speech.connect(name)
  }

  /// The link breaks; what is on the way is lost. The broker may not notice.
  func lose(isNoticed: Bool) {
    guard let transport else { return }
    if isNoticed { transport.cut() }
    self.transport = nil
    breaks += 1
    isOnline = false
    up = []
    down = []
    input = []
  }

  func reconnectIfLost() {
    if let transport, transport.isClosed { lose(isNoticed: true) }
    if transport == nil { connect() }
  }

  func publish(_ qos: QoS) {
    let payload = "\(name) \(qos.rawValue) \(published.count)"
    published.append(payload)
    guard qos != .atMostOnce else {
      if isOnline { up += speech.publish("storm/\(name)", payload) }
      return
    }
    lastID = lastID % 1_000 + 1
    while store.contains(where: { $0.id == lastID }) { lastID = lastID % 1_000 + 1 }
    store.append(Outgoing(id: lastID, payload: payload, qos: qos))
    sendMore()
  }

  /// The link carries some bytes each way.
  func carry(_ chance: inout Generator) {
    guard let transport else { return }
    let upward = up.prefix(Int(chance.next(below: 60)))
    up.removeFirst(upward.count)
    transport.send(Array(upward))
    down += bench.output(of: transport.id, limit: Int(chance.next(below: 60)))
    let downward = down.prefix(Int(chance.next(below: 60)))
    down.removeFirst(downward.count)
    input += downward
    for item in speech.decodeAll(&input) { take(item) }
  }

  private func take(_ item: Received) {
    switch item {
    case .connectAck(let code, let isPresent):
      // 3.1 does not say whether there is a session.
      precondition(
        code == .accepted && isPresent == (breaks > 0 && speech.level != .v31))
      isOnline = true
      if breaks == 0 { up += speech.subscribe("storm/#", granted) }
      for outgoing in store.prefix(sentCount) { send(outgoing, dup: true) }
      sendMore()
    case .message(_, let payload, let qos, let id, _, let dup):
      if dup { duplicates += 1 }
      if qos != .exactlyOnce || received.insert(id).inserted { taken.append(payload) }
      if qos == .atLeastOnce { up += speech.answer(.publishAck, id) }
      if qos == .exactlyOnce { up += speech.answer(.publishReceived, id) }
    case .answer(.publishRelease, let id):
      received.remove(id)
      up += speech.answer(.publishComplete, id)
    case .answer(.publishReceived, let id):
      if let index = store.firstIndex(where: { $0.id == id }) { store[index].isReleased = true }
      up += speech.answer(.publishRelease, id)
    case .answer(.publishAck, let id), .answer(.publishComplete, let id): settle(id)
    case .answer, .subscribeAck, .pingResponse: break
    }
  }

  private func settle(_ id: UInt16) {
    guard let index = store.prefix(sentCount).firstIndex(where: { $0.id == id }) else { return }
    store.remove(at: index)
    sentCount -= 1
    sendMore()
  }

  private func sendMore() {
    while isOnline, sentCount < min(4, store.count) {
      send(store[sentCount], dup: false)
      sentCount += 1
    }
  }

  private func send(_ outgoing: Outgoing, dup: Bool) {
    up +=
      outgoing.isReleased
      ? speech.answer(.publishRelease, outgoing.id)
      : speech.publish(
        "storm/\(name)", outgoing.payload, outgoing.qos, id: outgoing.id, dup: dup)
  }
}
