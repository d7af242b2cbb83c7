import Broker
import Core
import MQTT
import Testing

/// PUBLISH of 5.0 and its answers (sections 3.3 to 3.7 of its standard).
@Suite struct V5PublishTests {
  private let bench = Bench()

  private func listener(_ qos: QoS = .exactlyOnce) -> V5Client {
    bench.subscriberV5("listener", "t/#", V5.SubscriptionOptions(qos: qos))
  }

  // MARK: Properties

  @Test func whatAPublisherSaysIsHandedOnUnaltered() {
    let listener = listener()
    let properties: [Property] = [
      .number(.payloadFormatIndicator, 1), .user("b", "2"), .text(.contentType, "text/plain"),
      .user("a", "1"), .text(.responseTopic, "answers/1"), .user("b", "2"),
      .text(.correlationData, "\u{0}x"), .user("", ""),
    ]
    bench.connectV5("a").publish("t/x", "hello", properties)
    #expect(listener.take() == [.message("t/x", "hello", properties)])
  }

  @Test func aRetainedMessageKeepsItsProperties() {
    let properties: [Property] = [.text(.contentType, "c"), .user("a", "1")]
    bench.connectV5("a").publish("t/x", "hello", retain: true, properties)
    let late = bench.connectV5("late")
    #expect(
      late.subscribe("t/x", V5.SubscriptionOptions(qos: .atMostOnce))
        == [.message("t/x", "hello", retain: true, properties)])
  }

  @Test func theVersionsUnderstandEachOther() {
    let new = listener()
    let old = bench.subscriber("old", "t/#", .exactlyOnce)
    let oldest = bench.subscriber("oldest", "t/#", .exactlyOnce, level: .v31)
    bench.connectV5("a").publish("t/x", "new", .atLeastOnce, id: 9, [.user("a", "1")])
    bench.connect("b").publish("t/x", "old", .exactlyOnce, id: 9)
    #expect(
      new.take() == [
        .message("t/x", "new", .atLeastOnce, id: 1, [.user("a", "1")]),
        .message("t/x", "old", .exactlyOnce, id: 2),
      ])
    for client in [old, oldest] {
      #expect(
        client.take() == [
          .message("t/x", "new", .atLeastOnce, id: 1), .message("t/x", "old", .exactlyOnce, id: 2),
        ])
    }
  }

  @Test func theOwnersMessageMayHaveProperties() {
    let listener = listener()
    bench.publish(
      Message(
        topic: utf8("t/x"), payload: [], qos: .atMostOnce, retain: false,
        properties: list([.user("a", "1")]), expiry: 5))
    #expect(
      listener.take() == [
        .message("t/x", "", [.user("a", "1"), .number(.messageExpiryInterval, 5)])
      ])
  }

  // MARK: Expiry

  @Test func anExpiryIsCountedDownWhileTheMessageWaits() {
    let away = bench.subscriberV5(
      "a", "t/#", V5.SubscriptionOptions(qos: .atLeastOnce), [.number(.sessionExpiryInterval, 100)])
    away.cut()
    bench.connectV5("b").publish(
      "t/x", "x", .atLeastOnce, id: 1, [.number(.messageExpiryInterval, 10)])
    bench.pass(.milliseconds(3_999))
    let back = bench.connectV5("a", cleanStart: false)
    #expect(
      back.take() == [
        .message("t/x", "x", .atLeastOnce, id: 1, [.number(.messageExpiryInterval, 7)])
      ]
    )
  }

  @Test func aMessageThatHasWaitedTooLongIsNotDelivered() {
    let away = bench.subscriber("a", "t/#", .atLeastOnce, cleanSession: false)
    away.cut()
    let sender = bench.connectV5("b")
    for (payload, expiry) in [("1", 10), ("2", 9), ("3", 11)] as [(String, UInt32)] {
      sender.publish("t/x", payload, .atLeastOnce, id: 1, [.number(.messageExpiryInterval, expiry)])
    }
    sender.publish("t/x", "4", .atLeastOnce, id: 1)
    _ = bench.takeEvents()
    bench.pass(.seconds(10))
    #expect(bench.connect("a", cleanSession: false).payloads() == ["3", "4"])
    let expired = bench.takeEvents().filter {
      if case .expired(client: utf8("a"), _) = $0 { true } else { false }
    }
    #expect(expired.count == 2)
  }

  @Test func noExpiryAtAllIsForThoseWhoAreThere() {
    let away = bench.subscriberV5(
      "a", "t/#", V5.SubscriptionOptions(qos: .atLeastOnce), [.number(.sessionExpiryInterval, 100)])
    away.cut()
    let listener = listener()
    bench.connectV5("b").publish(
      "t/x", "x", .atLeastOnce, id: 1, [.number(.messageExpiryInterval, 0)])
    #expect(listener.payloads() == ["x"])
    bench.pass(.nanoseconds(1))
    #expect(bench.connectV5("a", cleanStart: false).payloads() == [])
  }

  @Test func aRetainedMessageExpires() {
    bench.connectV5("a").publish("t/x", "x", retain: true, [.number(.messageExpiryInterval, 10)])
    #expect(bench.deadline == .boot + .seconds(10))
    bench.pass(.seconds(4))
    let early = bench.connectV5("early")
    #expect(
      early.subscribe("t/x", V5.SubscriptionOptions(qos: .atMostOnce))
        == [.message("t/x", "x", retain: true, [.number(.messageExpiryInterval, 6)])])
    let late = bench.connectV5("late")
    bench.passUnnoticed(.seconds(6))
    #expect(late.subscribe("t/x", V5.SubscriptionOptions(qos: .atMostOnce)) == [])
    bench.pass(.zero)
    #expect(bench.retained("t/x") == nil)
    #expect(bench.deadline == .never)
  }

  @Test func whatWasBegunIsBroughtToItsEndAfterItsExpiry() {
    let first = bench.subscriberV5(
      "a", "t/#", V5.SubscriptionOptions(qos: .exactlyOnce), [.number(.sessionExpiryInterval, 100)])
    bench.connectV5("b").publish(
      "t/x", "x", .exactlyOnce, id: 1, [.number(.messageExpiryInterval, 10)])
    #expect(first.take().count == 1)
    first.cut()
    bench.pass(.seconds(20))
    #expect(
      bench.connectV5("a", cleanStart: false).take() == [
        .message(
          "t/x", "x", .exactlyOnce, id: 1, dup: true, [.number(.messageExpiryInterval, 0)])
      ])
  }

  @Test func expiredMessagesMakeRoomForNewOnes() {
    var limits = BrokerLimits()
    limits.queuedMax = 1
    limits.retainedMax = 1
    let bench = Bench(limits)
    bench.subscriber("a", "q", .atLeastOnce, cleanSession: false).cut()
    let sender = bench.connectV5("b")
    let brief: [Property] = [.number(.messageExpiryInterval, 1)]
    sender.publish("q", "1", .atLeastOnce, id: 1, brief)
    sender.publish("r/1", "1", retain: true, brief)
    bench.passUnnoticed(.seconds(1))
    sender.publish("q", "2", .atLeastOnce, id: 1, brief)
    sender.publish("r/2", "2", retain: true, brief)
    #expect(bench.retained("r/2") == "2")
    #expect(bench.connect("a", cleanSession: false).payloads() == ["2"])
  }

  // MARK: Answers

  @Test func aPublisherLearnsThatNobodyListens() {
    let sender = bench.connectV5("a")
    sender.publish("t/x", "x", .atLeastOnce, id: 7)
    sender.publish("t/x", "x", .exactlyOnce, id: 8)
    #expect(
      sender.take() == [
        .publishAck(7, .noMatchingSubscribers), .publishReceived(8, .noMatchingSubscribers),
      ])
    let listener = listener()
    sender.publish("t/x", "x", .atLeastOnce, id: 7)
    #expect(sender.take() == [.publishAck(7)])
    #expect(listener.payloads() == ["x"])
  }

  @Test func aTopicOfTheBrokerIsRefused() {
    let sender = bench.connectV5("a")
    sender.publish("$SYS/x", "x", .atLeastOnce, id: 7)
    #expect(sender.take() == [.publishAck(7, .topicNameInvalid)])
    #expect(sender.reasonString == "topic name invalid")
    sender.publish("$SYS/x", "x", .exactlyOnce, id: 7)
    #expect(sender.take() == [.publishReceived(7, .topicNameInvalid)])
    sender.send(releaseAnswerV5Bytes(.publishRelease, 7))
    #expect(
      sender.take() == [.publishComplete(7, .packetIdentifierNotFound)],
      "a refused message is not released")
    sender.publish("$SYS/x", "x")
    #expect(sender.take() == [] && !sender.isClosed)
  }

  @Test func whoWantsNoProblemInformationGetsNone() {
    let sender = bench.connectV5("a", [.number(.requestProblemInformation, 0)])
    sender.publish("$SYS/x", "x", .atLeastOnce, id: 7)
    #expect(sender.take() == [.publishAck(7, .topicNameInvalid)])
    #expect(sender.reasonString == nil)
  }

  @Test func aReasonStringThatWouldMakeThePacketTooLongIsLeftOut() {
    let sender = bench.connectV5("a", [.number(.maximumPacketSize, 20)])
    sender.publish("$SYS/x", "x", .atLeastOnce, id: 7)
    #expect(sender.take() == [.publishAck(7, .topicNameInvalid)])
    #expect(sender.reasonString == nil)
  }

  @Test func anIdentifierThatIsNotKnownIsSaidSo() {
    let client = bench.connectV5("a")
    client.send(releaseAnswerV5Bytes(.publishRelease, 5))
    client.send(publishAnswerV5Bytes(.publishReceived, 6))
    #expect(
      client.take() == [
        .publishComplete(5, .packetIdentifierNotFound),
        .publishRelease(6, .packetIdentifierNotFound),
      ])
  }

  @Test func aMessageThatTheClientRefusesIsDone() {
    let client = bench.subscriberV5(
      "listener", "t/#", V5.SubscriptionOptions(qos: .exactlyOnce),
      [.number(.sessionExpiryInterval, 100)])
    for (payload, qos) in [("1", QoS.atLeastOnce), ("2", .exactlyOnce)] {
      bench.publish("t/x", payload, qos)
    }
    #expect(client.take().count == 2)
    client.send(publishAnswerV5Bytes(.publishAck, 1, .quotaExceeded))
    client.send(publishAnswerV5Bytes(.publishReceived, 2, .notAuthorized))
    #expect(client.take() == [], "no PUBREL")
    client.cut()
    #expect(bench.connectV5("listener", cleanStart: false).take() == [])
  }

  @Test func aRefusalOfWhatIsReleasedAlreadyIsNoEnd() {
    let client = bench.subscriberV5(
      "listener", "t/#", V5.SubscriptionOptions(qos: .exactlyOnce),
      [.number(.sessionExpiryInterval, 100)])
    bench.publish("t/x", "1", .exactlyOnce)
    client.send(publishAnswerV5Bytes(.publishReceived, 1))
    client.send(publishAnswerV5Bytes(.publishReceived, 1, .unspecifiedError))
    client.cut()
    #expect(bench.connectV5("listener", cleanStart: false).take() == [.publishRelease(1)])
  }

  @Test func aPayloadThatIsNotWhatItSaysIsRefusedIfThatIsChecked() {
    var limits = BrokerLimits()
    limits.payloadFormatIsChecked = true
    let bench = Bench(limits)
    let sender = bench.connectV5("a")
    var bytes = publishV5Bytes(
      "t", "xy", .atLeastOnce, id: 1, [.number(.payloadFormatIndicator, 1)])
    sender.send(bytes)
    bytes[bytes.count - 1] = 0xFF
    sender.send(bytes)
    var plain = publishV5Bytes(
      "t", "xy", .atLeastOnce, id: 1, [.number(.payloadFormatIndicator, 0)])
    plain[plain.count - 1] = 0xFF
    sender.send(plain)
    #expect(
      sender.take() == [
        .publishAck(1, .noMatchingSubscribers), .publishAck(1, .payloadFormatInvalid),
        .publishAck(1, .noMatchingSubscribers),
      ])
  }

  @Test func aTopicTooManyToRetainIsToldToItsPublisher() {
    var limits = BrokerLimits()
    limits.retainedMax = 1
    let bench = Bench(limits)
    let sender = bench.connectV5("a")
    sender.publish("1", "x", .atLeastOnce, id: 1, retain: true)
    sender.publish("2", "x", .atLeastOnce, id: 1, retain: true)
    #expect(
      sender.take() == [.publishAck(1, .noMatchingSubscribers), .publishAck(1, .quotaExceeded)])
  }
}
