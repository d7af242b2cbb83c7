import Core
import MQTT
import Testing

/// How a connection ends: each fault with the DISCONNECT that says why, and nothing before CONNACK;
/// DISCONNECT of either side (sections 3.14 and 4.13).
@Suite struct V5FaultTests {
  /// Each with its DecodeError and the reason that table 2-6 gives it.
  private static let malformed: [([UInt8], DecodeError, UInt8)] = [
    ([0x00], .reservedType, 0x81), ([0x10], .wrongDirection, 0x82),
    ([0x82], .wrongDirection, 0x82), ([0xC0], .wrongDirection, 0x82),
    ([0x41], .invalidFlags, 0x81), ([0x60], .invalidFlags, 0x81), ([0xF1], .invalidFlags, 0x81),
    ([0x36], .invalidQoS, 0x81), ([0x38], .invalidQoS, 0x81),
    ([0x30, 0x80, 0x00], .malformedLength, 0x81),
    ([0x30, 0xFF, 0xFF, 0xFF, 0xFF], .malformedLength, 0x81),
    ([0x90, 0xFF, 0x7F], .packetTooLarge, 0x95), ([0x40, 1], .malformedBody, 0x81),
    ([0x30, 3, 0, 9, 0x74], .malformedBody, 0x81),
    (publishV5("x", topic: "\u{0}"), .malformedText, 0x81),
    ([0x30, 4, 0, 1, 0xFF, 0], .malformedText, 0x81),
    (publishV5("x", topic: "a/#"), .invalidTopicName, 0x81),
    (publishV5("x", .atLeastOnce, id: 0), .invalidPacketID, 0x82),
    ([0x40, 3, 0, 1, 0x42], .invalidReturnCode, 0x82), ([0xE0, 1, 0x04], .invalidReturnCode, 0x82),
    (publishV5("x", with: prop(.reasonString, "x")), .misplacedProperty, 0x81),
    (publishV5("x", with: [0x7F, 0]), .misplacedProperty, 0x81),
    (
      publishV5("x", with: prop(.contentType, "x") + prop(.contentType, "x")), .repeatedProperty,
      0x82
    ),
    (publishV5("x", with: [0x01, 2]), .invalidProperty, 0x82),
    (publishV5("x", with: [0x0B, 0]), .invalidProperty, 0x82),
    (publishV5("x", with: [0x23, 0, 0]), .invalidTopicAlias, 0x94),
    (publishV5("x", topic: ""), .missingProperty, 0x82),
    ([0xF0, 2, 0x18, 0], .missingProperty, 0x82),
  ]

  @Test(arguments: malformed.indices)
  func malformedPacketIsAnsweredByItsReason(index: Int) {
    let (bytes, error, reason) = Self.malformed[index]
    for byByte in [false, true] {
      let bench = Bench.onlineV5()
      var events: [String] = []
      for piece in byByte ? bytes.map({ [$0] }) : [bytes] { events += bench.tell(piece) }
      #expect(events == ["failed malformed \(error)"], "\(bytes)")
      #expect(bench.output() == [0xE0, 1, reason], "\(bytes)")
      #expect(!bench.isOnline && bench.events() == [])
    }
  }

  /// [MQTT-3.14.0-1], and section 4.13: before CONNACK there is nobody to tell.
  @Test(arguments: malformed.indices)
  func nothingIsSaidBeforeConnack(index: Int) {
    let bench = Bench.newV5()
    bench.open()
    _ = bench.output()
    let events = bench.tell(Self.malformed[index].0)
    #expect(events.count == 1 && events[0].hasPrefix("failed"))
    #expect(bench.output() == [])
  }

  @Test(arguments: [
    publishV5("x"), publishV5("x", .exactlyOnce, id: 1), answer(0x40, 1), answer(0x50, 1),
    answer(0x62, 1), answer(0x70, 1), [0x90, 4, 0, 1, 0, 0], [0xB0, 4, 0, 1, 0, 0], [0xD0, 0],
    [0xE0, 0], [0xE0, 1, 0x89], [0xF0, 0],
  ])
  func nothingComesBeforeConnack(bytes: [UInt8]) {
    let bench = Bench.newV5()
    bench.open()
    _ = bench.output()
    #expect(bench.tell(bytes) == ["failed protocolViolation"])
    #expect(bench.output() == [])
  }

  @Test func secondConnackIsAProtocolError() {
    let bench = Bench.onlineV5()
    #expect(bench.tell(connectAckV5()) == ["failed protocolViolation"])
    #expect(bench.output() == [0xE0, 1, 0x82])
  }

  @Test func timeOutsSayWhatTheyCan() {
    let connecting = Bench.newV5()
    connecting.open()
    _ = connecting.output()
    connecting.now = .boot + .seconds(5)
    #expect(connecting.events() == ["failed connectTimedOut"] && connecting.output() == [])
    let silent = Bench.onlineV5()
    silent.now = .boot + .seconds(60)
    _ = silent.events()
    silent.now = .boot + .seconds(65)
    #expect(silent.events() == ["failed pingTimedOut"])
    // Nobody is there to be told; the ping is what was left.
    #expect(silent.output() == [0xC0, 0])
    let trickling = Bench.onlineV5(keepAlive: 0)
    trickling.tell([0x30])
    trickling.now = .boot + .seconds(15)
    #expect(trickling.events() == ["failed packetTimedOut"])
    #expect(trickling.output() == [0xE0, 1, 0x80])
  }

  /// A CONNACK that trickles in has the time that CONNACK has, not more with each byte.
  @Test func connackThatTricklesIn() {
    let bench = Bench.newV5()
    bench.open()
    var events: [String] = []
    for byte in connectAckV5(0, prop(.reasonString, "slow")) {
      events += bench.tell([byte])
      bench.now = bench.now + .seconds(1)
    }
    #expect(events == ["failed connectTimedOut"])
  }

  @Test func faultIsToldBehindAFullOutput() {
    let bench = Bench.onlineV5()
    while (try? bench.send("0")) != nil {}
    bench.tell([0x00])
    #expect(bench.output().suffix(3) == [0xE0, 1, 0x81])
  }

  @Test func disconnectOfTheServerIsReportedWithAllItSays() {
    let bench = Bench.onlineV5()
    let list = prop(.reasonString, "moved") + prop(.serverReference, "other:1883")
    #expect(
      bench.tell(packet(0xE0, [0x9D] + sized(list)) + publishV5("x")) == [
        "disconnected 0x9d reasonString=moved serverReference=other:1883"
      ])
    #expect(!bench.isOnline && bench.output() == [])
    for bytes in [[0xE0, 0], [0xE0, 1, 0], [0xE0, 2, 0, 0]] as [[UInt8]] {
      #expect(Bench.onlineV5().tell(bytes) == ["disconnected 0x0"])
    }
  }

  @Test(arguments: [
    (V5.DisconnectReason.normalDisconnection, [0xE0, 0] as [UInt8]),
    (.disconnectWithWill, [0xE0, 1, 0x04]), (.administrativeAction, [0xE0, 1, 0x98]),
  ])
  func disconnectOfTheClient(reason: V5.DisconnectReason, bytes: [UInt8]) throws {
    let bench = Bench.onlineV5()
    try bench.send("a", .atLeastOnce)
    _ = bench.output()
    try bench.disconnect(reason)
    #expect(bench.output() == bytes && !bench.isOnline)
    #expect(throws: PublishError.notConnected) { try bench.send("x") }
    #expect(throws: RequestError.notConnected) { try bench.subscribe("f", .atMostOnce) }
    // Only once; and answers still count.
    try bench.disconnect(reason)
    #expect(
      bench.tell(answer(0x40, 1) + publishV5("x", .atLeastOnce, id: 1)) == [
        "acknowledged 97 0x0"
      ])
    #expect(bench.output() == [] && bench.deadline == .never)
  }

  @Test func disconnectWithPropertiesAndWhatItMayNotSay() throws {
    let expiry = prop(.sessionExpiryInterval, 60)
    let ending = Bench.onlineV5()
    #expect(throws: RequestError.invalidProperties) {
      try ending.disconnect(.normalDisconnection, expiry)
    }
    #expect(throws: RequestError.invalidProperties) {
      try ending.disconnect(.normalDisconnection, prop(.receiveMaximum, 1))
    }
    #expect(throws: RequestError.invalidOptions) { try ending.disconnect(.serverBusy) }
    #expect(ending.output() == [] && ending.isOnline)
    // Zero says nothing new.
    try ending.disconnect(.normalDisconnection, prop(.sessionExpiryInterval, 0))
    #expect(ending.output() == [0xE0, 7, 0, 5, 0x11, 0, 0, 0, 0])
    let lasting = Bench.onlineV5(prop(.sessionExpiryInterval, 1))
    try lasting.disconnect(.normalDisconnection, expiry + prop(.reasonString, "bye"))
    #expect(
      lasting.output() == packet(0xE0, [0] + sized(expiry + prop(.reasonString, "bye"))))
  }
}
