import Broker
import Core
import MQTT
import Testing

/// When a will is published (section 3.1.2.5), and keep-alive, which leads to it.
@Suite struct WillTests {
  private let bench = Bench()

  private func listener() -> Client { bench.subscriber("listener", "#", .exactlyOnce) }

  @Test func aLostTransportLeadsToTheWill() {
    let listener = listener()
    let client = bench.connect("a", will: TestWill(qos: .atLeastOnce))
    client.cut()
    #expect(listener.take() == [.message("will", "lost", .atLeastOnce, id: 1)])
    #expect(bench.takeReasons() == [.transportClosed])
  }

  @Test func theWillIsPublishedOnce() {
    let listener = listener()
    let client = bench.connect("a", will: TestWill())
    client.send([0xFF])
    client.cut()
    #expect(listener.payloads() == ["lost"])
  }

  @Test func disconnectForgetsTheWill() {
    let listener = listener()
    let client = bench.connect("a", keepAlive: 10, will: TestWill())
    client.disconnect()
    #expect(client.isClosed)
    client.cut()
    bench.pass(.seconds(60))
    #expect(listener.payloads() == [])
    #expect(bench.takeReasons() == [.byClient])
  }

  @Test func nonsenseLeadsToTheWill() {
    let listener = listener()
    let client = bench.connect("a", will: TestWill())
    client.send([0xE1, 0])
    #expect(client.isClosed)
    #expect(listener.payloads() == ["lost"])
    #expect(bench.takeReasons() == [.malformed(.invalidFlags)])
  }

  @Test func aSecondConnectLeadsToTheWill() {
    let listener = listener()
    let client = bench.connect("a", will: TestWill())
    client.send(connectBytes("a"))
    #expect(listener.payloads() == ["lost"])
  }

  @Test func aRetainedWillIsKept() {
    let will = TestWill(topic: "status", payload: "lost", qos: .atLeastOnce, retain: true)
    bench.connect("a", will: will).cut()
    #expect(bench.retained("status") == "lost")
    let late = bench.connect("late")
    late.subscribe("status", .exactlyOnce)
    #expect(
      late.take().last == .message("status", "lost", .atLeastOnce, id: 1, retain: true))
  }

  @Test func anEmptyRetainedWillClears() {
    bench.publish("status", "online", retain: true)
    bench.connect("a", will: TestWill(topic: "status", payload: "", retain: true)).cut()
    #expect(bench.retained("status") == nil)
  }

  @Test func aWillComesToTheClientsOwnPersistentSession() {
    let first = bench.connect("a", cleanSession: false, will: TestWill(qos: .atLeastOnce))
    first.subscribe("will", .atLeastOnce)
    first.cut()
    let second = bench.connect("a", cleanSession: false)
    #expect(second.payloads() == ["lost"])
  }

  // MARK: Keep-alive

  @Test func silenceOfOneAndAHalfKeepAlivesLeadsToTheWill() {
    let listener = listener()
    let client = bench.connect("a", keepAlive: 3, will: TestWill())
    #expect(bench.deadline == .boot + .milliseconds(4_500))
    bench.pass(.nanoseconds(4_499_999_999))
    #expect(!client.isClosed)
    #expect(listener.payloads() == [])
    bench.pass(.nanoseconds(1))
    #expect(client.isClosed)
    #expect(listener.payloads() == ["lost"])
    #expect(bench.takeReasons() == [.keepAlive])
    #expect(bench.deadline == .never)
  }

  @Test func everyPacketBeginsTheTimeAnew() {
    let client = bench.connect("a", keepAlive: 2)
    for bytes in [[0xC0, 0], publishBytes("t", "x"), answerBytes(.publishAck, 9)] {
      bench.pass(.milliseconds(2_999))
      client.send(bytes)
    }
    #expect(!client.isClosed)
    #expect(bench.deadline == bench.now + .seconds(3))
  }

  @Test func partOfAPacketIsNoSignOfLife() {
    let client = bench.connect("a", keepAlive: 2)
    bench.pass(.seconds(2))
    client.send([0x30, 100, 0, 1])
    bench.pass(.seconds(1))
    #expect(client.isClosed)
  }

  @Test func whatTheBrokerSendsIsNoSignOfLife() {
    let client = bench.connect("a", keepAlive: 2)
    client.subscribe("t", .atMostOnce)
    bench.pass(.seconds(2))
    bench.publish("t", "x")
    #expect(client.take().count == 2)
    bench.pass(.seconds(1))
    #expect(client.isClosed)
  }

  @Test func withoutKeepAliveSilenceIsNoFault() {
    let client = bench.connect("a", keepAlive: 0)
    bench.pass(.seconds(1_000_000))
    #expect(!client.isClosed)
    #expect(bench.deadline == .never)
  }

  @Test func theLongestKeepAliveIsKept() {
    _ = bench.connect("a", keepAlive: 65_535)
    #expect(bench.deadline == .boot + .milliseconds(98_302_500))
  }
}
