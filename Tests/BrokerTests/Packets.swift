import Core
import MQTT

func utf8(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A packet from the broker, as the tests look at it.
enum Received: Equatable {
  case connectAck(ConnectReturnCode, _ sessionPresent: Bool = false)
  case message(
    String, String, QoS = .atMostOnce, id: UInt16 = 0, retain: Bool = false, dup: Bool = false)
  case answer(Acknowledgement, UInt16)
  case subscribeAck(UInt16, [SubscribeReturnCode])
  case pingResponse
}

/// Decodes and removes the whole packets at the beginning of `bytes`; a broker that sends nonsense
/// ends the test.
func decodeAll(_ bytes: inout [UInt8], level: ProtocolLevel) -> [Received] {
  var all: [Received] = []
  var start = 0
  while true {
    let rest = Array(bytes[start...])
    guard let decoded = decode(rest, level) else { break }
    all.append(received(decoded.packet, rest))
    start += decoded.size
  }
  bytes.removeFirst(start)
  return all
}

private func decode(_ bytes: [UInt8], _ level: ProtocolLevel) -> Packet.Decoded? {
  do throws(DecodeError) {
    return try Packet.decode(bytes.span, from: .server, level: level, packetBytesMax: 1 << 28)
  } catch {
    preconditionFailure("the broker sends MQTT: \(error)")
  }
}

private func received(_ packet: Packet, _ bytes: [UInt8]) -> Received {
  func text(_ field: Field) -> String {
    String(decoding: bytes[field.offset..<field.offset + field.count], as: UTF8.self)
  }
  switch packet {
  case .connectAck(let answer): return .connectAck(answer.returnCode, answer.sessionPresent)
  case .publish(let publish):
    return .message(
      text(publish.topic), text(publish.payload), publish.qos, id: publish.packetID,
      retain: publish.retain, dup: publish.dup)
  case .publishAck(let id): return .answer(.publishAck, id)
  case .publishReceived(let id): return .answer(.publishReceived, id)
  case .publishRelease(let id): return .answer(.publishRelease, id)
  case .publishComplete(let id): return .answer(.publishComplete, id)
  case .unsubscribeAck(let id): return .answer(.unsubscribeAck, id)
  case .subscribeAck(let answer):
    let codes = (0..<answer.codes.count).map { answer.code($0, in: bytes.span) }
    return .subscribeAck(answer.packetID, codes)
  case .pingResponse: return .pingResponse
  case .connect, .subscribe, .unsubscribe, .pingRequest, .disconnect:
    preconditionFailure("the codec knows who sends what")
  }
}

/// A will of a CONNECT.
struct TestWill {
  var topic = "will"
  var payload = "lost"
  var qos = QoS.atMostOnce
  var retain = false
}

/// What `body` writes.
func written(
  _ body: (inout OutputSpan<UInt8>) throws(EncodeError) -> Void
) -> [UInt8] {
  var bytes: [UInt8] = []
  bytes.append(addingCapacity: 65_536) { out in
    do throws(EncodeError) {
      try body(&out)
    } catch {
      preconditionFailure("the test writes only what it may: \(error)")
    }
  }
  return bytes
}

func connectBytes(
  _ name: String, level: ProtocolLevel = .v311, cleanSession: Bool = true, keepAlive: UInt16 = 0,
  will: TestWill? = nil
) -> [UInt8] {
  let name = utf8(name)
  let topic = utf8(will?.topic ?? "")
  let payload = utf8(will?.payload ?? "")
  return written { (out) throws(EncodeError) in
    if let will {
      let will = Will(
        topic: topic.span, payload: payload.span, qos: will.qos, retain: will.retain)
      try Connect.encode(
        level: level, cleanSession: cleanSession, keepAlive: keepAlive, clientID: name.span,
        will: will, userName: nil, password: nil, into: &out)
    } else {
      try Connect.encode(
        level: level, cleanSession: cleanSession, keepAlive: keepAlive, clientID: name.span,
        will: nil, userName: nil, password: nil, into: &out)
    }
  }
}

func publishBytes(
  _ topic: String, _ payload: String, _ qos: QoS = .atMostOnce, id: UInt16 = 0,
  retain: Bool = false, dup: Bool = false, level: ProtocolLevel = .v311
) -> [UInt8] {
  let topic = utf8(topic)
  let payload = utf8(payload)
  return written { (out) throws(EncodeError) in
    try Publish.encode(
      level: level, packetID: id, qos: qos, retain: retain, dup: dup, topic: topic.span,
      payload: payload.span, into: &out)
  }
}

func subscribeBytes(
  _ filters: [(String, QoS)], id: UInt16 = 1, level: ProtocolLevel = .v311
) -> [UInt8] {
  var list: [UInt8] = []
  for (filter, qos) in filters {
    let filter = utf8(filter)
    list += written { (out) throws(EncodeError) in
      try Subscribe.append(filter: filter.span, qos: qos, to: &out)
    }
  }
  return written { (out) throws(EncodeError) in
    try Subscribe.encode(level: level, packetID: id, filters: list.span, into: &out)
  }
}

func unsubscribeBytes(_ filter: String, id: UInt16 = 2) -> [UInt8] {
  let filter = utf8(filter)
  return written { (out) throws(EncodeError) in
    try Unsubscribe.encode(level: .v311, packetID: id, filter: filter.span, into: &out)
  }
}

func answerBytes(
  _ packet: Acknowledgement, _ id: UInt16, level: ProtocolLevel = .v311
) -> [UInt8] {
  written { (out) throws(EncodeError) in
    try packet.encode(level: level, packetID: id, into: &out)
  }
}
