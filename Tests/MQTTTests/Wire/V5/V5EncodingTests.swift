import Core
import MQTT
import Testing

/// What is written are the bytes worked out by hand.
@Suite struct V5EncodingTests {
  @Test(arguments: v5Samples) func whatWasReadIsWrittenTheSame(sample: V5Sample) throws {
    let packet = try #require(packetV5(sample.bytes, from: sample.sender))
    #expect(try rewrittenV5(packet, sample.bytes, from: sample.sender) == sample.bytes)
  }

  /// With any less room nothing is written, which `written` checks.
  @Test(arguments: v5Samples) func everyShortBufferIsRefused(sample: V5Sample) throws {
    let packet = try #require(packetV5(sample.bytes, from: sample.sender))
    for capacity in 0..<sample.bytes.count {
      #expect(throws: EncodeError.bufferFull) {
        try rewrittenV5(packet, sample.bytes, from: sample.sender, capacity: capacity)
      }
    }
    let exact = try rewrittenV5(
      packet, sample.bytes, from: sample.sender, capacity: sample.bytes.count)
    #expect(exact == sample.bytes)
  }

  /// The long forms of success are read, and written short.
  @Test func successIsWrittenShort() throws {
    let cases: [(Role, [UInt8], [UInt8])] = [
      (.client, [0x40, 4, 0, 1, 0, 0], [0x40, 2, 0, 1]),
      (.client, [0x40, 4, 0, 1, 0x80, 0], [0x40, 3, 0, 1, 0x80]),
      (.server, [0x62, 3, 0, 1, 0], [0x62, 2, 0, 1]),
      (.client, [0xE0, 2, 0, 0], [0xE0, 0]), (.client, [0xE0, 2, 4, 0], [0xE0, 1, 4]),
    ]
    for (sender, long, short) in cases {
      let packet = try #require(packetV5(long, from: sender))
      #expect(try rewrittenV5(packet, long, from: sender) == short)
    }
  }

  @Test func numbersAreWrittenInTheirForm() throws {
    let cases: [(V5.PropertyID, UInt32, [UInt8])] = [
      (.payloadFormatIndicator, 1, [0x01, 1]), (.maximumQoS, 0, [0x24, 0]),
      (.receiveMaximum, 20, [0x21, 0, 20]), (.topicAlias, 0xFFFF, [0x23, 0xFF, 0xFF]),
      (.sessionExpiryInterval, 0xFFFF_FFFF, [0x11, 0xFF, 0xFF, 0xFF, 0xFF]),
      (.messageExpiryInterval, 0x0102_0304, [0x02, 1, 2, 3, 4]),
      (.subscriptionIdentifier, 127, [0x0B, 0x7F]),
      (.subscriptionIdentifier, 128, [0x0B, 0x80, 0x01]),
      (.subscriptionIdentifier, 268_435_455, [0x0B, 0xFF, 0xFF, 0xFF, 0x7F]),
    ]
    for (id, number, bytes) in cases {
      let list = try written { (out) throws(EncodeError) in
        try V5.Properties.append(id, number, to: &out)
      }
      #expect(list == bytes)
      for capacity in 0..<bytes.count {
        let error = writeError(capacity: capacity) { (out) throws(EncodeError) in
          try V5.Properties.append(id, number, to: &out)
        }
        #expect(error == .bufferFull)
      }
    }
  }

  @Test func textsAreWrittenBehindTheirLength() throws {
    let text = utf8("a/b")
    for id in [V5.PropertyID.reasonString, .responseTopic, .correlationData] {
      let list = try written(capacity: 6) { (out) throws(EncodeError) in
        try V5.Properties.append(id, text: text.span, to: &out)
      }
      #expect(list == [id.rawValue, 0, 3] + text)
      let error = writeError(capacity: 5) { (out) throws(EncodeError) in
        try V5.Properties.append(id, text: text.span, to: &out)
      }
      #expect(error == .bufferFull)
    }
    let pair = try written(capacity: 11) { (out) throws(EncodeError) in
      try V5.Properties.append(user: text.span, text.span, to: &out)
    }
    #expect(pair == [0x26, 0, 3] + text + [0, 3] + text)
    let error = writeError(capacity: 10) { (out) throws(EncodeError) in
      try V5.Properties.append(user: text.span, text.span, to: &out)
    }
    #expect(error == .bufferFull)
  }

  @Test func listsAreBuiltFilterByFilter() throws {
    let plain = utf8("a/b")
    let shared = utf8("$share/g/c/#")
    let filters = try written { (out) throws(EncodeError) in
      try V5.Subscribe.append(
        filter: plain.span, options: V5.SubscriptionOptions(qos: .atLeastOnce, noLocal: true),
        to: &out)
      try V5.Subscribe.append(
        filter: shared.span,
        options: V5.SubscriptionOptions(
          qos: .exactlyOnce, retainAsPublished: true, retainHandling: .sendIfNew),
        to: &out)
    }
    #expect(filters == prefixed("a/b") + [0x05] + prefixed("$share/g/c/#") + [0x1A])
    let fewer = try written { (out) throws(EncodeError) in
      try V5.Unsubscribe.append(filter: plain.span, to: &out)
      try V5.Unsubscribe.append(filter: shared.span, to: &out)
    }
    #expect(fewer == prefixed("a/b") + prefixed("$share/g/c/#"))
  }

  @Test func oneFilterNeedsNoList() throws {
    let filter = utf8("a/b")
    let user = V5.PropertyID.userProperty.example
    let subscribe = try written { (out) throws(EncodeError) in
      try V5.Subscribe.encode(
        packetID: 10, properties: user.span, filter: filter.span,
        options: V5.SubscriptionOptions(qos: .exactlyOnce, retainHandling: .sendNever),
        into: &out)
    }
    #expect(subscribe == packet(0x82, [0, 10] + sized(user) + prefixed("a/b") + [0x22]))
    let unsubscribe = try written { (out) throws(EncodeError) in
      try V5.Unsubscribe.encode(
        packetID: 10, properties: user.span, filter: filter.span, into: &out)
    }
    #expect(unsubscribe == packet(0xA2, [0, 10] + sized(user) + prefixed("a/b")))
    for bytes in [subscribe, unsubscribe] {
      #expect(packetV5(bytes, from: .client) != nil)
    }
  }

  /// A body of 127, 128 and more bytes, with a payload that comes in place.
  @Test(arguments: [0, 1, 100, 117, 118, 119, 300]) func payloadInPlace(count: Int) throws {
    let topic = utf8("t")
    let list: [UInt8] = [0x23, 0, 1]
    let payload = [UInt8](repeating: 7, count: count)
    let whole = try written { (out) throws(EncodeError) in
      try V5.Publish.encode(
        from: .client, packetID: 9, qos: .atLeastOnce, retain: false, dup: false,
        topic: topic.span, properties: list.span, payload: payload.span, into: &out)
    }
    #expect(
      whole.count
        == V5.Publish.size(
          topicBytes: 1, propertyBytes: 3, payloadBytes: count, qos: .atLeastOnce))
    for room in [count, count + 1, 1000] {
      let inPlace = try written { (out) throws(EncodeError) in
        try V5.Publish.encode(
          from: .client, packetID: 9, qos: .atLeastOnce, retain: false, dup: false,
          topic: topic.span, properties: list.span, payloadMax: room, into: &out
        ) { out in out.append(contentsOf: payload.span) }
      }
      #expect(inPlace == whole)
    }
    guard count > 0 else { return }
    let error = writeError { (out) throws(EncodeError) in
      try V5.Publish.encode(
        from: .client, packetID: 9, qos: .atLeastOnce, retain: false, dup: false,
        topic: topic.span, properties: list.span, payloadMax: count - 1, into: &out
      ) { out in out.append(contentsOf: payload.span) }
    }
    #expect(error == .packetTooLarge)
  }
}
