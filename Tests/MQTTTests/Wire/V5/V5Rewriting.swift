import Core
import MQTT

/// Appends the packet that was decoded from `bytes` again, as its fields say.
func rewrite(
  _ packet: V5.Packet, _ bytes: Span<UInt8>, from sender: Role,
  into out: inout OutputSpan<UInt8>
) throws(EncodeError) {
  switch packet {
  case .connect(let packet): try rewrite(packet, bytes, into: &out)
  case .connectAck(let packet):
    try V5.ConnectAck.encode(
      sessionPresent: packet.sessionPresent, reason: packet.reason,
      properties: bytes[packet.properties.field], into: &out)
  case .publish(let packet):
    try V5.Publish.encode(
      from: sender, packetID: packet.packetID, qos: packet.qos, retain: packet.retain,
      dup: packet.dup, topic: bytes[packet.topic], properties: bytes[packet.properties.field],
      payload: bytes[packet.payload], into: &out)
  case .publishAck(let answer):
    try V5.PublishAnswer.encode(
      .publishAck, from: sender, packetID: answer.packetID, reason: answer.reason,
      properties: bytes[answer.properties.field], into: &out)
  case .publishReceived(let answer):
    try V5.PublishAnswer.encode(
      .publishReceived, from: sender, packetID: answer.packetID, reason: answer.reason,
      properties: bytes[answer.properties.field], into: &out)
  case .publishRelease(let answer):
    try V5.ReleaseAnswer.encode(
      .publishRelease, packetID: answer.packetID, reason: answer.reason,
      properties: bytes[answer.properties.field], into: &out)
  case .publishComplete(let answer):
    try V5.ReleaseAnswer.encode(
      .publishComplete, packetID: answer.packetID, reason: answer.reason,
      properties: bytes[answer.properties.field], into: &out)
  case .subscribe(let packet):
    try V5.Subscribe.encode(
      packetID: packet.packetID, properties: bytes[packet.properties.field],
      filters: bytes[packet.filters], into: &out)
  case .subscribeAck(let packet):
    try V5.SubscribeAck.encode(
      packetID: packet.packetID, properties: bytes[packet.properties.field],
      codes: bytes[packet.codes], into: &out)
  case .unsubscribe(let packet):
    try V5.Unsubscribe.encode(
      packetID: packet.packetID, properties: bytes[packet.properties.field],
      filters: bytes[packet.filters], into: &out)
  case .unsubscribeAck(let packet):
    try V5.UnsubscribeAck.encode(
      packetID: packet.packetID, properties: bytes[packet.properties.field],
      codes: bytes[packet.codes], into: &out)
  case .pingRequest: try V5.BarePacket.pingRequest.encode(into: &out)
  case .pingResponse: try V5.BarePacket.pingResponse.encode(into: &out)
  case .disconnect(let packet):
    try V5.Disconnect.encode(
      from: sender, reason: packet.reason, properties: bytes[packet.properties.field],
      into: &out)
  case .authenticate(let packet):
    try V5.Authenticate.encode(
      from: sender, reason: packet.reason, properties: bytes[packet.properties.field],
      into: &out)
  }
}

private func rewrite(
  _ packet: V5.Connect, _ bytes: Span<UInt8>, into out: inout OutputSpan<UInt8>
) throws(EncodeError) {
  let empty = Field(offset: 0, count: 0)
  let will = packet.will
  let properties = bytes[will?.properties.field ?? empty]
  let topic = bytes[will?.topic ?? empty]
  let payload = bytes[will?.payload ?? empty]
  let name = bytes[packet.userName ?? empty]
  let password = bytes[packet.password ?? empty]
  let lent: Will? =
    if let will {
      Will(
        properties: properties, topic: topic, payload: payload, qos: will.qos,
        retain: will.retain)
    } else { nil }
  try V5.Connect.encode(
    cleanStart: packet.cleanStart, keepAlive: packet.keepAlive,
    properties: bytes[packet.properties.field], clientID: bytes[packet.clientID], will: lent,
    userName: packet.userName == nil ? nil : name,
    password: packet.password == nil ? nil : password, into: &out)
}
