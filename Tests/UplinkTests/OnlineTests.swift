import Core
import MQTT
import TestSupport
import Testing
import Uplink

/// Between CONNACK and the end.
@Suite struct OnlineTests {
  // MARK: Life

  @Test func pingIsDueAKeepAliveAfterTheLastByteReceived() {
    let bench = LinkBench.online { spec in
      spec.keepAlive = .seconds(30)
      spec.replyTimeout = .seconds(20)
    }
    let start = bench.now
    #expect(bench.pass(.seconds(20)) == nil)
    bench.receive([0xD0, 0])
    // What is sent says nothing about whether the broker is there.
    #expect(bench.publishNow("b", qos: .atMostOnce))
    #expect(bench.sent() == [.publish("status", "b", retain: true)])
    #expect(bench.pass(.seconds(20)) == nil)
    #expect(bench.deadline == start + .seconds(50))
    #expect(bench.pass(.seconds(10)) == nil)
    #expect(bench.sent() == [.ping])
  }

  @Test func unansweredPingLosesTheLink() {
    let bench = LinkBench.online { spec in
      spec.keepAlive = .seconds(30)
      spec.replyTimeout = .seconds(4)
    }
    #expect(bench.pass(.seconds(30)) == nil)
    #expect(bench.sent() == [.ping])
    #expect(bench.pass(.milliseconds(3_999)) == nil)
    #expect(bench.pass(.milliseconds(1)) == .lost(.session(.pingTimedOut)))
    #expect(bench.action() == .close && !bench.isOnline)
    #expect(bench.deadline > bench.now, "through the back-off")
    #expect(bench.counters.attemptsFailed == 0, "it was no attempt")
  }

  @Test func answeredPingKeepsTheLink() {
    let bench = LinkBench.online { spec in spec.keepAlive = .seconds(30) }
    for _ in 0..<10 {
      #expect(bench.pass(.seconds(30)) == nil)
      #expect(bench.sent() == [.ping])
      bench.receive([0xD0, 0])
    }
    #expect(bench.isOnline)
  }

  @Test func nonsenseFromTheBrokerLosesTheLink() {
    let bench = LinkBench.online()
    guard case .lost(.session(.malformed))? = bench.receive([0xF0, 0]) else {
      Issue.record("the link goes on")
      return
    }
    #expect(bench.action() == .close)
  }

  // MARK: Messages

  @Test func subscriptionIsAnsweredBothWays() throws {
    let bench = LinkBench.online()
    let first = try #require(bench.subscribe("cmd/+"))
    let second = try #require(bench.subscribe("status"))
    #expect(bench.sent() == [.subscribe("cmd/+", id: first), .subscribe("status", id: second)])
    let granted = bench.receive([0x90, 3, 0, UInt8(first), 1])
    #expect(granted == .subscribed(packetID: first, accepted: true))
    let refused = bench.receive([0x90, 3, 0, UInt8(second), 0x80])
    #expect(refused == .subscribed(packetID: second, accepted: false))
    #expect(bench.isOnline, "a broker that refuses a topic is still a broker")
  }

  @Test func unsubscribingIsNobodysEvent() throws {
    let bench = LinkBench.online()
    let id = try #require(bench.unsubscribe("diag"))
    #expect(bench.sent() == [.unsubscribe(id: id)])
    #expect(bench.receive([0xB0, 2, 0, UInt8(id)]) == nil)
  }

  @Test func messageIsHandedOver() {
    let bench = LinkBench.online()
    let payload = utf8("on")
    let topic = utf8("cmd/pump")
    let event = bench.receive([0x30, 12, 0, 8] + topic + payload)
    guard case .message(let message)? = event else {
      Issue.record("\(String(describing: event))")
      return
    }
    let text = bench.link.session.withMessage(message) { topic, payload in
      "\(TestSupport.text(topic)) \(TestSupport.text(payload))"
    }
    #expect(text == "cmd/pump on")
  }

  @Test func directMessageIsAcknowledgedByItsTag() {
    let bench = LinkBench.online()
    #expect(bench.publishNow("online", tag: 77))
    #expect(bench.sent() == [.publish("status", "online", id: 1, retain: true)])
    #expect(bench.receive(acknowledgement(1)) == .acknowledged(tag: 77, isTaken: true))
    #expect(bench.publishNow("diag", qos: .atMostOnce))
    #expect(bench.sent() == [.publish("status", "diag", retain: true)])
  }

  /// The status gets through while all of the outbox's packets are under way.
  @Test func directMessagesHaveTheirOwnPlaces() {
    let bench = LinkBench.online { spec in spec.inflight = 2 }
    bench.append("a", "b", "c")
    #expect(bench.sent().count == 2)
    for tag in 1...4 as ClosedRange<UInt32> { #expect(bench.publishNow("s", tag: tag)) }
    #expect(!bench.publishNow("s", tag: 5))
  }

  @Test func nothingIsPublishedOffline() {
    let bench = LinkBench()
    bench.append("a")
    #expect(!bench.publishNow("s"))
    #expect(bench.subscribe("a") == nil && bench.unsubscribe("a") == nil)
    #expect(bench.sent() == [] && bench.unacknowledged == 1)
  }

  // MARK: A broker that owes answers

  @Test func brokerThatAcknowledgesNothingLosesTheLink() {
    let bench = LinkBench.online { spec in spec.replyTimeout = .seconds(2) }
    bench.append("a")
    #expect(bench.sent().count == 1)
    for _ in 0..<2 {
      #expect(bench.pass(.seconds(2)) == nil)
      #expect(bench.sent() == [.ping], "the answer is late")
      #expect(bench.receive([0xD0, 0]) == nil, "an answer to a ping is none to a message")
    }
    #expect(bench.pass(.seconds(2)) == .lost(.unanswered))
    #expect(bench.unacknowledged == 1)
  }

  @Test func brokerThatAnswersNoSubscriptionLosesTheLink() {
    let bench = LinkBench.online { spec in spec.replyTimeout = .seconds(2) }
    #expect(bench.subscribe("a") != nil)
    #expect(bench.event() == nil)
    #expect(bench.sent().count == 1)
    bench.now = bench.now + .seconds(5)
    #expect(bench.receive([0xD0, 0]) == nil)
    #expect(bench.pass(.seconds(1)) == .lost(.unanswered))
  }

  @Test func eachAnswerBuysTimeForTheNext() {
    let bench = LinkBench.online { spec in spec.replyTimeout = .seconds(2) }
    bench.append("a", "b")
    #expect(bench.sent().count == 2)
    bench.now = bench.now + .seconds(5)
    bench.receive(acknowledgement(1))
    bench.now = bench.now + .seconds(5)
    #expect(bench.receive([0xD0, 0]) == nil && bench.isOnline)
    bench.receive(acknowledgement(2))
    #expect(bench.deadline > bench.now + .seconds(6), "nothing is owed")
  }

  // MARK: Leaving

  /// Closing first could reset the connection, and the reset overtake DISCONNECT.
  @Test func afterDisconnectTheBrokerClosesTheTransport() {
    let bench = LinkBench.online()
    bench.link.disconnect(at: bench.now, timeout: .seconds(2))
    #expect(bench.event() == nil && bench.action() == nil)
    #expect(bench.sent() == [.disconnect])
    #expect(bench.event() == nil && !bench.isStopped)
    bench.link.failed(.closedByPeer, at: bench.now)
    #expect(bench.event() == .stopped)
    #expect(bench.action() == .close && bench.isStopped && bench.deadline == .never)
  }

  @Test func disconnectDoesNotWaitForASocketThatTakesNothing() {
    let bench = LinkBench.online()
    bench.link.disconnect(at: bench.now, timeout: .seconds(2))
    #expect(bench.deadline == bench.now + .seconds(2))
    bench.pass()
    #expect(bench.event() == .stopped && bench.isStopped)
  }

  @Test func disconnectOfALinkThatIsDownStopsAtOnce() {
    let bench = LinkBench()
    bench.link.disconnect(at: bench.now, timeout: .seconds(2))
    #expect(bench.event() == .stopped && bench.isStopped && bench.action() == .close)
    bench.now = bench.now + .seconds(1_000)
    bench.link.deadlineReached(at: bench.now)
    #expect(bench.action() == nil, "never again online")
  }

  @Test func brokerMayHangUpFirst() {
    let bench = LinkBench.online()
    bench.link.disconnect(at: bench.now, timeout: .seconds(2))
    bench.link.failed(.closedByPeer, at: bench.now)
    #expect(bench.event() == .stopped)
  }
}
