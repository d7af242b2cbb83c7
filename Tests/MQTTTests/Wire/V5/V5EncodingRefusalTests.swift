import Core
import MQTT
import Testing

/// What 5.0 forbids is not written either.
@Suite struct V5EncodingRefusalTests {
  private let none: [UInt8] = []

  /// Each property in each place: what is refused when read is not written.
  @Test(arguments: places) func misplacedPropertiesAreNotWritten(place: Place) throws {
    let plain = place.bytes(place.needed)
    let packet = try #require(packetV5(plain, from: place.sender))
    for id in V5.PropertyID.all where id != .authenticationMethod {
      for count in [1, 2] {
        let extra = [[UInt8]](repeating: id.example, count: count).flatMap { $0 }
        let isTaken = packetV5(place.bytes(place.needed + extra), from: place.sender) != nil
        // The same packet, with the properties that follow it in memory.
        let bytes = plain + place.needed + extra
        let list = Field(offset: plain.count, count: bytes.count - plain.count)
        let changed = packet.with(list, in: place)
        let error = writeError { (out) throws(EncodeError) in
          let again = try rewrittenV5(changed, bytes, from: place.sender)
          out.append(contentsOf: again.span)
        }
        #expect(error == (isTaken ? nil : .invalidProperties), "\(id), \(count) times")
      }
    }
  }

  @Test func valuesOutOfRange() {
    let cases: [(V5.PropertyID, UInt32)] = [
      (.payloadFormatIndicator, 2), (.maximumQoS, 2), (.receiveMaximum, 0),
      (.receiveMaximum, 65_536), (.topicAlias, 0), (.maximumPacketSize, 0),
      (.subscriptionIdentifier, 0), (.subscriptionIdentifier, 268_435_456),
      (.reasonString, 1), (.userProperty, 1), (.correlationData, 1), (.responseTopic, 1),
    ]
    for (id, number) in cases {
      let error = writeError { (out) throws(EncodeError) in
        try V5.Properties.append(id, number, to: &out)
      }
      #expect(error == .invalidProperties, "\(id) \(number)")
    }
  }

  @Test func textsThatNoPropertyHas() {
    let long = [UInt8](repeating: 0x61, count: 65_536)
    #expect(textError(.reasonString, long) == .packetTooLarge)
    #expect(textError(.reasonString, [0]) == .malformedText)
    #expect(textError(.correlationData, [0]) == nil)
    #expect(textError(.responseTopic, utf8("a/#")) == .invalidTopicName)
    #expect(textError(.responseTopic, []) == .invalidTopicName)
    #expect(textError(.topicAlias, utf8("a")) == .invalidProperties)
    #expect(textError(.userProperty, utf8("a")) == .invalidProperties)
    let plain = utf8("a")
    for (name, value, error) in [
      (long, plain, EncodeError.packetTooLarge), (plain, long, .packetTooLarge),
      ([0xFF], plain, .malformedText), (plain, [0], .malformedText),
    ] {
      let found = writeError { (out) throws(EncodeError) in
        try V5.Properties.append(user: name.span, value.span, to: &out)
      }
      #expect(found == error)
    }
  }

  @Test func identifiersAndQoSBelongTogether() {
    #expect(publishError(id: 1, .atMostOnce) == .invalidPacketID)
    #expect(publishError(id: 0, .atLeastOnce) == .invalidPacketID)
    #expect(publishError(id: 0, .atMostOnce, dup: true) == .invalidFlags)
    for bytes in [[0x40, 2, 0, 1], [0x50, 2, 0, 1], [0x62, 2, 0, 1], [0x70, 2, 0, 1]] as [[UInt8]] {
      let packet = packetV5(bytes, from: .client)?.with(packetID: 0)
      #expect(packet.flatMap { error($0, bytes) } == .invalidPacketID)
    }
  }

  @Test func topicsThatNoMessageCanHave() {
    for topic in ["", "a/+", "#", "a\0b"] {
      #expect(publishError(id: 0, .atMostOnce, topic: utf8(topic)) == .invalidTopicName)
    }
    let long = [UInt8](repeating: 0x61, count: 65_536)
    #expect(publishError(id: 0, .atMostOnce, topic: long) == .packetTooLarge)
    #expect(publishError(id: 0, .atMostOnce, topic: [], properties: [0x23, 0, 1]) == nil)
  }

  @Test func subscriptionsThatNobodyCanAskFor() {
    let noLocal = V5.SubscriptionOptions(qos: .atMostOnce, noLocal: true)
    #expect(subscribeError("$share/g/f", noLocal) == .invalidFlags)
    #expect(subscribeError("f", noLocal) == nil)
    #expect(subscribeError("$share/g", noLocal) == .invalidTopicFilter)
    #expect(subscribeError("a#", noLocal) == .invalidTopicFilter)
  }

  @Test func filtersOfMoreThan65535Bytes() {
    let long = [UInt8](repeating: 0x61, count: 65_536)
    let errors = [
      writeError(capacity: 70_000) { (out) throws(EncodeError) in
        try V5.Subscribe.encode(
          packetID: 1, properties: none.span, filter: long.span,
          options: V5.SubscriptionOptions(qos: .atMostOnce), into: &out)
      },
      writeError(capacity: 70_000) { (out) throws(EncodeError) in
        try V5.Unsubscribe.encode(
          packetID: 1, properties: none.span, filter: long.span, into: &out)
      },
      writeError(capacity: 70_000) { (out) throws(EncodeError) in
        try V5.Unsubscribe.append(filter: long.span, to: &out)
      },
    ]
    #expect(errors == [.packetTooLarge, .packetTooLarge, .packetTooLarge])
  }

  @Test func listsThatAreNone() {
    for list in [[0, 1], [0, 1, 0x61, 3], [0, 0, 0]] as [[UInt8]] {
      let error = writeError { (out) throws(EncodeError) in
        try V5.Subscribe.encode(
          packetID: 1, properties: none.span, filters: list.span, into: &out)
      }
      #expect(error == .invalidTopicFilter)
    }
    let errors = [
      writeError { (out) throws(EncodeError) in
        try V5.Subscribe.encode(
          packetID: 1, properties: none.span, filters: none.span, into: &out)
      },
      writeError { (out) throws(EncodeError) in
        try V5.SubscribeAck.encode(
          packetID: 1, properties: none.span, codes: none.span, into: &out)
      },
      codesError([0, 3]),
    ]
    #expect(errors == [.invalidFlags, .invalidFlags, .invalidFlags])
    #expect(codesError([0, 0x8F]) == nil)
  }

  @Test func reasonsOfTheOtherSide() {
    let errors = [
      writeError { (out) throws(EncodeError) in
        try V5.Disconnect.encode(
          from: .server, reason: .disconnectWithWill, properties: none.span, into: &out)
      },
      writeError { (out) throws(EncodeError) in
        try V5.Disconnect.encode(
          from: .client, reason: .serverBusy, properties: none.span, into: &out)
      },
      writeError { (out) throws(EncodeError) in
        try V5.Authenticate.encode(
          from: .client, reason: .success, properties: none.span, into: &out)
      },
      writeError { (out) throws(EncodeError) in
        try V5.PublishAnswer.encode(
          .publishAck, from: .client, packetID: 1, reason: .noMatchingSubscribers,
          properties: none.span, into: &out)
      },
      writeError { (out) throws(EncodeError) in
        try V5.ConnectAck.encode(
          sessionPresent: true, reason: .serverBusy, properties: none.span, into: &out)
      },
    ]
    #expect(errors == [EncodeError?](repeating: .invalidFlags, count: 5))
  }

  @Test func authenticationWithoutItsMethod() {
    let error = writeError { (out) throws(EncodeError) in
      try V5.Authenticate.encode(
        from: .client, reason: .reauthenticate, properties: none.span, into: &out)
    }
    #expect(error == .invalidProperties)
  }

  private func error(_ packet: V5.Packet, _ bytes: [UInt8]) -> EncodeError? {
    do throws(EncodeError) {
      _ = try rewrittenV5(packet, bytes, from: .client)
      return nil
    } catch { return error }
  }

  private func textError(_ id: V5.PropertyID, _ text: [UInt8]) -> EncodeError? {
    writeError { (out) throws(EncodeError) in
      try V5.Properties.append(id, text: text.span, to: &out)
    }
  }

  private func publishError(
    id: UInt16, _ qos: QoS, dup: Bool = false, topic: [UInt8] = utf8("t"),
    properties: [UInt8] = []
  ) -> EncodeError? {
    writeError(capacity: 70_000) { (out) throws(EncodeError) in
      try V5.Publish.encode(
        from: .client, packetID: id, qos: qos, retain: false, dup: dup, topic: topic.span,
        properties: properties.span, payload: none.span, into: &out)
    }
  }

  private func subscribeError(
    _ filter: String, _ options: V5.SubscriptionOptions
  ) -> EncodeError? {
    let filter = utf8(filter)
    let inList = writeError { (out) throws(EncodeError) in
      try V5.Subscribe.append(filter: filter.span, options: options, to: &out)
    }
    let alone = writeError { (out) throws(EncodeError) in
      try V5.Subscribe.encode(
        packetID: 1, properties: none.span, filter: filter.span, options: options, into: &out)
    }
    #expect(inList == alone)
    return alone
  }

  private func codesError(_ codes: [UInt8]) -> EncodeError? {
    writeError { (out) throws(EncodeError) in
      try V5.SubscribeAck.encode(
        packetID: 1, properties: none.span, codes: codes.span, into: &out)
    }
  }
}

extension V5.Packet {
  /// The packet with other properties: those of the will where `place` is the will.
  fileprivate func with(_ list: Field, in place: Place) -> V5.Packet {
    var changed = self
    func replace<P>(
      _ packet: P, _ path: WritableKeyPath<P, V5.Properties>, _ wrap: (P) -> V5.Packet
    ) {
      var packet = packet
      packet[keyPath: path].field = list
      changed = wrap(packet)
    }
    switch self {
    case .connect(var packet):
      if place.description == "will" {
        packet.will?.properties.field = list
      } else {
        packet.properties.field = list
      }
      changed = .connect(packet)
    case .connectAck(let packet): replace(packet, \.properties, V5.Packet.connectAck)
    case .publish(let packet): replace(packet, \.properties, V5.Packet.publish)
    case .publishAck(let packet): replace(packet, \.properties, V5.Packet.publishAck)
    case .publishReceived(let packet): replace(packet, \.properties, V5.Packet.publishReceived)
    case .publishRelease(let packet): replace(packet, \.properties, V5.Packet.publishRelease)
    case .publishComplete(let packet): replace(packet, \.properties, V5.Packet.publishComplete)
    case .subscribe(let packet): replace(packet, \.properties, V5.Packet.subscribe)
    case .subscribeAck(let packet): replace(packet, \.properties, V5.Packet.subscribeAck)
    case .unsubscribe(let packet): replace(packet, \.properties, V5.Packet.unsubscribe)
    case .unsubscribeAck(let packet): replace(packet, \.properties, V5.Packet.unsubscribeAck)
    case .disconnect(let packet): replace(packet, \.properties, V5.Packet.disconnect)
    case .authenticate(let packet): replace(packet, \.properties, V5.Packet.authenticate)
    case .pingRequest, .pingResponse: break
    }
    return changed
  }

  /// An answer to a message with another identifier.
  fileprivate func with(packetID: UInt16) -> V5.Packet {
    switch self {
    case .publishAck(var answer):
      answer.packetID = packetID
      return .publishAck(answer)
    case .publishReceived(var answer):
      answer.packetID = packetID
      return .publishReceived(answer)
    case .publishRelease(var answer):
      answer.packetID = packetID
      return .publishRelease(answer)
    case .publishComplete(var answer):
      answer.packetID = packetID
      return .publishComplete(answer)
    default: return self
    }
  }
}
