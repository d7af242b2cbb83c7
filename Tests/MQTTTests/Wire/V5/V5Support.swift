import Core
import MQTT

/// What decoding a packet of 5.0 gave.
enum V5Outcome: Equatable {
  case packet(V5.Packet, size: Int)
  case incomplete
  case refused(DecodeError)
}

func decodeV5(
  _ bytes: [UInt8], from sender: Role, packetBytesMax: Int = 4096, problemInformation: Bool = true
) -> V5Outcome {
  do throws(DecodeError) {
    guard
      let decoded = try V5.Packet.decode(
        bytes.span, from: sender, packetBytesMax: packetBytesMax,
        problemInformation: problemInformation)
    else { return .incomplete }
    return .packet(decoded.packet, size: decoded.size)
  } catch { return .refused(error) }
}

/// The packet in `bytes`; nil when it is refused or not whole.
func packetV5(_ bytes: [UInt8], from sender: Role) -> V5.Packet? {
  guard case .packet(let packet, bytes.count) = decodeV5(bytes, from: sender) else { return nil }
  return packet
}

/// How bytes are refused; nil when they are taken or not whole.
func refusalV5(
  _ bytes: [UInt8], from sender: Role, problemInformation: Bool = true
) -> DecodeError? {
  let outcome = decodeV5(bytes, from: sender, problemInformation: problemInformation)
  guard case .refused(let error) = outcome else { return nil }
  return error
}

func isTopicFilterV5(_ bytes: [UInt8]) -> Bool { TopicFilter.isValidV5(bytes.span) }

/// Properties behind their length, which is less than 128.
func sized(_ properties: [UInt8] = []) -> [UInt8] { [UInt8(properties.count)] + properties }

/// A packet with a body of less than 16,384 bytes.
func longPacket(_ first: UInt8, _ body: [UInt8]) -> [UInt8] {
  body.count < 128
    ? packet(first, body)
    : [first, UInt8(body.count & 0x7F) | 0x80, UInt8(body.count >> 7)] + body
}

extension V5.PropertyID {
  /// All that table 2-4 lists.
  static let all = (0...255 as ClosedRange<UInt8>).compactMap(V5.PropertyID.init(rawValue:))

  /// A property as it is written, with a value that is allowed everywhere.
  var example: [UInt8] {
    switch form {
    case .byte: [rawValue, 1]
    case .twoBytes: [rawValue, 0x12, 0x34]
    case .fourBytes: [rawValue, 0x12, 0x34, 0x56, 0x78]
    case .variable: [rawValue, 0x81, 0x01]
    case .text, .topicName, .binary: [rawValue] + prefixed("a/b")
    case .pair: [rawValue] + prefixed("k") + prefixed("v")
    }
  }
}

/// A place for properties: how a packet with them looks, and which table 2-4 lets be there.
struct Place: CustomStringConvertible {
  var description: String
  var sender: Role
  var allowed: [UInt8]
  /// Properties that have to be there beside those under test.
  var needed: [UInt8] = []
  /// Identifiers that may come more than once.
  var repeatable: [UInt8] = [0x26]
  var bytes: @Sendable ([UInt8]) -> [UInt8]
}

private let connectHead = prefixed("MQTT") + [0x05, 0x02, 0x00, 0x0A]
private let method: [UInt8] = [0x15] + prefixed("m")
private let opening: [UInt8] = [0x11, 0x15, 0x16, 0x21, 0x22, 0x26, 0x27]
private let message: [UInt8] = [0x01, 0x02, 0x03, 0x08, 0x09, 0x26]

/// Table 2-4, by packet and side.
let places: [Place] = [
  Place(
    description: "CONNECT", sender: .client, allowed: opening + [0x17, 0x19], needed: method
  ) { longPacket(0x10, connectHead + sized($0) + prefixed("c")) },
  Place(description: "will", sender: .client, allowed: message + [0x18]) {
    longPacket(
      0x10,
      prefixed("MQTT") + [0x05, 0x06, 0x00, 0x0A, 0x00] + prefixed("c") + sized($0)
        + prefixed("w") + prefixed(""))
  },
  Place(
    description: "CONNACK", sender: .server,
    allowed: opening + [0x12, 0x13, 0x1A, 0x1C, 0x1F, 0x24, 0x25, 0x28, 0x29, 0x2A],
    needed: method
  ) { longPacket(0x20, [0x00, 0x00] + sized($0)) },
  Place(description: "PUBLISH to a server", sender: .client, allowed: message + [0x23]) {
    longPacket(0x30, prefixed("t") + sized($0) + utf8("x"))
  },
  Place(
    description: "PUBLISH to a client", sender: .server, allowed: message + [0x0B, 0x23],
    repeatable: [0x0B, 0x26]
  ) { longPacket(0x30, prefixed("t") + sized($0) + utf8("x")) },
  answer(0x40, "PUBACK", .client), answer(0x40, "PUBACK", .server),
  answer(0x50, "PUBREC", .client), answer(0x50, "PUBREC", .server),
  answer(0x62, "PUBREL", .client), answer(0x62, "PUBREL", .server),
  answer(0x70, "PUBCOMP", .client), answer(0x70, "PUBCOMP", .server),
  Place(description: "SUBSCRIBE", sender: .client, allowed: [0x0B, 0x26]) {
    longPacket(0x82, [0x00, 0x01] + sized($0) + prefixed("f") + [0x01])
  },
  Place(description: "SUBACK", sender: .server, allowed: [0x1F, 0x26]) {
    longPacket(0x90, [0x00, 0x01] + sized($0) + [0x01])
  },
  Place(description: "UNSUBSCRIBE", sender: .client, allowed: [0x26]) {
    longPacket(0xA2, [0x00, 0x01] + sized($0) + prefixed("f"))
  },
  Place(description: "UNSUBACK", sender: .server, allowed: [0x1F, 0x26]) {
    longPacket(0xB0, [0x00, 0x01] + sized($0) + [0x11])
  },
  Place(
    description: "DISCONNECT by the client", sender: .client, allowed: [0x11, 0x1C, 0x1F, 0x26]
  ) { longPacket(0xE0, [0x00] + sized($0)) },
  Place(description: "DISCONNECT by the server", sender: .server, allowed: [0x1C, 0x1F, 0x26]) {
    longPacket(0xE0, [0x00] + sized($0))
  },
  Place(
    description: "AUTH", sender: .client, allowed: [0x15, 0x16, 0x1F, 0x26], needed: method
  ) { longPacket(0xF0, [0x18] + sized($0)) },
]

private func answer(_ first: UInt8, _ name: String, _ sender: Role) -> Place {
  Place(description: "\(name) from the \(sender)", sender: sender, allowed: [0x1F, 0x26]) {
    longPacket(first, [0x00, 0x01, 0x00] + sized($0))
  }
}
