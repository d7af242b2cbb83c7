/// One decoded packet. Texts and payloads stay where they were received: a `Field` says where.
public enum Packet: BitwiseCopyable, Equatable, Sendable {
  /// CONNECT.
  case connect(Connect)
  /// CONNACK.
  case connectAck(ConnectAck)
  /// PUBLISH.
  case publish(Publish)
  /// PUBACK.
  case publishAck(packetID: UInt16)
  /// PUBREC.
  case publishReceived(packetID: UInt16)
  /// PUBREL.
  case publishRelease(packetID: UInt16)
  /// PUBCOMP.
  case publishComplete(packetID: UInt16)
  /// SUBSCRIBE.
  case subscribe(Subscribe)
  /// SUBACK.
  case subscribeAck(SubscribeAck)
  /// UNSUBSCRIBE.
  case unsubscribe(Unsubscribe)
  /// UNSUBACK.
  case unsubscribeAck(packetID: UInt16)
  /// PINGREQ.
  case pingRequest
  /// PINGRESP.
  case pingResponse
  /// DISCONNECT.
  case disconnect

  /// A packet and the bytes that it took.
  public struct Decoded: BitwiseCopyable, Equatable, Sendable {
    /// What the packet says.
    public var packet: Packet
    /// Bytes of the whole packet: the next one begins there.
    public var size: Int
  }

  /// The packet at the start of `bytes`; nil when its last byte is not there yet.
  ///
  /// Strict: what the specification forbids is refused, and refused as early as the bytes tell. A
  /// packet of more than `packetBytesMax` bytes, header included, is refused by its header alone,
  /// so the sender of a huge length holds no memory here. `level` is the one that the connection
  /// has agreed on; CONNECT brings its own.
  @inline(__always)
  public static func decode(
    _ bytes: Span<UInt8>, from sender: Role, level: ProtocolLevel, packetBytesMax: Int
  ) throws(DecodeError) -> Decoded? {
    guard level != .v50 else { throw .unsupportedLevel }
    guard let header = try FixedHeader.decode(bytes, from: sender, level: level) else {
      return nil
    }
    guard header.packetSize <= packetBytesMax else { throw .packetTooLarge }
    guard bytes.count >= header.packetSize else { return nil }
    let packet = try decode(bytes, header, from: sender, level: level)
    return Decoded(packet: packet, size: header.packetSize)
  }

  /// The packet behind `header`; the whole of it is there.
  ///
  /// What only clients send is looked at apart, and the question is inlined where the answer is known:
  /// so a client has no code for what only a server reads.
  @inline(__always)
  private static func decode(
    _ bytes: Span<UInt8>, _ header: FixedHeader, from sender: Role, level: ProtocolLevel
  ) throws(DecodeError) -> Packet {
    sender == .client
      ? try decodeFromClient(bytes, header, level: level)
      : try decodeFromEither(bytes, header, level: level)
  }

  private static func decodeFromClient(
    _ bytes: Span<UInt8>, _ header: FixedHeader, level: ProtocolLevel
  ) throws(DecodeError) -> Packet {
    var fields = FieldReader(offset: header.size, end: header.packetSize)
    switch header.type {
    case .pingRequest: return .pingRequest
    case .connect: return .connect(try Connect(bytes, &fields))
    case .subscribe: return .subscribe(try Subscribe(bytes, &fields))
    case .unsubscribe: return .unsubscribe(try Unsubscribe(bytes, &fields))
    case .disconnect: return .disconnect
    default: return try decodeFromEither(bytes, header, level: level)
    }
  }

  private static func decodeFromEither(
    _ bytes: Span<UInt8>, _ header: FixedHeader, level: ProtocolLevel
  ) throws(DecodeError) -> Packet {
    var fields = FieldReader(offset: header.size, end: header.packetSize)
    switch header.type {
    case .publish: return .publish(try Publish(bytes, &fields, flags: header.flags))
    case .publishAck: return .publishAck(packetID: try fields.packetID(in: bytes))
    case .publishReceived: return .publishReceived(packetID: try fields.packetID(in: bytes))
    case .publishRelease: return .publishRelease(packetID: try fields.packetID(in: bytes))
    case .publishComplete: return .publishComplete(packetID: try fields.packetID(in: bytes))
    case .pingResponse: return .pingResponse
    case .connectAck: return .connectAck(try ConnectAck(bytes, &fields, level: level))
    case .subscribeAck: return .subscribeAck(try SubscribeAck(bytes, &fields, level: level))
    case .unsubscribeAck: return .unsubscribeAck(packetID: try fields.packetID(in: bytes))
    case .authenticate: throw .reservedType
    // The header has seen to it that only clients send these.
    case .connect, .subscribe, .unsubscribe, .pingRequest, .disconnect: throw .wrongDirection
    }
  }
}
