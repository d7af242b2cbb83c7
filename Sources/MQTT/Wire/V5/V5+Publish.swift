import Core

extension V5 {
  /// PUBLISH: one message (section 3.3).
  public struct Publish: BitwiseCopyable, Equatable, Sendable {
    /// Identifies the message until it is acknowledged; 0 at QoS 0.
    public var packetID: UInt16
    /// How hard to try.
    public var qos: QoS
    /// To a server: keep the message for later subscribers. From a server: it was kept.
    public var retain: Bool
    /// The sender has sent this message before.
    public var dup: Bool
    /// The topic name; empty when the property `topicAlias` stands for it.
    public var topic: Field
    /// What else there is to say about the message.
    public var properties: Properties
    /// The message itself; may be empty.
    public var payload: Field

    init(
      packetID: UInt16, qos: QoS, retain: Bool, dup: Bool, topic: Field, properties: Properties,
      payload: Field
    ) {
      self.packetID = packetID
      self.qos = qos
      self.retain = retain
      self.dup = dup
      self.topic = topic
      self.properties = properties
      self.payload = payload
    }

    init(
      _ bytes: Span<UInt8>, _ fields: inout FieldReader, flags: UInt8, from sender: Role
    ) throws(DecodeError) {
      guard let qos = QoS(rawValue: flags &>> 1 & 0b11) else { throw .invalidQoS }
      self.qos = qos
      retain = flags & 0b0001 != 0
      dup = flags & 0b1000 != 0
      topic = try fields.text(in: bytes)
      guard topic.count == 0 || hasNameForm(bytes[topic]) else { throw .invalidTopicName }
      packetID = qos == .atMostOnce ? 0 : try fields.packetID(in: bytes)
      properties = try Properties(bytes, &fields, in: .publish(from: sender))
      // Section 3.3.2.1: without a topic there is an alias.
      guard topic.count > 0 || properties.contains(.topicAlias) else { throw .missingProperty }
      payload = fields.rest()
    }

    /// Bytes of a whole packet with a topic, properties without their length, and a payload of so
    /// many bytes.
    public static func size(
      topicBytes: Int, propertyBytes: Int, payloadBytes: Int, qos: QoS
    ) -> Int {
      let fields = 2 + topicBytes + (qos == .atMostOnce ? 0 : 2)
      let bodySize = fields + VarInt.size(of: propertyBytes) + propertyBytes + payloadBytes
      return 1 + VarInt.size(of: bodySize) + bodySize
    }

    /// Bytes of a topic alias among the properties.
    public static var aliasBytes: Int { 3 }

    /// Appends the whole packet, or throws and appends nothing. `packetID` is 0 at QoS 0. A
    /// `topicAlias` is written before `properties`, as `Properties.append` has written them, which
    /// hold none then. `topic` may be empty when there is an alias in either place.
    public static func encode(
      from sender: Role, packetID: UInt16, qos: QoS, retain: Bool, dup: Bool,
      topic: Span<UInt8>, topicAlias: UInt16? = nil, properties: Span<UInt8>,
      payload: Span<UInt8>, into out: inout OutputSpan<UInt8>
    ) throws(EncodeError) {
      let size = try checkedSize(
        from: sender, packetID: packetID, qos: qos, dup: dup, topic: topic,
        topicAlias: topicAlias, properties: properties)
      guard payload.count <= VarInt.max else { throw .packetTooLarge }
      let firstByte = MQTT.Publish.firstByte(qos: qos, retain: retain, dup: dup)
      try out.appendHeader(firstByte, bodySize: size + payload.count)
      append(
        topic: topic, packetID: packetID, topicAlias: topicAlias, properties: properties,
        into: &out)
      out.append(contentsOf: payload)
    }

    /// Appends the whole packet with a payload that `writePayload` appends in place: no second
    /// buffer. Throws and appends nothing when there is no room for `payloadMax` bytes, or when
    /// `writePayload` appends more than those.
    public static func encode(
      from sender: Role, packetID: UInt16, qos: QoS, retain: Bool, dup: Bool,
      topic: Span<UInt8>, topicAlias: UInt16? = nil, properties: Span<UInt8>, payloadMax: Int,
      into out: inout OutputSpan<UInt8>, writePayload: (inout OutputSpan<UInt8>) -> Void
    ) throws(EncodeError) {
      let size = try checkedSize(
        from: sender, packetID: packetID, qos: qos, dup: dup, topic: topic,
        topicAlias: topicAlias, properties: properties)
      guard payloadMax <= VarInt.max else { throw .packetTooLarge }
      let bodyMax = size + payloadMax
      let start = out.count
      try out.appendHeader(
        MQTT.Publish.firstByte(qos: qos, retain: retain, dup: dup), bodySize: bodyMax)
      append(
        topic: topic, packetID: packetID, topicAlias: topicAlias, properties: properties,
        into: &out)
      writePayload(&out)
      let lengthSize = VarInt.size(of: bodyMax)
      guard out.count - start <= 1 + lengthSize + bodyMax else {
        out.removeLast(out.count - start)
        throw .packetTooLarge
      }
      MQTT.Publish.closeGap(at: start + 1, lengthSize: lengthSize, in: &out)
    }

    /// Bytes of the body before the payload.
    private static func checkedSize(
      from sender: Role, packetID: UInt16, qos: QoS, dup: Bool, topic: Span<UInt8>,
      topicAlias: UInt16?, properties: Span<UInt8>
    ) throws(EncodeError) -> Int {
      guard (packetID == 0) == (qos == .atMostOnce) else { throw .invalidPacketID }
      guard !dup || qos != .atMostOnce else { throw .invalidFlags }
      guard topic.count <= UInt16.max else { throw .packetTooLarge }
      var hasAlias = false
      if let topicAlias {
        guard topicAlias != 0 else { throw .invalidProperties }
        hasAlias = true
      }
      if !properties.isEmpty {
        let list = try Properties(written: properties, in: .publish(from: sender))
        guard !hasAlias || !list.contains(.topicAlias) else { throw .invalidProperties }
        hasAlias = hasAlias || list.contains(.topicAlias)
      }
      guard topic.isEmpty ? hasAlias : TopicName.isValid(topic) else { throw .invalidTopicName }
      let propertyBytes = properties.count + (topicAlias == nil ? 0 : aliasBytes)
      return 2 + topic.count + (qos == .atMostOnce ? 0 : 2) + VarInt.size(of: propertyBytes)
        + propertyBytes
    }

    private static func append(
      topic: Span<UInt8>, packetID: UInt16, topicAlias: UInt16?, properties: Span<UInt8>,
      into out: inout OutputSpan<UInt8>
    ) {
      out.append(prefixed: topic)
      if packetID != 0 { out.append(bigEndian: packetID) }
      guard let topicAlias else { return out.append(properties: properties) }
      out.append(varInt: aliasBytes + properties.count)
      out.append(PropertyID.topicAlias.rawValue)
      out.append(bigEndian: topicAlias)
      out.append(contentsOf: properties)
    }
  }
}
