import Broker
import Core
import MQTT
import Testing

/// Retained messages (section 3.3.1.3).
@Suite struct RetainTests {
  private let bench = Bench()

  @Test func aRetainedMessageWaitsForSubscribers() {
    let sender = bench.connect("sender")
    sender.publish("a/b", "x", .atLeastOnce, id: 1, retain: true)
    let late = bench.connect("late")
    late.subscribe("a/+", .exactlyOnce)
    #expect(
      late.take() == [
        .subscribeAck(1, [.grantedExactlyOnce]),
        .message("a/b", "x", .atLeastOnce, id: 1, retain: true),
      ])
  }

  @Test func theLastOneIsKept() {
    for payload in ["1", "2"] { bench.publish("t", payload, retain: true) }
    bench.publish("t", "3", retain: false)
    #expect(bench.retained("t") == "2")
  }

  @Test func aNewOneAtQoS0TakesThePlaceOfTheOld() {
    bench.publish("t", "old", .exactlyOnce, retain: true)
    bench.publish("t", "new", .atMostOnce, retain: true)
    let late = bench.connect("late")
    late.subscribe("t", .exactlyOnce)
    #expect(late.take().last == .message("t", "new", retain: true))
  }

  @Test func anEmptyOneClearsAndIsHandedOn() {
    let listener = bench.subscriber("listener", "t", .atMostOnce)
    bench.publish("t", "x", retain: true)
    bench.publish("t", "", retain: true)
    #expect(listener.take() == [.message("t", "x"), .message("t", "")])
    #expect(bench.retained("t") == nil)
    let late = bench.connect("late")
    late.subscribe("t", .atMostOnce)
    #expect(late.take() == [.subscribeAck(1, [.grantedAtMostOnce])])
  }

  @Test func onlyNewSubscribersSeeTheMark() {
    let listener = bench.subscriber("listener", "t", .atMostOnce)
    bench.publish("t", "x", retain: true)
    #expect(listener.take() == [.message("t", "x", retain: false)])
    listener.subscribe("t", .atMostOnce, id: 2)
    #expect(
      listener.take() == [
        .subscribeAck(2, [.grantedAtMostOnce]), .message("t", "x", retain: true),
      ], "subscribing again asks again")
  }

  @Test func retainedMessagesComeAtTheLesserQuality() {
    bench.publish("t", "x", .exactlyOnce, retain: true)
    let late = bench.connect("late")
    late.subscribe("t", .atLeastOnce)
    #expect(late.take().last == .message("t", "x", .atLeastOnce, id: 1, retain: true))
  }

  @Test func aReturningSessionIsSentNoRetainedMessage() {
    bench.publish("t", "x", .atLeastOnce, retain: true)
    let client = bench.subscriber("a", "t", .atLeastOnce, cleanSession: false)
    #expect(client.payloads() == ["x"])
    client.cut()
    #expect(bench.connect("a", cleanSession: false).take() == [])
  }

  @Test func wildcardsDoNotFindRetainedMessagesUnderDollar() {
    bench.publish("$SYS/version", "1", retain: true)
    let late = bench.connect("late")
    late.subscribe("#", .atMostOnce)
    #expect(late.take() == [.subscribeAck(1, [.grantedAtMostOnce])])
    late.subscribe("$SYS/#", .atMostOnce, id: 2)
    #expect(late.take().last == .message("$SYS/version", "1", retain: true))
  }

  @Test func moreTopicsThanTheLimitAreToldAndNotKept() {
    var limits = BrokerLimits()
    limits.retainedMax = 1
    let bench = Bench(limits)
    let sender = bench.connect("sender")
    sender.publish("a", "1", retain: true)
    sender.publish("b", "2", retain: true)
    sender.publish("a", "3", retain: true)
    #expect(bench.retained("a") == "3" && bench.retained("b") == nil)
    let message = Message(topic: utf8("b"), payload: utf8("2"), qos: .atMostOnce, retain: true)
    #expect(
      bench.takeEvents().filter { $0 == .notRetained(client: utf8("sender"), message) }.count == 1)
  }
}
