import Broker
import Core
import MQTT
import Testing

/// Clients of 5.0 with limits of their own, which answer when they like, beside some of 3.1.1: every
/// limit is kept at every moment, and in the end every message has come as often as it should.
@Suite struct V5StormTests {
  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func everyLimitIsKeptAndEveryMessageComesOnce(seed: UInt64) {
    var chance = Generator(seed: seed)
    let bench = Bench()
    let players = (0..<5).map { V5Player(bench, $0, &chance) }
    let old = bench.subscriber("old", "storm/#", .exactlyOnce)
    var heard: [String] = []
    var sent: [String] = []
    for number in 0..<400 {
      let player = players[Int(chance.next(below: 5))]
      switch chance.next(below: 8) {
      case 0..<3:
        let payload = "\(number) " + String(repeating: "x", count: Int(chance.next(below: 120)))
        sent.append(payload)
        player.publish(payload, &chance)
      case 3: heard += old.payloads()
      case 4: bench.pass(.milliseconds(Int64(chance.next(below: 2_000))))
      default: player.answer(&chance)
      }
      for player in players { player.take() }
    }
    for player in players { player.settle() }
    heard += old.payloads()
    #expect(heard == sent && sent.count > 100)
    for player in players where player.isPlain {
      let wanted = sent.filter { player.takes($0) }
      #expect(player.payloads.filter { player.takes($0) } == wanted, "\(player.name)")
      #expect(Set(player.payloads).count == player.payloads.count)
      #expect(wanted.count > 10)
    }
    let members = players.filter { !$0.isPlain }
    let shared = members.flatMap(\.payloads)
    #expect(Set(shared).count == shared.count, "nobody has another's share")
    let wanted = sent.filter { payload in members.contains { $0.takes(payload) } }
    #expect(Set(shared).isSuperset(of: wanted))
  }
}

/// A client of 5.0 that keeps to the specification, and sees to it that the broker does.
private final class V5Player {
  let name: String
  /// It has a subscription of its own; else a share.
  let isPlain: Bool
  private(set) var payloads: [String] = []

  private let client: V5Client
  private let receiveMaximum: Int
  private let packetBytesMax: Int
  private var waiting: [V5Received] = []
  private var underWay: Set<UInt16> = []
  private var lastID: UInt16 = 0

  init(_ bench: Bench, _ number: Int, _ chance: inout Generator) {
    name = "p\(number)"
    isPlain = number < 3
    receiveMaximum = 1 + Int(chance.next(below: 4))
    packetBytesMax = 80 + Int(chance.next(below: 100))
    client = bench.connectV5(
      name,
      [
        .number(.receiveMaximum, UInt32(receiveMaximum)),
        .number(.maximumPacketSize, UInt32(packetBytesMax)),
        .number(.topicAliasMaximum, UInt32(chance.next(below: 3))),
      ])
    _ = client.subscribe(
      isPlain ? "storm/#" : "$share/g/storm/#", V5.SubscriptionOptions(qos: .exactlyOnce),
      identifier: UInt32(number + 1))
  }

  /// Whether the packet with the payload and without an alias, which may be the shorter one, would be
  /// short enough: of 2 bytes of header, or 3, 9 of topic, 2 of identifier, 1 and 2 of properties.
  func takes(_ payload: String) -> Bool {
    let body = 9 + 2 + 1 + 2 + payload.utf8.count
    return (body < 128 ? 2 : 3) + body <= packetBytesMax
  }

  func publish(_ payload: String, _ chance: inout Generator) {
    lastID += 1
    let qos: QoS = chance.next(below: 2) == 0 ? .atLeastOnce : .exactlyOnce
    client.publish("storm/\(chance.next(below: 3))", payload, qos, id: lastID)
  }

  /// Takes what has come, and answers to messages of its own; others wait.
  func take() {
    for item in client.take() {
      switch item {
      case .message(_, let payload, _, let id, _, _, let properties):
        precondition(underWay.insert(id).inserted && underWay.count <= receiveMaximum)
        precondition(properties.contains { $0.id == .subscriptionIdentifier })
        precondition(!payload.isEmpty)
        payloads.append(payload)
        waiting.append(item)
      case .publishRelease: waiting.append(item)
      case .publishReceived(let id, _):
        client.send(releaseAnswerV5Bytes(.publishRelease, id))
      case .publishAck, .publishComplete: break
      default: preconditionFailure("not now: \(item)")
      }
    }
    precondition(client.longestPacket <= packetBytesMax)
  }

  /// Answers to one of those that wait.
  func answer(_ chance: inout Generator) {
    guard !waiting.isEmpty else { return }
    answer(waiting.remove(at: Int(chance.next(below: UInt64(waiting.count)))))
  }

  private func answer(_ item: V5Received) {
    switch item {
    case .message(_, _, .atLeastOnce, let id, _, _, _), .publishRelease(let id, _):
      underWay.remove(id)
    default: break
    }
    client.acknowledge(item)
  }

  /// Answers until nothing more comes.
  func settle() {
    take()
    while !waiting.isEmpty {
      answer(waiting.removeFirst())
      take()
    }
  }
}
