import Core

extension V5 {
  /// CONNECT: how a client introduces itself (section 3.1).
  public struct Connect: BitwiseCopyable, Equatable, Sendable {
    /// True when neither side keeps anything from before.
    public var cleanStart: Bool
    /// Seconds that the client is never silent for; 0 when it promises nothing.
    public var keepAlive: UInt16
    /// What else the client says about itself and the session.
    public var properties: Properties
    /// The client's name; empty when the server is to assign one.
    public var clientID: Field
    /// What the server publishes when the client is lost.
    public var will: WillField?
    /// The name to log in with.
    public var userName: Field?
    /// The password; any bytes. Needs no user name.
    public var password: Field?

    /// The will of a received CONNECT.
    public struct WillField: BitwiseCopyable, Equatable, Sendable {
      /// Of the message, and the delay before it is published.
      public var properties: Properties
      /// The topic name.
      public var topic: Field
      /// The message; may be empty.
      public var payload: Field
      /// Its quality of service.
      public var qos: QoS
      /// True when the server is to keep it for later subscribers.
      public var retain: Bool
    }

    init(_ bytes: Span<UInt8>, _ fields: inout FieldReader) throws(DecodeError) {
      let name = try fields.prefixed(in: bytes)
      guard bytes[name].equals("MQTT") || bytes[name].equals("MQIsdp") else {
        throw .unknownProtocol
      }
      // The level comes before all else that could be wrong: only then the layout is known.
      let number = try fields.byte(in: bytes)
      guard bytes[name].count == 4, number == ProtocolLevel.v50.rawValue else {
        throw .unsupportedLevel
      }
      let flags = try fields.byte(in: bytes)
      // Section 3.1.2.3: reserved.
      guard flags & 0x01 == 0 else { throw .invalidFlags }
      cleanStart = flags & 0x02 != 0
      keepAlive = try fields.number(in: bytes)
      properties = try Properties(bytes, &fields, in: .connect)
      clientID = try fields.text(in: bytes)
      will = nil
      if flags & 0x04 != 0 {
        guard let qos = QoS(rawValue: flags &>> 3 & 0b11) else { throw .invalidQoS }
        let properties = try Properties(bytes, &fields, in: .will)
        let topic = try fields.topicName(in: bytes)
        let payload = try fields.prefixed(in: bytes)
        will = WillField(
          properties: properties, topic: topic, payload: payload, qos: qos,
          retain: flags & 0x20 != 0)
      } else {
        guard flags & 0x38 == 0 else { throw .invalidFlags }
      }
      userName = flags & 0x80 != 0 ? try fields.text(in: bytes) : nil
      password = flags & 0x40 != 0 ? try fields.prefixed(in: bytes) : nil
      guard fields.isAtEnd else { throw .malformedBody }
    }
  }
}

extension Will {
  /// Bytes in a packet of 5.0. Throws what makes the will impossible to send.
  fileprivate func checkedSize() throws(EncodeError) -> Int {
    let size = try V5.Properties(written: properties, in: .will).size
    guard topic.count <= UInt16.max, payload.count <= UInt16.max else { throw .packetTooLarge }
    guard TopicName.isValid(topic) else { throw .invalidTopicName }
    return size + 2 + topic.count + 2 + payload.count
  }
}

extension V5.Connect {
  /// Appends the whole packet, or throws and appends nothing. A nil user name or password is left
  /// out; an empty one is sent as empty. `properties` are as `Properties.append` has written them.
  public static func encode(
    cleanStart: Bool, keepAlive: UInt16, properties: Span<UInt8>, clientID: Span<UInt8>,
    will: Will?, userName: Span<UInt8>?, password: Span<UInt8>?,
    into out: inout OutputSpan<UInt8>
  ) throws(EncodeError) {
    var bodySize = 10 + (try V5.Properties(written: properties, in: .connect).size)
    bodySize += try checkedSize(text: clientID)
    var flags: UInt8 = cleanStart ? 0x02 : 0
    if let will {
      bodySize += try will.checkedSize()
      flags |= 0x04 | will.qos.rawValue &<< 3 | (will.retain ? 0x20 : 0)
    }
    if let userName {
      bodySize += try checkedSize(text: userName)
      flags |= 0x80
    }
    if let password {
      guard password.count <= UInt16.max else { throw .packetTooLarge }
      bodySize += 2 + password.count
      flags |= 0x40
    }
    try out.appendHeader(PacketType.connect.firstByte, bodySize: bodySize)
    out.append(bigEndian: 4 as UInt16)
    out.append(literal: "MQTT")
    out.append(ProtocolLevel.v50.rawValue)
    out.append(flags)
    out.append(bigEndian: keepAlive)
    out.append(properties: properties)
    out.append(prefixed: clientID)
    if let will {
      out.append(properties: will.properties)
      out.append(prefixed: will.topic)
      out.append(prefixed: will.payload)
    }
    if let userName { out.append(prefixed: userName) }
    if let password { out.append(prefixed: password) }
  }

  private static func checkedSize(text: Span<UInt8>) throws(EncodeError) -> Int {
    guard text.count <= UInt16.max else { throw .packetTooLarge }
    guard isValidText(text) else { throw .malformedText }
    return 2 + text.count
  }
}
