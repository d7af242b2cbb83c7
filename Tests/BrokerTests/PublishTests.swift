import Broker
import Core
import MQTT
import Testing

/// The three qualities of service, in and out (section 4.3).
@Suite struct PublishTests {
  private let bench = Bench()

  // MARK: In

  @Test func qos0IsNotAnswered() {
    let listener = bench.subscriber("listener", "t", .exactlyOnce)
    let sender = bench.connect("sender")
    sender.publish("t", "x")
    #expect(sender.take() == [])
    #expect(listener.take() == [.message("t", "x")])
  }

  @Test func qos1IsAnsweredWithItsIdentifier() {
    let listener = bench.subscriber("listener", "t", .atLeastOnce)
    let sender = bench.connect("sender")
    sender.publish("t", "x", .atLeastOnce, id: 300)
    #expect(sender.take() == [.answer(.publishAck, 300)])
    #expect(listener.take() == [.message("t", "x", .atLeastOnce, id: 1)])
  }

  @Test func repeatedQoS1IsPublishedAgainWithoutItsMark() {
    let listener = bench.subscriber("listener", "t", .atLeastOnce)
    let sender = bench.connect("sender")
    sender.publish("t", "x", .atLeastOnce, id: 3, dup: true)
    sender.publish("t", "x", .atLeastOnce, id: 3, dup: true)
    #expect(sender.take() == [.answer(.publishAck, 3), .answer(.publishAck, 3)])
    #expect(
      listener.take() == [
        .message("t", "x", .atLeastOnce, id: 1), .message("t", "x", .atLeastOnce, id: 2),
      ])
  }

  @Test func qos2IsPublishedOnceHoweverOftenItComes() {
    let listener = bench.subscriber("listener", "t", .exactlyOnce)
    let sender = bench.connect("sender")
    for dup in [false, true, true] { sender.publish("t", "x", .exactlyOnce, id: 4, dup: dup) }
    #expect(sender.take() == Array(repeating: .answer(.publishReceived, 4), count: 3))
    #expect(listener.take() == [.message("t", "x", .exactlyOnce, id: 1)])
    sender.send(answerBytes(.publishRelease, 4))
    sender.send(answerBytes(.publishRelease, 4))
    #expect(sender.take() == [.answer(.publishComplete, 4), .answer(.publishComplete, 4)])
    sender.publish("t", "y", .exactlyOnce, id: 4)
    #expect(listener.payloads() == ["y"], "the identifier is free again")
  }

  // MARK: Out

  private static let all = [QoS.atMostOnce, .atLeastOnce, .exactlyOnce]

  @Test(arguments: all, all)
  func aMessageComesAtTheLesserOfBothQualities(published: QoS, granted: QoS) {
    let listener = bench.subscriber("listener", "t", granted)
    let sender = bench.connect("sender")
    sender.publish("t", "x", published, id: published == .atMostOnce ? 0 : 1)
    let lesser = min(published, granted)
    #expect(listener.take() == [.message("t", "x", lesser, id: lesser == .atMostOnce ? 0 : 1)])
  }

  @Test func qos2OutIsReleasedOnceItWasReceived() {
    let listener = bench.subscriber("listener", "t", .exactlyOnce)
    bench.publish("t", "x", .exactlyOnce)
    #expect(listener.take() == [.message("t", "x", .exactlyOnce, id: 1)])
    listener.send(answerBytes(.publishReceived, 1))
    #expect(listener.take() == [.answer(.publishRelease, 1)])
    listener.send(answerBytes(.publishReceived, 1))
    #expect(listener.take() == [.answer(.publishRelease, 1)], "asked again, answered again")
    listener.send(answerBytes(.publishComplete, 1))
    #expect(listener.take() == [])
  }

  @Test func anAnswerOfTheWrongKindSettlesNothing() {
    let listener = bench.subscriber("listener", "t", .exactlyOnce, cleanSession: false)
    bench.publish("t", "once", .exactlyOnce)
    bench.publish("t", "least", .atLeastOnce)
    #expect(listener.take().count == 2)
    // PUBACK for QoS 2, PUBCOMP before PUBREC and for QoS 1, and answers to nothing.
    listener.send(answerBytes(.publishAck, 1) + answerBytes(.publishComplete, 1))
    listener.send(answerBytes(.publishComplete, 2))
    listener.send(answerBytes(.publishAck, 77) + answerBytes(.publishComplete, 77))
    listener.cut()
    let again = bench.connect("listener", cleanSession: false)
    #expect(
      again.take() == [
        .message("t", "once", .exactlyOnce, id: 1, dup: true),
        .message("t", "least", .atLeastOnce, id: 2, dup: true),
      ])
  }

  @Test func identifiersThatAreUnderWayAreNotGivenTwice() {
    let listener = bench.subscriber("listener", "t", .atLeastOnce)
    bench.publish("t", "first", .atLeastOnce)
    #expect(listener.take() == [.message("t", "first", .atLeastOnce, id: 1)])
    var last: UInt16 = 1
    for _ in 0..<65_535 {
      bench.publish("t", "", .atLeastOnce)
      guard case .message(_, _, _, let id, _, _)? = listener.take().first else { break }
      listener.send(answerBytes(.publishAck, id))
      last = id
    }
    #expect(last == 2, "65,535 is followed by 1, which is taken")
  }

  @Test func messagesKeepTheirOrder() {
    let listener = bench.subscriber("listener", "#", .exactlyOnce)
    let sender = bench.connect("sender")
    let payloads = (1...100).map { String($0) }
    for (index, payload) in payloads.enumerated() {
      let qos = index % 3 == 0 ? QoS.exactlyOnce : .atLeastOnce
      sender.publish("t", payload, qos, id: UInt16(index + 1))
    }
    #expect(listener.payloads() == payloads)
  }

  // MARK: Topics of the broker

  @Test func clientsDoNotWriteUnderDollar() {
    let listener = bench.subscriber("listener", "$SYS/#", .atLeastOnce)
    let sender = bench.connect("sender")
    sender.publish("$SYS/uptime", "0", .atLeastOnce, id: 1, retain: true)
    #expect(sender.take() == [.answer(.publishAck, 1)], "answered, but it goes nowhere")
    #expect(listener.take() == [])
    #expect(bench.retained("$SYS/uptime") == nil)
    bench.connect("b", will: TestWill(topic: "$SYS/will")).cut()
    #expect(listener.take() == [])
  }

  @Test func theBrokersOwnMessagesUnderDollarAreDelivered() {
    let listener = bench.subscriber("listener", "$SYS/+", .atLeastOnce)
    let wild = bench.subscriber("wild", "#", .atLeastOnce)
    bench.publish("$SYS/uptime", "7", .atLeastOnce)
    #expect(listener.payloads() == ["7"])
    #expect(wild.payloads() == [], "section 4.7.2")
  }

  @Test func aPublisherThatSubscribesHearsItself() {
    let client = bench.subscriber("a", "t", .atMostOnce)
    client.publish("t", "echo")
    #expect(client.payloads() == ["echo"])
  }

  @Test func publicationsAreTold() {
    bench.connect("a").publish("t", "x", .atLeastOnce, id: 1, retain: true)
    let message = Message(topic: utf8("t"), payload: utf8("x"), qos: .atLeastOnce, retain: true)
    #expect(bench.takeEvents().last == .published(client: utf8("a"), message, isWill: false))
    #expect(bench.takeEvents() == [])
  }
}
