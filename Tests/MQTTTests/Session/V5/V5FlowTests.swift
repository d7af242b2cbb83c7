import Core
import MQTT
import Testing

/// Receive Maximum, both ways (sections 3.1.2.11.3, 3.2.2.3.3 and 4.9).
@Suite struct V5FlowTests {
  @Test func serverIsNotSentMoreThanItTakes() throws {
    let bench = Bench.onlineV5(connack: prop(.receiveMaximum, 2))
    try bench.send("a", .atLeastOnce)
    try bench.send("b", .exactlyOnce)
    for qos in [QoS.atLeastOnce, .exactlyOnce] {
      #expect(throws: PublishError.windowFull) { try bench.send("c", qos) }
    }
    // QoS 0 is not counted, nor are requests.
    #expect(try bench.send("0") == 0)
    #expect(try bench.subscribe("f", .atMostOnce) == 3)
    #expect(bench.tell(answer(0x40, 1)) == ["acknowledged 97 0x0"])
    #expect(try bench.send("c", .atLeastOnce) == 4)
  }

  /// Only the answer that a message waits for gives its place back.
  @Test func wrongAnswersGiveNoPlaceBack() throws {
    let bench = Bench.onlineV5(connack: prop(.receiveMaximum, 2))
    try bench.send("a", .atLeastOnce)
    try bench.send("b", .exactlyOnce)
    let wrong = [
      answer(0x40, 2), answer(0x70, 1), answer(0x70, 2), answer(0x50, 1), answer(0x40, 9),
      answer(0x70, 9), answerV5(0x40, 9, 0x80), answerV5(0x50, 1, 0x87),
    ]
    for bytes in wrong {
      #expect(bench.tell(bytes) == [])
      #expect(throws: PublishError.windowFull) { try bench.send("c", .atLeastOnce) }
    }
    #expect(bench.counters.unsolicited == 8)
    // PUBREC does not either.
    bench.tell(answer(0x50, 2))
    #expect(throws: PublishError.windowFull) { try bench.send("c", .atLeastOnce) }
    #expect(bench.tell(answer(0x70, 2)) == ["acknowledged 98 0x0"])
    try bench.send("c", .atLeastOnce)
    // The same answer again does not.
    #expect(bench.tell(answer(0x70, 2) + answer(0x50, 1)) == [])
    #expect(throws: PublishError.windowFull) { try bench.send("d", .atLeastOnce) }
  }

  @Test func refusedExactlyOnceGivesItsPlaceBack() throws {
    let bench = Bench.onlineV5(connack: prop(.receiveMaximum, 1))
    try bench.send("a", .exactlyOnce)
    _ = bench.output()
    #expect(bench.tell(answerV5(0x50, 1, 0x97)) == ["acknowledged 97 0x97"])
    #expect(bench.output() == [])
    try bench.send("b", .exactlyOnce)
  }

  @Test func smallerWindowAfterResumption() throws {
    let bench = Bench.onlineV5(cleanSession: false)
    for payload in ["a", "b", "c"] { try bench.send(payload, .atLeastOnce) }
    try bench.send("d", .exactlyOnce)
    bench.reconnectV5(sessionPresent: true, connack: prop(.receiveMaximum, 2))
    #expect(bench.resendAll() == [0x61, 0x62])
    #expect(bench.isResending && bench.nextResend() == nil)
    #expect(throws: PublishError.windowFull) { try bench.send("e", .atLeastOnce) }
    // Not under way over this connection: nothing is given back.
    bench.tell(answer(0x70, 4))
    #expect(bench.nextResend() == nil)
    bench.tell(answer(0x40, 1))
    #expect(bench.resendAll() == [0x63])
    bench.tell(answer(0x40, 3) + answer(0x40, 2))
    #expect(bench.resendAll() == [0x64])
    #expect(!bench.isResending)
    try bench.send("e", .atLeastOnce)
    #expect(throws: PublishError.windowFull) { try bench.send("f", .atLeastOnce) }
  }

  /// The window that the server names does not change what the session can hold.
  @Test func largerWindowIsBoundedByTheTable() throws {
    let bench = Bench.onlineV5(connack: prop(.receiveMaximum, 100))
    for payload in ["a", "b", "c", "d"] { try bench.send(payload, .atLeastOnce) }
    #expect(throws: PublishError.windowFull) { try bench.send("e", .atLeastOnce) }
  }

  @Test func serverThatSendsMoreThanItWasToldIsTold() {
    let bench = Bench.onlineV5(prop(.receiveMaximum, 2))
    bench.tell(publishV5("a", .exactlyOnce, id: 1) + publishV5("b", .exactlyOnce, id: 2))
    // QoS 0 and 1 do not count: they are acknowledged at once.
    bench.tell(publishV5("c") + publishV5("d", .atLeastOnce, id: 3))
    _ = bench.output()
    #expect(bench.tell(publishV5("e", .exactlyOnce, id: 4)) == ["failed receivedFull"])
    #expect(bench.output() == [0xE0, 1, 0x93])
  }

  @Test func deferredMessagesCountForTheReceiveMaximum() throws {
    let bench = Bench.onlineV5(prop(.receiveMaximum, 2)) { $0.acknowledgesByHand = true }
    bench.tell(publishV5("a", .atLeastOnce, id: 1) + publishV5("b", .exactlyOnce, id: 2))
    try bench.acknowledge(1)
    #expect(bench.tell(publishV5("c", .atLeastOnce, id: 3)) == ["message t 'c' 3"])
    _ = bench.output()
    #expect(bench.tell(publishV5("d", .atLeastOnce, id: 4)) == ["failed receivedFull"])
    #expect(bench.output() == [0xE0, 1, 0x93])
  }

  /// The quota begins anew with each connection: what was received over an earlier one and waits for
  /// PUBREL does not count (section 4.9).
  @Test func whatWaitsForItsReleaseDoesNotCountOverTheNextConnection() {
    let bench = Bench.onlineV5(prop(.receiveMaximum, 2), cleanSession: false)
    bench.tell(publishV5("a", .exactlyOnce, id: 1) + publishV5("b", .exactlyOnce, id: 2))
    bench.connectProperties = prop(.receiveMaximum, 1)
    bench.reconnectV5(sessionPresent: true)
    #expect(bench.tell(publishV5("c", .exactlyOnce, id: 3)) == ["message t 'c' 3"])
    _ = bench.output()
    #expect(bench.tell(answer(0x62, 1) + answer(0x62, 2)) == [])
    #expect(bench.output() == answer(0x70, 1) + answer(0x70, 2))
    #expect(bench.tell(publishV5("d", .exactlyOnce, id: 4)) == ["failed receivedFull"])
  }
}
