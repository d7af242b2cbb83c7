import Core
import MQTT
import Testing

/// Messages larger than the receive buffer, of 256 bytes here, where the server was told no Maximum
/// Packet Size.
@Suite struct V5LargeTests {
  private static func bench(
    _ way: ConnectOptions.LargeMessages, byHand: Bool = false
  ) -> Bench {
    .onlineV5(prop(.topicAliasMaximum, 2), cleanSession: false) {
      $0.largeMessages = way
      $0.acknowledgesByHand = byHand
    }
  }

  /// Brings `bytes` in pieces, as fast as they are taken; returns the events without those of
  /// pieces, and the payload's bytes.
  private func feed(
    _ bench: Bench, _ bytes: [UInt8], by size: Int, skipping: Bool = false
  ) -> (events: [String], payload: [UInt8]) {
    var rest = bytes[...]
    var events: [String] = []
    var payload: [UInt8] = []
    var idle = 0
    while idle < 2 {
      let chunk = rest.prefix(min(size, bench.receiveCapacity))
      rest = rest.dropFirst(chunk.count)
      bench.bring(Array(chunk))
      idle = chunk.isEmpty ? idle + 1 : 0
      while let event = bench.session.nextEvent(at: bench.now) {
        guard case .payloadPiece(let piece, let isLast) = event else {
          events.append(bench.inWords(event))
          if skipping, case .largeMessage = event { bench.session.skipLarge() }
          continue
        }
        bench.session.withPacket { bytes in
          for index in 0..<piece.count { payload.append(bytes[piece][index]) }
        }
        if isLast { events.append("last") }
      }
    }
    return (events, payload)
  }

  private static let payload = String(repeating: "0123456789", count: 60)
  private static let list = prop(.contentType, "c") + prop(.topicAlias, 1) + prop(user: "k", "v")

  private func acknowledgement(_ qos: QoS, _ id: UInt16) -> [UInt8] {
    qos == .atMostOnce ? [] : answer(qos == .atLeastOnce ? 0x40 : 0x50, id)
  }

  @Test(arguments: [QoS.atMostOnce, .atLeastOnce, .exactlyOnce], [1, 7, 256])
  func streamedMessage(qos: QoS, chunk: Int) {
    let bench = Self.bench(.stream)
    let id: UInt16 = qos == .atMostOnce ? 0 : 0x1234
    let large = publishV5(Self.payload, qos, id: id, retain: true, topic: "big", with: Self.list)
    let small = publishV5("after", topic: "", with: prop(.topicAlias, 1))
    let (events, payload) = feed(bench, large + small, by: chunk)
    let name = id == 0 ? "big ''" : "big '' 4660"
    #expect(
      events == [
        "large 600 \(name) retain contentType=c topicAlias=1 k:v", "last",
        "message big 'after' topicAlias=1",
      ])
    #expect(payload == utf8(Self.payload))
    #expect(bench.output() == acknowledgement(qos, id))
    #expect(bench.counters.oversizedSkipped == 0 && bench.counters.messagesReceived == 2)
  }

  @Test(arguments: [QoS.atMostOnce, .atLeastOnce, .exactlyOnce], [1, 7, 256])
  func skippedMessage(qos: QoS, chunk: Int) {
    let bench = Self.bench(.skip)
    let id: UInt16 = qos == .atMostOnce ? 0 : 0x1234
    let large = publishV5(Self.payload, qos, id: id, topic: "big", with: Self.list)
    let small = publishV5("after", topic: "", with: prop(.topicAlias, 1))
    let (events, payload) = feed(bench, large + small, by: chunk)
    #expect(events == ["skipped \(large.count)", "message big 'after' topicAlias=1"])
    #expect(payload == [] && bench.counters.oversizedSkipped == 1)
    #expect(bench.output() == acknowledgement(qos, id))
  }

  /// Whoever has seen the topic may have no use for the rest.
  @Test(arguments: [QoS.atMostOnce, .atLeastOnce, .exactlyOnce], [1, 7, 256])
  func streamedMessageThatIsNotWanted(qos: QoS, chunk: Int) {
    let bench = Self.bench(.stream)
    let id: UInt16 = qos == .atMostOnce ? 0 : 0x1234
    let large = publishV5(Self.payload, qos, id: id, topic: "big")
    let small = publishV5("after", topic: "small")
    let (events, payload) = feed(bench, large + small, by: chunk, skipping: true)
    let name = id == 0 ? "big ''" : "big '' 4660"
    #expect(
      events == ["large 600 \(name)", "skipped \(large.count)", "message small 'after'"])
    #expect(payload == [] && bench.counters.oversizedSkipped == 1)
    #expect(bench.output() == acknowledgement(qos, id))
    bench.session.skipLarge()
  }

  /// Properties that fill the buffer leave no room to look at them: the message is passed over.
  @Test(arguments: [QoS.atMostOnce, .atLeastOnce, .exactlyOnce], [1, 256])
  func messageWhoseHeadDoesNotFitIsSkipped(qos: QoS, chunk: Int) {
    let bench = Self.bench(.stream)
    let id: UInt16 = qos == .atMostOnce ? 0 : 7
    let properties = prop(user: "k", String(repeating: "v", count: 300))
    let identifier: [UInt8] = qos == .atMostOnce ? [] : [0, 7]
    let length = [UInt8(properties.count & 0x7F) | 0x80, UInt8(properties.count >> 7)]
    let large = longPacket(
      0x30 | qos.rawValue << 1, prefixed("t") + identifier + length + properties + utf8("x"))
    let (events, _) = feed(bench, large + publishV5("after"), by: chunk)
    #expect(events == ["skipped \(large.count)", "message t 'after'"])
    #expect(bench.output() == acknowledgement(qos, id))
  }

  @Test(arguments: [ConnectOptions.LargeMessages.stream, .skip])
  func repeatedLargeMessageIsAnsweredOnly(way: ConnectOptions.LargeMessages) {
    let bench = Self.bench(way)
    let large = publishV5(Self.payload, .exactlyOnce, id: 7)
    _ = feed(bench, large, by: 100)
    let again = publishV5(Self.payload, .exactlyOnce, id: 7, dup: true)
    let (events, payload) = feed(bench, again + publishV5("after"), by: 100)
    #expect(events == ["message t 'after'"] && payload == [])
    #expect(bench.output() == answer(0x50, 7) + answer(0x50, 7))
    #expect(bench.counters.duplicates == 1)
  }

  /// A message is acknowledged after it was handed over, so one that broke off is handed over anew.
  @Test(arguments: [ConnectOptions.LargeMessages.stream, .skip], [false, true])
  func largeMessageThatBrokeOffIsNewWhenItComesAgain(
    way: ConnectOptions.LargeMessages, byHand: Bool
  ) throws {
    let bench = Self.bench(way, byHand: byHand)
    let large = publishV5(Self.payload, .exactlyOnce, id: 7)
    _ = feed(bench, Array(large.prefix(400)), by: 100)
    bench.reconnectV5(sessionPresent: true)
    let again = publishV5(Self.payload, .exactlyOnce, id: 7, dup: true)
    let (events, payload) = feed(bench, again, by: 100)
    if way == .skip {
      #expect(events == ["skipped \(again.count)"])
    } else {
      #expect(events == ["large 600 t '' 7 dup", "last"] && payload == utf8(Self.payload))
      if byHand { try bench.acknowledge(7) }
    }
    #expect(bench.output() == answer(0x50, 7))
  }

  @Test func streamedMessageIsAcknowledgedByHand() throws {
    let bench = Self.bench(.stream, byHand: true)
    let large = publishV5(Self.payload, .atLeastOnce, id: 7)
    let (events, _) = feed(bench, large, by: 100)
    #expect(events == ["large 600 t '' 7", "last"] && bench.output() == [])
    try bench.acknowledge(7, .quotaExceeded)
    #expect(bench.output() == answerV5(0x40, 7, 0x97))
  }

  /// What is passed over nobody sees, so that nobody can acknowledge it; its turn it waits for.
  @Test func skippedMessageIsAcknowledgedWithoutAHand() throws {
    let bench = Self.bench(.skip, byHand: true)
    bench.tell(publishV5("a", .atLeastOnce, id: 1))
    _ = feed(bench, publishV5(Self.payload, .atLeastOnce, id: 2), by: 100)
    #expect(bench.output() == [])
    try bench.acknowledge(1)
    #expect(bench.output() == answer(0x40, 1) + answer(0x40, 2))
  }

  /// After DISCONNECT nothing is sent (section 3.14.4), whatever was on its way.
  @Test(arguments: [1, 2, 3, 300, 400])
  func disconnectInTheMiddle(at count: Int) {
    let bench = Self.bench(.skip)
    bench.tell(publishV5("a", .exactlyOnce, id: 7))
    let topic = String(repeating: "t", count: 300)
    let large = publishV5(Self.payload, .exactlyOnce, id: 7, dup: true, topic: topic)
    _ = feed(bench, Array(large.prefix(count)), by: 100)
    bench.session.disconnect()
    let sent = bench.output()
    _ = feed(bench, Array(large.dropFirst(count)), by: 100)
    #expect(sent.suffix(2) == [0xE0, 0] && bench.output() == [])
    // Over the next connection it is what it was before: one that was handed over.
    bench.reconnectV5(sessionPresent: true)
    #expect(bench.tell(publishV5("a", .exactlyOnce, id: 7, dup: true)) == [])
    #expect(bench.output() == answer(0x50, 7))
  }

  @Test func skippedMessageThatEndsAfterDisconnectIsAnsweredWhenItComesAgain() {
    let bench = Self.bench(.skip, byHand: true)
    let large = publishV5(Self.payload, .exactlyOnce, id: 7)
    _ = feed(bench, Array(large.prefix(300)), by: 100)
    bench.session.disconnect()
    _ = bench.output()
    #expect(feed(bench, Array(large.dropFirst(300)), by: 100).events == ["skipped \(large.count)"])
    bench.reconnectV5(sessionPresent: true)
    _ = feed(bench, publishV5(Self.payload, .exactlyOnce, id: 7, dup: true), by: 100)
    #expect(bench.output() == answer(0x50, 7))
  }

  @Test(arguments: [ConnectOptions.LargeMessages.stream, .skip])
  func quarterOfAGigabyteAnnouncedAndNotSent(way: ConnectOptions.LargeMessages) {
    let bench = Self.bench(way)
    bench.options.keepAlive = 0
    bench.reconnectV5(sessionPresent: true)
    bench.tell([0x32, 0xFF, 0xFF, 0xFF, 0x7F] + prefixed("t") + [0, 1, 0] + utf8("begin"))
    #expect(bench.receiveCapacity == 256)
    bench.now = bench.now + .seconds(14)
    #expect(bench.events() == [])
    bench.now = bench.now + .seconds(1)
    #expect(bench.events() == ["failed packetTimedOut"])
    #expect(bench.output() == [0xE0, 1, 0x80])
  }

  /// Where the server was told, it is held to it: also below the size of the buffer.
  @Test(arguments: [100 as UInt32, 255, 256, 300])
  func maximumPacketSizeIsHeldTo(maximum: UInt32) {
    let bench = Bench.onlineV5(prop(.maximumPacketSize, maximum)) { $0.largeMessages = .stream }
    let overhead = maximum < 130 ? 6 : 7
    let fits = String(repeating: "x", count: Int(maximum) - overhead)
    let largest = publishV5(fits)
    #expect(largest.count == Int(maximum))
    let (events, _) = feed(bench, largest, by: 100)
    #expect(events == (maximum <= 256 ? ["message t '\(fits)'"] : ["large 293 t ''", "last"]))
    #expect(feed(bench, publishV5(fits + "x"), by: 1).events == ["failed malformed packetTooLarge"])
    #expect(bench.output() == [0xE0, 1, 0x95])
  }

  @Test func malformedHeadOfALargeMessage() {
    let wrong: [(head: [UInt8], error: DecodeError, reason: UInt8)] = [
      (prefixed("a/+") + [0, 1, 0], .invalidTopicName, 0x81),
      (prefixed("") + [0, 1, 0], .missingProperty, 0x82),
      (prefixed("t") + [0, 0, 0], .invalidPacketID, 0x82),
      (prefixed("t") + [0, 1] + sized(prop(.reasonString, "x")), .misplacedProperty, 0x81),
      (prefixed("t") + [0, 1, 0xFF, 0xFF, 0x7F], .malformedBody, 0x81),
      (prefixed("t") + [0, 1, 0x80, 0x80, 0x80, 0x80], .malformedLength, 0x81),
    ]
    for (head, error, reason) in wrong {
      let bench = Self.bench(.stream)
      let bytes = longPacket(0x32, head + [UInt8](repeating: 0x78, count: 500))
      #expect(feed(bench, bytes, by: 20).events == ["failed malformed \(error)"])
      #expect(bench.output() == [0xE0, 1, reason])
    }
  }
}
