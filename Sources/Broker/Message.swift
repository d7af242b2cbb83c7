import MQTT

/// A message as the broker keeps and hands on: topic and payload as bytes, because topics are
/// compared byte by byte (section 4.7.3).
public struct Message: Equatable, Sendable {
  /// The topic name.
  public var topic: [UInt8]
  /// The message itself.
  public var payload: [UInt8]
  /// The quality of service: the publisher's, or the one granted to a subscriber.
  public var qos: QoS
  /// From a publisher: keep it for later subscribers. To a subscriber: it was kept.
  public var retain: Bool

  /// The message `payload` under `topic`.
  public init(topic: [UInt8], payload: [UInt8], qos: QoS, retain: Bool) {
    self.topic = topic
    self.payload = payload
    self.qos = qos
    self.retain = retain
  }

  /// Bytes of a PUBLISH with this message.
  var packetBytes: Int {
    Publish.size(topicBytes: topic.count, payloadBytes: payload.count, qos: qos)
  }
}

/// Something that an observer of the broker may want to know, in the order in which it happened.
public enum BrokerEvent: Equatable, Sendable {
  /// A client's CONNECT was accepted.
  case connected(client: [UInt8], level: ProtocolLevel, cleanSession: Bool, keepAlive: UInt16)
  /// A CONNECT was answered with a refusal.
  case refused(client: [UInt8], ConnectReturnCode)
  /// A client that was connected is no longer.
  case disconnected(client: [UInt8], DisconnectReason)
  /// A client has subscribed.
  case subscribed(client: [UInt8], filter: [UInt8], QoS)
  /// A message was published, by a client or as its will.
  case published(client: [UInt8], Message, isWill: Bool)
  /// A message was not kept for a client, whose queue is full.
  case dropped(client: [UInt8], Message)
  /// A message from a client was handed on but not kept: as many topics as may be have one.
  case notRetained(client: [UInt8], Message)
}

/// Why a client is no longer connected. All but the first lead to its will.
public enum DisconnectReason: Equatable, Sendable {
  /// It said DISCONNECT.
  case byClient
  /// Its transport was closed.
  case transportClosed
  /// It was silent for one and a half keep-alives (section 3.1.2.10).
  case keepAlive
  /// A client of the same name has connected (section 3.1.4).
  case takenOver
  /// It sent what is not MQTT.
  case malformed(DecodeError)
  /// It sent a packet that has no place there.
  case protocolViolation
  /// It does not read what the broker sends, or has more under way than the limits allow.
  case overLimit
}
