import Core
import MQTT
import Testing

@Suite struct PublishTests {
  @Test func atMostOnceTakesNoIdentifier() throws {
    let bench = Bench.online()
    #expect(try bench.publish("a", .atMostOnce) == 0)
    #expect(bench.output() == publishBytes("a", .atMostOnce))
    #expect(bench.inflightCount == 0)
  }

  @Test func atLeastOnceEndsWithItsAcknowledgement() throws {
    let bench = Bench.online()
    #expect(try bench.publish("a", .atLeastOnce) == 1)
    #expect(try bench.publish("b", .atLeastOnce) == 2)
    #expect(
      bench.output()
        == publishBytes("a", .atLeastOnce, id: 1) + publishBytes("b", .atLeastOnce, id: 2))
    #expect(bench.receive(answer(0x40, 2)) == .acknowledged(token: 0x62))
    #expect(bench.receive(answer(0x40, 1)) == .acknowledged(token: 0x61))
    #expect(bench.inflightCount == 0)
  }

  @Test func exactlyOnceTakesFourPackets() throws {
    let bench = Bench.online()
    #expect(try bench.publish("a", .exactlyOnce) == 1)
    #expect(bench.output() == publishBytes("a", .exactlyOnce, id: 1))
    #expect(bench.receive(answer(0x50, 1)) == nil)
    #expect(bench.output() == answer(0x62, 1))
    #expect(bench.receive(answer(0x70, 1)) == .acknowledged(token: 0x61))
    #expect(bench.output() == [])
  }

  @Test func payloadCanBeWrittenInPlace() throws {
    let bench = Bench.online()
    let topic = utf8("t")
    let id = try bench.session.publish(
      topic: topic.span, payloadMax: 20, qos: .atLeastOnce, retain: true, token: 9
    ) { out in out.append(decimal: -42) }
    #expect(id == 1)
    #expect(bench.output() == packet(0x33, prefixed("t") + [0, 1] + utf8("-42")))
    #expect(bench.receive(answer(0x40, 1)) == .acknowledged(token: 9))
  }

  @Test func fullWindowRefusesAndTakesNoIdentifier() throws {
    let bench = Bench.online()
    for id in 1...4 as ClosedRange<UInt16> { #expect(try bench.publish("a", .atLeastOnce) == id) }
    #expect(throws: PublishError.windowFull) { try bench.publish("b", .exactlyOnce) }
    #expect(try bench.publish("c", .atMostOnce) == 0)
    bench.receive(answer(0x40, 1))
    #expect(try bench.publish("d", .atLeastOnce) == 5)
  }

  @Test func fullBufferRefusesUntilSomeWasSent() throws {
    let bench = Bench.online()
    let payload = String(repeating: "x", count: 100)
    for _ in 1...4 { _ = try bench.publish(payload, .atMostOnce) }
    #expect(throws: PublishError.bufferFull) { try bench.publish(payload, .atLeastOnce) }
    bench.session.withOutput(at: bench.now) { _ in 105 }
    #expect(try bench.publish(payload, .atLeastOnce) == 1)
    #expect(bench.output().count == 4 * 105 + 2)
  }

  @Test func packetsThatNeverFitAreToldApart() throws {
    let bench = Bench.online()
    // 512 bytes, of which 32 are kept for acknowledgements; 1 + 2 + 3 go to headers.
    let largest = String(repeating: "x", count: 512 - 32 - 6)
    #expect(throws: PublishError.packetTooLarge) {
      try bench.publish(largest + "x", .atMostOnce)
    }
    #expect(try bench.publish(largest, .atMostOnce) == 0)
    #expect(throws: PublishError.bufferFull) { try bench.publish("", .atMostOnce) }
  }

  @Test func invalidTopicsAreRefused() {
    let bench = Bench.online()
    for topic in ["", "a/#", "+"] {
      let bytes = utf8(topic)
      #expect(throws: PublishError.invalidTopic) {
        try bench.session.publish(
          topic: bytes.span, payload: bytes.span, qos: .atLeastOnce, retain: false, token: 0)
      }
    }
    #expect(bench.output() == [] && bench.inflightCount == 0)
  }

  @Test func unsolicitedAcknowledgementsChangeNothing() throws {
    let bench = Bench.online()
    _ = try bench.publish("a", .atLeastOnce)
    _ = try bench.publish("b", .exactlyOnce)
    _ = bench.output()
    // Unknown, or of the other kind: PUBACK for a QoS 2 message, PUBCOMP before PUBREC.
    for bytes in [
      answer(0x40, 9), answer(0x40, 2), answer(0x70, 9), answer(0x70, 1), answer(0x70, 2),
      answer(0xB0, 9), [0x90, 3, 0, 9, 0], [0xD0, 0],
    ] {
      #expect(bench.receive(bytes) == nil)
    }
    #expect(bench.output() == [])
    #expect(bench.counters.unsolicited == 7)
    #expect(bench.inflightCount == 2)
    #expect(bench.receive(answer(0x40, 1)) == .acknowledged(token: 0x61))
    #expect(bench.receive(answer(0x40, 1)) == nil)
  }

  @Test func unsolicitedReceivedAndReleaseAreAnswered() throws {
    let bench = Bench.online()
    #expect(bench.receive(answer(0x50, 9)) == nil)
    #expect(bench.output() == answer(0x62, 9))
    #expect(bench.receive(answer(0x62, 9)) == nil)
    #expect(bench.output() == answer(0x70, 9))
    #expect(bench.counters.unsolicited == 2)
    _ = try bench.publish("a", .atLeastOnce)
    #expect(bench.receive(answer(0x50, 1)) == nil)
    #expect(bench.receive(answer(0x40, 1)) == .acknowledged(token: 0x61))
  }

  @Test func identifiersWrapAndSkipThoseInUse() throws {
    let bench = Bench.online()
    #expect(try bench.publish("a", .atLeastOnce) == 1)
    #expect(try bench.publish("b", .exactlyOnce) == 2)
    #expect(try bench.subscribe("f", .atMostOnce) == 3)
    for expected in 4...65_535 as ClosedRange<UInt16> {
      let id = try bench.publish("c", .atLeastOnce)
      guard id == expected else { throw Unexpected() }
      bench.receive(answer(0x40, id))
      _ = bench.output()
    }
    #expect(try bench.publish("d", .atLeastOnce) == 4)
    #expect(bench.receive(answer(0x40, 1)) == .acknowledged(token: 0x61))
    #expect(try bench.publish("e", .atLeastOnce) == 5)
  }

  @Test func subscriptionsAreAnswered() throws {
    let bench = Bench.online()
    #expect(try bench.subscribe("a/#", .atLeastOnce) == 1)
    #expect(try bench.unsubscribe("b") == 2)
    #expect(
      bench.output()
        == packet(0x82, [0, 1] + prefixed("a/#") + [1]) + packet(0xA2, [0, 2] + prefixed("b")))
    #expect(throws: RequestError.windowFull) { try bench.subscribe("c", .atMostOnce) }
    #expect(bench.receive(answer(0xB0, 1)) == nil)
    #expect(bench.receive(answer(0xB0, 2)) == .unsubscribed(packetID: 2))
    #expect(bench.receive([0x90, 3, 0, 1, 0x80]) == .subscribed(packetID: 1, .failure))
    #expect(try bench.subscribe("c", .exactlyOnce) == 3)
    #expect(bench.receive([0x90, 3, 0, 3, 2]) == .subscribed(packetID: 3, .grantedExactlyOnce))
  }

  @Test func moreAnswersThanFiltersFailTheSession() throws {
    let bench = Bench.online()
    #expect(try bench.subscribe("a", .atLeastOnce) == 1)
    #expect(bench.receive([0x90, 4, 0, 1, 0, 0]) == .failed(.protocolViolation))
  }

  @Test func requestsThatAreNotTaken() throws {
    let bench = Bench.online()
    #expect(throws: RequestError.invalidFilter) { try bench.subscribe("a#", .atMostOnce) }
    #expect(throws: RequestError.invalidFilter) { try bench.unsubscribe("") }
    let long = String(repeating: "f", count: 500)
    #expect(throws: RequestError.packetTooLarge) { try bench.subscribe(long, .atMostOnce) }
    _ = try bench.publish(String(repeating: "x", count: 400), .atMostOnce)
    #expect(throws: RequestError.bufferFull) {
      try bench.subscribe(String(repeating: "f", count: 80), .atMostOnce)
    }
    bench.session.closed()
    #expect(throws: RequestError.notConnected) { try bench.subscribe("a", .atMostOnce) }
  }
}
