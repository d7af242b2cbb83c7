import Core
import MQTT

/// A property as the tests look at it.
enum Property: Equatable {
  case number(V5.PropertyID, UInt32)
  case text(V5.PropertyID, String)
  case user(String, String)

  var id: V5.PropertyID {
    switch self {
    case .number(let id, _), .text(let id, _): id
    case .user: .userProperty
    }
  }
}

/// A packet of 5.0 from the broker. Reason strings are left out: `reasonString` finds them.
enum V5Received: Equatable {
  case connectAck(V5.ConnectReason, _ sessionPresent: Bool = false, _ properties: [Property] = [])
  case message(
    String, String, QoS = .atMostOnce, id: UInt16 = 0, retain: Bool = false, dup: Bool = false,
    _ properties: [Property] = [])
  case publishAck(UInt16, V5.PublishReason = .success)
  case publishReceived(UInt16, V5.PublishReason = .success)
  case publishRelease(UInt16, V5.ReleaseReason = .success)
  case publishComplete(UInt16, V5.ReleaseReason = .success)
  case subscribeAck(UInt16, [V5.SubscribeReason])
  case unsubscribeAck(UInt16, [V5.UnsubscribeReason])
  case pingResponse
  case disconnect(V5.DisconnectReason, _ properties: [Property] = [])
  case authenticate(V5.AuthenticateReason, _ properties: [Property] = [])

  /// A message at QoS 0 with properties.
  static func message(_ topic: String, _ payload: String, _ list: [Property]) -> V5Received {
    .message(topic, payload, .atMostOnce, id: 0, retain: false, dup: false, list)
  }

  /// The payload of a message; nil of another packet.
  var payload: String? {
    if case .message(_, let payload, _, _, _, _, _) = self { payload } else { nil }
  }

  /// The properties of a message.
  var properties: [Property] {
    switch self {
    case .message(_, _, _, _, _, _, let list), .connectAck(_, _, let list),
      .disconnect(_, let list), .authenticate(_, let list):
      list
    default: []
    }
  }
}

/// Decodes a packet of the broker; one that sends nonsense ends the test.
func decodeV5(_ bytes: [UInt8], problemInformation: Bool = true) -> V5.Packet.Decoded? {
  do throws(DecodeError) {
    return try V5.Packet.decode(
      bytes.span, from: .server, packetBytesMax: 1 << 28, problemInformation: problemInformation)
  } catch {
    preconditionFailure("the broker sends MQTT 5.0: \(error)")
  }
}

func received(_ packet: V5.Packet, _ bytes: [UInt8]) -> V5Received {
  func text(_ field: Field) -> String {
    String(decoding: bytes[field.offset..<field.offset + field.count], as: UTF8.self)
  }
  switch packet {
  case .connectAck(let answer):
    return .connectAck(
      answer.reason, answer.sessionPresent, properties(answer.properties, bytes))
  case .publish(let publish):
    return .message(
      text(publish.topic), text(publish.payload), publish.qos, id: publish.packetID,
      retain: publish.retain, dup: publish.dup, properties(publish.properties, bytes))
  case .publishAck(let answer): return .publishAck(answer.packetID, answer.reason)
  case .publishReceived(let answer): return .publishReceived(answer.packetID, answer.reason)
  case .publishRelease(let answer): return .publishRelease(answer.packetID, answer.reason)
  case .publishComplete(let answer): return .publishComplete(answer.packetID, answer.reason)
  case .subscribeAck(let answer):
    let reasons = (0..<answer.codes.count).map { answer.reason($0, in: bytes.span) }
    return .subscribeAck(answer.packetID, reasons)
  case .unsubscribeAck(let answer):
    let reasons = (0..<answer.codes.count).map { answer.reason($0, in: bytes.span) }
    return .unsubscribeAck(answer.packetID, reasons)
  case .pingResponse: return .pingResponse
  case .disconnect(let last):
    return .disconnect(last.reason, properties(last.properties, bytes))
  case .authenticate(let step):
    return .authenticate(step.reason, properties(step.properties, bytes))
  case .connect, .subscribe, .unsubscribe, .pingRequest:
    preconditionFailure("the codec knows who sends what")
  }
}

/// All properties but the reason string.
func properties(_ list: V5.Properties, _ bytes: [UInt8]) -> [Property] {
  func text(_ field: Field) -> String {
    String(decoding: bytes[field.offset..<field.offset + field.count], as: UTF8.self)
  }
  var all: [Property] = []
  var walk = list.walk
  while let property = walk.next(in: bytes.span) {
    switch property.id.form {
    case .byte, .twoBytes, .fourBytes, .variable:
      all.append(.number(property.id, property.number))
    case .text, .topicName, .binary:
      if property.id != .reasonString { all.append(.text(property.id, text(property.text))) }
    case .pair: all.append(.user(text(property.name), text(property.text)))
    }
  }
  return all
}

private let none: [UInt8] = []

/// The properties as an encoder takes them.
func list(_ properties: [Property]) -> [UInt8] {
  written { (out) throws(EncodeError) in
    for property in properties {
      switch property {
      case .number(let id, let number): try V5.Properties.append(id, number, to: &out)
      case .text(let id, let value):
        let value = utf8(value)
        try V5.Properties.append(id, text: value.span, to: &out)
      case .user(let name, let value):
        let name = utf8(name)
        let value = utf8(value)
        try V5.Properties.append(user: name.span, value.span, to: &out)
      }
    }
  }
}

/// A will of a CONNECT of 5.0.
struct V5TestWill {
  var topic = "will"
  var payload = "lost"
  var qos = QoS.atMostOnce
  var retain = false
  var properties: [Property] = []
}

func connectV5Bytes(
  _ name: String, cleanStart: Bool = true, keepAlive: UInt16 = 0, _ properties: [Property] = [],
  will: V5TestWill? = nil, userName: String? = nil, password: String? = nil
) -> [UInt8] {
  let fields = list(properties)
  let name = utf8(name)
  let user = utf8(userName ?? "")
  let secret = utf8(password ?? "")
  let topic = utf8(will?.topic ?? "")
  let payload = utf8(will?.payload ?? "")
  let willFields = list(will?.properties ?? [])
  return written { (out) throws(EncodeError) in
    let user = userName == nil ? nil : user.span
    let secret = password == nil ? nil : secret.span
    if let will {
      let will = Will(
        properties: willFields.span, topic: topic.span, payload: payload.span, qos: will.qos,
        retain: will.retain)
      try V5.Connect.encode(
        cleanStart: cleanStart, keepAlive: keepAlive, properties: fields.span,
        clientID: name.span, will: will, userName: user, password: secret, into: &out)
    } else {
      try V5.Connect.encode(
        cleanStart: cleanStart, keepAlive: keepAlive, properties: fields.span,
        clientID: name.span, will: nil, userName: user, password: secret, into: &out)
    }
  }
}

func publishV5Bytes(
  _ topic: String, _ payload: String, _ qos: QoS = .atMostOnce, id: UInt16 = 0,
  retain: Bool = false, dup: Bool = false, _ properties: [Property] = []
) -> [UInt8] {
  let topic = utf8(topic)
  let payload = utf8(payload)
  let fields = list(properties)
  return written { (out) throws(EncodeError) in
    try V5.Publish.encode(
      from: .client, packetID: id, qos: qos, retain: retain, dup: dup, topic: topic.span,
      properties: fields.span, payload: payload.span, into: &out)
  }
}

func subscribeV5Bytes(
  _ filters: [(String, V5.SubscriptionOptions)], id: UInt16 = 1, _ properties: [Property] = []
) -> [UInt8] {
  let fields = list(properties)
  let requests = written { (out) throws(EncodeError) in
    for (filter, options) in filters {
      let filter = utf8(filter)
      try V5.Subscribe.append(filter: filter.span, options: options, to: &out)
    }
  }
  return written { (out) throws(EncodeError) in
    try V5.Subscribe.encode(
      packetID: id, properties: fields.span, filters: requests.span, into: &out)
  }
}

func unsubscribeV5Bytes(_ filters: [String], id: UInt16 = 2) -> [UInt8] {
  let requests = written { (out) throws(EncodeError) in
    for filter in filters {
      let filter = utf8(filter)
      try V5.Unsubscribe.append(filter: filter.span, to: &out)
    }
  }
  return written { (out) throws(EncodeError) in
    try V5.Unsubscribe.encode(
      packetID: id, properties: none.span, filters: requests.span, into: &out)
  }
}

func disconnectV5Bytes(
  _ reason: V5.DisconnectReason = .normalDisconnection, _ properties: [Property] = []
) -> [UInt8] {
  let fields = list(properties)
  return written { (out) throws(EncodeError) in
    try V5.Disconnect.encode(
      from: .client, reason: reason, properties: fields.span, into: &out)
  }
}

func authenticateV5Bytes(
  _ reason: V5.AuthenticateReason, _ properties: [Property]
) -> [UInt8] {
  let fields = list(properties)
  return written { (out) throws(EncodeError) in
    try V5.Authenticate.encode(
      from: .client, reason: reason, properties: fields.span, into: &out)
  }
}

func publishAnswerV5Bytes(
  _ kind: V5.PublishAnswer.Kind, _ id: UInt16, _ reason: V5.PublishReason = .success
) -> [UInt8] {
  written { (out) throws(EncodeError) in
    try V5.PublishAnswer.encode(
      kind, from: .client, packetID: id, reason: reason, properties: none.span, into: &out)
  }
}

func releaseAnswerV5Bytes(
  _ kind: V5.ReleaseAnswer.Kind, _ id: UInt16, _ reason: V5.ReleaseReason = .success
) -> [UInt8] {
  written { (out) throws(EncodeError) in
    try V5.ReleaseAnswer.encode(
      kind, packetID: id, reason: reason, properties: none.span, into: &out)
  }
}
