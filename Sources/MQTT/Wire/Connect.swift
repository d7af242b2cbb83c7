import Core

/// CONNECT: how a client introduces itself (section 3.1).
public struct Connect: BitwiseCopyable, Equatable, Sendable {
  /// The version that the client speaks.
  public var level: ProtocolLevel
  /// True when neither side keeps anything from before or for later.
  public var cleanSession: Bool
  /// Seconds that the client is never silent for; 0 when it promises nothing.
  public var keepAlive: UInt16
  /// The client's name; empty when the server is to make one up.
  public var clientID: Field
  /// What the server publishes when the client is lost.
  public var will: WillField?
  /// The name to log in with.
  public var userName: Field?
  /// The password; any bytes.
  public var password: Field?

  /// The will of a received CONNECT.
  public struct WillField: BitwiseCopyable, Equatable, Sendable {
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
    let isOld = bytes[name].equals("MQIsdp")
    guard isOld || bytes[name].equals("MQTT") else { throw .unknownProtocol }
    let number = try fields.byte(in: bytes)
    // The level comes before all else that could be wrong: only then the layout is known.
    guard number == (isOld ? 3 : 4) else { throw .unsupportedLevel }
    level = isOld ? .v31 : .v311

    let flags = try Flags(try fields.byte(in: bytes), level: level)
    cleanSession = flags.cleanSession
    keepAlive = try fields.number(in: bytes)
    clientID = try fields.text(in: bytes)
    will = nil
    userName = nil
    password = nil
    if flags.will {
      let topic = try fields.topicName(in: bytes)
      let payload = try fields.prefixed(in: bytes)
      will = WillField(topic: topic, payload: payload, qos: flags.willQoS, retain: flags.willRetain)
    }
    // In 3.1 the remaining length outranks these two flags: a flagged field may be missing.
    if flags.userName && !(level == .v31 && fields.isAtEnd) {
      userName = try fields.text(in: bytes)
    }
    if flags.password && !(level == .v31 && fields.isAtEnd) {
      password = try fields.prefixed(in: bytes)
    }
    guard fields.isAtEnd else { throw .malformedBody }
    // Last, so that a server that answers CONNACK 2 answers a client that is otherwise right.
    guard clientID.count > 0 || (cleanSession && level != .v31) else { throw .clientIDRequired }
  }

  /// The connect flags (section 3.1.2.3).
  private struct Flags {
    let cleanSession: Bool
    let will: Bool
    let willQoS: QoS
    let willRetain: Bool
    let password: Bool
    let userName: Bool

    init(_ byte: UInt8, level: ProtocolLevel) throws(DecodeError) {
      cleanSession = byte & 0x02 != 0
      will = byte & 0x04 != 0
      password = byte & 0x40 != 0
      userName = byte & 0x80 != 0
      guard userName || !password else { throw .invalidFlags }
      if !will {
        // 3.1 says that without a will its QoS and retain are not looked at; 3.1.1 that they are 0.
        guard level == .v31 || byte & 0x38 == 0 else { throw .invalidFlags }
        willQoS = .atMostOnce
        willRetain = false
      } else {
        guard let qos = QoS(rawValue: byte &>> 3 & 0b11) else { throw .invalidQoS }
        willQoS = qos
        willRetain = byte & 0x20 != 0
      }
      // Bit 0 is reserved and 0 in 3.1.1, "not used" in 3.1.
      guard level == .v31 || byte & 0x01 == 0 else { throw .invalidFlags }
    }
  }
}

/// A will to be sent with CONNECT. Borrows its bytes for the length of the call.
public struct Will: ~Escapable {
  /// Of the message, and the delay before it is published: as `V5.Properties.append` has written
  /// them. Empty before 5.0.
  public let properties: Span<UInt8>
  /// The topic name.
  public let topic: Span<UInt8>
  /// The message; may be empty.
  public let payload: Span<UInt8>
  /// Its quality of service.
  public let qos: QoS
  /// True when the server is to keep it for later subscribers.
  public let retain: Bool

  /// The message `payload` under `topic`, published when the client is lost.
  @_lifetime(copy topic, copy payload)
  public init(topic: Span<UInt8>, payload: Span<UInt8>, qos: QoS, retain: Bool) {
    properties = Span()
    self.topic = topic
    self.payload = payload
    self.qos = qos
    self.retain = retain
  }

  /// The same with properties, for 5.0.
  @_lifetime(copy properties, copy topic, copy payload)
  public init(
    properties: Span<UInt8>, topic: Span<UInt8>, payload: Span<UInt8>, qos: QoS, retain: Bool
  ) {
    self.properties = properties
    self.topic = topic
    self.payload = payload
    self.qos = qos
    self.retain = retain
  }
}

extension Connect {
  /// Appends the whole packet, or throws and appends nothing. A nil user name or password is left
  /// out; an empty one is sent as empty.
  public static func encode(
    level: ProtocolLevel, cleanSession: Bool, keepAlive: UInt16, clientID: Span<UInt8>,
    will: Will?, userName: Span<UInt8>?, password: Span<UInt8>?,
    into out: inout OutputSpan<UInt8>
  ) throws(EncodeError) {
    try check(level: level, cleanSession: cleanSession, clientID: clientID)
    guard isValidText(clientID) else { throw .malformedText }
    guard clientID.count <= UInt16.max else { throw .packetTooLarge }
    var flags: UInt8 = cleanSession ? 0x02 : 0
    var bodySize = (level == .v31 ? 8 : 6) + 4 + 2 + clientID.count
    if let will {
      guard will.topic.count <= UInt16.max, will.payload.count <= UInt16.max else {
        throw .packetTooLarge
      }
      guard TopicName.isValid(will.topic) else { throw .invalidTopicName }
      flags |= 0x04 | will.qos.rawValue &<< 3 | (will.retain ? 0x20 : 0)
      bodySize += 2 + will.topic.count + 2 + will.payload.count
    }
    if let userName {
      guard userName.count <= UInt16.max else { throw .packetTooLarge }
      guard isValidText(userName) else { throw .malformedText }
      flags |= 0x80
      bodySize += 2 + userName.count
    }
    if let password {
      guard userName != nil else { throw .invalidFlags }
      guard password.count <= UInt16.max else { throw .packetTooLarge }
      flags |= 0x40
      bodySize += 2 + password.count
    }
    guard 1 + VarInt.size(of: bodySize) + bodySize <= out.freeCapacity else { throw .bufferFull }

    out.append(PacketType.connect.firstByte)
    out.append(varInt: bodySize)
    let isOld = level == .v31
    out.append(bigEndian: isOld ? 6 : 4 as UInt16)
    out.append(literal: isOld ? "MQIsdp" : "MQTT")
    out.append(level.rawValue)
    out.append(flags)
    out.append(bigEndian: keepAlive)
    out.append(prefixed: clientID)
    if let will {
      out.append(prefixed: will.topic)
      out.append(prefixed: will.payload)
    }
    if let userName { out.append(prefixed: userName) }
    if let password { out.append(prefixed: password) }
  }

  /// The rules for client identifiers: 3.1 takes 1 to 23 characters; 3.1.1 takes an empty one only
  /// with clean session (section 3.1.3.1).
  private static func check(
    level: ProtocolLevel, cleanSession: Bool, clientID: Span<UInt8>
  ) throws(EncodeError) {
    switch level {
    case .v31:
      guard !clientID.isEmpty, characterCount(clientID) <= 23 else { throw .invalidClientID }
    case .v311:
      guard !clientID.isEmpty || cleanSession else { throw .invalidClientID }
    case .v50: throw .unsupportedLevel
    }
  }
}
