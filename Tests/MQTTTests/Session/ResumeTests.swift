import Core
import MQTT
import Testing

@Suite struct ResumeTests {
  @Test func whatWasUnderWayIsSentAgainInOrder() throws {
    let bench = Bench.online(cleanSession: false)
    _ = try bench.publish("a", .atLeastOnce)
    _ = try bench.publish("b", .exactlyOnce)
    _ = try bench.publish("c", .exactlyOnce)
    _ = try bench.publish("d", .atLeastOnce)
    bench.receive(answer(0x50, 2))
    _ = bench.output()
    #expect(bench.reconnect(sessionPresent: true) == .connected(sessionPresent: true))
    #expect(bench.isResending)
    #expect(throws: PublishError.windowFull) { try bench.publish("e", .atLeastOnce) }
    #expect(bench.resendAll() == [0x61, 0x63, 0x64])
    #expect(
      bench.output()
        == publishBytes("a", .atLeastOnce, id: 1, dup: true) + answer(0x62, 2)
        + publishBytes("c", .exactlyOnce, id: 3, dup: true)
        + publishBytes("d", .atLeastOnce, id: 4, dup: true))
    #expect(!bench.isResending)
    #expect(bench.counters.messagesResent == 3)
  }

  @Test func nothingIsSentAgainOverALiveConnection() throws {
    let bench = Bench.online(cleanSession: false, keepAlive: 60)
    _ = try bench.publish("a", .atLeastOnce)
    _ = bench.output()
    for _ in 0..<100 {
      bench.now = bench.now + .seconds(30)
      #expect(bench.receive([0xD0, 0]) == nil)
    }
    #expect(bench.nextResend() == nil)
    let pings = bench.output()
    #expect(pings.allSatisfy { $0 == 0xC0 || $0 == 0 })
  }

  @Test func newMessagesFollowTheOldOnes() throws {
    let bench = Bench.online(cleanSession: false)
    _ = try bench.publish("a", .atLeastOnce)
    bench.reconnect(sessionPresent: true)
    #expect(try bench.publish("0", .atMostOnce) == 0)
    #expect(bench.resendAll() == [0x61])
    #expect(try bench.publish("b", .atLeastOnce) == 2)
    #expect(
      bench.output()
        == publishBytes("0", .atMostOnce) + publishBytes("a", .atLeastOnce, id: 1, dup: true)
        + publishBytes("b", .atLeastOnce, id: 2))
  }

  @Test func acknowledgementWhileSendingAgain() throws {
    let bench = Bench.online(cleanSession: false)
    for text in ["a", "b", "c"] { _ = try bench.publish(text, .atLeastOnce) }
    bench.reconnect(sessionPresent: true)
    let first = try #require(bench.nextResend())
    let topic = utf8("t")
    try bench.session.resend(first, topic: topic.span, payload: topic.span, retain: false)
    #expect(bench.receive(answer(0x40, 1)) == .acknowledged(token: 0x61))
    // One that the server had all along is not sent again.
    #expect(bench.receive(answer(0x40, 3)) == .acknowledged(token: 0x63))
    #expect(bench.resendAll() == [0x62])
  }

  @Test func resendWaitsForRoom() throws {
    let sizes = ClientSession.Sizes(
      sendBytes: 128, receiveBytes: 128, inflight: 4, received: 1, requests: 1)
    let bench = Bench.online(sizes, cleanSession: false)
    let topic = utf8("t")
    let payload = [UInt8](repeating: 0x78, count: 60)
    for token in 1...2 as ClosedRange<UInt32> {
      try bench.session.publish(
        topic: topic.span, payload: payload.span, qos: .atLeastOnce, retain: false, token: token)
      _ = bench.output()
    }
    bench.reconnect(sessionPresent: true)
    for token in 1...2 as ClosedRange<UInt32> {
      let message = try #require(bench.nextResend())
      #expect(message.token == token)
      try bench.session.resend(message, topic: topic.span, payload: payload.span, retain: false)
      if let next = bench.nextResend() {
        #expect(throws: PublishError.bufferFull) {
          try bench.session.resend(next, topic: topic.span, payload: payload.span, retain: false)
        }
      }
      _ = bench.output()
    }
    #expect(!bench.isResending)
  }

  @Test func lostSessionForgetsWhatWasUnderWay() throws {
    let bench = Bench.online(cleanSession: false)
    _ = try bench.publish("a", .atLeastOnce)
    bench.receive(publishBytes("x", .exactlyOnce, id: 7))
    #expect(bench.reconnect(sessionPresent: false) == .connected(sessionPresent: false))
    #expect(bench.nextResend() == nil && bench.inflightCount == 0)
    #expect(bench.receive(answer(0x40, 1)) == nil)
    #expect(bench.counters.unsolicited == 1)
    // The owner publishes it anew, under a new identifier and without DUP.
    #expect(try bench.publish("a", .atLeastOnce) == 2)
    #expect(bench.output() == publishBytes("a", .atLeastOnce, id: 2))
    // The server's identifiers are new, too.
    #expect(bench.text(bench.receive(publishBytes("y", .exactlyOnce, id: 7))) == "t y")
  }

  /// 3.1 leaves the bit of a session present unused; what the server has set is there to be told.
  @Test(arguments: [0, 1] as [UInt8])
  func oldServersBitIsOnlyTold(bit: UInt8) throws {
    let bench = Bench(level: .v31)
    #expect(bench.connect(sessionPresent: bit == 1) == .connected(sessionPresent: false))
    #expect(bench.session.hasSaidPresent == (bit == 1))
  }

  @Test func cleanSessionForgetsWhatWasUnderWay() throws {
    let bench = Bench.online(cleanSession: true)
    _ = try bench.publish("a", .atLeastOnce)
    bench.session.closed()
    #expect(bench.inflightCount == 1)
    bench.open()
    #expect(bench.inflightCount == 0)
  }

  @Test func exactlyOnceSenderOverReconnectsAtEachStep() throws {
    let bench = Bench.online(cleanSession: false)
    _ = try bench.publish("a", .exactlyOnce)
    bench.reconnect(sessionPresent: true)
    #expect(bench.resendAll() == [0x61])
    #expect(bench.receive(answer(0x50, 1)) == nil)
    #expect(
      bench.output() == publishBytes("a", .exactlyOnce, id: 1, dup: true) + answer(0x62, 1))
    // PUBREL is lost, then PUBCOMP is lost: only PUBREL is sent again.
    for _ in 0..<2 {
      bench.reconnect(sessionPresent: true)
      #expect(bench.resendAll() == [])
      #expect(bench.output() == answer(0x62, 1))
    }
    #expect(bench.receive(answer(0x70, 1)) == .acknowledged(token: 0x61))
    #expect(bench.inflightCount == 0)
  }

  @Test func exactlyOnceReceiverOverReconnectsAtEachStep() {
    let bench = Bench.online(cleanSession: false)
    #expect(bench.text(bench.receive(publishBytes("x", .exactlyOnce, id: 7))) == "t x")
    // PUBREC is lost with the connection; the acknowledgement of the old one is not sent on the
    // new.
    bench.reconnect(sessionPresent: true)
    #expect(bench.output() == [])
    #expect(bench.receive(publishBytes("x", .exactlyOnce, id: 7, dup: true)) == nil)
    #expect(bench.output() == answer(0x50, 7))
    bench.reconnect(sessionPresent: true)
    #expect(bench.receive(answer(0x62, 7)) == nil)
    #expect(bench.output() == answer(0x70, 7))
    bench.reconnect(sessionPresent: true)
    #expect(bench.receive(answer(0x62, 7)) == nil)
    #expect(bench.output() == answer(0x70, 7))
  }

  @Test func messageThatTheOwnerNoLongerHasIsGivenUp() throws {
    let bench = Bench.online(cleanSession: false)
    _ = try bench.publish("a", .atLeastOnce)
    _ = try bench.publish("b", .exactlyOnce)
    bench.reconnect(sessionPresent: true)
    while let message = bench.nextResend() { bench.session.giveUp(message) }
    #expect(bench.output() == answer(0x62, 2))
    #expect(bench.inflightCount == 1)
    #expect(bench.receive(answer(0x70, 2)) == .acknowledged(token: 0x62))
  }

  @Test func requestsEndWithTheirConnection() throws {
    let bench = Bench.online(cleanSession: false)
    #expect(try bench.subscribe("a", .atMostOnce) == 1)
    bench.reconnect(sessionPresent: true)
    #expect(bench.receive([0x90, 3, 0, 1, 0]) == nil)
    #expect(bench.output() == [])
    #expect(try bench.subscribe("a", .atMostOnce) == 2)
    #expect(try bench.subscribe("b", .atMostOnce) == 3)
  }

  @Test func oldBytesDoNotReachTheNewConnection() throws {
    let bench = Bench.online(cleanSession: false)
    bench.bring([0x30, 0x80])
    _ = try bench.publish("0", .atMostOnce)
    bench.session.closed()
    bench.open()
    #expect(bench.output().first == 0x10)
    #expect(bench.receive([0x20, 2, 1, 0]) == .connected(sessionPresent: true))
  }

  /// 3.1 marks a repeated PUBREL, and its CONNACK does not say whether there is a session.
  @Test func version31() throws {
    let bench = Bench.online(level: .v31, cleanSession: false)
    _ = try bench.publish("a", .exactlyOnce)
    bench.receive(answer(0x50, 1))
    #expect(bench.reconnect(sessionPresent: false) == .connected(sessionPresent: true))
    #expect(bench.resendAll() == [])
    #expect(bench.output() == answer(0x6A, 1))
  }
}
