import Core
import MQTT
import Testing

/// Topic aliases out (section 3.3.2.3.4): what the session chooses, and what its owner does.
@Suite struct V5AliasTests {
  private static func bench(maximum: UInt32 = 2, packetBytesMax: UInt32? = nil) -> Bench {
    var connack = prop(.topicAliasMaximum, maximum)
    if let packetBytesMax { connack += prop(.maximumPacketSize, packetBytesMax) }
    return .onlineV5(connack: connack, cleanSession: false) { $0.assignsAliases = true }
  }

  private func alias(_ number: UInt32) -> [UInt8] { prop(.topicAlias, number) }

  @Test func leastRecentlyUsedAliasIsTaken() throws {
    let bench = Self.bench()
    let steps: [(topic: String, sent: String, alias: UInt32)] = [
      ("a", "a", 1), ("a", "", 1), ("b", "b", 2), ("a", "", 1), ("c", "c", 2), ("a", "", 1),
      ("b", "b", 2), ("a", "", 1), ("c", "c", 2), ("c", "", 2), ("b", "b", 1),
    ]
    for step in steps {
      try bench.send("x", topic: step.topic)
      #expect(bench.output() == publishV5("x", topic: step.sent, with: alias(step.alias)))
    }
  }

  @Test func noneAreUsedWhereTheServerTakesNone() throws {
    let bench = Bench.onlineV5 { $0.assignsAliases = true }
    for _ in 0..<2 {
      try bench.send("x", topic: "a")
      #expect(bench.output() == publishV5("x", topic: "a"))
    }
    #expect(throws: PublishError.invalidTopicAlias) {
      try bench.send("x", topic: "a", with: alias(1))
    }
  }

  @Test func noneAreUsedUnlessAskedFor() throws {
    let bench = Bench.onlineV5(connack: prop(.topicAliasMaximum, 2))
    for _ in 0..<2 {
      try bench.send("x", topic: "a")
      #expect(bench.output() == publishV5("x", topic: "a"))
    }
  }

  @Test func longTopicGoesWithoutAnAlias() throws {
    let bench = Self.bench()
    let topic = String(repeating: "t", count: 17)
    for _ in 0..<2 {
      try bench.send("x", topic: topic)
      #expect(bench.output() == publishV5("x", topic: topic))
    }
  }

  @Test func propertiesFollowTheAlias() throws {
    let bench = Self.bench()
    let list = prop(.contentType, "c") + prop(user: "k", "v")
    try bench.send("x", .atLeastOnce, topic: "a", with: list)
    try bench.send("y", .atLeastOnce, topic: "a", with: list)
    #expect(
      bench.output() == publishV5("x", .atLeastOnce, id: 1, topic: "a", with: alias(1) + list)
        + publishV5("y", .atLeastOnce, id: 2, topic: "", with: alias(1) + list))
  }

  @Test func aliasOfTheOwnerIsObeyed() throws {
    let bench = Self.bench()
    #expect(throws: PublishError.invalidTopicAlias) {
      try bench.send("x", topic: "", with: alias(1))
    }
    #expect(throws: PublishError.invalidTopic) { try bench.send("x", topic: "") }
    for wrong in [alias(3), alias(65_535)] {
      #expect(throws: PublishError.invalidTopicAlias) {
        try bench.send("x", topic: "a", with: wrong)
      }
    }
    #expect(throws: PublishError.invalidProperties) {
      try bench.send("x", topic: "a", with: [0x23, 0, 0])
    }
    #expect(throws: PublishError.invalidProperties) {
      try bench.send("x", topic: "a", with: alias(1) + alias(2))
    }
    #expect(bench.output() == [])
    try bench.send("x", topic: "a", with: alias(2))
    try bench.send("x", topic: "", with: alias(2))
    // The session knows it, too.
    try bench.send("x", topic: "a")
    try bench.send("x", topic: "b", with: alias(2))
    try bench.send("x", topic: "a")
    #expect(
      bench.output() == publishV5("x", topic: "a", with: alias(2))
        + publishV5("x", topic: "", with: alias(2)) + publishV5("x", topic: "", with: alias(2))
        + publishV5("x", topic: "b", with: alias(2)) + publishV5("x", topic: "a", with: alias(1)))
  }

  /// The server has not seen the topic, so that the next message has to say it.
  @Test func refusedMessageLeavesTheTableAlone() throws {
    let bench = Self.bench()
    #expect(throws: PublishError.packetTooLarge) {
      try bench.send(String(repeating: "x", count: 600), topic: "a")
    }
    #expect(throws: PublishError.invalidTopic) { try bench.send("x", topic: "a/#") }
    try bench.send("x", topic: "a")
    #expect(bench.output() == publishV5("x", topic: "a", with: alias(1)))
    while (try? bench.send(String(repeating: "x", count: 40), topic: "a")) != nil {}
    #expect(throws: PublishError.bufferFull) {
      try bench.send(String(repeating: "x", count: 40), topic: "b")
    }
    _ = bench.output()
    try bench.send("x", topic: "b")
    #expect(bench.output() == publishV5("x", topic: "b", with: alias(2)))
  }

  @Test func tooLongAPayloadWrittenInPlaceLeavesTheTableAlone() throws {
    let bench = Self.bench()
    let topic = utf8("a")
    #expect(throws: PublishError.packetTooLarge) {
      try bench.session.publish(
        topic: topic.span, payloadMax: 2, qos: .atMostOnce, retain: false, token: 0
      ) { out in for _ in 0..<10 { out.append(0x78) } }
    }
    #expect(bench.output() == [])
    try bench.session.publish(
      topic: topic.span, payloadMax: 200, qos: .atMostOnce, retain: false, token: 0
    ) { out in out.append(0x78) }
    #expect(bench.output() == publishV5("x", topic: "a", with: alias(1)))
  }

  /// A new alias is three bytes more; a message that fits without it is sent without.
  @Test func aliasDoesNotMakeAMessageTooLarge() throws {
    let bench = Self.bench(packetBytesMax: 20)
    let payload = String(repeating: "x", count: 14)
    try bench.send(payload, topic: "a")
    #expect(bench.output() == publishV5(payload, topic: "a"))
    try bench.send("x", topic: "a")
    #expect(bench.output() == publishV5("x", topic: "a", with: alias(1)))
    #expect(throws: PublishError.packetTooLarge) {
      try bench.send(payload + "x", topic: "b")
    }
  }

  /// Nothing that stood in a packet of an earlier connection stands in one of this.
  @Test func aliasesEndWithTheirConnection() throws {
    let bench = Self.bench()
    try bench.send("x", .atLeastOnce, topic: "t")
    try bench.send("y", .atLeastOnce, topic: "t")
    bench.reconnectV5(sessionPresent: true)
    #expect(bench.resendAll() == [0x78, 0x79])
    #expect(
      bench.output() == publishV5("x", .atLeastOnce, id: 1, dup: true)
        + publishV5("y", .atLeastOnce, id: 2, dup: true))
    bench.reconnectV5(sessionPresent: true, connack: prop(.topicAliasMaximum, 1))
    #expect(bench.resendAll() == [0x78, 0x79])
    #expect(
      bench.output() == publishV5("x", .atLeastOnce, id: 1, dup: true, with: alias(1))
        + publishV5("y", .atLeastOnce, id: 2, dup: true, topic: "", with: alias(1)))
  }
}

/// Topic aliases in.
@Suite struct V5InboundAliasTests {
  private static func bench() -> Bench {
    .onlineV5(prop(.topicAliasMaximum, 2), cleanSession: false)
  }

  private func alias(_ number: UInt32) -> [UInt8] { prop(.topicAlias, number) }

  @Test func aliasStandsForItsTopicUntilItIsGivenAnother() {
    let bench = Self.bench()
    #expect(
      bench.tell(
        publishV5("1", topic: "one", with: alias(1)) + publishV5("2", topic: "two", with: alias(2))
          + publishV5("3", topic: "", with: alias(1)) + publishV5("4", topic: "", with: alias(2))
          + publishV5("5", topic: "uno", with: alias(1)) + publishV5("6", topic: "", with: alias(1))
      ) == [
        "message one '1' topicAlias=1", "message two '2' topicAlias=2",
        "message one '3' topicAlias=1", "message two '4' topicAlias=2",
        "message uno '5' topicAlias=1", "message uno '6' topicAlias=1",
      ])
  }

  @Test func aliasThatIsNotDefinedIsAProtocolError() {
    let bench = Self.bench()
    #expect(bench.tell(publishV5("x", topic: "", with: alias(1))) == ["failed protocolViolation"])
    #expect(bench.output() == [0xE0, 1, 0x82])
  }

  @Test(arguments: ["", "t"])
  func aliasAboveTheMaximumIsInvalid(topic: String) {
    let bench = Self.bench()
    #expect(
      bench.tell(publishV5("x", topic: topic, with: alias(3))) == ["failed topicAliasInvalid"])
    #expect(bench.output() == [0xE0, 1, 0x94])
  }

  @Test func aliasZeroIsInvalid() {
    let bench = Self.bench()
    #expect(
      bench.tell(publishV5("x", with: [0x23, 0, 0])) == ["failed malformed invalidTopicAlias"])
    #expect(bench.output() == [0xE0, 1, 0x94])
  }

  @Test func serverThatWasToldNoMaximumMayUseNone() {
    let bench = Bench.onlineV5()
    #expect(bench.tell(publishV5("x", with: alias(1))) == ["failed topicAliasInvalid"])
  }

  @Test func topicThatIsTooLongForTheTable() {
    let bench = Self.bench()
    let topic = String(repeating: "t", count: 16)
    #expect(
      bench.tell(publishV5("x", topic: topic, with: alias(1))) == [
        "message \(topic) 'x' topicAlias=1"
      ])
    #expect(
      bench.tell(publishV5("x", topic: topic + "t", with: alias(1))) == [
        "failed aliasTopicTooLong"
      ])
    #expect(bench.output() == [0xE0, 1, 0x83])
  }

  @Test func aliasesAreForgottenWithTheConnection() {
    let bench = Self.bench()
    bench.tell(publishV5("x", topic: "one", with: alias(1)))
    bench.reconnectV5(sessionPresent: true)
    #expect(bench.tell(publishV5("x", topic: "", with: alias(1))) == ["failed protocolViolation"])
  }

  /// A message that came before defines its alias again.
  @Test func duplicateDefinesItsAlias() {
    let bench = Self.bench()
    bench.tell(publishV5("x", .exactlyOnce, id: 1, topic: "one", with: alias(1)))
    bench.reconnectV5(sessionPresent: true)
    #expect(
      bench.tell(publishV5("x", .exactlyOnce, id: 1, dup: true, topic: "one", with: alias(1)))
        == [])
    #expect(
      bench.tell(publishV5("y", topic: "", with: alias(1))) == ["message one 'y' topicAlias=1"])
  }

  /// A message that waits for room is looked at twice, and is the same.
  @Test func aliasOfAMessageThatWaitsForRoom() {
    let bench = Self.bench()
    bench.tell(publishV5("x", topic: "one", with: alias(1)))
    while (try? bench.send("0")) != nil {}
    var id: UInt16 = 0
    repeat {
      id += 1
      bench.bring(publishV5("y", .atLeastOnce, id: id, topic: "", with: alias(1)))
    } while bench.event() != nil && id < 100
    #expect(id < 100)
    _ = bench.output()
    #expect(bench.events() == ["message one 'y' \(id) topicAlias=1"])
  }
}
