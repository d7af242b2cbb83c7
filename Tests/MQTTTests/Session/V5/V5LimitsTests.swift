import Core
import MQTT
import Testing

/// What a server forbids in CONNACK fails before it is sent, with an error that says so; it takes no
/// identifier (section 3.2.2.3).
@Suite struct V5LimitsTests {
  /// Nothing was written, and the next identifier is the first.
  private func expectUntouched(_ bench: Bench) {
    #expect(bench.output() == [] && bench.inflightCount == 0)
    #expect((try? bench.unsubscribe("f")) == 1)
  }

  @Test(arguments: [(0 as UInt32, QoS.atMostOnce), (1, .atLeastOnce)])
  func maximumQoS(number: UInt32, allowed: QoS) throws {
    let bench = Bench.onlineV5(connack: prop(.maximumQoS, number))
    #expect(bench.serverLimits.maximumQoS == allowed)
    #expect(throws: PublishError.qosNotSupported) { try bench.send("x", .exactlyOnce) }
    if number == 0 {
      #expect(throws: PublishError.qosNotSupported) { try bench.send("x", .atLeastOnce) }
    }
    expectUntouched(bench)
    #expect(try bench.send("x", allowed) == (number == 0 ? 0 : 2))
    // Subscriptions at a higher QoS are allowed (section 3.2.2.3.4).
    #expect(throws: Never.self) { try bench.subscribe("f", .exactlyOnce) }
  }

  @Test func retainAvailable() throws {
    let bench = Bench.onlineV5(connack: prop(.retainAvailable, 0))
    for qos in [QoS.atMostOnce, .atLeastOnce, .exactlyOnce] {
      #expect(throws: PublishError.retainNotSupported) { try bench.send("x", qos, retain: true) }
    }
    expectUntouched(bench)
    #expect(try bench.send("x", .atLeastOnce) == 2)
  }

  @Test func maximumPacketSizeOfAMessage() throws {
    // 2 + 3 + 2 + 1 bytes before the payload.
    let bench = Bench.onlineV5(connack: prop(.maximumPacketSize, 20))
    #expect(throws: PublishError.packetTooLarge) {
      try bench.send(String(repeating: "x", count: 13), .atLeastOnce)
    }
    expectUntouched(bench)
    _ = bench.output()
    #expect(try bench.send(String(repeating: "x", count: 12), .atLeastOnce) == 2)
    #expect(bench.output().count == 20)
  }

  @Test func maximumPacketSizeOfARequest() throws {
    // 2 + 2 + 1 + 2 + n + 1
    let bench = Bench.onlineV5(connack: prop(.maximumPacketSize, 20))
    #expect(throws: RequestError.packetTooLarge) {
      try bench.subscribe(String(repeating: "f", count: 13), .atMostOnce)
    }
    #expect(throws: RequestError.packetTooLarge) {
      try bench.unsubscribe(String(repeating: "f", count: 14))
    }
    expectUntouched(bench)
    _ = bench.output()
    #expect(try bench.subscribe(String(repeating: "f", count: 12), .atMostOnce) == 2)
    #expect(bench.output().count == 20)
  }

  @Test func maximumPacketSizeOfDisconnectAndAuth() throws {
    let method = prop(.authenticationMethod, "m")
    let bench = Bench.onlineV5(method, connack: method + prop(.maximumPacketSize, 12))
    #expect(throws: RequestError.packetTooLarge) {
      try bench.authenticate(method + prop(.authenticationData, "12345"))
    }
    #expect(throws: RequestError.packetTooLarge) {
      try bench.disconnect(.unspecifiedError, prop(.reasonString, "123456"))
    }
    #expect(bench.output() == [] && bench.isOnline)
    try bench.authenticate(method + prop(.authenticationData, "1"))
    #expect(bench.output().count == 12)
    try bench.disconnect(.unspecifiedError, prop(.reasonString, "12345"))
    #expect(bench.output() == packet(0xE0, [0x80] + sized(prop(.reasonString, "12345"))))
  }

  @Test func wildcardsSharesAndIdentifiers() throws {
    let bench = Bench.onlineV5(
      connack: prop(.wildcardSubscriptionAvailable, 0) + prop(.sharedSubscriptionAvailable, 0)
        + prop(.subscriptionIdentifierAvailable, 0))
    for filter in ["#", "a/+", "+/b"] {
      #expect(throws: RequestError.wildcardsNotSupported) {
        try bench.subscribe(filter, .atMostOnce)
      }
      #expect(throws: RequestError.wildcardsNotSupported) {
        try bench.subscribe(list: [("a", 0), (filter, 0)])
      }
    }
    #expect(throws: RequestError.sharedNotSupported) {
      try bench.subscribe("$share/g/a", .atMostOnce)
    }
    #expect(throws: RequestError.sharedNotSupported) {
      try bench.subscribe(list: [("$share/g/a", 0)])
    }
    #expect(throws: RequestError.identifiersNotSupported) {
      try bench.subscribe(list: [("a", 0)], prop(.subscriptionIdentifier, 1))
    }
    #expect(throws: RequestError.invalidFilter) { try bench.subscribe("", .atMostOnce) }
    expectUntouched(bench)
    #expect(try bench.subscribe("a", .atMostOnce) == 2)
  }

  @Test func limitsAreThoseOfThePresentConnackOnly() throws {
    let all =
      prop(.receiveMaximum, 1) + prop(.maximumQoS, 0) + prop(.retainAvailable, 0)
      + prop(.maximumPacketSize, 50) + prop(.topicAliasMaximum, 7)
      + prop(.wildcardSubscriptionAvailable, 0) + prop(.subscriptionIdentifierAvailable, 0)
      + prop(.sharedSubscriptionAvailable, 0) + prop(.serverKeepAlive, 7)
    let bench = Bench.onlineV5(connack: all)
    var limits = ServerLimits(keepAlive: 7)
    limits.receiveMaximum = 1
    limits.maximumQoS = .atMostOnce
    limits.retainAvailable = false
    limits.packetBytesMax = 50
    limits.topicAliasMaximum = 7
    limits.wildcardsAvailable = false
    limits.subscriptionIdentifiersAvailable = false
    limits.sharedSubscriptionsAvailable = false
    #expect(bench.serverLimits == limits)
    bench.session.closed()
    bench.open()
    #expect(bench.serverLimits == ServerLimits(keepAlive: 60))
    bench.tell(connectAckV5())
    #expect(bench.serverLimits == ServerLimits(keepAlive: 60))
    #expect(throws: Never.self) { try bench.send("x", .exactlyOnce, retain: true) }
  }

  @Test func largestLimitsAreNone() {
    let bench = Bench.onlineV5(
      connack: prop(.maximumPacketSize, .max) + prop(.receiveMaximum, 65_535))
    #expect(bench.serverLimits == ServerLimits(keepAlive: 60))
  }
}
