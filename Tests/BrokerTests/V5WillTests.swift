import Broker
import Core
import MQTT
import Testing

/// Wills of 5.0: their properties and their delay (section 3.1.3.2 of its standard), and DISCONNECT.
@Suite struct V5WillTests {
  private let bench = Bench()

  private func delayed(_ delay: UInt32) -> V5TestWill {
    V5TestWill(properties: [.number(.willDelayInterval, delay)])
  }

  private func listener() -> V5Client {
    bench.subscriberV5("listener", "#", V5.SubscriptionOptions(qos: .exactlyOnce))
  }

  @Test func aWillComesWithItsPropertiesButTheDelay() {
    let listener = listener()
    let properties: [Property] = [
      .number(.payloadFormatIndicator, 1), .text(.contentType, "text/plain"),
      .text(.responseTopic, "answers"), .text(.correlationData, "7"), .user("a", "1"),
      .user("b", "2"), .user("a", "1"),
    ]
    let delay: [Property] = [
      .number(.willDelayInterval, 0), .number(.messageExpiryInterval, 60),
    ]
    let client = bench.connectV5(
      "a", will: V5TestWill(qos: .atLeastOnce, properties: delay + properties))
    bench.pass(.seconds(1_000))
    client.cut()
    #expect(
      listener.take() == [
        .message(
          "will", "lost", .atLeastOnce, id: 1,
          properties + [.number(.messageExpiryInterval, 60)])
      ], "its time begins with its publication")
  }

  @Test func aDelayedWillWaits() {
    let listener = listener()
    bench.connectV5("a", [.number(.sessionExpiryInterval, 100)], will: delayed(10)).cut()
    #expect(bench.deadline == .boot + .seconds(10))
    bench.pass(.milliseconds(9_999))
    #expect(listener.payloads() == [])
    bench.pass(.milliseconds(1))
    #expect(listener.payloads() == ["lost"])
    bench.pass(.seconds(1_000))
    #expect(listener.payloads() == [])
  }

  @Test func theSessionsEndComesBeforeTheDelays() {
    let listener = listener()
    bench.connectV5("a", [.number(.sessionExpiryInterval, 5)], will: delayed(10)).cut()
    bench.pass(.milliseconds(4_999))
    #expect(listener.payloads() == [])
    bench.pass(.milliseconds(1))
    #expect(listener.payloads() == ["lost"])
  }

  @Test func withoutASessionToWaitForThereIsNoDelay() {
    let listener = listener()
    bench.connectV5("a", will: delayed(10)).cut()
    #expect(listener.payloads() == ["lost"])
  }

  @Test func comingBackInTimeForgetsTheWill() {
    let listener = listener()
    bench.connectV5("a", [.number(.sessionExpiryInterval, 100)], will: delayed(10)).cut()
    bench.pass(.seconds(9))
    let back = bench.connectV5("a", cleanStart: false, [.number(.sessionExpiryInterval, 100)])
    bench.pass(.seconds(100))
    back.send(disconnectV5Bytes())
    bench.pass(.seconds(100))
    #expect(listener.payloads() == [])
  }

  @Test func comingBackAnewEndsTheSessionAndPublishesTheWill() {
    let listener = listener()
    bench.connectV5("a", [.number(.sessionExpiryInterval, 100)], will: delayed(10)).cut()
    _ = bench.connectV5("a", cleanStart: true)
    #expect(listener.payloads() == ["lost"])
    bench.pass(.seconds(100))
    #expect(listener.payloads() == [])
  }

  @Test func takeOverForgetsADelayedWillAndPublishesAnother() {
    let listener = listener()
    _ = bench.connectV5("a", [.number(.sessionExpiryInterval, 100)], will: delayed(10))
    _ = bench.connectV5("a", cleanStart: false, [.number(.sessionExpiryInterval, 100)])
    bench.pass(.seconds(100))
    #expect(listener.payloads() == [])
    _ = bench.connectV5("b", [.number(.sessionExpiryInterval, 100)], will: V5TestWill())
    _ = bench.connectV5("b", cleanStart: false)
    #expect(listener.payloads() == ["lost"])
  }

  @Test func disconnectForgetsTheWill() {
    let listener = listener()
    bench.connectV5("a", will: V5TestWill()).send(disconnectV5Bytes())
    #expect(listener.payloads() == [])
    #expect(bench.takeReasons() == [.byClient])
  }

  @Test(arguments: [V5.DisconnectReason.disconnectWithWill, .unspecifiedError, .quotaExceeded])
  func disconnectWithAnotherReasonPublishesTheWill(reason: V5.DisconnectReason) {
    let listener = listener()
    let client = bench.connectV5("a", will: V5TestWill())
    client.send(disconnectV5Bytes(reason))
    #expect(client.take() == [] && client.isClosed)
    #expect(listener.payloads() == ["lost"])
    #expect(bench.takeReasons() == [.byClientWithWill(reason)])
  }

  @Test func disconnectWithWillWaitsForTheDelayToo() {
    let listener = listener()
    let client = bench.connectV5("a", [.number(.sessionExpiryInterval, 100)], will: delayed(10))
    client.send(disconnectV5Bytes(.disconnectWithWill, [.number(.sessionExpiryInterval, 3)]))
    #expect(listener.payloads() == [])
    bench.pass(.seconds(3))
    #expect(listener.payloads() == ["lost"])
  }

  @Test func whatTheBrokerEndsLeadsToTheWill() {
    let listener = listener()
    let client = bench.connectV5("a", keepAlive: 2, will: V5TestWill())
    bench.pass(.seconds(3))
    #expect(client.take() == [.disconnect(.keepAliveTimeout)])
    #expect(listener.payloads() == ["lost"])
    #expect(bench.takeReasons() == [.keepAlive])
  }

  @Test func aWillThatIsNotAllowedAnyMoreIsNotPublished() {
    let listener = listener()
    let client = bench.connectV5("a", will: V5TestWill())
    bench.rules.mayPublish = { _, _ in false }
    client.cut()
    #expect(listener.payloads() == [])
  }
}
