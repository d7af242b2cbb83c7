import Core

/// How bytes of the transport become events.
extension ClientSession {
  /// A packet that the owner is looking at. The PUBACK or PUBREC of a message follows once it was
  /// handed over.
  struct Lent: BitwiseCopyable {
    var packetBytes: Int
    /// Of a message that is acknowledged when it was handed over; 0 for none.
    var packetID: UInt16 = 0
    var qos = QoS.atMostOnce
    /// The alias that stands for the topic of a message; 0 for none.
    var alias: UInt16 = 0
  }

  /// What came of looking at the front of the input.
  enum Turn: BitwiseCopyable {
    case event(SessionEvent)
    /// Something was done that concerns nobody; look again.
    case handled
    /// More bytes are needed, or more room in the output.
    case idle
  }

  /// True when there is room for an answer and, behind it, for that of the message that is lent,
  /// for PINGREQ and for DISCONNECT.
  @inline(never)
  var canAnswer: Bool {
    output.freeCapacity >= 2 * (Acknowledgement.size + reasonBytes) + BarePacket.size
      + disconnectBytesMax
  }

  /// Bytes of a DISCONNECT with a reason.
  private var disconnectBytesMax: Int { BarePacket.size + reasonBytes }

  /// Bytes of a reason code, which 5.0 has.
  private var reasonBytes: Int { options.level.isV5 ? 1 : 0 }

  /// Bytes that `receive` has room for; when 0, take `nextEvent` or send the output first.
  public var receiveCapacity: Int { input.freeCapacity }

  /// True without a transport: nothing may be received.
  public var isClosed: Bool { if case .closed = state { true } else { false } }

  /// Takes what the transport has brought: `fill` reads into the free space that it is given.
  public mutating func receive(at now: Instant, _ fill: (inout OutputSpan<UInt8>) -> Void) {
    precondition(!isClosed, "without a transport nothing is received")
    let before = input.count
    input.append { out in fill(&out) }
    let count = input.count - before
    guard count > 0 else { return }
    counters.bytesReceived &+= UInt64(wide: count)
    keepAlive.received(at: now)
    if options.watchesAnswers { answers.received(at: now) }
  }

  /// The next event; nil when there is none before more bytes, more time or a sent output.
  ///
  /// A message from the event before counts as handled now.
  public mutating func nextEvent(at now: Instant) -> SessionEvent? {
    if lent != nil { messageHandled() }
    if options.acknowledgesByHand { answerInOrder() }
    if let answered = takeExpectedAck(at: now) { return .acknowledged(answered) }
    return nextOfAnyKind(at: now)
  }

  /// The hot path: PUBACK without a reason, the same four bytes in every version, for the oldest
  /// message under way. Nil when it is anything else that waits. No server is told a Maximum Packet
  /// Size below them and is heard still, for its CONNACK was longer.
  @inline(__always)
  private mutating func takeExpectedAck(at now: Instant) -> Answered? {
    guard isOnline, large == nil,
      let packet = input.firstFour, packet &>> 16 == Self.publishAckWithoutReason,
      let entry = inflight.first, entry.packetID == UInt16(truncatingIfNeeded: packet),
      entry.qos == .atLeastOnce, entry.stage == .published
    else { return nil }
    input.consume(Acknowledgement.size)
    progress = nil
    inflight.removeFirst()
    // It may have been sent over an earlier connection only.
    sentCount = max(0, sentCount &- 1)
    counters.messagesAcknowledged &+= 1
    if options.watchesAnswers { answers.answered(entry.packetID, at: now) }
    return Answered(
      token: entry.token, packetID: entry.packetID, qos: .atLeastOnce, code: 0,
      properties: V5.Properties(noneAt: Acknowledgement.size))
  }

  /// The first two bytes of that.
  private static var publishAckWithoutReason: UInt32 {
    UInt32(PacketType.publishAck.firstByte) &<< 8 | 2
  }

  @inline(never)
  private mutating func nextOfAnyKind(at now: Instant) -> SessionEvent? {
    while true {
      switch state {
      case .closed, .ended: return nil
      case .connecting, .online, .leaving: break
      }
      // The usual end of a turn needs no decoder either.
      guard input.count > 0 || large != nil else { return timeOut(at: now) }
      switch large == nil ? takePacket(at: now) : takeLarge(at: now) {
      case .event(let event): return event
      case .handled: break
      case .idle: return timeOut(at: now)
      }
    }
  }

  /// Lends topic and payload of the last event's message. Only until the next `nextEvent` or
  /// `messageHandled`.
  public func withMessage<R, E: Error>(
    _ message: IncomingMessage,
    _ body: (_ topic: Span<UInt8>, _ payload: Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    guard let lent else { preconditionFailure("a message is lent until the next event") }
    return try input.withBytes { (bytes) throws(E) in
      guard lent.alias != 0 else { return try body(bytes[message.topic], bytes[message.payload]) }
      return try inbound.withTopic(of: lent.alias) { (topic) throws(E) in
        try body(topic, bytes[message.payload])
      }
    }
  }

  /// Lends the packet of the last event, which its fields and properties point into. Only until the
  /// next `nextEvent` or `messageHandled`; no bytes when the event has nothing to be read.
  public func withPacket<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
    let count = lent?.packetBytes ?? 0
    return try input.withBytes { (bytes) throws(E) in try body(bytes.extracting(0..<count)) }
  }

  /// The last event was handled: its packet is let go of and, unless the owner acknowledges by hand,
  /// its message is acknowledged. `nextEvent` does so too.
  public mutating func messageHandled() {
    guard let packet = lent else { return }
    lent = nil
    input.consume(packet.packetBytes)
    // After DISCONNECT nothing more is sent (section 3.14.4): the message stays the server's.
    guard packet.packetID != 0, isOnline else { return }
    acknowledge(packet.packetID, packet.qos)
  }

  /// Takes the packet at the front of the input.
  private mutating func takePacket(at now: Instant) -> Turn {
    let limit = min(input.capacity, own.packetBytesMax ?? .max)
    if options.level.isV5 && !hasOldConnectAck {
      let isVerbose = own.problemInformation
      let decoded: V5.Packet.Decoded?
      do throws(DecodeError) {
        decoded = try input.withBytes { (bytes) throws(DecodeError) in
          try V5.Packet.decode(
            bytes, from: .server, packetBytesMax: limit, problemInformation: isVerbose)
        }
      } catch {
        return undecodable(error, at: now)
      }
      guard let decoded else { return incomplete(at: now) }
      progress = nil
      return handle(decoded, at: now)
    }
    let level = options.level.isV5 ? .v311 : options.level
    let decoded: Packet.Decoded?
    do throws(DecodeError) {
      decoded = try input.withBytes { (bytes) throws(DecodeError) in
        try Packet.decode(bytes, from: .server, level: level, packetBytesMax: limit)
      }
    } catch {
      return undecodable(error, at: now)
    }
    guard let decoded else { return incomplete(at: now) }
    progress = nil
    return handle(decoded, at: now)
  }

  /// A server that does not know 5.0 says so in CONNACK as 3.1.1 has it: two bytes of body, which no
  /// CONNACK of 5.0 has.
  private var hasOldConnectAck: Bool {
    guard state == .connecting, input.count >= 2 else { return false }
    return input.withBytes { bytes in
      bytes[0] == PacketType.connectAck.firstByte && bytes[1] == 2
    }
  }

  private mutating func undecodable(_ error: DecodeError, at now: Instant) -> Turn {
    if case .leaving = state {
      // Nothing is at stake any more but the DISCONNECT in the output.
      state = .ended
      return .idle
    }
    guard error == .packetTooLarge, isOnline else { return .event(fail(.malformed(error))) }
    return beginLarge(at: now)
  }

  private mutating func incomplete(at now: Instant) -> Turn {
    if input.count > 0 { expectMore(at: now) }
    return .idle
  }

  /// What is due when the input has nothing more to say.
  private mutating func timeOut(at now: Instant) -> SessionEvent? {
    switch state {
    case .connecting: if now >= connectBy { return fail(.connectTimedOut) }
    case .online: break
    case .closed, .leaving, .ended: return nil
    }
    if let progress, now >= progress.deadline { return fail(.packetTimedOut) }
    guard isOnline else { return nil }
    if let fault = transportFault(at: now) { return fail(fault) }
    return nil
  }

  /// Writes PINGREQ, unless one waits in the output already.
  mutating func ping() {
    guard unsentPing == 0, output.freeCapacity >= BarePacket.size + disconnectBytesMax else {
      return
    }
    // The same two bytes in every version.
    write { (out) throws(EncodeError) in
      try BarePacket.pingRequest.encode(level: .v311, into: &out)
    }
    unsentPing = output.count
    counters.pings &+= 1
    answers.delivery.setMark()
    watch(0)
  }
}

/// How a packet that has begun comes along.
///
/// It is given `ConnectOptions.packetTimeout`, and again as much for each so many bytes that have come:
/// a large packet over a slow link is no trickle, one that was announced and does not come is.
struct PacketProgress: BitwiseCopyable {
  /// When more of it must have come.
  var deadline: Instant
  /// Bytes received, over all connections, at which the deadline moves on.
  var bytesMark: UInt64

  /// The slowest that counts as coming along, in bytes a second: a quarter of 9,600 bit/s.
  static var bytesPerSecond: Int64 { 300 }
}

extension ClientSession {
  /// Sets the time by which a packet that has begun must go on.
  mutating func expectMore(at now: Instant) {
    let patience = options.packetTimeout
    if let progress, counters.bytesReceived < progress.bytesMark { return }
    let bytes = UInt64(bitPattern: patience.milliseconds * PacketProgress.bytesPerSecond / 1_000)
    progress = PacketProgress(
      deadline: now + patience, bytesMark: counters.bytesReceived &+ max(1, bytes))
  }
}
