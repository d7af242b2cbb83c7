import Broker
import Core
import MQTT
import Testing

/// What each side of a connection of 5.0 takes: messages under way, lengths, aliases, and what the
/// broker does when a client does not keep to it.
@Suite struct V5LimitTests {
  private typealias Options = V5.SubscriptionOptions

  private func bench(_ change: (inout BrokerLimits) -> Void) -> Bench {
    var limits = BrokerLimits()
    change(&limits)
    return Bench(limits)
  }

  // MARK: Receive Maximum (section 4.9)

  @Test func noMoreMessagesAreUnderWayThanTheClientTakes() {
    let bench = Bench()
    let client = bench.subscriberV5(
      "a", "t", Options(qos: .exactlyOnce), [.number(.receiveMaximum, 2)])
    for payload in ["1", "2", "3"] { bench.publish("t", payload, .exactlyOnce) }
    bench.publish("t", "0")
    #expect(client.take().compactMap(\.payload) == ["1", "2", "0"])
    client.send(publishAnswerV5Bytes(.publishReceived, 1))
    #expect(client.take() == [.publishRelease(1)])
    client.send(releaseAnswerV5Bytes(.publishComplete, 1))
    #expect(client.take() == [.message("t", "3", .exactlyOnce, id: 3)])
  }

  @Test func aRefusedMessageMakesRoom() {
    let bench = Bench()
    let client = bench.subscriberV5(
      "a", "t", Options(qos: .exactlyOnce), [.number(.receiveMaximum, 1)])
    for payload in ["1", "2"] { bench.publish("t", payload, .exactlyOnce) }
    client.send(publishAnswerV5Bytes(.publishReceived, 1, .unspecifiedError))
    #expect(client.take().compactMap(\.payload) == ["1", "2"])
  }

  @Test func aSmallerMaximumHoldsBackWhatIsSentAgain() {
    let bench = Bench()
    let expiry: [Property] = [.number(.sessionExpiryInterval, 100)]
    let first = bench.subscriberV5("a", "t", Options(qos: .exactlyOnce), expiry)
    for payload in ["1", "2", "3", "4"] { bench.publish("t", payload, .exactlyOnce) }
    #expect(first.take().count == 4)
    first.send(publishAnswerV5Bytes(.publishReceived, 2))
    first.cut()
    let second = bench.connectV5("a", cleanStart: false, expiry + [.number(.receiveMaximum, 1)])
    #expect(
      second.take() == [.message("t", "1", .exactlyOnce, id: 1, dup: true), .publishRelease(2)])
    second.send(releaseAnswerV5Bytes(.publishComplete, 2))
    #expect(second.take() == [], "the first is still under way")
    second.acknowledge(.message("t", "1", .exactlyOnce, id: 1))
    #expect(second.payloads() == ["3", "4"])
  }

  @Test func moreThanTheBrokersMaximumEndsTheConnection() {
    let bench = bench { $0.receivedMax = 2 }
    let client = bench.connectV5("a")
    for id in [1, 2, 2] as [UInt16] { client.publish("t", "x", .exactlyOnce, id: id) }
    #expect(client.take().count == 3 && !client.isClosed)
    client.publish("t", "x", .exactlyOnce, id: 3)
    #expect(client.take() == [.disconnect(.receiveMaximumExceeded)])
    #expect(bench.takeReasons() == [.violated(.receiveMaximumExceeded)])
  }

  // MARK: Maximum Packet Size

  @Test func aMessageLongerThanTheClientTakesIsDroppedForIt() {
    let bench = Bench()
    let expiry: [Property] = [.number(.sessionExpiryInterval, 100)]
    let small = bench.subscriberV5(
      "a", "t", Options(qos: .atLeastOnce), expiry + [.number(.maximumPacketSize, 30)])
    let other = bench.subscriberV5("b", "t", Options(qos: .atLeastOnce))
    // 2 of header, 3 of topic, 2 of identifier, 1 of properties, and 22.
    let fits = String(repeating: "x", count: 22)
    for qos in [QoS.atMostOnce, .atLeastOnce] {
      bench.publish("t", fits + (qos == .atMostOnce ? "yy" : ""), qos)
      bench.publish("t", fits + (qos == .atMostOnce ? "yyy" : "y"), qos)
    }
    #expect(small.payloads() == [fits + "yy", fits])
    #expect(other.payloads().count == 4)
    #expect(bench.takeDropped() == [fits + "yyy", fits + "y"])
    small.cut()
    bench.publish("t", fits + "y", .atLeastOnce)
    let back = bench.connectV5(
      "a", cleanStart: false, expiry + [.number(.maximumPacketSize, 30)])
    #expect(back.payloads() == [] && bench.takeDropped() == [fits + "y"])
    bench.publish("t", fits, .atLeastOnce)
    #expect(back.payloads() == [fits])
  }

  @Test func anAnswerLongerThanTheClientTakesEndsTheConnection() {
    let client = Bench().connectV5("a", [.number(.maximumPacketSize, 30)])
    let options = Options(qos: .atMostOnce)
    client.send(subscribeV5Bytes((0..<25).map { ("t/\($0)", options) }))
    #expect(client.take() == [.subscribeAck(1, Array(repeating: .grantedAtMostOnce, count: 25))])
    client.send(subscribeV5Bytes((0..<26).map { ("t/\($0)", options) }))
    #expect(client.take() == [.disconnect(.packetTooLarge)])
    #expect(client.isClosed)
  }

  @Test func propertiesCountForTheLength() {
    let bench = Bench()
    let small = bench.subscriberV5(
      "a", "t", Options(qos: .atMostOnce), identifier: 1, [.number(.maximumPacketSize, 20)])
    bench.publish("t", String(repeating: "x", count: 12))
    bench.publish("t", String(repeating: "y", count: 13))
    #expect(small.payloads() == [String(repeating: "x", count: 12)])
  }

  @Test func aPacketOverTheBrokersLimitEndsTheConnection() {
    let bench = bench { $0.packetBytesMax = 100 }
    let client = bench.connectV5("a")
    client.send([0x30, 99])
    #expect(client.take() == [.disconnect(.packetTooLarge)])
    #expect(bench.takeReasons() == [.malformed(.packetTooLarge)])
  }

  // MARK: Topic aliases (section 3.3.2.3.4)

  @Test func aClientsAliasStandsForItsTopicOnItsConnection() {
    let bench = Bench()
    let old = bench.subscriber("old", "#", .atMostOnce)
    let client = bench.connectV5("a", [.number(.sessionExpiryInterval, 100)])
    let alias: [Property] = [.number(.topicAlias, 10)]
    client.publish("t/1", "1", alias)
    client.publish("", "2", alias)
    client.publish("t/2", "3", alias)
    client.publish("", "4", alias)
    #expect(
      old.take() == [
        .message("t/1", "1"), .message("t/1", "2"), .message("t/2", "3"), .message("t/2", "4"),
      ])
    client.cut()
    let again = bench.connectV5("a", cleanStart: false)
    again.publish("", "5", alias)
    #expect(again.take() == [.disconnect(.protocolError)], "forgotten with the connection")
    #expect(old.take() == [])
  }

  @Test func anAliasOverTheMaximumOrNoneEndsTheConnection() {
    let bench = bench { $0.topicAliasMax = 3 }
    for (alias, reason) in [(4, V5.DisconnectReason.topicAliasInvalid), (3, .protocolError)] {
      let client = bench.connectV5("a")
      client.publish(alias == 4 ? "t" : "", "x", [.number(.topicAlias, UInt32(alias))])
      #expect(client.take() == [.disconnect(reason)])
      #expect(client.isClosed)
    }
    let client = bench.connectV5("a")
    client.send([0x30, 7, 0, 1, 0x74, 3, 0x23, 0, 0])
    #expect(client.take() == [.disconnect(.topicAliasInvalid)])
  }

  @Test func theBrokerGivesTopicsNumbersAsFarAsTheClientTakesThem() {
    let bench = Bench()
    let client = bench.subscriberV5(
      "a", "#", Options(qos: .atMostOnce), [.number(.topicAliasMaximum, 2)])
    let topics = ["topic/1", "topic/2", "topic/3", "topic/1", "topic/2", "topic/3"]
    for topic in topics { bench.publish(topic, "x") }
    let aliases: [[Property]] = [
      [.number(.topicAlias, 1)], [.number(.topicAlias, 2)], [], [.number(.topicAlias, 1)],
      [.number(.topicAlias, 2)], [],
    ]
    let bytes = bench.output(of: client.id)
    #expect(bytes.count == 16 + 16 + 13 + 9 + 9 + 13, "three bytes more, then seven fewer")
    #expect(client.decode(bytes) == zip(topics, aliases).map { .message($0, "x", $1) })
  }

  @Test func aMessageThatIsDroppedGivesNoNumber() {
    let bench = Bench()
    let client = bench.subscriberV5(
      "a", "#", Options(qos: .atMostOnce),
      [.number(.topicAliasMaximum, 2), .number(.maximumPacketSize, 20)])
    bench.publish("t", String(repeating: "x", count: 20))
    // Fits only without the three bytes of an alias, 2 + 3 + 1 + 14 bytes.
    bench.publish("t", String(repeating: "y", count: 14))
    bench.publish("t", "z")
    #expect(
      client.take() == [
        .message("t", String(repeating: "y", count: 14)),
        .message("t", "z", [.number(.topicAlias, 1)]),
      ])
  }

  // MARK: What is not offered

  @Test func aMessageThatAsksForWhatIsNotOfferedEndsTheConnection() {
    let bench = bench {
      $0.maximumQoS = .atLeastOnce
      $0.retainIsAvailable = false
    }
    let listener = bench.subscriber("listener", "#", .atMostOnce)
    let qos = bench.connectV5("a")
    qos.publish("t", "x", .exactlyOnce, id: 1)
    #expect(qos.take() == [.disconnect(.qosNotSupported)])
    let retain = bench.connectV5("a")
    retain.publish("t", "x", retain: true)
    #expect(retain.take() == [.disconnect(.retainNotSupported)])
    let old = bench.connect("old")
    old.publish("t", "x", retain: true)
    #expect(old.isClosed)
    #expect(listener.payloads() == [] && bench.retained("t") == nil)
  }

  // MARK: Faults

  @Test(
    arguments: [
      ([0x36, 4], .malformedPacket), ([0xD0, 0], .protocolError), ([0xC1, 0], .malformedPacket),
      ([0x30, 4, 0, 1, 0x2B, 0], .malformedPacket),
      // A subscription identifier from a client, and a response topic with a wildcard.
      ([0x30, 7, 0, 1, 0x74, 2, 0x0B, 1, 0x78], .malformedPacket),
      ([0x32, 5, 0, 1, 0x74, 0, 0], .protocolError),
      // SUBSCRIBE with retain handling 3, and with no local on a shared filter.
      ([0x82, 7, 0, 1, 0, 0, 1, 0x74, 0x30], .protocolError),
      ([0x82, 16, 0, 1, 0, 0, 10] + utf8("$share/g/t") + [4], .protocolError),
      // AUTH without a method in CONNECT.
      ([0xF0, 6, 0x19, 4, 0x15, 0, 1, 0x6D], .protocolError),
      // DISCONNECT with a reason of a server.
      ([0xE0, 1, 0x8E], .protocolError),
    ] as [([UInt8], V5.DisconnectReason)])
  func aFaultEndsInDisconnectWithItsReason(bytes: [UInt8], reason: V5.DisconnectReason) {
    let bench = Bench()
    let client = bench.connectV5("a")
    client.send(bytes)
    #expect(client.take() == [.disconnect(reason)])
    #expect(client.isClosed && client.reasonString != nil)
  }

  @Test func aClientThatAsksWithoutReadingIsToldSo() {
    let bench = bench {
      $0.outputBytesMax = 1_000
      $0.packetBytesMax = 1_000
    }
    let client = bench.connectV5("a")
    for _ in 0..<10_000 where !client.isClosed { client.send([0xC0, 0]) }
    #expect(client.take().last == .disconnect(.quotaExceeded))
  }

  // MARK: The owner's word

  @Test func theOwnerEndsAConnection() {
    let bench = Bench()
    bench.rules.serverReference = utf8("other.example:1883")
    let client = bench.connectV5("a")
    #expect(!bench.disconnect("nobody", .administrativeAction))
    #expect(bench.disconnect("a", .serverMoved))
    #expect(
      client.take() == [.disconnect(.serverMoved, [.text(.serverReference, "other.example:1883")])])
    #expect(client.isClosed && !bench.disconnect("a", .serverMoved))
    #expect(bench.takeReasons() == [.byOwner(.serverMoved)])
    let old = bench.connect("old")
    #expect(bench.disconnect("old", .administrativeAction))
    #expect(old.isClosed && old.take() == [])
  }

  @Test func shuttingDownIsToldAndLeadsToWills() {
    let bench = Bench()
    let client = bench.connectV5("a", will: V5TestWill(retain: true))
    let old = bench.connect("old")
    let silent = bench.open()
    bench.shutDown()
    #expect(client.take() == [.disconnect(.serverShuttingDown)])
    #expect(client.isClosed && old.isClosed && silent.isClosed)
    #expect(bench.retained("will") == "lost")
  }
}
