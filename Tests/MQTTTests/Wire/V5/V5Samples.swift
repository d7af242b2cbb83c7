import Core
import MQTT

/// A packet of 5.0 worked out by hand from the specification, and who may send it.
struct V5Sample: CustomStringConvertible {
  var description: String
  var sender: Role
  var bytes: [UInt8]

  init(_ description: String, _ sender: Role, _ bytes: [UInt8]) {
    self.description = description
    self.sender = sender
    self.bytes = bytes
  }
}

private let user: [UInt8] = [0x26] + prefixed("k") + prefixed("v")
private let why: [UInt8] = [0x1F] + prefixed("no")
private let method: [UInt8] = [0x15] + prefixed("SCRAM")

/// One of each packet type and of each layout that a type has, each in its shortest form.
let v5Samples: [V5Sample] = [
  V5Sample(
    "CONNECT, fewest fields", .client,
    [0x10, 0x0D, 0, 4, 0x4D, 0x51, 0x54, 0x54, 5, 2, 0, 0, 0, 0, 0]),
  V5Sample(
    "CONNECT, all fields", .client,
    packet(
      0x10,
      prefixed("MQTT") + [0x05, 0xEE, 0x00, 0x0A] + sized([0x11, 0, 0, 0, 60, 0x21, 0, 8])
        + prefixed("abc") + sized([0x18, 0, 0, 0, 5, 0x01, 1]) + prefixed("w/t")
        + prefixed("gone") + prefixed("u") + prefixed("pw"))),
  V5Sample(
    "CONNECT, password only", .client,
    packet(
      0x10, prefixed("MQTT") + [0x05, 0x40, 0, 0] + sized() + prefixed("c") + prefixed("token"))),
  V5Sample("CONNACK", .server, [0x20, 3, 1, 0, 0]),
  V5Sample(
    "CONNACK with properties", .server,
    packet(
      0x20,
      [0, 0]
        + sized(
          [0x12] + prefixed("auto-1") + [0x13, 0, 30, 0x22, 0, 16, 0x24, 1, 0x25, 0]
            + [0x27, 0, 1, 0, 0, 0x2A, 0]))),
  V5Sample("CONNACK, refused", .server, packet(0x20, [0, 0x87] + sized(why + user))),
  V5Sample("PUBLISH, QoS 0", .server, packet(0x30, prefixed("a/b") + sized() + utf8("hi"))),
  V5Sample(
    "PUBLISH, QoS 2", .client,
    packet(
      0x3D,
      prefixed("a/b") + [0x12, 0x34] + sized([0x02, 0, 0, 0, 9] + user) + utf8("x"))),
  V5Sample("PUBLISH by alias", .client, packet(0x30, prefixed("") + sized([0x23, 0, 1]))),
  V5Sample(
    "PUBLISH for two subscriptions", .server,
    packet(0x30, prefixed("t") + sized([0x0B, 1, 0x0B, 0x80, 0x01]))),
  V5Sample("PUBACK", .client, [0x40, 2, 0x12, 0x34]),
  V5Sample("PUBACK, nobody there", .server, [0x40, 3, 0x12, 0x34, 0x10]),
  V5Sample("PUBACK, refused", .client, packet(0x40, [0x12, 0x34, 0x97] + sized(why))),
  V5Sample("PUBREC", .client, [0x50, 2, 0x12, 0x34]),
  V5Sample("PUBREC with a user property", .server, packet(0x50, [0, 1, 0] + sized(user))),
  V5Sample("PUBREL", .server, [0x62, 2, 0x12, 0x34]),
  V5Sample("PUBREL, unknown", .client, [0x62, 3, 0x12, 0x34, 0x92]),
  V5Sample("PUBCOMP", .server, [0x70, 2, 0x12, 0x34]),
  V5Sample("PUBCOMP, unknown", .client, packet(0x70, [0x12, 0x34, 0x92] + sized(why))),
  V5Sample(
    "SUBSCRIBE", .client,
    packet(
      0x82,
      [0, 10] + sized([0x0B, 0xFF, 0x7F]) + prefixed("a/b") + [0x01] + prefixed("$share/g/c/#")
        + [0x2A])),
  V5Sample("SUBACK", .server, packet(0x90, [0, 10] + sized() + [0x00, 0x02, 0x9E])),
  V5Sample(
    "UNSUBSCRIBE", .client,
    packet(0xA2, [0, 10] + sized(user) + prefixed("a/b") + prefixed("+/d"))),
  V5Sample("UNSUBACK", .server, packet(0xB0, [0, 10] + sized(why) + [0x00, 0x11])),
  V5Sample("PINGREQ", .client, [0xC0, 0]),
  V5Sample("PINGRESP", .server, [0xD0, 0]),
  V5Sample("DISCONNECT", .client, [0xE0, 0]),
  V5Sample("DISCONNECT with the will", .client, [0xE0, 1, 0x04]),
  V5Sample(
    "DISCONNECT by the server", .server,
    packet(0xE0, [0x9D] + sized([0x1C] + prefixed("other")))),
  V5Sample("DISCONNECT, session kept", .client, packet(0xE0, [0] + sized([0x11, 0, 0, 1, 0]))),
  V5Sample("AUTH, bare", .server, [0xF0, 0]),
  V5Sample(
    "AUTH", .client, packet(0xF0, [0x19] + sized(method + [0x16] + prefixed("data")))),
  V5Sample("AUTH, succeeded", .server, packet(0xF0, [0] + sized(method))),
]

/// The packet that was decoded from `bytes`, encoded again.
func rewrittenV5(
  _ packet: V5.Packet, _ bytes: [UInt8], from sender: Role, capacity: Int = 4096
) throws(EncodeError) -> [UInt8] {
  try written(capacity: capacity) { (out) throws(EncodeError) in
    try rewrite(packet, bytes.span, from: sender, into: &out)
  }
}
