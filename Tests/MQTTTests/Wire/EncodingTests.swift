import Core
import MQTT
import Testing

/// Bytes worked out by hand from MQTT 3.1.1 chapters 2 and 3.
@Suite struct EncodingTests {
  private let topic = utf8("a/b")

  @Test func connectWithAllFields() throws {
    let bytes = try connectWithAllFields(capacity: 100)
    #expect(bytes == samples[0].bytes)
    #expect(bytes[1] == 33)
  }

  @Test func connectWithFewestFields() throws {
    #expect(
      try connect(clientID: []) == [0x10, 0x0C, 0, 4, 0x4D, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, 0])
  }

  @Test func connectOf31HasTheOldName() throws {
    #expect(
      try connect(level: .v31, keepAlive: 60, clientID: utf8("abc")) == samples[2].bytes)
  }

  @Test(arguments: [QoS.atMostOnce, .atLeastOnce, .exactlyOnce], [false, true])
  func connectFlagsOfEachWill(qos: QoS, retain: Bool) throws {
    let bytes = try connect(cleanSession: false, will: TestWill(qos: qos, retain: retain))
    #expect(bytes[9] == 0x04 | qos.rawValue << 3 | (retain ? 0x20 : 0))
    #expect(Array(bytes[15...]) == [0, 1, 0x77, 0, 0])
  }

  @Test func emptyUserNameAndPasswordAreNotAbsentOnes() throws {
    let bytes = try connect(userName: [], password: [])
    #expect(bytes[9] == 0xC2)
    #expect(Array(bytes[15...]) == [0, 0, 0, 0])
  }

  @Test func connectAck() throws {
    let present = try written { (out) throws(EncodeError) in
      try ConnectAck.encode(
        level: .v311, sessionPresent: true, returnCode: .accepted, into: &out)
    }
    #expect(present == [0x20, 2, 1, 0])
    let refused = try written { (out) throws(EncodeError) in
      try ConnectAck.encode(
        level: .v311, sessionPresent: false, returnCode: .notAuthorized, into: &out)
    }
    #expect(refused == [0x20, 2, 0, 5])
    let old = try written { (out) throws(EncodeError) in
      try ConnectAck.encode(level: .v31, sessionPresent: true, returnCode: .accepted, into: &out)
    }
    #expect(old == [0x20, 2, 0, 0])
  }

  @Test func publishAtEachQoS() throws {
    #expect(try publish(id: 0, .atMostOnce) == [0x30, 7] + prefixed("a/b") + utf8("hi"))
    #expect(
      try publish(id: 0x1234, .atLeastOnce, retain: true)
        == [0x33, 9] + prefixed("a/b") + [0x12, 0x34] + utf8("hi"))
    #expect(
      try publish(id: 1, .exactlyOnce, dup: true)
        == [0x3C, 9] + prefixed("a/b") + [0, 1] + utf8("hi"))
  }

  @Test(arguments: [(127, 1), (128, 2), (16_383, 2), (16_384, 3), (2_097_151, 3), (2_097_152, 4)])
  func remainingLengthTakesTheFewestBytes(body: Int, lengthBytes: Int) throws {
    let payload = [UInt8](repeating: 0x2A, count: body - 5)
    let bytes = try publish(id: 0, .atMostOnce, payload: payload, capacity: body + 5)
    #expect(bytes.count == 1 + lengthBytes + body)
    #expect(bytes[lengthBytes] & 0x80 == 0)
    #expect(
      Publish.size(topicBytes: 3, payloadBytes: payload.count, qos: .atMostOnce) == bytes.count)
    guard
      case .packet(.publish(let decoded), let size) = decode(
        bytes, from: .client, packetBytesMax: .max)
    else { throw Unexpected() }
    #expect(size == bytes.count && decoded.payload.count == payload.count)
  }

  @Test func bodiesAboveTheLimitAreRefused() {
    #expect(VarInt.max == 268_435_455)
    // Bodies of that size are not made in a test: the size of the payload is announced only.
    let error = writeError { (out) throws(EncodeError) in
      try Publish.encode(
        level: .v311, packetID: 0, qos: .atMostOnce, retain: false, dup: false,
        topic: topic.span, payloadMax: VarInt.max - 4, into: &out, writePayload: { _ in })
    }
    #expect(error == .packetTooLarge)
  }

  /// Lengths on both sides of where the remaining length grows by a byte.
  @Test(arguments: [0, 1, 100, 121, 122, 123, 124, 300, 16_380])
  func payloadWrittenInPlaceGivesTheSameBytes(count: Int) throws {
    let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    let plain = try publish(id: 0, .atMostOnce, payload: payload, capacity: 20_000)
    for payloadMax in [count, count + 1, 200, 17_000] where payloadMax >= count {
      let inPlace = try written(capacity: 20_000) { (out) throws(EncodeError) in
        try Publish.encode(
          level: .v311, packetID: 0, qos: .atMostOnce, retain: false, dup: false,
          topic: topic.span, payloadMax: payloadMax, into: &out
        ) { out in out.append(contentsOf: payload.span) }
      }
      #expect(inPlace == plain)
    }
  }

  @Test func payloadBeyondItsBoundLeavesNothingBehind() {
    let error = writeError { (out) throws(EncodeError) in
      try Publish.encode(
        level: .v311, packetID: 0, qos: .atMostOnce, retain: false, dup: false,
        topic: topic.span, payloadMax: 2, into: &out
      ) { out in out.append(literal: "abc") }
    }
    #expect(error == .packetTooLarge)
  }

  @Test func acknowledgements() throws {
    let expected: [(Acknowledgement, UInt8)] = [
      (.publishAck, 0x40), (.publishReceived, 0x50), (.publishRelease, 0x62),
      (.publishComplete, 0x70), (.unsubscribeAck, 0xB0),
    ]
    for (kind, first) in expected {
      let bytes = try written { (out) throws(EncodeError) in
        try kind.encode(level: .v311, packetID: 0xABCD, into: &out)
      }
      #expect(bytes == [first, 2, 0xAB, 0xCD])
    }
  }

  @Test func repeatedReleaseIsMarkedIn31Only() throws {
    for (level, first) in [(ProtocolLevel.v31, 0x6A as UInt8), (.v311, 0x62)] {
      let bytes = try written { (out) throws(EncodeError) in
        try Acknowledgement.publishRelease.encode(
          level: level, packetID: 1, dup: true, into: &out)
      }
      #expect(bytes == [first, 2, 0, 1])
    }
  }

  @Test func subscribeWithOneAndWithSeveralFilters() throws {
    let one = try written { (out) throws(EncodeError) in
      try Subscribe.encode(
        level: .v311, packetID: 10, filter: topic.span, qos: .atLeastOnce, into: &out)
    }
    #expect(one == [0x82, 8, 0, 10] + prefixed("a/b") + [1])
    let list = try written { (out) throws(EncodeError) in
      try Subscribe.append(filter: topic.span, qos: .atLeastOnce, to: &out)
      try Subscribe.append(filter: utf8("c/#").span, qos: .exactlyOnce, to: &out)
    }
    let two = try written { (out) throws(EncodeError) in
      try Subscribe.encode(level: .v311, packetID: 10, filters: list.span, into: &out)
    }
    #expect(two == [0x82, 14, 0, 10] + prefixed("a/b") + [1] + prefixed("c/#") + [2])
  }

  @Test func unsubscribeWithOneAndWithSeveralFilters() throws {
    let one = try written { (out) throws(EncodeError) in
      try Unsubscribe.encode(level: .v311, packetID: 10, filter: topic.span, into: &out)
    }
    #expect(one == [0xA2, 7, 0, 10] + prefixed("a/b"))
    let list = try written { (out) throws(EncodeError) in
      try Unsubscribe.append(filter: topic.span, to: &out)
      try Unsubscribe.append(filter: utf8("+/d").span, to: &out)
    }
    let two = try written { (out) throws(EncodeError) in
      try Unsubscribe.encode(level: .v311, packetID: 10, filters: list.span, into: &out)
    }
    #expect(two == [0xA2, 12, 0, 10] + prefixed("a/b") + prefixed("+/d"))
  }

  @Test func subscribeAck() throws {
    let codes: [UInt8] = [0x00, 0x02, 0x80]
    let bytes = try written { (out) throws(EncodeError) in
      try SubscribeAck.encode(
        level: .v311, packetID: 10, codes: codes.span, into: &out)
    }
    #expect(bytes == [0x90, 5, 0, 10, 0x00, 0x02, 0x80])
  }

  @Test func barePackets() throws {
    for (kind, first) in [
      (BarePacket.pingRequest, 0xC0 as UInt8), (.pingResponse, 0xD0), (.disconnect, 0xE0),
    ] {
      let bytes = try written { (out) throws(EncodeError) in
        try kind.encode(level: .v311, into: &out)
      }
      #expect(bytes == [first, 0])
    }
  }

  /// Every buffer that is too short is refused, and nothing is appended to it (`written` checks).
  @Test func everyShortBufferIsRefused() throws {
    for (size, body) in encoders {
      #expect(try written(capacity: size, body).count == size)
      for capacity in 0..<size { #expect(writeError(capacity: capacity, body) == .bufferFull) }
    }
    for capacity in 0..<35 {
      #expect(throws: EncodeError.bufferFull) { try connectWithAllFields(capacity: capacity) }
    }
  }

  private func connectWithAllFields(capacity: Int) throws(EncodeError) -> [UInt8] {
    let will = TestWill(topic: utf8("w/t"), payload: utf8("gone"), qos: .atLeastOnce)
    return try connect(
      keepAlive: 10, clientID: utf8("abc"), will: will, userName: utf8("u"),
      password: utf8("pw"), capacity: capacity)
  }

  private typealias Encoder = (inout OutputSpan<UInt8>) throws(EncodeError) -> Void

  private var encoders: [(Int, Encoder)] {
    let codes: [UInt8] = [1]
    return [
      (
        4,
        { (out) throws(EncodeError) in
          try ConnectAck.encode(
            level: .v311, sessionPresent: true, returnCode: .accepted, into: &out)
        }
      ),
      (
        11,
        { (out) throws(EncodeError) in
          try Publish.encode(
            level: .v311, packetID: 1, qos: .atLeastOnce, retain: false, dup: false,
            topic: utf8("a/b").span, payload: utf8("hi").span, into: &out)
        }
      ),
      (
        11,
        { (out) throws(EncodeError) in
          try Publish.encode(
            level: .v311, packetID: 1, qos: .atLeastOnce, retain: false, dup: false,
            topic: utf8("a/b").span, payloadMax: 2, into: &out
          ) { out in out.append(literal: "hi") }
        }
      ),
      (
        4,
        { (out) throws(EncodeError) in
          try Acknowledgement.publishAck.encode(level: .v311, packetID: 1, into: &out)
        }
      ),
      (
        10,
        { (out) throws(EncodeError) in
          try Subscribe.encode(
            level: .v311, packetID: 1, filter: utf8("a/b").span, qos: .atLeastOnce, into: &out)
        }
      ),
      (
        9,
        { (out) throws(EncodeError) in
          try Unsubscribe.encode(level: .v311, packetID: 1, filter: utf8("a/b").span, into: &out)
        }
      ),
      (
        5,
        { (out) throws(EncodeError) in
          try SubscribeAck.encode(level: .v311, packetID: 1, codes: codes.span, into: &out)
        }
      ),
      (
        2,
        { (out) throws(EncodeError) in
          try BarePacket.pingRequest.encode(level: .v311, into: &out)
        }
      ),
    ]
  }

  private func publish(
    id: UInt16, _ qos: QoS, retain: Bool = false, dup: Bool = false,
    payload: [UInt8] = utf8("hi"), capacity: Int = 4096
  ) throws(EncodeError) -> [UInt8] {
    try written(capacity: capacity) { (out) throws(EncodeError) in
      try Publish.encode(
        level: .v311, packetID: id, qos: qos, retain: retain, dup: dup, topic: topic.span,
        payload: payload.span, into: &out)
    }
  }
}

/// Something else came than the test is about.
struct Unexpected: Error {}
