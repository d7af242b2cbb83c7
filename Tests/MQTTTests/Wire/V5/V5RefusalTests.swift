import Core
import MQTT
import Testing

/// What 5.0 forbids, packet by packet, beside what its properties forbid.
@Suite struct V5RefusalTests {
  @Test func eachTypeComesFromItsSideOnly() {
    for first in [0x10, 0x82, 0xA2, 0xC0] as [UInt8] {
      #expect(decodeV5([first], from: .server) == .refused(.wrongDirection))
      #expect(decodeV5([first], from: .client) == .incomplete)
    }
    for first in [0x20, 0x90, 0xB0, 0xD0] as [UInt8] {
      #expect(decodeV5([first], from: .client) == .refused(.wrongDirection))
      #expect(decodeV5([first], from: .server) == .incomplete)
    }
    for first in [0x30, 0x40, 0x50, 0x62, 0x70, 0xE0, 0xF0] as [UInt8] {
      #expect(decodeV5([first], from: .client) == .incomplete)
      #expect(decodeV5([first], from: .server) == .incomplete)
    }
  }

  /// All 256 first bytes against table 2-2.
  @Test func reservedFlags() {
    for first in 0...255 as ClosedRange<UInt8> {
      let flags = first & 0x0F
      let expected: Bool
      switch first >> 4 {
      case 0: expected = false
      case 3: expected = flags & 6 != 6 && flags & 0b1110 != 0b1000
      case 6, 8, 10: expected = flags == 2
      default: expected = flags == 0
      }
      let isTaken =
        decodeV5([first], from: .client) == .incomplete
        || decodeV5([first], from: .server) == .incomplete
      #expect(isTaken == expected, "first byte \(first)")
    }
  }

  @Test func authenticationIsOf50Only() {
    #expect(decode([0xF0, 0], from: .server, level: .v311) == .refused(.reservedType))
    #expect(decode([0xE0, 0], from: .server, level: .v311) == .refused(.wrongDirection))
  }

  @Test func lengthsThatATypeNeverHas() {
    let fewest: [(UInt8, UInt8)] = [
      (0x10, 3), (0x20, 3), (0x30, 3), (0x40, 2), (0x50, 2), (0x62, 2), (0x70, 2), (0x82, 3),
      (0x90, 4), (0xA2, 3), (0xB0, 4),
    ]
    for (first, length) in fewest {
      let sender: Role = [0x20, 0x90, 0xB0].contains(first) ? .server : .client
      #expect(decodeV5([first, length - 1], from: sender) == .refused(.malformedBody))
      #expect(decodeV5([first, length], from: sender) == .incomplete)
    }
    #expect(decodeV5([0xC0, 1], from: .client) == .refused(.malformedBody))
    #expect(decodeV5([0xD0, 1], from: .server) == .refused(.malformedBody))
    #expect(decodeV5([0xF0, 1], from: .server) == .refused(.malformedBody))
  }

  /// Every code from 0 to 255 in each packet, against tables 3-1 to 3-11.
  @Test func reasonCodesOfEachPacket() {
    let publish: Set<UInt8> = [0, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]
    let leave: Set<UInt8> = [
      0, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
    ]
    let method: [UInt8] = sized([0x15] + prefixed("m"))
    let cases: [(Role, Set<UInt8>, (UInt8) -> [UInt8])] = [
      (
        .server,
        [
          0, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95,
          0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F,
        ], { [0x20, 3, 0, $0, 0] }
      ),
      (.client, publish, { [0x40, 3, 0, 1, $0] }),
      (.server, publish.union([0x10]), { [0x40, 4, 0, 1, $0, 0] }),
      (.client, publish, { [0x50, 3, 0, 1, $0] }),
      (.server, publish.union([0x10]), { [0x50, 3, 0, 1, $0] }),
      (.client, [0, 0x92], { [0x62, 3, 0, 1, $0] }),
      (.server, [0, 0x92], { [0x70, 3, 0, 1, $0] }),
      (
        .server, [0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2],
        { [0x90, 5, 0, 1, 0, 0, $0] }
      ),
      (.server, [0, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91], { [0xB0, 5, 0, 1, 0, 0, $0] }),
      (.client, leave.union([0x04]), { [0xE0, 1, $0] }),
      (
        .server,
        leave.union([
          0x87, 0x89, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1,
          0xA2,
        ]), { [0xE0, 2, $0, 0] }
      ),
      (.client, [0x18, 0x19], { packet(0xF0, [$0] + method) }),
      (.server, [0, 0x18], { packet(0xF0, [$0] + method) }),
    ]
    for (sender, allowed, bytes) in cases {
      for code in 0...255 as ClosedRange<UInt8> {
        let error = refusalV5(bytes(code), from: sender)
        #expect(
          error == (allowed.contains(code) ? nil : .invalidReturnCode),
          "\(bytes(code)) from the \(sender)")
      }
    }
    #expect(refusalV5([0xF0, 0], from: .client) == .invalidReturnCode)
  }

  @Test func packetIdentifierZero() {
    for first in [0x40, 0x50, 0x62, 0x70] as [UInt8] {
      #expect(refusalV5([first, 2, 0, 0], from: .client) == .invalidPacketID)
    }
    let requests: [[UInt8]] = [
      packet(0x82, [0, 0, 0] + prefixed("f") + [0]), packet(0xA2, [0, 0, 0] + prefixed("f")),
      packet(0x32, prefixed("t") + [0, 0, 0]),
    ]
    for bytes in requests { #expect(refusalV5(bytes, from: .client) == .invalidPacketID) }
    #expect(refusalV5([0x90, 4, 0, 0, 0, 0], from: .server) == .invalidPacketID)
    #expect(refusalV5([0xB0, 4, 0, 0, 0, 0], from: .server) == .invalidPacketID)
  }

  @Test func protocolNamesAndLevels() {
    for (name, level, error) in [
      ("MQTT", 4 as UInt8, DecodeError.unsupportedLevel), ("MQTT", 6, .unsupportedLevel),
      ("MQIsdp", 3, .unsupportedLevel), ("MQIsdp", 5, .unsupportedLevel),
      ("mqtt", 5, .unknownProtocol), ("", 5, .unknownProtocol),
    ] {
      let bytes = packet(0x10, prefixed(name) + [level, 2, 0, 0, 0] + prefixed(""))
      #expect(refusalV5(bytes, from: .client) == error)
    }
  }

  @Test func connectFlags() {
    let errors: [(UInt8, DecodeError)] = [
      (0x01, .invalidFlags), (0x08, .invalidFlags), (0x20, .invalidFlags), (0x1C, .invalidQoS),
    ]
    for (flags, error) in errors {
      let bytes = packet(
        0x10,
        prefixed("MQTT") + [5, flags, 0, 0, 0] + prefixed("c") + [0] + prefixed("w")
          + prefixed(""))
      #expect(refusalV5(bytes, from: .client) == error)
    }
  }

  @Test func willsUnderNoTopic() {
    for topic in ["", "a/+", "#"] {
      let bytes = packet(
        0x10, prefixed("MQTT") + [5, 6, 0, 0, 0] + prefixed("c") + [0] + prefixed(topic) + [0, 0])
      #expect(refusalV5(bytes, from: .client) == .invalidTopicName)
    }
  }

  @Test func connectAckFlags() {
    #expect(refusalV5([0x20, 3, 2, 0, 0], from: .server) == .invalidFlags)
    #expect(refusalV5([0x20, 3, 1, 0x87, 0], from: .server) == .invalidFlags)
  }

  @Test func topicsOfMessages() {
    #expect(refusalV5([0x30, 3, 0, 0, 0], from: .client) == .missingProperty)
    for topic in ["a/+", "#"] {
      let bytes = packet(0x30, prefixed(topic) + sized([0x23, 0, 1]))
      #expect(refusalV5(bytes, from: .client) == .invalidTopicName)
    }
  }

  @Test func emptyLists() {
    #expect(refusalV5([0x82, 3, 0, 1, 0], from: .client) == .malformedBody)
    #expect(refusalV5([0xA2, 3, 0, 1, 0], from: .client) == .malformedBody)
    #expect(
      refusalV5(packet(0x90, [0, 1, 5, 0x1F, 0, 2, 0x61, 0x62]), from: .server) == .malformedBody)
    #expect(
      refusalV5(packet(0xB0, [0, 1, 5, 0x1F, 0, 2, 0x61, 0x62]), from: .server) == .malformedBody)
  }

  /// All 256 option bytes against section 3.8.3.1, for a plain and a shared subscription.
  @Test func subscriptionOptions() {
    for options in 0...255 as ClosedRange<UInt8> {
      let isInRange = options & 3 < 3 && options >> 4 & 3 < 3
      let plain: DecodeError? =
        options & 0xC0 != 0 ? .invalidFlags : isInRange ? nil : .invalidSubscription
      let shared = plain == nil && options & 4 != 0 ? .invalidSubscription : plain
      let bytes = packet(0x82, [0, 1, 0] + prefixed("f") + [options])
      #expect(refusalV5(bytes, from: .client) == plain)
      let sharing = packet(0x82, [0, 1, 0] + prefixed("$share/g/f") + [options])
      #expect(refusalV5(sharing, from: .client) == shared)
    }
  }

  @Test func filtersThatNobodyCanAskFor() {
    let wrong = ["", "a#", "#/b", "$share/", "$share/g", "$share/g/", "$share//f", "$share/+/f"]
    for filter in wrong {
      let subscribe = packet(0x82, [0, 1, 0] + prefixed(filter) + [0])
      #expect(refusalV5(subscribe, from: .client) == .invalidTopicFilter)
      let unsubscribe = packet(0xA2, [0, 1, 0] + prefixed(filter))
      #expect(refusalV5(unsubscribe, from: .client) == .invalidTopicFilter)
      #expect(!isTopicFilterV5(utf8(filter)))
    }
    for filter in ["$share", "$share/g/#", "$share/g//", "$shared/+", "a/$share/+"] {
      #expect(isTopicFilterV5(utf8(filter)))
    }
  }

  @Test func errorsSayWhatToAnswer() {
    #expect(DecodeError.misplacedProperty.disconnectReason == .malformedPacket)
    #expect(DecodeError.repeatedProperty.disconnectReason == .protocolError)
    #expect(DecodeError.invalidTopicAlias.disconnectReason == .topicAliasInvalid)
    #expect(DecodeError.packetTooLarge.disconnectReason == .packetTooLarge)
    #expect(DecodeError.packetTooLarge.connectReason == .packetTooLarge)
    #expect(DecodeError.unsupportedLevel.connectReason == .unsupportedProtocolVersion)
    #expect(DecodeError.malformedText.connectReason == .malformedPacket)
    #expect(DecodeError.invalidTopicAlias.connectReason == .protocolError)
  }
}
