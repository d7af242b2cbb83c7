/// The packets of MQTT 5.0: those of 3.1.1 with properties and reason codes, and AUTH. Section and
/// table numbers within are those of the OASIS standard of 7 March 2019.
///
/// What 5.0 has in common with the versions before is used from there: the fixed header, text,
/// topics, `Field`, and the errors.
public enum V5 {
  /// One decoded packet. Texts and payloads stay where they were received: a `Field` says where.
  public enum Packet: BitwiseCopyable, Equatable, Sendable {
    /// CONNECT.
    case connect(Connect)
    /// CONNACK.
    case connectAck(ConnectAck)
    /// PUBLISH.
    case publish(Publish)
    /// PUBACK.
    case publishAck(PublishAnswer)
    /// PUBREC.
    case publishReceived(PublishAnswer)
    /// PUBREL.
    case publishRelease(ReleaseAnswer)
    /// PUBCOMP.
    case publishComplete(ReleaseAnswer)
    /// SUBSCRIBE.
    case subscribe(Subscribe)
    /// SUBACK.
    case subscribeAck(SubscribeAck)
    /// UNSUBSCRIBE.
    case unsubscribe(Unsubscribe)
    /// UNSUBACK.
    case unsubscribeAck(UnsubscribeAck)
    /// PINGREQ.
    case pingRequest
    /// PINGRESP.
    case pingResponse
    /// DISCONNECT.
    case disconnect(Disconnect)
    /// AUTH.
    case authenticate(Authenticate)
  }

  /// The packets without a body: PINGREQ and PINGRESP (sections 3.12 and 3.13).
  public enum BarePacket: BitwiseCopyable, Sendable {
    /// PINGREQ: are you there?
    case pingRequest
    /// PINGRESP: yes.
    case pingResponse

    /// Bytes of the packet.
    public static var size: Int { 2 }

    /// Appends the whole packet, or throws and appends nothing.
    public func encode(into out: inout OutputSpan<UInt8>) throws(EncodeError) {
      let type: PacketType = self == .pingRequest ? .pingRequest : .pingResponse
      try out.appendHeader(type.firstByte, bodySize: 0)
    }
  }
}

extension V5.Packet {
  /// A packet and the bytes that it took.
  public struct Decoded: BitwiseCopyable, Equatable, Sendable {
    /// What the packet says.
    public var packet: V5.Packet
    /// Bytes of the whole packet: the next one begins there.
    public var size: Int
  }

  /// The packet at the start of `bytes`; nil when its last byte is not there yet.
  ///
  /// Strict: what the specification forbids is refused, and refused as early as the bytes tell. A
  /// packet of more than `packetBytesMax` bytes, header included, is refused by its header alone:
  /// that is the Maximum Packet Size that the other side was told. A CONNECT of another version is
  /// `unsupportedLevel`, as one of 5.0 is to `MQTT.Packet.decode`: a server that speaks all of them
  /// asks the other one then.
  ///
  /// `problemInformation` is false for a client that has sent a Request Problem Information of 0:
  /// the server then leaves reason strings and user properties out of all packets but PUBLISH,
  /// CONNACK and DISCONNECT (section 3.1.2.11.7).
  @inline(__always)
  public static func decode(
    _ bytes: Span<UInt8>, from sender: Role, packetBytesMax: Int, problemInformation: Bool = true
  ) throws(DecodeError) -> Decoded? {
    guard let header = try FixedHeader.decode(bytes, from: sender, level: .v50) else { return nil }
    guard header.packetSize <= packetBytesMax else { throw .packetTooLarge }
    guard bytes.count >= header.packetSize else { return nil }
    let isTerse = sender == .server && !problemInformation
    // Inlined where the sender is known: so a client has no code for what only a server reads.
    let packet =
      sender == .client
      ? try decodeFromClient(bytes, header)
      : try decodeFromEither(bytes, header, from: sender, isTerse: isTerse)
    return Decoded(packet: packet, size: header.packetSize)
  }

  /// The packet of a client behind `header`; the whole of it is there.
  private static func decodeFromClient(
    _ bytes: Span<UInt8>, _ header: FixedHeader
  ) throws(DecodeError) -> V5.Packet {
    var fields = FieldReader(offset: header.size, end: header.packetSize)
    switch header.type {
    case .pingRequest: return .pingRequest
    case .connect: return .connect(try V5.Connect(bytes, &fields))
    case .subscribe: return .subscribe(try V5.Subscribe(bytes, &fields))
    case .unsubscribe: return .unsubscribe(try V5.Unsubscribe(bytes, &fields))
    default: return try decodeFromEither(bytes, header, from: .client, isTerse: false)
    }
  }

  private static func decodeFromEither(
    _ bytes: Span<UInt8>, _ header: FixedHeader, from sender: Role, isTerse: Bool
  ) throws(DecodeError) -> V5.Packet {
    var fields = FieldReader(offset: header.size, end: header.packetSize)
    let place: V5.PropertyPlace = isTerse ? .terseAnswer : .answer
    switch header.type {
    case .publish:
      return .publish(try V5.Publish(bytes, &fields, flags: header.flags, from: sender))
    case .publishAck:
      return .publishAck(try V5.PublishAnswer(bytes, &fields, from: sender, in: place))
    case .publishReceived:
      return .publishReceived(try V5.PublishAnswer(bytes, &fields, from: sender, in: place))
    case .publishRelease:
      return .publishRelease(try V5.ReleaseAnswer(bytes, &fields, in: place))
    case .publishComplete:
      return .publishComplete(try V5.ReleaseAnswer(bytes, &fields, in: place))
    case .pingResponse: return .pingResponse
    case .connectAck: return .connectAck(try V5.ConnectAck(bytes, &fields))
    case .subscribeAck: return .subscribeAck(try V5.SubscribeAck(bytes, &fields, in: place))
    case .unsubscribeAck: return .unsubscribeAck(try V5.UnsubscribeAck(bytes, &fields, in: place))
    case .disconnect: return .disconnect(try V5.Disconnect(bytes, &fields, from: sender))
    case .authenticate:
      return .authenticate(
        try V5.Authenticate(
          bytes, &fields, from: sender, in: isTerse ? .terseAuthenticate : .authenticate))
    // The header has seen to it that only clients send these.
    case .connect, .subscribe, .unsubscribe, .pingRequest: throw .wrongDirection
    }
  }
}
