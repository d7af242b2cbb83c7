import Core
import MQTT
import Testing

/// Each class of malformed packet has its error, and is refused as soon as the bytes tell.
@Suite struct MalformedTests {
  @Test func reservedTypes() {
    #expect(decode([0x00], from: .client) == .refused(.reservedType))
    #expect(decode([0xF0], from: .server) == .refused(.reservedType))
  }

  @Test func eachTypeComesFromItsSideOnly() {
    for first in [0x10, 0x82, 0xA2, 0xC0, 0xE0] as [UInt8] {
      #expect(decode([first], from: .server) == .refused(.wrongDirection))
      #expect(decode([first], from: .client) == .incomplete)
    }
    for first in [0x20, 0x90, 0xB0, 0xD0] as [UInt8] {
      #expect(decode([first], from: .client) == .refused(.wrongDirection))
      #expect(decode([first], from: .server) == .incomplete)
    }
  }

  /// All 256 first bytes against table 2.2.
  @Test func reservedFlags() {
    for first in 0...255 as ClosedRange<UInt8> {
      let type = first >> 4
      let flags = first & 0x0F
      let expected: Bool
      switch type {
      case 0, 15: expected = false
      case 3: expected = flags & 6 != 6 && flags & 0b1110 != 0b1000
      case 6, 8, 10: expected = flags == 2
      default: expected = flags == 0
      }
      let isTaken =
        decode([first], from: .client) == .incomplete
        || decode([first], from: .server) == .incomplete
      #expect(isTaken == expected, "first byte \(first)")
    }
  }

  @Test func dupOnRequestsIsFor31() {
    for first in [0x6A, 0x8A, 0xAA] as [UInt8] {
      #expect(decode([first], from: .client, level: .v31) == .incomplete)
      #expect(decode([first], from: .client, level: .v311) == .refused(.invalidFlags))
    }
    #expect(decode([0x48], from: .client, level: .v31) == .refused(.invalidFlags))
  }

  @Test func publishFlags() {
    #expect(decode([0x36], from: .client) == .refused(.invalidQoS))
    #expect(decode([0x38], from: .client) == .refused(.invalidQoS))
  }

  @Test func remainingLengthInTooManyBytes() {
    #expect(decode([0x30, 0x80, 0x00], from: .client) == .refused(.malformedLength))
    #expect(decode([0x30, 0xFF, 0x80, 0x00], from: .client) == .refused(.malformedLength))
    #expect(decode([0xC0, 0x80, 0x00], from: .client) == .refused(.malformedLength))
    #expect(
      decode([0x30, 0x80, 0x80, 0x80, 0x80], from: .client) == .refused(.malformedLength))
    #expect(decode([0x30, 0x80, 0x80, 0x80], from: .client) == .incomplete)
  }

  @Test func longPacketsAreRefusedByTheirHeader() {
    #expect(decode([0x30, 99], from: .client, packetBytesMax: 100) == .refused(.packetTooLarge))
    #expect(decode([0x30, 98], from: .client, packetBytesMax: 100) == .incomplete)
    #expect(
      decode([0x30, 0xFF, 0xFF, 0xFF, 0x7F], from: .client) == .refused(.packetTooLarge))
    #expect(
      decode([0x30, 0xFF, 0xFF, 0xFF, 0x7F], from: .client, packetBytesMax: .max) == .incomplete)
  }

  @Test func fixedLengthsAreKnownFromTheHeader() {
    for first in [0x40, 0x50, 0x62, 0x70, 0xB0, 0x20] as [UInt8] {
      for length in [0, 1, 3, 127] as [UInt8] {
        #expect(decode([first, length], from: .server) == .refused(.malformedBody))
      }
    }
    for first in [0xC0, 0xE0] as [UInt8] {
      #expect(decode([first, 1], from: .client) == .refused(.malformedBody))
    }
  }

  @Test func packetIdentifierZero() {
    #expect(decode([0x40, 2, 0, 0], from: .client) == .refused(.invalidPacketID))
    #expect(
      decode([0x32, 5] + prefixed("t") + [0, 0], from: .client) == .refused(.invalidPacketID))
    #expect(
      decode(packet(0x82, [0, 0] + prefixed("t") + [0]), from: .client)
        == .refused(.invalidPacketID))
    #expect(decode([0x90, 3, 0, 0, 0], from: .server) == .refused(.invalidPacketID))
  }

  @Test func topicsOfMessages() {
    for topic in ["", "a/+", "#"] {
      let bytes = packet(0x30, prefixed(topic) + [1])
      #expect(decode(bytes, from: .server) == .refused(.invalidTopicName))
    }
    for text in [[0x00], [0xC0, 0x80], [0xED, 0xA0, 0x80]] as [[UInt8]] {
      let bytes = packet(0x30, [0, UInt8(text.count)] + text + [1])
      #expect(decode(bytes, from: .server) == .refused(.malformedText))
    }
    #expect(decode([0x30, 3, 0, 2, 0x61], from: .server) == .refused(.malformedBody))
    #expect(decode([0x32, 4, 0, 1, 0x61, 0], from: .server) == .refused(.malformedBody))
  }

  @Test func subscriptions() {
    #expect(decode([0x82, 2, 0, 1], from: .client) == .refused(.malformedBody))
    for options in [3, 0x04, 0x80] as [UInt8] {
      let bytes = packet(0x82, [0, 1] + prefixed("a") + [options])
      #expect(decode(bytes, from: .client) == .refused(.invalidQoS))
    }
    for filter in ["", "a#", "#/b", "a+"] {
      let subscribe = packet(0x82, [0, 1] + prefixed(filter) + [0])
      #expect(decode(subscribe, from: .client) == .refused(.invalidTopicFilter))
      let unsubscribe = packet(0xA2, [0, 1] + prefixed(filter))
      let expected = DecodeError.invalidTopicFilter
      #expect(decode(unsubscribe, from: .client) == .refused(expected))
    }
    #expect(decode([0xA2, 2, 0, 1], from: .client) == .refused(.malformedBody))
    #expect(decode([0x90, 2, 0, 1], from: .server) == .refused(.malformedBody))
    #expect(decode([0x90, 3, 0, 1, 3], from: .server) == .refused(.invalidReturnCode))
    #expect(
      decode([0x90, 3, 0, 1, 0x80], from: .server, level: .v31) == .refused(.invalidReturnCode))
  }

  @Test func connectAnswers() {
    #expect(decode([0x20, 2, 2, 0], from: .server) == .refused(.invalidFlags))
    #expect(decode([0x20, 2, 1, 5], from: .server) == .refused(.invalidFlags))
    #expect(decode([0x20, 2, 0, 6], from: .server) == .refused(.invalidReturnCode))
  }

  @Test func protocolNamesAndLevels() {
    for (name, level, error) in [
      ("MQTT", 5 as UInt8, DecodeError.unsupportedLevel), ("MQTT", 3, .unsupportedLevel),
      ("MQTT", 0x84, .unsupportedLevel), ("MQIsdp", 4, .unsupportedLevel),
      ("mqtt", 4, .unknownProtocol), ("", 4, .unknownProtocol), ("MQTTX", 4, .unknownProtocol),
    ] {
      // The level of 5.0 has to be told before its other layout is misread.
      let bytes = packet(0x10, prefixed(name) + [level, 0x02, 0, 0, 0] + prefixed(""))
      #expect(decode(bytes, from: .client) == .refused(error))
    }
  }

  @Test func connectFlags() {
    let errors: [(UInt8, DecodeError)] = [
      (0x03, .invalidFlags),  // reserved bit
      (0x42, .invalidFlags),  // password without user name
      (0x0A, .invalidFlags),  // will QoS without will
      (0x22, .invalidFlags),  // will retain without will
      (0x1E, .invalidQoS),  // will QoS 3
    ]
    for (flags, error) in errors {
      let bytes = packet(
        0x10, prefixed("MQTT") + [4, flags, 0, 0] + prefixed("c") + prefixed("w") + prefixed(""))
      #expect(decode(bytes, from: .client) == .refused(error))
    }
  }

  @Test func connectFlagsThat31DoesNotLookAt() throws {
    let bytes = packet(0x10, prefixed("MQIsdp") + [3, 0x3B, 0, 0] + prefixed("c"))
    guard case .packet(.connect(let connect), _) = decode(bytes, from: .client) else {
      throw Unexpected()
    }
    #expect(connect.will == nil)
  }

  @Test func emptyClientIdentifier() {
    let expected = Outcome.refused(.clientIDRequired)
    let persistent = packet(0x10, prefixed("MQTT") + [4, 0x00, 0, 0] + prefixed(""))
    #expect(decode(persistent, from: .client) == expected)
    let old = packet(0x10, prefixed("MQIsdp") + [3, 0x02, 0, 0] + prefixed(""))
    #expect(decode(old, from: .client) == expected)
  }

  @Test func version5HasADecoderOfItsOwn() {
    #expect(decode([0xC0, 0], from: .client, level: .v50) == .refused(.unsupportedLevel))
  }
}
