import Core
import MQTT
import Testing

/// Acknowledgement by hand: accept, refuse, defer.
@Suite struct V5ManualTests {
  private static func bench(
    _ properties: [UInt8] = [], level: ProtocolLevel = .v50
  ) -> Bench {
    guard level == .v50 else {
      let bench = Bench(level: level, cleanSession: false)
      bench.options.acknowledgesByHand = true
      bench.connect()
      return bench
    }
    return .onlineV5(properties, cleanSession: false) { $0.acknowledgesByHand = true }
  }

  @Test func nothingIsAcknowledgedBeforeTheOwnerSaysSo() throws {
    let bench = Self.bench()
    bench.tell(publishV5("a", .atLeastOnce, id: 1) + publishV5("b", .exactlyOnce, id: 2))
    bench.session.messageHandled()
    #expect(bench.events() == [] && bench.output() == [])
    try bench.acknowledge(1)
    #expect(bench.output() == answer(0x40, 1))
    try bench.acknowledge(2)
    #expect(bench.output() == answer(0x50, 2))
    #expect(bench.tell(answer(0x62, 2)) == [])
    #expect(bench.output() == answer(0x70, 2))
  }

  @Test(arguments: [
    V5.PublishReason.unspecifiedError, .implementationSpecificError, .notAuthorized,
    .topicNameInvalid, .packetIdentifierInUse, .quotaExceeded, .payloadFormatInvalid,
  ])
  func refusalSaysWhy(reason: V5.PublishReason) throws {
    let bench = Self.bench()
    bench.tell(publishV5("a", .atLeastOnce, id: 1) + publishV5("b", .exactlyOnce, id: 2))
    try bench.acknowledge(1, reason)
    try bench.acknowledge(2, reason)
    #expect(
      bench.output() == answerV5(0x40, 1, reason.rawValue) + answerV5(0x50, 2, reason.rawValue))
    // A refused QoS 2 message is done: its identifier is a new message's.
    #expect(bench.tell(publishV5("c", .exactlyOnce, id: 2)) == ["message t 'c' 2"])
  }

  @Test func acknowledgementsThatCannotBe() throws {
    let bench = Self.bench()
    #expect(throws: AcknowledgeError.notWaiting) { try bench.acknowledge(1) }
    bench.tell(publishV5("a", .atLeastOnce, id: 1))
    #expect(throws: AcknowledgeError.unsupportedLevel) {
      try bench.acknowledge(1, .noMatchingSubscribers)
    }
    try bench.acknowledge(1)
    #expect(throws: AcknowledgeError.notWaiting) { try bench.acknowledge(1) }
    #expect(throws: AcknowledgeError.notWaiting) { try bench.acknowledge(0) }
    let old = Self.bench(level: .v311)
    _ = old.receive(publishBytes("a", .atLeastOnce, id: 1))
    #expect(throws: AcknowledgeError.unsupportedLevel) {
      try old.acknowledge(1, .notAuthorized)
    }
    try old.acknowledge(1)
    #expect(old.output() == answer(0x40, 1))
  }

  /// [MQTT-4.6.0-2] and [MQTT-4.6.0-3]: in the order of the messages, for each QoS.
  @Test func answersGoOutInTheOrderOfTheMessages() throws {
    let bench = Self.bench(prop(.receiveMaximum, 3))
    bench.tell(
      publishV5("a", .atLeastOnce, id: 1) + publishV5("b", .exactlyOnce, id: 2)
        + publishV5("c", .atLeastOnce, id: 3))
    try bench.acknowledge(3, .quotaExceeded)
    #expect(bench.output() == [])
    try bench.acknowledge(2)
    #expect(bench.output() == answer(0x50, 2))
    try bench.acknowledge(1)
    #expect(bench.output() == answer(0x40, 1) + answerV5(0x40, 3, 0x97))
  }

  @Test func exactlyOnceAnswersKeepTheirOrder() throws {
    let bench = Self.bench()
    for id in 1...3 as ClosedRange<UInt16> { bench.tell(publishV5("a", .exactlyOnce, id: id)) }
    try bench.acknowledge(2)
    try bench.acknowledge(3, .notAuthorized)
    #expect(bench.output() == [])
    // A release that nobody has asked for yet is unknown, and harms none.
    bench.tell(answer(0x62, 2))
    #expect(bench.output() == answerV5(0x70, 2, 0x92))
    try bench.acknowledge(1)
    #expect(bench.output() == answer(0x50, 1) + answer(0x50, 2) + answerV5(0x50, 3, 0x87))
  }

  @Test func repeatedMessageWhileItIsDeferred() throws {
    let bench = Self.bench()
    bench.tell(publishV5("a", .exactlyOnce, id: 1) + publishV5("b", .atLeastOnce, id: 2))
    #expect(
      bench.tell(
        publishV5("a", .exactlyOnce, id: 1, dup: true)
          + publishV5("b", .atLeastOnce, id: 2, dup: true)) == [])
    #expect(bench.counters.duplicates == 2 && bench.output() == [])
    try bench.acknowledge(1)
    try bench.acknowledge(2)
    #expect(bench.output() == answer(0x50, 1) + answer(0x40, 2))
    // Once more before PUBREL: PUBREC again, and not a second message.
    #expect(bench.tell(publishV5("a", .exactlyOnce, id: 1, dup: true)) == [])
    #expect(bench.output() == answer(0x50, 1))
  }

  /// Acknowledgements die with their connection; what was handed over at QoS 2 is not handed over
  /// again.
  @Test func reconnectionWhileDeferred() throws {
    let bench = Self.bench()
    bench.tell(publishV5("a", .atLeastOnce, id: 1) + publishV5("b", .exactlyOnce, id: 2))
    bench.session.closed()
    #expect(throws: AcknowledgeError.notWaiting) { try bench.acknowledge(1) }
    bench.reconnectV5(sessionPresent: true)
    #expect(bench.output() == [])
    #expect(throws: AcknowledgeError.notWaiting) { try bench.acknowledge(1) }
    #expect(
      bench.tell(
        publishV5("a", .atLeastOnce, id: 1, dup: true)
          + publishV5("b", .exactlyOnce, id: 2, dup: true)) == ["message t 'a' 1 dup"])
    try bench.acknowledge(2)
    try bench.acknowledge(1)
    #expect(bench.output() == answer(0x50, 2) + answer(0x40, 1))
  }

  @Test func answerOfBetweenTwoConnectionsWaitsForTheMessage() throws {
    let bench = Self.bench()
    bench.tell(publishV5("a", .exactlyOnce, id: 1) + publishV5("b", .exactlyOnce, id: 2))
    bench.session.closed()
    try bench.acknowledge(1)
    try bench.acknowledge(2, .quotaExceeded)
    bench.reconnectV5(sessionPresent: true)
    #expect(bench.events() == [] && bench.output() == [])
    #expect(bench.tell(publishV5("a", .exactlyOnce, id: 1, dup: true)) == [])
    #expect(bench.output() == answer(0x50, 1))
    #expect(bench.tell(publishV5("b", .exactlyOnce, id: 2, dup: true)) == [])
    #expect(bench.output() == answerV5(0x50, 2, 0x97))
  }

  /// PUBREC of a message that came before waits for that of one before it, which was refused over the
  /// earlier connection and is new therefore.
  @Test func repeatedMessageIsAnsweredInItsTurn() throws {
    let bench = Self.bench()
    bench.tell(publishV5("a", .exactlyOnce, id: 1) + publishV5("b", .exactlyOnce, id: 2))
    try bench.acknowledge(1, .quotaExceeded)
    try bench.acknowledge(2)
    bench.reconnectV5(sessionPresent: true)
    #expect(
      bench.tell(
        publishV5("a", .exactlyOnce, id: 1, dup: true)
          + publishV5("b", .exactlyOnce, id: 2, dup: true)) == ["message t 'a' 1 dup"])
    #expect(bench.output() == [])
    try bench.acknowledge(1)
    #expect(bench.output() == answer(0x50, 1) + answer(0x50, 2))
    bench.tell(answer(0x62, 2))
    #expect(bench.output() == answer(0x70, 2))
  }

  @Test func lostSessionEndsWhatWasDeferred() {
    let bench = Self.bench()
    bench.tell(publishV5("b", .exactlyOnce, id: 2))
    bench.reconnectV5(sessionPresent: false)
    #expect(throws: AcknowledgeError.notWaiting) { try bench.acknowledge(2) }
    #expect(bench.tell(publishV5("c", .exactlyOnce, id: 2)) == ["message t 'c' 2"])
  }

  /// An owner that goes over to acknowledging at once has nothing left to do by hand.
  @Test func changeToAcknowledgingAtOnce() {
    let bench = Self.bench()
    bench.tell(publishV5("b", .exactlyOnce, id: 2))
    bench.options.acknowledgesByHand = false
    bench.reconnectV5(sessionPresent: true)
    #expect(bench.tell(publishV5("b", .exactlyOnce, id: 2, dup: true)) == [])
    #expect(bench.output() == answer(0x50, 2))
    bench.tell(answer(0x62, 2))
    #expect(bench.output() == answer(0x70, 2))
  }

  @Test func afterDisconnectNothingIsAcknowledged() throws {
    let bench = Self.bench()
    bench.tell(publishV5("a", .atLeastOnce, id: 1) + publishV5("b", .exactlyOnce, id: 2))
    bench.session.disconnect()
    _ = bench.output()
    try bench.acknowledge(1)
    try bench.acknowledge(2)
    #expect(bench.events() == [] && bench.output() == [])
  }

  /// Answers wait for room in the output, and come in order then.
  @Test func fullOutputHoldsAnswersBack() throws {
    let bench = Self.bench()
    bench.tell(publishV5("a", .exactlyOnce, id: 1) + publishV5("b", .exactlyOnce, id: 2))
    while (try? bench.send("0")) != nil {}
    bench.options.keepAlive = 0
    var unsolicited: UInt16 = 100
    while bench.session.hasOutput && unsolicited < 200 {
      let before = bench.counters.unsolicited
      bench.tell(answer(0x62, unsolicited))
      if bench.counters.unsolicited == before { break }
      unsolicited += 1
    }
    #expect(unsolicited < 200)
    try bench.acknowledge(2)
    try bench.acknowledge(1)
    let held = bench.output()
    #expect(!held.suffix(8).elementsEqual(answer(0x50, 1) + answer(0x50, 2)))
    #expect(bench.events() == [])
    #expect(bench.output().prefix(8).elementsEqual(answer(0x50, 1) + answer(0x50, 2)))
  }
}
