import Core

/// A message that is larger than the receive buffer, as it goes by. Its payload is handed over in
/// pieces or passed over; it is acknowledged at its end, or else it would end every connection anew.
///
///     | fixed header | topic length | topic | packet identifier | properties | payload |
///     |                          head                                        |  rest   |
///
/// A head that does not fit into the buffer either goes by unseen, but for the identifier.
struct LargeMessage: BitwiseCopyable {
  enum Way: BitwiseCopyable {
    /// The payload is handed over.
    case stream
    /// It is passed over.
    case skip
    /// It is passed over and was answered: the message was handed over before.
    case repeated
  }

  /// Bytes of the whole packet, for the report.
  var packetBytes: Int
  var qos: QoS
  var packetID: UInt16
  var way: Way
  /// Bytes of an unseen topic still to come.
  var topic = 0
  /// True until the identifier behind an unseen topic was read.
  var lacksPacketID = false
  /// Bytes still to come behind that.
  var rest: Int
}

extension ClientSession {
  /// What is known of a packet that does not fit into the input.
  private enum Head: BitwiseCopyable {
    /// More bytes are needed to tell.
    case unknown
    /// So many bytes before the payload, which fit.
    case fits(Int, FixedHeader)
    /// The topic's bytes, and those before the topic.
    case unseen(topic: Int, before: Int, FixedHeader)
  }

  /// Looks at a packet that does not fit into the input: a message goes by, anything else is
  /// refused.
  mutating func beginLarge(at now: Instant) -> Turn {
    let level = options.level
    let limit = own.packetBytesMax ?? .max
    let capacity = input.capacity
    let head: Head
    do throws(DecodeError) {
      head = try input.withBytes { (bytes) throws(DecodeError) in
        try Self.head(of: bytes, level, packetBytesMax: limit, capacity: capacity)
      }
    } catch {
      return .event(fail(.malformed(error)))
    }
    switch head {
    case .unknown:
      expectMore(at: now)
      return .idle
    case .unseen(let topic, let before, let header):
      guard let qos = QoS(rawValue: header.flags &>> 1 & 0b11) else {
        return .event(fail(.malformed(.invalidQoS)))
      }
      let idBytes = qos == .atMostOnce ? 0 : 2
      large = LargeMessage(
        packetBytes: header.packetSize, qos: qos, packetID: 0, way: .skip, topic: topic,
        lacksPacketID: qos != .atMostOnce, rest: header.packetSize - before - topic - idBytes)
      input.consume(before)
      return takeLarge(at: now)
    case .fits(let bytes, let header):
      return beginLarge(header, headBytes: bytes, at: now)
    }
  }

  /// The head is there and can be looked at.
  private mutating func beginLarge(
    _ header: FixedHeader, headBytes: Int, at now: Instant
  ) -> Turn {
    let level = options.level
    let message: V5.Publish
    do throws(DecodeError) {
      message = try input.withBytes { (bytes) throws(DecodeError) in
        var fields = FieldReader(offset: header.size, end: headBytes)
        guard !level.isV5 else {
          return try V5.Publish(bytes, &fields, flags: header.flags, from: .server)
        }
        return V5.Publish(try Publish(bytes, &fields, flags: header.flags))
      }
    } catch {
      return .event(fail(.malformed(error)))
    }
    var alias: UInt16 = 0
    switch resolve(message) {
    case .none: break
    case .alias(let number): alias = number
    case .fault(let fault): return .event(fail(fault))
    }
    var way = options.largeMessages == .stream ? LargeMessage.Way.stream : .skip
    switch admit(message.packetID, message.qos) {
    case .new: break
    case .repeated: way = .repeated
    case .later: return .idle
    case .fault(let fault): return .event(fail(fault))
    }
    let rest = header.packetSize - headBytes
    large = LargeMessage(
      packetBytes: header.packetSize, qos: message.qos, packetID: message.packetID, way: way,
      rest: rest)
    progress = nil
    expectMore(at: now)
    guard way == .stream else {
      input.consume(headBytes)
      return takeLarge(at: now)
    }
    counters.messagesReceived &+= 1
    lent = Lent(packetBytes: headBytes, alias: alias)
    let incoming = IncomingMessage(
      topic: message.topic, properties: message.properties, payload: message.payload,
      packetID: message.packetID, qos: message.qos, retain: message.retain, dup: message.dup)
    return .event(.largeMessage(incoming, payloadBytes: rest))
  }

  /// Takes what has come of the message that goes by.
  mutating func takeLarge(at now: Instant) -> Turn {
    guard var message = large else { return .handled }
    input.drop(&message.topic)
    if message.topic == 0 && message.lacksPacketID && input.count >= 2 {
      message.packetID = input.withBytes { bytes in UInt16(bytes[0]) &<< 8 | UInt16(bytes[1]) }
      guard message.packetID != 0 else { return .event(fail(.malformed(.invalidPacketID))) }
      // After DISCONNECT nothing is answered any more.
      if isOnline {
        switch admit(message.packetID, message.qos) {
        case .new: break
        case .repeated: message.way = .repeated
        case .later:
          message.packetID = 0
          large = message
          return .idle
        case .fault(let fault): return .event(fail(fault))
        }
      }
      message.lacksPacketID = false
      input.consume(2)
    }
    let isAtRest = message.topic == 0 && !message.lacksPacketID
    if isAtRest && message.way == .stream { return nextPiece(message, at: now) }
    if isAtRest { input.drop(&message.rest) }
    large = message
    guard isAtRest, message.rest == 0 else {
      expectMore(at: now)
      return .idle
    }
    return endSkipped(message)
  }

  private mutating func nextPiece(_ message: LargeMessage, at now: Instant) -> Turn {
    guard input.count > 0 else {
      expectMore(at: now)
      return .idle
    }
    var message = message
    let piece = Field(offset: 0, count: min(message.rest, input.count))
    message.rest -= piece.count
    lent = Lent(packetBytes: piece.count)
    let isLast = message.rest == 0
    large = isLast ? nil : message
    if isLast {
      progress = nil
      acknowledgeLater(message.packetID, message.qos)
    } else {
      expectMore(at: now)
    }
    return .event(.payloadPiece(piece, isLast: isLast))
  }

  private mutating func endSkipped(_ message: LargeMessage) -> Turn {
    progress = nil
    guard message.qos == .atMostOnce || canAnswer else { return .idle }
    large = nil
    guard message.way == .skip else { return .handled }
    counters.oversizedSkipped &+= 1
    if options.acknowledgesByHand {
      // Nobody else will; after DISCONNECT it waits for the message to come again.
      try? acknowledge(message.packetID)
    } else if isOnline {
      acknowledge(message.packetID, message.qos)
    }
    return .event(.skipped(packetBytes: message.packetBytes))
  }

  /// Passes over the message that `largeMessage` has just told of: no pieces follow, but `skipped`.
  public mutating func skipLarge() {
    if large?.way == .stream { large?.way = .skip }
  }

  /// The connection is gone in the middle of a message: it was not handed over, and is new when it
  /// comes again. One that the owner has answered in the meantime is not.
  mutating func forgetUnfinished() {
    guard let message = large, message.way != .repeated else { return }
    _ = received.take(message.packetID) { $0.stage == .handed }
  }

  /// How much of the packet comes before the payload.
  private static func head(
    of bytes: Span<UInt8>, _ level: ProtocolLevel, packetBytesMax: Int, capacity: Int
  ) throws(DecodeError) -> Head {
    guard let header = try FixedHeader.decode(bytes, from: .server, level: level) else {
      return .unknown
    }
    guard header.type == .publish, header.packetSize <= packetBytesMax else {
      throw .packetTooLarge
    }
    guard bytes.count >= header.size + 2 else { return .unknown }
    let topic = Int(bytes[header.size]) &<< 8 | Int(bytes[header.size + 1])
    let before = header.size + 2
    var end = before + topic + (header.flags & 0b0110 == 0 ? 0 : 2)
    guard end <= header.packetSize else { throw .malformedBody }
    guard end + 4 < capacity else { return .unseen(topic: topic, before: before, header) }
    guard level.isV5 else {
      return bytes.count >= end ? .fits(end, header) : .unknown
    }
    // The length of the properties takes up to four bytes.
    guard bytes.count >= end + 4 else { return .unknown }
    var fields = FieldReader(offset: end, end: header.packetSize)
    let properties = Int(try fields.variable(in: bytes))
    end = fields.offset + properties
    guard end <= header.packetSize else { throw .malformedBody }
    guard end < capacity else { return .unseen(topic: topic, before: before, header) }
    return bytes.count >= end ? .fits(end, header) : .unknown
  }
}

extension V5.Publish {
  /// A message of a version without properties.
  fileprivate init(_ publish: Publish) {
    self.init(
      packetID: publish.packetID, qos: publish.qos, retain: publish.retain, dup: publish.dup,
      topic: publish.topic,
      properties: V5.Properties(noneAt: publish.payload.offset), payload: publish.payload)
  }
}

extension ByteQueue {
  /// Drops up to `count` bytes and takes them off `count`.
  fileprivate mutating func drop(_ count: inout Int) {
    let now = min(count, self.count)
    consume(now)
    count -= now
  }
}
