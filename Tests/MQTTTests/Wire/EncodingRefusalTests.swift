import Core
import MQTT
import Testing

/// What the specification forbids is not written either.
@Suite struct EncodingRefusalTests {
  @Test func identifiersAndQoSBelongTogether() {
    #expect(publishError(id: 1, .atMostOnce) == .invalidPacketID)
    #expect(publishError(id: 0, .atLeastOnce) == .invalidPacketID)
    #expect(publishError(id: 0, .atMostOnce, dup: true) == .invalidFlags)
    #expect(answerError(.publishAck, id: 0) == .invalidPacketID)
    #expect(answerError(.publishAck, id: 1, dup: true) == .invalidFlags)
  }

  @Test(arguments: ["", "a/+", "#", "a\0b"])
  func topicsThatNoMessageCanHave(topic: String) {
    #expect(publishError(id: 0, .atMostOnce, topic: utf8(topic)) == .invalidTopicName)
    #expect(connectError(will: utf8(topic)) == .invalidTopicName)
  }

  @Test func textsOfMoreThan65535Bytes() {
    let long = [UInt8](repeating: 0x61, count: 65_536)
    #expect(publishError(id: 0, .atMostOnce, topic: long) == .packetTooLarge)
    #expect(connectError(clientID: long) == .packetTooLarge)
    #expect(connectError(will: long) == .packetTooLarge)
    #expect(connectError(userName: long) == .packetTooLarge)
    #expect(connectError(userName: utf8("u"), password: long) == .packetTooLarge)
    #expect(subscribeError(long) == .packetTooLarge)
    #expect(unsubscribeError(long) == .packetTooLarge)
    #expect(publishError(id: 0, .atMostOnce, topic: Array(long.dropLast())) == nil)
  }

  @Test(arguments: ["", "a#", "#/a", "a+/b", "a/b+"])
  func filtersThatNobodyCanAskFor(filter: String) {
    #expect(subscribeError(utf8(filter)) == .invalidTopicFilter)
    #expect(unsubscribeError(utf8(filter)) == .invalidTopicFilter)
  }

  @Test func emptyLists() {
    let none: [UInt8] = []
    let errors = [
      writeError { (out) throws(EncodeError) in
        try Subscribe.encode(level: .v311, packetID: 1, filters: none.span, into: &out)
      },
      writeError { (out) throws(EncodeError) in
        try Unsubscribe.encode(level: .v311, packetID: 1, filters: none.span, into: &out)
      },
      subscribeAckError([]),
    ]
    #expect(errors == [.invalidFlags, .invalidFlags, .invalidFlags])
  }

  @Test func returnCodesThatAreReserved() {
    #expect(subscribeAckError([3]) == .invalidFlags)
    #expect(subscribeAckError([0, 0x81]) == .invalidFlags)
    #expect(subscribeAckError([0x80]) == nil)
    #expect(subscribeAckError([0x80], level: .v31) == .invalidFlags)
  }

  @Test func refusalsWithASession() {
    let error = writeError { (out) throws(EncodeError) in
      try ConnectAck.encode(
        level: .v311, sessionPresent: true, returnCode: .serverUnavailable, into: &out)
    }
    #expect(error == .invalidFlags)
  }

  @Test func clientIdentifiers() {
    #expect(connectError(clientID: [], cleanSession: false) == .invalidClientID)
    #expect(connectError(clientID: [], cleanSession: true) == nil)
    #expect(connectError(level: .v31, clientID: [], cleanSession: true) == .invalidClientID)
    let longest = String(repeating: "ä", count: 23)
    #expect(connectError(level: .v31, clientID: utf8(longest)) == nil)
    #expect(connectError(level: .v31, clientID: utf8(longest + "x")) == .invalidClientID)
    #expect(connectError(clientID: [0xFF]) == .malformedText)
  }

  @Test func passwordsWithoutUserName() {
    #expect(connectError(userName: nil, password: utf8("x")) == .invalidFlags)
    #expect(connectError(userName: [0xC0, 0x80], password: nil) == .malformedText)
    #expect(connectError(userName: [], password: [0xFF, 0x00]) == nil)
  }

  @Test func version5HasEncodersOfItsOwn() {
    #expect(publishError(level: .v50, id: 0, .atMostOnce) == .unsupportedLevel)
    #expect(connectError(level: .v50) == .unsupportedLevel)
    #expect(subscribeAckError([0], level: .v50) == .unsupportedLevel)
    #expect(answerError(.publishAck, id: 1, level: .v50) == .unsupportedLevel)
  }

  private func publishError(
    level: ProtocolLevel = .v311, id: UInt16, _ qos: QoS, dup: Bool = false,
    topic: [UInt8] = utf8("t")
  ) -> EncodeError? {
    let none: [UInt8] = []
    return writeError(capacity: 70_000) { (out) throws(EncodeError) in
      try Publish.encode(
        level: level, packetID: id, qos: qos, retain: false, dup: dup, topic: topic.span,
        payload: none.span, into: &out)
    }
  }

  private func connectError(
    level: ProtocolLevel = .v311, clientID: [UInt8] = utf8("c"), cleanSession: Bool = true,
    will: [UInt8]? = nil, userName: [UInt8]? = nil, password: [UInt8]? = nil
  ) -> EncodeError? {
    do throws(EncodeError) {
      _ = try connect(
        level: level, cleanSession: cleanSession, clientID: clientID,
        will: will.map { TestWill(topic: $0) }, userName: userName, password: password)
      return nil
    } catch { return error }
  }

  private func answerError(
    _ kind: Acknowledgement, id: UInt16, dup: Bool = false, level: ProtocolLevel = .v311
  ) -> EncodeError? {
    writeError { (out) throws(EncodeError) in
      try kind.encode(level: level, packetID: id, dup: dup, into: &out)
    }
  }

  private func subscribeError(_ filter: [UInt8]) -> EncodeError? {
    writeError(capacity: 70_000) { (out) throws(EncodeError) in
      try Subscribe.encode(
        level: .v311, packetID: 1, filter: filter.span, qos: .atMostOnce, into: &out)
    }
  }

  private func unsubscribeError(_ filter: [UInt8]) -> EncodeError? {
    writeError(capacity: 70_000) { (out) throws(EncodeError) in
      try Unsubscribe.encode(level: .v311, packetID: 1, filter: filter.span, into: &out)
    }
  }

  private func subscribeAckError(
    _ codes: [UInt8], level: ProtocolLevel = .v311
  ) -> EncodeError? {
    writeError { (out) throws(EncodeError) in
      try SubscribeAck.encode(level: level, packetID: 1, codes: codes.span, into: &out)
    }
  }
}
