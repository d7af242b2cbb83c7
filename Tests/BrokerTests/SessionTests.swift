import Broker
import Core
import MQTT
import Testing

/// What outlives a connection (section 3.1.2.4), and who has it (section 3.1.4).
@Suite struct SessionTests {
  @Test func aPersistentSessionIsPresentTheSecondTime() {
    let bench = Bench()
    let first = bench.open()
    first.send(connectBytes("a", cleanSession: false))
    #expect(first.take() == [.connectAck(.accepted, false)])
    first.disconnect()
    let second = bench.open()
    second.send(connectBytes("a", cleanSession: false))
    #expect(second.take() == [.connectAck(.accepted, true)])
  }

  @Test func aCleanSessionForgetsWhatWasBefore() {
    let bench = Bench()
    bench.subscriber("a", "t", .atLeastOnce, cleanSession: false).cut()
    bench.publish("t", "kept", .atLeastOnce)
    let clean = bench.open()
    clean.send(connectBytes("a"))
    bench.publish("t", "x")
    #expect(clean.take() == [.connectAck(.accepted, false)])
    clean.cut()
    let persistent = bench.open()
    persistent.send(connectBytes("a", cleanSession: false))
    bench.publish("t", "x")
    #expect(persistent.take() == [.connectAck(.accepted, false)])
  }

  @Test func aCleanSessionLeavesNothingBehind() {
    let bench = Bench()
    bench.subscriber("a", "t", .atLeastOnce).cut()
    bench.publish("t", "x", .atLeastOnce)
    let again = bench.open()
    again.send(connectBytes("a", cleanSession: false))
    bench.publish("t", "x", .atLeastOnce)
    #expect(again.take() == [.connectAck(.accepted, false)])
  }

  @Test func whatComesWhileAClientIsAwayWaitsInOrder() {
    let bench = Bench()
    let away = bench.subscriber("a", "t", .exactlyOnce, cleanSession: false)
    away.disconnect()
    bench.publish("t", "1", .atLeastOnce)
    bench.publish("t", "2", .exactlyOnce)
    bench.publish("t", "lost", .atMostOnce)
    bench.publish("t", "3", .atLeastOnce)
    let back = bench.open()
    back.send(connectBytes("a", cleanSession: false))
    #expect(
      back.take() == [
        .connectAck(.accepted, true), .message("t", "1", .atLeastOnce, id: 1),
        .message("t", "2", .exactlyOnce, id: 2), .message("t", "3", .atLeastOnce, id: 3),
      ])
  }

  @Test func whatWasUnderWayIsSentAgainMarkedAndBeforeAllElse() {
    let bench = Bench()
    let client = bench.subscriber("a", "t", .exactlyOnce, cleanSession: false)
    for (payload, qos) in [
      ("1", QoS.atLeastOnce), ("2", .exactlyOnce), ("3", .atLeastOnce), ("4", .exactlyOnce),
    ] {
      bench.publish("t", payload, qos)
    }
    #expect(client.take().count == 4)
    client.send(answerBytes(.publishAck, 3))
    client.send(answerBytes(.publishReceived, 2))
    client.cut()
    bench.publish("t", "5", .atLeastOnce)
    let back = bench.open()
    back.send(connectBytes("a", cleanSession: false))
    #expect(
      back.take() == [
        .connectAck(.accepted, true), .message("t", "1", .atLeastOnce, id: 1, dup: true),
        .answer(.publishRelease, 2), .message("t", "4", .exactlyOnce, id: 4, dup: true),
        .message("t", "5", .atLeastOnce, id: 5),
      ])
    back.send(answerBytes(.publishComplete, 2))
    back.send(answerBytes(.publishReceived, 4))
    #expect(back.take() == [.answer(.publishRelease, 4)])
    back.send(answerBytes(.publishComplete, 4))
    back.send(answerBytes(.publishAck, 1) + answerBytes(.publishAck, 5))
    back.cut()
    let last = bench.open()
    last.send(connectBytes("a", cleanSession: false))
    #expect(last.take() == [.connectAck(.accepted, true)], "all is settled")
  }

  @Test func aQoS2MessageBegunBeforeTheBreakIsStillKnownAfterIt() {
    let bench = Bench()
    let listener = bench.subscriber("listener", "t", .exactlyOnce)
    let sender = bench.connect("sender", cleanSession: false)
    sender.publish("t", "once", .exactlyOnce, id: 7)
    sender.cut()
    let again = bench.connect("sender", cleanSession: false)
    again.publish("t", "once", .exactlyOnce, id: 7, dup: true)
    #expect(again.take() == [.answer(.publishReceived, 7)])
    again.send(answerBytes(.publishRelease, 7))
    #expect(again.take() == [.answer(.publishComplete, 7)])
    #expect(listener.payloads() == ["once"])
  }

  @Test func aQoS2MessageOfACleanSessionIsForgotten() {
    let bench = Bench()
    let listener = bench.subscriber("listener", "t", .exactlyOnce)
    let sender = bench.connect("sender")
    sender.publish("t", "one", .exactlyOnce, id: 7)
    sender.cut()
    bench.connect("sender").publish("t", "another", .exactlyOnce, id: 7)
    #expect(listener.payloads() == ["one", "another"])
  }

  // MARK: Take-over

  @Test func aSecondClientOfTheNameClosesTheFirst() {
    let bench = Bench()
    let first = bench.subscriber("a", "t", .atLeastOnce, cleanSession: false)
    let second = bench.open()
    second.send(connectBytes("a", cleanSession: false))
    #expect(first.isClosed)
    #expect(second.take() == [.connectAck(.accepted, true)])
    bench.publish("t", "x", .atLeastOnce)
    #expect(second.payloads() == ["x"])
    #expect(first.take() == [])
    first.cut()
    bench.publish("t", "y", .atLeastOnce)
    #expect(second.payloads() == ["y"], "the end of the first is no end of the second")
    #expect(bench.takeReasons() == [.takenOver])
  }

  @Test func takeOverPublishesTheOldWillBeforeTheNewConnectIsAnswered() {
    let bench = Bench()
    let listener = bench.subscriber("listener", "will", .atMostOnce)
    let first = bench.connect("a", will: TestWill())
    let second = bench.connect("a", will: TestWill(payload: "second"))
    #expect(listener.payloads() == ["lost"])
    #expect(first.isClosed && !second.isClosed)
    let kinds = bench.takeEvents().suffix(3)
    let will = Message(topic: utf8("will"), payload: utf8("lost"), qos: .atMostOnce, retain: false)
    #expect(
      Array(kinds) == [
        .disconnected(client: utf8("a"), .takenOver),
        .published(client: utf8("a"), will, isWill: true),
        .connected(client: utf8("a"), level: .v311, cleanSession: true, keepAlive: 0),
      ])
    second.cut()
    #expect(listener.payloads() == ["second"])
  }

  @Test func takeOverByACleanSessionForgetsAtOnce() {
    let bench = Bench()
    _ = bench.subscriber("a", "t", .atLeastOnce, cleanSession: false)
    let second = bench.open()
    second.send(connectBytes("a"))
    bench.publish("t", "x", .atLeastOnce)
    #expect(second.take() == [.connectAck(.accepted, false)])
  }
}
