import Broker
import Core
import MQTT
import Testing

/// SUBSCRIBE and UNSUBSCRIBE of 5.0: options and identifiers (sections 3.8 to 3.11 of its standard).
@Suite struct V5SubscribeTests {
  private typealias Options = V5.SubscriptionOptions
  private let bench = Bench()

  @Test func noLocalKeepsAClientsOwnMessagesFromIt() {
    let client = bench.subscriberV5("a", "t", Options(qos: .atMostOnce, noLocal: true))
    client.publish("t", "own", .atLeastOnce, id: 1)
    #expect(client.take() == [.publishAck(1, .noMatchingSubscribers)])
    bench.connectV5("b").publish("t", "other")
    #expect(client.payloads() == ["other"])
  }

  @Test func noLocalHoldsForRetainedMessagesAndForItsFilterOnly() {
    let client = bench.connectV5("a")
    client.publish("t", "own", retain: true)
    #expect(client.subscribe("t", Options(qos: .atMostOnce, noLocal: true)) == [])
    #expect(
      client.subscribe("+", Options(qos: .atMostOnce)) == [.message("t", "own", retain: true)])
    client.publish("t", "again")
    #expect(client.payloads() == ["again"], "by the second filter")
  }

  @Test func retainAsPublishedKeepsTheMark() {
    let kept = bench.subscriberV5("a", "t", Options(qos: .atMostOnce, retainAsPublished: true))
    let cleared = bench.subscriberV5("b", "t", Options(qos: .atMostOnce))
    bench.publish("t", "x", retain: true)
    bench.publish("t", "y")
    #expect(kept.take() == [.message("t", "x", retain: true), .message("t", "y")])
    #expect(cleared.take() == [.message("t", "x"), .message("t", "y")])
  }

  @Test func retainHandlingSaysWhenKeptMessagesCome() {
    bench.publish("t", "x", retain: true)
    let client = bench.connectV5("a")
    let message = V5Received.message("t", "x", retain: true)
    let always = Options(qos: .atMostOnce)
    let ifNew = Options(qos: .atMostOnce, retainHandling: .sendIfNew)
    let never = Options(qos: .atMostOnce, retainHandling: .sendNever)
    #expect(client.subscribe("t", never) == [])
    #expect(client.subscribe("t", ifNew) == [], "there is one already")
    #expect(client.subscribe("t", always) == [message])
    client.send(unsubscribeV5Bytes(["t"]))
    #expect(client.take() == [.unsubscribeAck(2, [.success])])
    #expect(client.subscribe("t", ifNew) == [message])
    #expect(client.subscribe("+", ifNew) == [message], "another filter is new")
  }

  @Test func aMessageComesOnceWithAllIdentifiers() {
    let client = bench.connectV5("a")
    _ = client.subscribe("t/#", Options(qos: .atMostOnce), identifier: 268_435_455)
    _ = client.subscribe("t/+", Options(qos: .exactlyOnce), identifier: 1)
    _ = client.subscribe("+/x", Options(qos: .atLeastOnce))
    _ = client.subscribe("u", Options(qos: .exactlyOnce), identifier: 3)
    bench.publish("t/x", "x", .exactlyOnce)
    #expect(
      client.take() == [
        .message(
          "t/x", "x", .exactlyOnce, id: 1,
          [.number(.subscriptionIdentifier, 268_435_455), .number(.subscriptionIdentifier, 1)])
      ])
  }

  @Test func retainedMessagesComeWithTheIdentifierOfTheirSubscription() {
    bench.publish("t", "x", retain: true)
    let client = bench.connectV5("a")
    _ = client.subscribe("#", Options(qos: .atMostOnce), identifier: 1)
    #expect(
      client.subscribe("t", Options(qos: .atMostOnce), identifier: 2)
        == [.message("t", "x", retain: true, [.number(.subscriptionIdentifier, 2)])])
  }

  @Test func subscribingAgainReplacesOptionsAndIdentifier() {
    let client = bench.connectV5("a")
    _ = client.subscribe("t", Options(qos: .exactlyOnce, noLocal: true), identifier: 1)
    _ = client.subscribe("t", Options(qos: .atMostOnce))
    client.publish("t", "x")
    #expect(client.take() == [.message("t", "x")])
  }

  @Test func identifiersOutliveTheConnection() {
    let expiry: [Property] = [.number(.sessionExpiryInterval, 100)]
    bench.subscriberV5("a", "t", Options(qos: .atLeastOnce), identifier: 9, expiry).cut()
    bench.publish("t", "x", .atLeastOnce)
    #expect(
      bench.connectV5("a", cleanStart: false).take()
        == [.message("t", "x", .atLeastOnce, id: 1, [.number(.subscriptionIdentifier, 9)])])
  }

  @Test func eachFilterIsAnswered() {
    var limits = BrokerLimits()
    limits.subscriptionsMax = 2
    limits.maximumQoS = .atLeastOnce
    let bench = Bench(limits)
    bench.rules.maySubscribe = { client, filter in client == utf8("a") && filter != utf8("no") }
    let client = bench.connectV5("a")
    let options = Options(qos: .exactlyOnce)
    client.send(
      subscribeV5Bytes([("1", options), ("no", options), ("2", options), ("3", options)], id: 5))
    #expect(
      client.take() == [
        .subscribeAck(
          5, [.grantedAtLeastOnce, .notAuthorized, .grantedAtLeastOnce, .quotaExceeded])
      ])
    #expect(client.reasonString == "not authorized")
    client.send(unsubscribeV5Bytes(["1", "no", "1"], id: 6))
    #expect(
      client.take() == [
        .unsubscribeAck(6, [.success, .noSubscriptionExisted, .noSubscriptionExisted])
      ])
  }

  @Test func whatIsNotOfferedEndsTheConnectionAndSubscribesNothing() {
    var limits = BrokerLimits()
    limits.wildcardsAreAvailable = false
    limits.sharesAreAvailable = false
    limits.subscriptionIdentifiersAreAvailable = false
    let bench = Bench(limits)
    let cases: [(String, UInt32?, V5.DisconnectReason)] = [
      ("a/#", nil, .wildcardSubscriptionsNotSupported),
      ("+", nil, .wildcardSubscriptionsNotSupported),
      ("$share/g/t", nil, .sharedSubscriptionsNotSupported),
      ("t", 1, .subscriptionIdentifiersNotSupported),
    ]
    for (filter, identifier, reason) in cases {
      let client = bench.connectV5("a", cleanStart: false, [.number(.sessionExpiryInterval, 9)])
      client.send(
        subscribeV5Bytes(
          [("good", Options(qos: .atLeastOnce)), (filter, Options(qos: .atMostOnce))],
          identifier.map { [.number(.subscriptionIdentifier, $0)] } ?? []))
      #expect(client.take() == [.disconnect(reason)])
      #expect(bench.takeReasons() == [.violated(reason)])
    }
    bench.publish("good", "x", .atLeastOnce)
    #expect(bench.connectV5("a", cleanStart: false).take() == [])
    let old = bench.connect("old")
    old.send(subscribeBytes([("#", .atMostOnce), ("t", .atMostOnce)]))
    #expect(old.take() == [.subscribeAck(1, [.failure, .grantedAtMostOnce])])
  }

  @Test func aSharedFilterThatIsNoneIsRefused() {
    let old = bench.connect("old")
    old.send(
      subscribeBytes([("$share/g", .atMostOnce), ("$share//t", .atMostOnce), ("t", .atMostOnce)]))
    #expect(old.take() == [.subscribeAck(1, [.failure, .failure, .grantedAtMostOnce])])
    let new = bench.connectV5("new")
    // "$share/g" at QoS 0.
    new.send([0x82, 14, 0, 1, 0, 0, 8] + utf8("$share/g") + [0])
    #expect(new.take() == [.disconnect(.malformedPacket)])
  }

  // MARK: Shared subscriptions

  private func member(_ name: String, _ filter: String = "$share/g/t/#", qos: QoS = .atLeastOnce)
    -> V5Client
  {
    bench.subscriberV5(name, filter, Options(qos: qos), [.number(.sessionExpiryInterval, 100)])
  }

  @Test func theMembersOfAGroupTakeTurns() {
    let members = ["a", "b", "c"].map { member($0) }
    for number in 0..<7 { bench.publish("t/x", "\(number)", .atLeastOnce) }
    #expect(members.map { $0.payloads() } == [["0", "3", "6"], ["1", "4"], ["2", "5"]])
  }

  @Test func eachGroupAndEachPlainSubscriptionGetsItsCopy() {
    let group = member("a", "$share/g/t")
    let other = member("b", "$share/h/t")
    let wider = member("c", "$share/g/#")
    let plain = member("d", "t")
    let old = bench.subscriber("old", "$share/i/t", .atLeastOnce)
    _ = plain.subscribe("$share/j/t", Options(qos: .atMostOnce), identifier: 4)
    bench.publish("t", "x", .atLeastOnce)
    for client in [group, other, wider] { #expect(client.payloads() == ["x"]) }
    #expect(old.payloads() == ["x"])
    #expect(
      plain.take() == [
        .message("t", "x", .atLeastOnce, id: 1),
        .message("t", "x", [.number(.subscriptionIdentifier, 4)]),
      ])
  }

  @Test func whoIsAwayIsPassedOverAsLongAsSomebodyIsThere() {
    let first = member("a")
    let second = member("b")
    first.cut()
    for number in 0..<3 { bench.publish("t/x", "\(number)", .atLeastOnce) }
    #expect(second.payloads() == ["0", "1", "2"])
    second.cut()
    for number in 3..<5 { bench.publish("t/x", "\(number)", .atLeastOnce) }
    #expect(bench.connectV5("a", cleanStart: false).payloads() == ["3"])
    #expect(bench.connectV5("b", cleanStart: false).payloads() == ["4"])
  }

  @Test func whoCannotTakeAMessageIsPassedOver() {
    let small = bench.subscriberV5(
      "a", "$share/g/t", Options(qos: .atLeastOnce), [.number(.maximumPacketSize, 40)])
    let large = member("b", "$share/g/t")
    let long = String(repeating: "x", count: 40)
    for payload in [long, "1", "2", long] { bench.publish("t", payload, .atLeastOnce) }
    #expect(small.payloads() == ["1"])
    #expect(large.payloads() == [long, "2", long])
    #expect(bench.takeDropped() == [])
  }

  @Test func whoLeavesHasNoTurnAnyMore() {
    let members = ["a", "b", "c"].map { member($0) }
    bench.publish("t/x", "0", .atLeastOnce)
    members[0].send(unsubscribeV5Bytes(["$share/g/t/#"]))
    #expect(members[0].take().last == .unsubscribeAck(2, [.success]))
    members[1].send(disconnectV5Bytes(.normalDisconnection, [.number(.sessionExpiryInterval, 0)]))
    for number in 1..<3 { bench.publish("t/x", "\(number)", .atLeastOnce) }
    #expect(members[2].payloads() == ["1", "2"])
    members[2].cut()
    bench.pass(.seconds(100))
    let sender = bench.connectV5("sender")
    sender.publish("t/x", "3", .atLeastOnce, id: 1)
    #expect(sender.take() == [.publishAck(1, .noMatchingSubscribers)])
  }

  @Test func aMemberThatLeavesChangesNobodysTurn() {
    let members = ["a", "b", "c"].map { member($0) }
    bench.publish("t/x", "0", .atLeastOnce)
    members[0].send(unsubscribeV5Bytes(["$share/g/t/#"]))
    bench.publish("t/x", "1", .atLeastOnce)
    members[2].send(unsubscribeV5Bytes(["$share/g/t/#"]))
    bench.publish("t/x", "2", .atLeastOnce)
    #expect(members.map { $0.payloads() } == [["0"], ["1", "2"], []])
  }

  @Test func retainedMessagesAreNotShared() {
    bench.publish("t/x", "kept", retain: true)
    let client = bench.connectV5("a")
    #expect(client.subscribe("$share/g/t/#", Options(qos: .atMostOnce)) == [])
  }

  @Test func topicsOfTheBrokerAreNoMatchForASharedWildcard() {
    let client = member("a", "$share/g/#")
    bench.publish("$SYS/x", "x", .atLeastOnce)
    #expect(client.payloads() == [])
  }
}
