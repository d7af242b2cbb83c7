import Broker
import Core
import MQTT
import Testing

/// SUBSCRIBE and UNSUBSCRIBE (sections 3.8 to 3.11), and filters (section 4.7).
@Suite struct SubscribeTests {
  private let bench = Bench()

  @Test(arguments: [
    ("+/+", "/finance"), ("/+", "/finance"), ("sport/#", "sport"), ("sport/+/+", "sport/a/b"),
    ("#", "a/b/c"), ("+/tennis/#", "sport/tennis"), ("sport/+", "sport/"), ("Ö/+", "Ö/x"),
  ])
  func aFilterTakesItsTopics(filter: String, topic: String) {
    let client = bench.subscriber("a", filter, .atMostOnce)
    bench.publish(topic, "x")
    #expect(client.payloads() == ["x"])
  }

  @Test(arguments: [
    ("+", "/finance"), ("sport/+", "sport"), ("sport/tennis/+", "sport/tennis/p1/x"),
    ("ACCOUNTS", "Accounts"), ("a", "a/"), ("#", "$SYS/x"), ("+/x", "$SYS/x"),
  ])
  func aFilterTakesNoOthers(filter: String, topic: String) {
    let client = bench.subscriber("a", filter, .atMostOnce)
    bench.publish(topic, "x")
    #expect(client.payloads() == [])
  }

  @Test func overlappingFiltersBringAMessageOnceAtTheHighestQuality() {
    let client = bench.connect("a")
    client.send(
      subscribeBytes([("#", .atMostOnce), ("t/+", .exactlyOnce), ("t/x", .atLeastOnce)], id: 9))
    #expect(
      client.take() == [
        .subscribeAck(9, [.grantedAtMostOnce, .grantedExactlyOnce, .grantedAtLeastOnce])
      ])
    bench.publish("t/x", "1", .exactlyOnce)
    bench.publish("u", "2", .exactlyOnce)
    #expect(client.take() == [.message("t/x", "1", .exactlyOnce, id: 1), .message("u", "2")])
  }

  @Test func subscribingAgainReplaces() {
    let client = bench.subscriber("a", "t", .exactlyOnce)
    client.subscribe("t", .atMostOnce, id: 2)
    bench.publish("t", "x", .exactlyOnce)
    #expect(client.take() == [.subscribeAck(2, [.grantedAtMostOnce]), .message("t", "x")])
  }

  @Test func theSameFilterTwiceInOneRequestIsAnsweredTwice() {
    let client = bench.connect("a")
    client.send(subscribeBytes([("t", .exactlyOnce), ("t", .atMostOnce)]))
    bench.publish("t", "x", .exactlyOnce)
    #expect(
      client.take() == [
        .subscribeAck(1, [.grantedExactlyOnce, .grantedAtMostOnce]), .message("t", "x"),
      ])
  }

  @Test func subscriptionsAreTold() {
    _ = bench.subscriber("a", "t/#", .atLeastOnce)
    #expect(
      bench.takeEvents().last
        == .subscribed(client: utf8("a"), filter: utf8("t/#"), .atLeastOnce))
  }

  @Test func unsubscribeEndsExactlyThatFilter() {
    let client = bench.connect("a")
    client.send(subscribeBytes([("t/+", .atMostOnce), ("t/x", .atMostOnce)]))
    client.send(unsubscribeBytes("t/+", id: 5))
    bench.publish("t/y", "y")
    bench.publish("t/x", "x")
    #expect(
      Array(client.take().dropFirst()) == [.answer(.unsubscribeAck, 5), .message("t/x", "x")])
  }

  @Test func unsubscribingFromNothingIsAnswered() {
    let client = bench.connect("a")
    client.send(unsubscribeBytes("never", id: 6))
    #expect(client.take() == [.answer(.unsubscribeAck, 6)])
  }

  @Test func whatIsUnderWayIsCompletedAfterUnsubscribe() {
    let client = bench.subscriber("a", "t", .exactlyOnce)
    bench.publish("t", "x", .exactlyOnce)
    client.send(unsubscribeBytes("t"))
    bench.publish("t", "y", .exactlyOnce)
    #expect(client.payloads() == ["x"])
  }

  @Test func moreFiltersThanTheLimitFail() {
    var limits = BrokerLimits()
    limits.subscriptionsMax = 1
    let bench = Bench(limits)
    let client = bench.connect("a")
    client.send(subscribeBytes([("a", .atLeastOnce), ("b", .atLeastOnce), ("a", .exactlyOnce)]))
    #expect(
      client.take() == [.subscribeAck(1, [.grantedAtLeastOnce, .failure, .grantedExactlyOnce])])
    bench.publish("b", "x")
    #expect(client.payloads() == [])
  }

  @Test func anEmptyRequestCloses() {
    let client = bench.connect("a")
    client.send([0x82, 2, 0, 1])
    #expect(client.isClosed)
  }

  @Test func reservedBitsCloseTheConnection() {
    for bytes: [UInt8] in [
      [0x80, 6, 0, 1, 0, 1, 0x74, 0], [0x82, 6, 0, 1, 0, 1, 0x74, 3],
      [0x82, 6, 0, 1, 0, 1, 0x74, 4], [0x82, 6, 0, 0, 0, 1, 0x74, 0],
    ] {
      let client = bench.connect("a")
      client.send(bytes)
      #expect(client.isClosed, "\(bytes)")
    }
  }
}
