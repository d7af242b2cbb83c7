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
  public static func decode(
    _ bytes: Span<UInt8>, from sender: Role, level: ProtocolLevel, packetBytesMax: Int
  ) throws(DecodeError) -> Decoded? {
    guard level != .v50 else { throw .unsupportedLevel }
    guard let header = try FixedHeader.decode(bytes, from: sender, level: level) else {
      return nil
    }
    guard header.packetSize <= packetBytesMax else { throw .packetTooLarge }
    guard bytes.count >= header.packetSize else { return nil }
    return Decoded(packet: try decode(bytes, header, level: level), size: header.packetSize)
  }

  /// The packet behind `header`; the whole of it is there.
  private static func decode(
    _ bytes: Span<UInt8>, _ header: FixedHeader, level: ProtocolLevel
  ) throws(DecodeError) -> Packet {
    var fields = FieldReader(offset: header.size, end: header.packetSize)
    switch header.type {
    case .publish: return .publish(try Publish(bytes, &fields, flags: header.flags))
    case .publishAck: return .publishAck(packetID: try fields.packetID(in: bytes))
    case .publishReceived: return .publishReceived(packetID: try fields.packetID(in: bytes))
    case .publishRelease: return .publishRelease(packetID: try fields.packetID(in: bytes))
    case .publishComplete: return .publishComplete(packetID: try fields.packetID(in: bytes))
    case .pingRequest: return .pingRequest
    case .pingResponse: return .pingResponse
    case .connect: return .connect(try Connect(bytes, &fields))
    case .connectAck: return .connectAck(try ConnectAck(bytes, &fields, level: level))
    case .subscribe: return .subscribe(try Subscribe(bytes, &fields))
    case .subscribeAck: return .subscribeAck(try SubscribeAck(bytes, &fields, level: level))
    case .unsubscribe: return .unsubscribe(try Unsubscribe(bytes, &fields))
    case .unsubscribeAck: return .unsubscribeAck(packetID: try fields.packetID(in: bytes))
    case .disconnect: return .disconnect
    case .authenticate: throw .reservedType
    }
  }
}
