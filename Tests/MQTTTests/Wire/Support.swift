import Core
import MQTT

/// What `body` appends into a buffer of `capacity` bytes.
func written(
  capacity: Int = 4096, _ body: (inout OutputSpan<UInt8>) throws(EncodeError) -> Void
) throws(EncodeError) -> [UInt8] {
  let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: capacity)
  defer { memory.deallocate() }
  var out = OutputSpan(buffer: memory, initializedCount: 0)
  var failure: EncodeError?
  do throws(EncodeError) { try body(&out) } catch { failure = error }
  let count = out.finalize(for: memory)
  if let failure {
    precondition(count == 0, "a packet that throws appends nothing")
    throw failure
  }
  return Array(memory[..<count])
}

/// How a write failed; nil when it did not.
func writeError(
  capacity: Int = 4096, _ body: (inout OutputSpan<UInt8>) throws(EncodeError) -> Void
) -> EncodeError? {
  do throws(EncodeError) {
    _ = try written(capacity: capacity, body)
    return nil
  } catch { return error }
}

/// A will of a CONNECT to be written.
struct TestWill {
  var topic = utf8("w")
  var payload: [UInt8] = []
  var qos = QoS.atMostOnce
  var retain = false
}

/// The bytes of a CONNECT.
func connect(
  level: ProtocolLevel = .v311, cleanSession: Bool = true, keepAlive: UInt16 = 0,
  clientID: [UInt8] = utf8("c"), will: TestWill? = nil, userName: [UInt8]? = nil,
  password: [UInt8]? = nil, capacity: Int = 70_000
) throws(EncodeError) -> [UInt8] {
  let topic = will?.topic ?? []
  let payload = will?.payload ?? []
  let name = userName ?? []
  let secret = password ?? []
  return try written(capacity: capacity) { (out) throws(EncodeError) in
    let nameSpan = name.span
    let secretSpan = secret.span
    let topicSpan = topic.span
    let payloadSpan = payload.span
    let lentWill: Will? =
      if let will {
        Will(topic: topicSpan, payload: payloadSpan, qos: will.qos, retain: will.retain)
      } else { nil }
    try Connect.encode(
      level: level, cleanSession: cleanSession, keepAlive: keepAlive, clientID: clientID.span,
      will: lentWill, userName: userName == nil ? nil : nameSpan,
      password: password == nil ? nil : secretSpan, into: &out)
  }
}

func isText(_ bytes: [UInt8]) -> Bool { isValidText(bytes.span) }

func isTopicName(_ bytes: [UInt8]) -> Bool { TopicName.isValid(bytes.span) }

func isTopicFilter(_ bytes: [UInt8]) -> Bool { TopicFilter.isValid(bytes.span) }

func matches(_ filter: String, _ topic: String) -> Bool {
  let filter = utf8(filter)
  let topic = utf8(topic)
  return TopicFilter.matches(filter: filter.span, topic: topic.span)
}

/// What decoding gave.
enum Outcome: Equatable {
  case packet(Packet, size: Int)
  case incomplete
  case refused(DecodeError)
}

func decode(
  _ bytes: [UInt8], from sender: Role, level: ProtocolLevel = .v311, packetBytesMax: Int = 4096
) -> Outcome {
  do throws(DecodeError) {
    guard
      let decoded = try Packet.decode(
        bytes.span, from: sender, level: level, packetBytesMax: packetBytesMax)
    else { return .incomplete }
    return .packet(decoded.packet, size: decoded.size)
  } catch { return .refused(error) }
}

/// The bytes of `text`.
func utf8(_ text: String) -> [UInt8] { Array(text.utf8) }

/// `text` behind its 16-bit length.
func prefixed(_ text: String) -> [UInt8] {
  [UInt8(text.utf8.count >> 8), UInt8(text.utf8.count & 0xFF)] + utf8(text)
}

/// A packet with a body of less than 128 bytes.
func packet(_ first: UInt8, _ body: [UInt8]) -> [UInt8] { [first, UInt8(body.count)] + body }

extension Array<UInt8> {
  func text(_ field: Field) -> String {
    String(decoding: self[field.offset..<field.offset + field.count], as: UTF8.self)
  }
}

/// A packet worked out by hand from the specification, and who may send it.
struct Sample: CustomStringConvertible {
  var name: String
  var sender: Role
  var level = ProtocolLevel.v311
  var bytes: [UInt8]
  var description: String { name }
}

/// One of each packet type and of each layout that a type has.
let samples: [Sample] = [
  Sample(
    name: "CONNECT, all fields", sender: .client,
    bytes: packet(
      0x10,
      prefixed("MQTT") + [0x04, 0xCE, 0x00, 0x0A] + prefixed("abc") + prefixed("w/t")
        + prefixed("gone") + prefixed("u") + prefixed("pw"))),
  Sample(
    name: "CONNECT, fewest fields", sender: .client,
    bytes: packet(0x10, prefixed("MQTT") + [0x04, 0x02, 0x00, 0x00] + prefixed(""))),
  Sample(
    name: "CONNECT, 3.1", sender: .client, level: .v31,
    bytes: packet(0x10, prefixed("MQIsdp") + [0x03, 0x02, 0x00, 0x3C] + prefixed("abc"))),
  Sample(name: "CONNACK", sender: .server, bytes: [0x20, 0x02, 0x01, 0x00]),
  Sample(
    name: "PUBLISH, QoS 0", sender: .server, bytes: [0x30, 0x07] + prefixed("a/b") + utf8("hi")),
  Sample(
    name: "PUBLISH, QoS 2", sender: .client,
    bytes: [0x3D, 0x08] + prefixed("a/b") + [0x12, 0x34] + utf8("x")),
  Sample(name: "PUBACK", sender: .client, bytes: [0x40, 0x02, 0x12, 0x34]),
  Sample(name: "PUBREC", sender: .client, bytes: [0x50, 0x02, 0x12, 0x34]),
  Sample(name: "PUBREL", sender: .server, bytes: [0x62, 0x02, 0x12, 0x34]),
  Sample(name: "PUBREL again, 3.1", sender: .server, level: .v31, bytes: [0x6A, 0x02, 0x00, 0x01]),
  Sample(name: "PUBCOMP", sender: .server, bytes: [0x70, 0x02, 0x12, 0x34]),
  Sample(
    name: "SUBSCRIBE", sender: .client,
    bytes: packet(0x82, [0x00, 0x0A] + prefixed("a/b") + [0x01] + prefixed("c/#") + [0x02])),
  Sample(name: "SUBACK", sender: .server, bytes: [0x90, 0x05, 0x00, 0x0A, 0x00, 0x02, 0x80]),
  Sample(
    name: "UNSUBSCRIBE", sender: .client,
    bytes: packet(0xA2, [0x00, 0x0A] + prefixed("a/b") + prefixed("+/d"))),
  Sample(name: "UNSUBACK", sender: .server, bytes: [0xB0, 0x02, 0x00, 0x0A]),
  Sample(name: "PINGREQ", sender: .client, bytes: [0xC0, 0x00]),
  Sample(name: "PINGRESP", sender: .server, bytes: [0xD0, 0x00]),
  Sample(name: "DISCONNECT", sender: .client, bytes: [0xE0, 0x00]),
]
