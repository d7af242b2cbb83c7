import Broker
import Core
import MQTT
import Testing

/// What a broker does when somebody wants more than the limits allow.
@Suite struct LimitTests {
  private func bench(_ change: (inout BrokerLimits) -> Void) -> Bench {
    var limits = BrokerLimits()
    change(&limits)
    return Bench(limits)
  }

  @Test func noMoreMessagesAreUnderWayThanTheWindowHolds() {
    let bench = bench { $0.inflightMax = 2 }
    let client = bench.subscriber("a", "t", .exactlyOnce)
    for payload in ["1", "2", "3", "4"] { bench.publish("t", payload, .exactlyOnce) }
    #expect(
      client.take() == [
        .message("t", "1", .exactlyOnce, id: 1), .message("t", "2", .exactlyOnce, id: 2),
      ])
    client.send(answerBytes(.publishReceived, 1))
    #expect(client.take() == [.answer(.publishRelease, 1)], "not settled yet")
    client.send(answerBytes(.publishComplete, 1))
    #expect(client.take() == [.message("t", "3", .exactlyOnce, id: 3)])
    client.send(answerBytes(.publishReceived, 2) + answerBytes(.publishComplete, 2))
    #expect(
      client.take() == [.answer(.publishRelease, 2), .message("t", "4", .exactlyOnce, id: 4)])
  }

  @Test func qos0IsNotHeldByTheWindow() {
    let bench = bench { $0.inflightMax = 1 }
    let client = bench.subscriber("a", "t", .atLeastOnce)
    for payload in ["1", "2"] { bench.publish("t", payload, .atLeastOnce) }
    bench.publish("t", "0")
    #expect(client.take() == [.message("t", "1", .atLeastOnce, id: 1), .message("t", "0")])
  }

  @Test func aFullQueueDropsTheNewestAndSaysSo() {
    let bench = bench {
      $0.inflightMax = 1
      $0.queuedMax = 2
    }
    let away = bench.subscriber("a", "t", .atLeastOnce, cleanSession: false)
    bench.publish("t", "1", .atLeastOnce)
    #expect(away.take().count == 1)
    away.cut()
    for payload in ["2", "3", "4", "5"] { bench.publish("t", payload, .atLeastOnce) }
    #expect(bench.takeDropped() == ["4", "5"])
    let back = bench.connect("a", cleanSession: false)
    #expect(back.payloads() == ["1", "2", "3"])
    bench.publish("t", "6", .atLeastOnce)
    #expect(back.payloads() == ["6"])
    #expect(bench.takeDropped() == [])
  }

  @Test func qos0ForAClientThatIsAwayIsNoLoss() {
    let bench = Bench()
    bench.subscriber("a", "t", .atLeastOnce, cleanSession: false).cut()
    bench.publish("t", "x")
    #expect(bench.takeDropped() == [])
  }

  @Test func aClientWithMoreToReleaseThanTheLimitIsClosed() {
    let bench = bench { $0.receivedMax = 2 }
    let client = bench.connect("a")
    for id in 1...2 as ClosedRange<UInt16> { client.publish("t", "x", .exactlyOnce, id: id) }
    client.publish("t", "x", .exactlyOnce, id: 2, dup: true)
    #expect(!client.isClosed)
    client.publish("t", "x", .exactlyOnce, id: 3)
    #expect(client.isClosed)
    #expect(bench.takeReasons() == [.violated(.receiveMaximumExceeded)])
  }

  @Test func aPacketOverTheLimitIsRefusedByItsHeader() {
    let bench = bench { $0.packetBytesMax = 100 }
    let client = bench.connect("a")
    client.publish("t", String(repeating: "x", count: 95))
    #expect(!client.isClosed)
    client.send([0x30, 99])
    #expect(client.isClosed)
    #expect(bench.takeReasons() == [.malformed(.packetTooLarge)])
  }

  // MARK: Who does not read

  @Test func aSlowReaderLosesQoS0AndKeepsTheRest() {
    let bench = bench { $0.outputBytesMax = 30 }
    let client = bench.subscriber("a", "t", .atLeastOnce)
    let lasting = ["1", "2", "3", "4", "5"]
    for payload in lasting {
      bench.publish("t", payload, .atLeastOnce)
      bench.publish("t", "fleeting \(payload)")
    }
    #expect(client.outputCount < 60)
    let dropped = bench.takeDropped()
    #expect(dropped.count >= 3 && dropped.allSatisfy { $0.hasPrefix("fleeting") })
    let read = client.payloads()
    #expect(read.filter { !$0.hasPrefix("fleeting") } == lasting)
    #expect(read.count + dropped.count == 10)
  }

  @Test func outputGoesOnByteByByte() {
    let bench = bench { $0.outputBytesMax = 20 }
    let client = bench.subscriber("a", "t", .atLeastOnce)
    let payloads = (1...20).map { "message \($0)" }
    for payload in payloads { bench.publish("t", payload, .atLeastOnce) }
    var read: [String] = []
    while client.outputCount > 0 {
      for item in client.take(limit: 1) {
        if case .message(_, let payload, _, _, _, _) = item { read.append(payload) }
        client.acknowledge(item)
      }
    }
    #expect(read == payloads)
  }

  @Test func aClientThatAsksWithoutReadingIsClosed() {
    let bench = bench { $0.outputBytesMax = 1_000 }
    let client = bench.connect("a")
    var pings = 0
    while !client.isClosed, pings < 1_000_000 {
      client.send([0xC0, 0])
      pings += 1
    }
    #expect(pings > 1_000 && pings < 1_000_000)
    #expect(bench.takeReasons() == [.overLimit])
  }

  @Test func aMessageLargerThanTheOutputClosesNobody() {
    let bench = bench { $0.outputBytesMax = 100 }
    let client = bench.subscriber("a", "t", .atLeastOnce)
    let large = String(repeating: "x", count: 5_000)
    bench.publish("t", large, .atLeastOnce)
    client.send([0xC0, 0])
    #expect(!client.isClosed)
    #expect(client.payloads() == [large])
  }

  @Test func aFullWindowOfLargeMessagesComesBackAsTheClientReads() {
    let bench = bench {
      $0.outputBytesMax = 1_000
      $0.packetBytesMax = 2_000
    }
    let client = bench.subscriber("a", "t", .atLeastOnce, cleanSession: false)
    let payloads = (10..<30).map { "\($0)" + String(repeating: "x", count: 1_000) }
    for payload in payloads { bench.publish("t", payload, .atLeastOnce) }
    #expect(client.take().count == 20, "read, and not acknowledged")
    client.cut()
    bench.publish("t", "new", .atLeastOnce)
    let back = bench.open()
    back.send(connectBytes("a", cleanSession: false))
    #expect(!back.isClosed)
    #expect(back.outputCount < 3_000)
    #expect(back.payloads() == payloads + ["new"])
  }

  @Test func whatAFinishedClientDoesNotReadIsGivenUpInTime() {
    let bench = Bench()
    let client = bench.connect("a")
    client.send([0xC0, 0])
    client.disconnect()
    #expect(client.isClosed && client.outputCount == 2)
    #expect(bench.deadline == .boot + .seconds(10))
    _ = bench.takeActive()
    bench.pass(.seconds(10))
    #expect(client.outputCount == 0)
    #expect(bench.takeActive() == [client.id])
    #expect(bench.deadline == .never)
  }

  // MARK: The rim

  @Test func activeAreThoseWithOutputOrAnEnd() {
    let bench = Bench()
    let quiet = bench.connect("quiet")
    let listener = bench.subscriber("listener", "will", .atMostOnce)
    let client = bench.connect("a", keepAlive: 1, will: TestWill())
    #expect(bench.takeActive() == [quiet.id, listener.id, client.id])
    #expect(bench.takeActive() == [])
    bench.pass(.milliseconds(1_500))
    #expect(bench.takeActive() == [listener.id, client.id])
    client.cut()
    #expect(bench.takeActive() == [])
  }

  @Test func roomInTheTransportBringsMore() {
    let bench = bench { $0.outputBytesMax = 10 }
    let client = bench.subscriber("a", "t", .atLeastOnce)
    for payload in ["first message", "second"] { bench.publish("t", payload, .atLeastOnce) }
    _ = bench.takeActive()
    #expect(bench.output(of: client.id).count == 20)
    #expect(bench.takeActive() == [client.id])
    #expect(client.outputCount > 0)
  }

  @Test func aTransportThatIsGoneIsFinishedAndSilent() {
    let bench = Bench()
    let client = bench.connect("a")
    client.cut()
    client.cut()
    client.send([0xC0, 0])
    #expect(client.isClosed && client.outputCount == 0)
    #expect(bench.takeReasons() == [.transportClosed])
  }
}
