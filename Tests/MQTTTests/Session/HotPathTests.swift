import Core
import MQTT
import TestSupport
import Testing

/// What is said in fewer steps where it is the usual, against the long way.
@Suite struct HotPathTests {
  private static let sizes = ClientSession.Sizes(
    sendBytes: 40_000, receiveBytes: 256, inflight: 4, received: 3, requests: 2)

  private static func online(_ level: ProtocolLevel) -> Bench {
    level == .v50 ? .onlineV5(sizes: sizes) : .online(sizes, level: level)
  }

  /// Around each length at which the remaining length takes another byte.
  @Test(arguments: [ProtocolLevel.v31, .v311, .v50])
  func packetsOfEachLengthAreThoseOfTheEncoder(level: ProtocolLevel) throws {
    let topic = utf8("a/b/c/d/e")
    for qos in [QoS.atMostOnce, .atLeastOnce, .exactlyOnce] {
      for count in [0, 1, 100] + Array(108...130) + Array(16_360...16_390) {
        let bench = Self.online(level)
        let payload = [UInt8](repeating: 0x78, count: count)
        let packetID = try bench.session.publish(
          topic: topic.span, payload: payload.span, qos: qos, retain: count % 2 == 0, token: 7)
        let expected = written(capacity: 40_000) { out in
          if level == .v50 {
            try? V5.Publish.encode(
              from: .client, packetID: packetID, qos: qos, retain: count % 2 == 0, dup: false,
              topic: topic.span, properties: Span(), payload: payload.span, into: &out)
          } else {
            try? Publish.encode(
              level: level, packetID: packetID, qos: qos, retain: count % 2 == 0, dup: false,
              topic: topic.span, payload: payload.span, into: &out)
          }
        }
        #expect(!expected.isEmpty && bench.output() == expected)
      }
    }
  }

  @Test(arguments: [ProtocolLevel.v31, .v311, .v50])
  func acknowledgementsInAnyOrderEndTheirOwnMessages(level: ProtocolLevel) throws {
    let bench = Self.online(level)
    for payload in ["A", "B", "C", "D"] { _ = try bench.publish(payload, .atLeastOnce) }
    #expect(bench.receive(answer(0x40, 2)) == .acknowledged(token: 66))
    bench.bring(answer(0x40, 1) + answer(0x40, 4) + answer(0x40, 3))
    #expect(bench.next() == .acknowledged(token: 65))
    #expect(bench.next() == .acknowledged(token: 68))
    #expect(bench.next() == .acknowledged(token: 67))
    #expect(bench.next() == nil && bench.inflightCount == 0)
    #expect(bench.counters.messagesAcknowledged == 4 && bench.counters.unsolicited == 0)
  }

  @Test(arguments: [ProtocolLevel.v31, .v311, .v50])
  func acknowledgementOfAnotherQoSIsNone(level: ProtocolLevel) throws {
    let bench = Self.online(level)
    _ = try bench.publish("A", .exactlyOnce)
    #expect(bench.receive(answer(0x40, 1)) == nil)
    #expect(bench.inflightCount == 1 && bench.counters.unsolicited == 1)
  }

  @Test func acknowledgementInPiecesIsTakenWhenItIsWhole() throws {
    let bench = Self.online(.v311)
    _ = try bench.publish("A", .atLeastOnce)
    for byte in answer(0x40, 1).dropLast() { #expect(bench.receive([byte]) == nil) }
    #expect(bench.receive([1]) == .acknowledged(token: 65))
    // Nothing of it is waited for any more.
    #expect(bench.deadline == bench.now + .seconds(60))
  }
}
