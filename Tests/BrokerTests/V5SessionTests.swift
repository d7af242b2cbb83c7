import Broker
import Core
import MQTT
import Testing

/// How long a session of 5.0 lives (section 3.1.2.11.2 of its standard), and what ends it.
@Suite struct V5SessionTests {
  private let bench = Bench()

  private func isPresent(_ name: String = "a", expiry: UInt32 = 100) -> Bool {
    let answer = bench.answer(
      to: connectV5Bytes(name, cleanStart: false, [.number(.sessionExpiryInterval, expiry)]))
    if case .connectAck(.success, let isPresent, _)? = answer.first { return isPresent }
    return false
  }

  @Test func withoutAnExpiryTheSessionEndsWithTheConnection() {
    bench.connectV5("a", cleanStart: false).cut()
    #expect(!isPresent())
  }

  @Test func aSessionLivesForItsExpiryAndNotLonger() {
    bench.connectV5("a", [.number(.sessionExpiryInterval, 10)]).cut()
    #expect(bench.deadline == .boot + .seconds(10))
    bench.pass(.milliseconds(9_999))
    #expect(isPresent(expiry: 10), "and its time begins anew at each end")
    bench.pass(.milliseconds(9_999))
    #expect(isPresent(expiry: 10))
    _ = bench.takeEvents()
    bench.pass(.seconds(10))
    #expect(bench.takeEvents() == [.sessionEnded(client: utf8("a"))])
    #expect(!isPresent())
  }

  @Test func anExpiryCountsFromTheEndOfTheConnection() {
    let client = bench.connectV5("a", [.number(.sessionExpiryInterval, 10)])
    bench.pass(.seconds(1_000))
    client.cut()
    bench.pass(.seconds(9))
    #expect(isPresent())
  }

  @Test func theLargestExpiryIsForEver() {
    bench.connectV5("a", [.number(.sessionExpiryInterval, .max)]).cut()
    #expect(bench.deadline == .never)
    bench.pass(.seconds(1 << 33))
    #expect(isPresent())
  }

  @Test func theSecondLargestIsNot() {
    bench.connectV5("a", [.number(.sessionExpiryInterval, .max - 1)]).cut()
    bench.pass(.seconds(Int64(UInt32.max) - 2))
    #expect(isPresent(expiry: .max - 1))
    bench.pass(.seconds(Int64(UInt32.max) - 1))
    #expect(!isPresent())
  }

  @Test func anExpiryThatIsOverCountsBeforeTheClockIsAdvanced() {
    bench.connectV5("a", [.number(.sessionExpiryInterval, 10)]).cut()
    bench.passUnnoticed(.seconds(10))
    #expect(!isPresent())
  }

  @Test func theLastConnectionsExpiryCounts() {
    bench.connectV5("a", [.number(.sessionExpiryInterval, .max)]).cut()
    let again = bench.connectV5("a", cleanStart: false)
    again.cut()
    #expect(!isPresent())
  }

  @Test func cleanStartForgetsWhatWasAndKeepsWhatComes() {
    let first = bench.subscriberV5(
      "a", "t", V5.SubscriptionOptions(qos: .atLeastOnce), [.number(.sessionExpiryInterval, 100)])
    first.cut()
    bench.publish("t", "kept", .atLeastOnce)
    let second = V5Client(bench)
    second.send(connectV5Bytes("a", cleanStart: true, [.number(.sessionExpiryInterval, 100)]))
    let answer = second.take()
    if case .connectAck(.success, false, _)? = answer.first {} else { Issue.record("\(answer)") }
    #expect(answer.count == 1)
    bench.publish("t", "x", .atLeastOnce)
    #expect(second.take() == [])
    second.cut()
    #expect(isPresent())
  }

  @Test func disconnectMayChangeTheExpiry() {
    let longer = bench.connectV5("a", [.number(.sessionExpiryInterval, 1)])
    longer.send(disconnectV5Bytes(.normalDisconnection, [.number(.sessionExpiryInterval, 50)]))
    bench.pass(.seconds(49))
    #expect(isPresent(expiry: 5))
    let none = bench.connectV5("a", cleanStart: false, [.number(.sessionExpiryInterval, 5)])
    none.send(disconnectV5Bytes(.normalDisconnection, [.number(.sessionExpiryInterval, 0)]))
    #expect(!isPresent())
  }

  @Test func disconnectMayNotGiveAnExpiryWhereThereWasNone() {
    let client = bench.connectV5("a", will: V5TestWill())
    let listener = bench.subscriber("listener", "will", .atMostOnce)
    client.send(disconnectV5Bytes(.normalDisconnection, [.number(.sessionExpiryInterval, 1)]))
    #expect(client.take() == [.disconnect(.protocolError)])
    #expect(client.isClosed)
    #expect(listener.payloads() == ["lost"])
    #expect(!isPresent())
  }

  @Test func anExpiryOfNothingMaySayNothingAgain() {
    let client = bench.connectV5("a")
    client.send(disconnectV5Bytes(.normalDisconnection, [.number(.sessionExpiryInterval, 0)]))
    #expect(bench.takeReasons() == [.byClient])
  }

  @Test func theBrokersLimitCountsForAllVersions() {
    var limits = BrokerLimits()
    limits.sessionExpiryMax = 10
    let bench = Bench(limits)
    bench.connect("old", cleanSession: false).cut()
    let new = bench.connectV5("new", [.number(.sessionExpiryInterval, 5)])
    new.send(disconnectV5Bytes(.normalDisconnection, [.number(.sessionExpiryInterval, .max)]))
    _ = bench.takeEvents()
    bench.pass(.milliseconds(9_999))
    #expect(bench.takeEvents() == [])
    bench.pass(.milliseconds(1))
    #expect(bench.takeEvents().count == 2)
  }

  @Test func aSessionGoesFromVersionToVersion() {
    bench.subscriber("a", "t", .exactlyOnce, cleanSession: false).cut()
    bench.publish("t", "1", .exactlyOnce)
    let new = V5Client(bench)
    new.send(connectV5Bytes("a", cleanStart: false, [.number(.sessionExpiryInterval, 100)]))
    let answer = new.take()
    if case .connectAck(.success, true, _)? = answer.first {} else { Issue.record("\(answer)") }
    #expect(Array(answer.dropFirst()) == [.message("t", "1", .exactlyOnce, id: 1)])
    new.send(publishAnswerV5Bytes(.publishReceived, 1))
    new.cut()
    let old = bench.open()
    old.send(connectBytes("a", cleanSession: false))
    #expect(old.take() == [.connectAck(.accepted, true), .answer(.publishRelease, 1)])
  }

  @Test func whoIsTakenOverIsTold() {
    let first = bench.connectV5("a", [.number(.sessionExpiryInterval, 10)])
    #expect(isPresent())
    #expect(first.take() == [.disconnect(.sessionTakenOver)])
    #expect(first.isClosed)
  }

  @Test func endedSessionsMakeRoomForOthers() {
    var limits = BrokerLimits()
    limits.sessionsMax = 1
    let bench = Bench(limits)
    bench.connectV5("a", [.number(.sessionExpiryInterval, 10)]).cut()
    #expect(bench.answer(to: connectV5Bytes("b")) == [.connectAck(.serverUnavailable)])
    bench.passUnnoticed(.seconds(10))
    #expect(!bench.connectV5("b").isClosed)
  }
}
