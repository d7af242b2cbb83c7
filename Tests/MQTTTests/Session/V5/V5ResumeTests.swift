import Core
import MQTT
import Testing

/// What outlives a connection: order, DUP, identifiers, and messages that wait before they were ever
/// sent (sections 4.4 and 4.6).
@Suite struct V5ResumeTests {
  @Test func resumptionMarksOrdersAndReleases() throws {
    let bench = Bench.onlineV5(cleanSession: false)
    try bench.send("a", .exactlyOnce)
    try bench.send("b", .atLeastOnce)
    try bench.send("c", .exactlyOnce)
    bench.tell(answer(0x50, 1))
    let d = try bench.enqueue("d", .atLeastOnce)
    bench.reconnectV5(sessionPresent: true)
    #expect(bench.resendAll() == [0x62, 0x63, 0x64])
    #expect(
      bench.output()
        == answer(0x62, 1) + publishV5("b", .atLeastOnce, id: 2, dup: true)
        + publishV5("c", .exactlyOnce, id: 3, dup: true) + publishV5("d", .atLeastOnce, id: d))
  }

  /// Messages over the wrap are 65,534, 65,535, 1, 2: that is the order, not the numbers'.
  @Test func orderHoldsOverTheWrapOfIdentifiers() throws {
    let bench = Bench.onlineV5(cleanSession: false)
    for _ in 0..<65_533 {
      let id = try bench.send("x", .atLeastOnce)
      #expect(bench.tell(answer(0x40, id)).count == 1)
      _ = bench.output()
    }
    let ids = try ["a", "b", "c", "d"].map { try bench.send($0, .atLeastOnce) }
    #expect(ids == [65_534, 65_535, 1, 2])
    bench.reconnectV5(sessionPresent: true)
    #expect(bench.resendAll() == [0x61, 0x62, 0x63, 0x64])
    #expect(
      bench.output()
        == publishV5("a", .atLeastOnce, id: 65_534, dup: true)
        + publishV5("b", .atLeastOnce, id: 65_535, dup: true)
        + publishV5("c", .atLeastOnce, id: 1, dup: true)
        + publishV5("d", .atLeastOnce, id: 2, dup: true))
  }

  /// Identifiers that are held all the way round, by messages and by a SUBSCRIBE, are passed over.
  @Test func heldIdentifiersArePassedOver() throws {
    let bench = Bench.onlineV5(cleanSession: false)
    #expect(try bench.send("a", .exactlyOnce) == 1)
    #expect(try bench.enqueue("b", .atLeastOnce) == 2)
    #expect(bench.resendAll() == [0x62])
    #expect(try bench.subscribe("f", .atMostOnce) == 3)
    for _ in 4...65_535 {
      let id = try bench.send("x", .atLeastOnce)
      bench.tell(answer(0x40, id))
      _ = bench.output()
    }
    #expect(try bench.unsubscribe("f") == 4)
    #expect(try bench.send("c", .atLeastOnce) == 5)
    bench.reconnectV5(sessionPresent: true)
    #expect(bench.resendAll() == [0x61, 0x62, 0x63])
  }

  @Test func messagesThatWaitGoBehindThoseBeforeThem() throws {
    let bench = Bench.onlineV5(connack: prop(.receiveMaximum, 1), cleanSession: false)
    try bench.send("a", .atLeastOnce)
    #expect(try bench.enqueue("b", .exactlyOnce) == 2)
    #expect(try bench.enqueue("c", .atLeastOnce) == 3)
    #expect(bench.nextResend() == nil && bench.isResending)
    #expect(throws: PublishError.windowFull) { try bench.send("d", .atLeastOnce) }
    _ = bench.output()
    // An answer to what was never sent is none.
    #expect(bench.tell(answer(0x40, 3) + answer(0x50, 2)) == [])
    #expect(bench.output() == answerV5(0x62, 2, 0x92))
    bench.tell(answer(0x40, 1))
    #expect(bench.resendAll() == [0x62])
    #expect(bench.output() == publishV5("b", .exactlyOnce, id: 2))
    bench.tell(answer(0x50, 2))
    #expect(bench.resendAll() == [])
    bench.tell(answer(0x70, 2))
    #expect(bench.resendAll() == [0x63])
    #expect(!bench.isResending)
  }

  @Test func messagesCanWaitBeforeTheFirstConnection() throws {
    let bench = Bench.newV5()
    for payload in ["a", "b", "c", "d"] { _ = try bench.enqueue(payload, .atLeastOnce) }
    #expect(throws: PublishError.windowFull) { try bench.enqueue("e", .atLeastOnce) }
    #expect(!bench.isResending)
    // A clean start forgets what was under way, and these were not.
    bench.open()
    bench.tell(connectAckV5())
    _ = bench.output()
    #expect(bench.resendAll() == [0x61, 0x62, 0x63, 0x64])
    #expect(bench.output().prefix(9) == publishV5("a", .atLeastOnce, id: 1)[...])
    #expect(bench.counters.messagesResent == 0)
  }

  @Test(arguments: [true, false])
  func lostSessionKeepsWhatWasNeverSent(cleanStart: Bool) throws {
    let bench = Bench.onlineV5(cleanSession: false)
    try bench.send("a", .atLeastOnce)
    try bench.send("b", .exactlyOnce)
    bench.tell(answer(0x50, 2))
    _ = try bench.enqueue("c", .exactlyOnce)
    bench.options.cleanSession = cleanStart
    bench.reconnectV5(sessionPresent: false)
    #expect(bench.inflightCount == 1)
    #expect(bench.resendAll() == [0x63])
    #expect(bench.output() == publishV5("c", .exactlyOnce, id: 3))
  }

  /// Where they are not forgotten, lost messages begin anew in their places: before those that were
  /// never sent, under their identifiers, and without DUP.
  @Test(arguments: [true, false])
  func lostMessagesAreRequeuedInTheirOrder(cleanStart: Bool) throws {
    let bench = Bench.onlineV5(cleanSession: false) { $0.requeuesLostMessages = true }
    try bench.send("a", .atLeastOnce)
    try bench.send("b", .exactlyOnce)
    _ = try bench.enqueue("c", .atLeastOnce)
    bench.options.cleanSession = cleanStart
    bench.reconnectV5(sessionPresent: false)
    #expect(bench.resendAll() == [0x61, 0x62, 0x63])
    #expect(
      bench.output() == publishV5("a", .atLeastOnce, id: 1) + publishV5("b", .exactlyOnce, id: 2)
        + publishV5("c", .atLeastOnce, id: 3))
    #expect(bench.counters.messagesResent == 0)
    #expect(bench.tell(answer(0x40, 1)) == ["acknowledged 97 0x0"])
  }

  @Test func withdrawnMessageIsNotSent() throws {
    let bench = Bench.newV5(cleanSession: false)
    _ = try bench.enqueue("a", .atLeastOnce)
    _ = try bench.enqueue("b", .atLeastOnce)
    #expect(bench.withdraw(0x61) && !bench.withdraw(0x61) && !bench.withdraw(0x77))
    bench.open()
    bench.tell(connectAckV5())
    #expect(bench.resendAll() == [0x62])
    #expect(!bench.withdraw(0x62))
    #expect(bench.inflightCount == 1)
  }

  @Test func givenUpMessages() throws {
    let bench = Bench.onlineV5(cleanSession: false)
    try bench.send("a", .atLeastOnce)
    try bench.send("b", .exactlyOnce)
    _ = try bench.enqueue("c", .exactlyOnce)
    _ = try bench.enqueue("d", .atLeastOnce)
    bench.reconnectV5(sessionPresent: true)
    while let message = bench.nextResend() { bench.session.giveUp(message) }
    // The server may know b, so that its identifier is released before it is free; it never heard of
    // c and d.
    #expect(bench.output() == answer(0x62, 2))
    #expect(bench.tell(answerV5(0x70, 2, 0x92)) == ["acknowledged 98 0x92"])
    #expect(bench.inflightCount == 0)
  }

  @Test func whatWasGivenUpIsReleasedOverTheNextConnectionToo() throws {
    let bench = Bench.onlineV5(cleanSession: false)
    try bench.send("b", .exactlyOnce)
    bench.reconnectV5(sessionPresent: true)
    while let message = bench.nextResend() { bench.session.giveUp(message) }
    bench.reconnectV5(sessionPresent: true)
    #expect(bench.resendAll() == [])
    #expect(bench.output() == answer(0x62, 1))
  }

  /// What the server forbids this time is refused, and the owner can let go of it.
  @Test func waitingMessageThatTheServerDoesNotTake() throws {
    let bench = Bench.newV5(cleanSession: false)
    _ = try bench.enqueue("a", .exactlyOnce)
    _ = try bench.enqueue("b", .atLeastOnce)
    bench.open()
    _ = bench.output()
    bench.tell(connectAckV5(0, prop(.maximumQoS, 1)))
    let message = try #require(bench.nextResend())
    let topic = utf8("t")
    #expect(throws: PublishError.qosNotSupported) {
      try bench.session.resend(message, topic: topic.span, payload: topic.span, retain: false)
    }
    #expect(bench.output() == [])
    bench.session.giveUp(message)
    #expect(bench.resendAll() == [0x62])
  }

  @Test func requestsAndAliasesEndWithTheirConnection() throws {
    let bench = Bench.onlineV5(cleanSession: false)
    #expect(try bench.subscribe("f", .atMostOnce) == 1)
    bench.reconnectV5(sessionPresent: true)
    #expect(bench.output() == [])
    #expect(bench.tell([0x90, 4, 0, 1, 0, 0]) == [])
    #expect(bench.counters.unsolicited == 1)
  }
}
