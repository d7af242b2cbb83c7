import Broker
import Core
import MQTT
import Testing

/// However a transport cuts the bytes up, the broker does the same.
@Suite struct SplitTests {
  /// All that a client can say, to itself, in one piece. `end` is how it goes.
  private static func life(level: ProtocolLevel, end: [UInt8]) -> [UInt8] {
    var bytes = connectBytes(
      "a", level: level, cleanSession: false, keepAlive: 30,
      will: TestWill(topic: "t/will", qos: .atLeastOnce, retain: true))
    bytes += subscribeBytes([("t/#", .exactlyOnce), ("u", .atLeastOnce)], level: level)
    bytes += publishBytes("t/0", "zero", level: level)
    bytes += publishBytes("t/1", "one", .atLeastOnce, id: 1, retain: true, level: level)
    bytes += publishBytes("t/2", "two", .exactlyOnce, id: 2, level: level)
    bytes += publishBytes("t/2", "two", .exactlyOnce, id: 2, dup: true, level: level)
    bytes += answerBytes(.publishRelease, 2, level: level)
    bytes += answerBytes(.publishAck, 1, level: level)
    bytes += answerBytes(.publishReceived, 2, level: level)
    bytes += publishBytes("u", String(repeating: "long", count: 100), level: level)
    bytes += answerBytes(.publishComplete, 2, level: level)
    bytes += [0xC0, 0] + unsubscribeBytes("u")
    return bytes + end
  }

  /// The same in 5.0, with what it adds.
  private static func lifeV5(end: [UInt8]) -> [UInt8] {
    let exactlyOnce = V5.SubscriptionOptions(qos: .exactlyOnce, retainAsPublished: true)
    let alias: [Property] = [.number(.topicAlias, 1), .user("a", "1")]
    var bytes = connectV5Bytes(
      "a", cleanStart: false, keepAlive: 30,
      [.number(.sessionExpiryInterval, 60), .number(.topicAliasMaximum, 3)],
      will: V5TestWill(topic: "t/will", properties: [.number(.willDelayInterval, 5)]))
    bytes += subscribeV5Bytes(
      [("t/#", exactlyOnce), ("$share/g/t/+", V5.SubscriptionOptions(qos: .atMostOnce))],
      [.number(.subscriptionIdentifier, 300)])
    bytes += publishV5Bytes("t/0", "zero", .atMostOnce, alias)
    bytes += publishV5Bytes("", "one", .atLeastOnce, id: 1, retain: true, alias)
    bytes += publishV5Bytes("t/2", "two", .exactlyOnce, id: 2)
    bytes += publishV5Bytes("$SYS/2", "two", .exactlyOnce, id: 3)
    bytes += releaseAnswerV5Bytes(.publishRelease, 2)
    bytes += publishAnswerV5Bytes(.publishAck, 1)
    bytes += publishAnswerV5Bytes(.publishReceived, 2, .unspecifiedError)
    bytes += publishV5Bytes("u", String(repeating: "long", count: 100))
    bytes += [0xC0, 0] + unsubscribeV5Bytes(["u", "t/#"])
    return bytes + end
  }

  private static let endsV5: [[UInt8]] = [
    disconnectV5Bytes(.disconnectWithWill, [.number(.sessionExpiryInterval, 1)]),
    disconnectV5Bytes() + [0xC0, 0], [0x30, 3, 0, 1], [0x30, 4, 0, 1, 0x2B, 0], [0x36, 4],
    [0x30, 0x80, 0x80, 0x80, 0x80], [0xC0, 0, 0x00], connectV5Bytes("a"),
    publishV5Bytes("t", "x", .atMostOnce, [.number(.topicAlias, 99)]),
  ]

  @Test(arguments: 0..<endsV5.count)
  func oneByteAtATimeIsAsAllAtOnceIn50(end: Int) {
    let bytes = Self.lifeV5(end: Self.endsV5[end])
    let whole = outcome([bytes[...]])
    #expect(whole.output.count > 100 && whole.events.count > 6)
    #expect(outcome(bytes.indices.map { bytes[$0...$0] }) == whole)
  }

  @Test(arguments: [
    connectV5Bytes("a", [.number(.receiveMaximum, 1)]) + [0xD0, 0],
    [0x10, 0xFF, 0xFF, 0x7F, 0, 4] + utf8("MQTT") + [5, 0],
    [0x10, 10, 0, 4] + utf8("MQTT") + [6, 0, 0, 0], [0x10, 3, 0, 4, 0],
    [0x10, 0xFF, 0xFF, 0x7F, 0, 6] + utf8("MQIsdp") + [5, 0],
  ])
  func aFirstPacketIsTheSameInPieces(bytes: [UInt8]) {
    #expect(outcome(bytes.indices.map { bytes[$0...$0] }) == outcome([bytes[...]]))
  }

  private static let ends: [[UInt8]] = [
    [0xE0, 0],  // DISCONNECT
    [0xE0, 0, 0xC0, 0],  // and something behind it
    [0x30, 3, 0, 1],  // a packet that is not whole
    [0x30, 4, 0, 1, 0x2B, 0],  // a wildcard to publish under
    [0x36, 4],  // QoS 3
    [0x30, 0x80, 0x80, 0x80, 0x80],  // a length of five bytes
    [0xC0, 0, 0x00],  // type 0
    connectBytes("a"),  // once more
  ]

  private struct Outcome: Equatable {
    var output: [UInt8]
    var events: [BrokerEvent]
    var isFinished: Bool
    var deadline: Instant
  }

  private func outcome(_ pieces: [ArraySlice<UInt8>]) -> Outcome {
    let bench = Bench()
    let client = bench.open()
    for piece in pieces { client.send(Array(piece)) }
    return Outcome(
      output: bench.output(of: client.id), events: bench.takeEvents(),
      isFinished: client.isClosed, deadline: bench.deadline)
  }

  @Test(arguments: [ProtocolLevel.v31, .v311], 0..<ends.count)
  func oneByteAtATimeIsAsAllAtOnce(level: ProtocolLevel, end: Int) {
    let bytes = Self.life(level: level, end: Self.ends[end])
    let whole = outcome([bytes[...]])
    #expect(whole.output.count > 100 && whole.events.count > 6)
    #expect(outcome(bytes.indices.map { bytes[$0...$0] }) == whole)
  }

  @Test(arguments: 1...50 as ClosedRange<UInt64>)
  func randomPiecesAreAsAllAtOnce(seed: UInt64) {
    var chance = Generator(seed: seed)
    let end = Int(chance.next(below: UInt64(Self.ends.count)))
    let bytes = Self.life(level: .v311, end: Self.ends[end])
    var pieces: [ArraySlice<UInt8>] = []
    var start = 0
    while start < bytes.count {
      let count = Int(chance.next(below: 40))
      pieces.append(bytes[start..<min(start + count, bytes.count)])
      start += count
    }
    #expect(outcome(pieces) == outcome([bytes[...]]))
  }
}
