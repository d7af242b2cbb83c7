import Core

extension ClientSession {
  /// A message that the owner is looking at. Its PUBACK or PUBREC follows once it was handed over.
  struct Lent: BitwiseCopyable {
    var packetBytes: Int
    var packetID: UInt16
    var qos: QoS
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
  var canAnswer: Bool { output.freeCapacity >= 2 * Acknowledgement.size + 2 * BarePacket.size }

  /// Bytes that `receive` has room for; when 0, take `nextEvent` or send the output first.
  public var receiveCapacity: Int { input.freeCapacity }

  /// Takes what the transport has brought: `fill` reads into the free space that it is given.
  public mutating func receive(at now: Instant, _ fill: (inout OutputSpan<UInt8>) -> Void) {
    if case .closed = state { preconditionFailure("without a transport nothing is received") }
    let before = input.count
    input.append { out in fill(&out) }
    let count = input.count - before
    guard count > 0 else { return }
    counters.bytesReceived &+= UInt64(wide: count)
    keepAlive.received(at: now)
  }

  /// The next event; nil when there is none before more bytes, more time or a sent output.
  ///
  /// A message from the event before counts as handled now.
  public mutating func nextEvent(at now: Instant) -> SessionEvent? {
    messageHandled()
    while true {
      switch state {
      case .closed, .ended: return nil
      case .connecting, .online, .leaving: break
      }
      switch skip == nil ? takePacket(at: now) : skipOn() {
      case .event(let event): return event
      case .handled: break
      case .idle: return timeOut(at: now)
      }
    }
  }

  /// Lends the message of the last event. Only until the next `nextEvent` or `messageHandled`.
  public func withMessage<R, E: Error>(
    _ message: IncomingMessage,
    _ body: (_ topic: Span<UInt8>, _ payload: Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    precondition(lent != nil, "a message is lent until the next event")
    return try input.withBytes { (bytes) throws(E) in
      try body(bytes[message.topic], bytes[message.payload])
    }
  }

  /// The last message was handled: acknowledges it. `nextEvent` does so too.
  public mutating func messageHandled() {
    guard let message = lent else { return }
    lent = nil
    input.consume(message.packetBytes)
    // After DISCONNECT nothing more is sent (section 3.14.4): the message stays the server's.
    guard isOnline else { return }
    acknowledge(message.packetID, message.qos)
  }

  /// Answers a message that was received; `canAnswer` held when it was taken.
  mutating func acknowledge(_ packetID: UInt16, _ qos: QoS) {
    switch qos {
    case .atMostOnce: break
    case .atLeastOnce: answer(.publishAck, packetID)
    case .exactlyOnce: answer(.publishReceived, packetID)
    }
  }

  mutating func answer(_ packet: Acknowledgement, _ packetID: UInt16, dup: Bool = false) {
    let level = options.level
    write { (out) throws(EncodeError) in
      try packet.encode(level: level, packetID: packetID, dup: dup, into: &out)
    }
  }

  /// Takes the packet at the front of the input.
  private mutating func takePacket(at now: Instant) -> Turn {
    let level = options.level
    let limit = input.capacity
    let decoded: Packet.Decoded?
    do throws(DecodeError) {
      decoded = try input.withBytes { (bytes) throws(DecodeError) in
        try Packet.decode(bytes, from: .server, level: level, packetBytesMax: limit)
      }
    } catch {
      if case .leaving = state {
        // Nothing is at stake any more but the DISCONNECT in the output.
        state = .ended
        return .idle
      }
      if error == .packetTooLarge && isOnline { return startSkip(at: now) }
      return .event(fail(.malformed(error)))
    }
    guard let decoded else {
      if input.count > 0 { expectPacket(of: packetSize() ?? 0, at: now) }
      return .idle
    }
    packetCompleted()
    switch state {
    case .connecting: return connectAnswered(decoded, at: now)
    case .online: return handle(decoded)
    case .leaving: return handleLate(decoded)
    case .closed, .ended: return .idle
    }
  }

  /// Sets the time by which a packet that has begun must be whole. Progress does not move it; its
  /// announced size does, so that a large packet over a slow link is not taken for a trickle.
  mutating func expectPacket(of size: Int, at now: Instant) {
    if packetSince == .never { packetSince = now }
    let bySize = Interval.seconds(Int64(wide: size / Self.trickleBytesPerSecond))
    packetBy = packetSince + options.replyTimeout * Self.packetPatience + bySize
  }

  /// A packet has this many reply time-outs from its first byte on ...
  static var packetPatience: Int64 { 3 }
  /// ... and a second more for each so many bytes: a quarter of 9,600 bit/s.
  static var trickleBytesPerSecond: Int { 300 }

  private func packetSize() -> Int? {
    let level = options.level
    return try? input.withBytes { (bytes) throws(DecodeError) in
      try FixedHeader.decode(bytes, from: .server, level: level)?.packetSize
    }
  }

  /// The first packet must be CONNACK (section 3.2).
  private mutating func connectAnswered(_ decoded: Packet.Decoded, at now: Instant) -> Turn {
    guard case .connectAck(let answer) = decoded.packet else {
      return .event(fail(.protocolViolation))
    }
    input.consume(decoded.size)
    guard answer.returnCode == .accepted else {
      state = .ended
      return .event(.refused(answer.returnCode))
    }
    // Section 3.2.2.2: without a session asked for, none is present.
    guard !(options.cleanSession && answer.sessionPresent) else {
      return .event(fail(.protocolViolation))
    }
    let isPresent = answer.sessionPresent || (options.level == .v31 && !options.cleanSession)
    if !isPresent { forget() }
    resendIndex = 0
    keepAlive = KeepAlive(
      seconds: options.keepAlive, replyTimeout: options.replyTimeout, at: now)
    state = .online
    return .event(.connected(sessionPresent: isPresent))
  }

  /// A packet while online. Consumes it, unless its answer has no room yet.
  private mutating func handle(_ decoded: Packet.Decoded) -> Turn {
    let turn: Turn
    switch decoded.packet {
    case .publish(let publish): return take(publish, packetBytes: decoded.size)
    case .publishAck(let id): turn = settle(id, .publishedOnce)
    case .publishComplete(let id): turn = settle(id, .released)
    case .publishReceived(let id):
      guard canAnswer else { return .idle }
      turn = release(id)
    case .publishRelease(let id):
      guard canAnswer else { return .idle }
      if !received.remove(id, .received) { counters.unsolicited &+= 1 }
      // An identifier that is not known is answered too, or the server would ask for ever.
      answer(.publishComplete, id)
      turn = .handled
    case .subscribeAck(let answer): turn = subscribed(answer)
    case .unsubscribeAck(let id):
      let isKnown = requests.remove(id, .unsubscribe)
      turn = isKnown ? .event(.unsubscribed(packetID: id)) : unsolicited()
    case .pingResponse: turn = .handled
    case .connect, .connectAck, .subscribe, .unsubscribe, .pingRequest, .disconnect:
      return .event(fail(.protocolViolation))
    }
    input.consume(decoded.size)
    return turn
  }

  /// After DISCONNECT: acknowledgements still tell what the owner's store can let go of.
  private mutating func handleLate(_ decoded: Packet.Decoded) -> Turn {
    input.consume(decoded.size)
    switch decoded.packet {
    case .publishAck(let id): return settle(id, .publishedOnce)
    case .publishComplete(let id): return settle(id, .released)
    default: return .handled
    }
  }

  /// Hands a message over, or answers a QoS 2 one that was handed over before.
  private mutating func take(_ publish: Publish, packetBytes: Int) -> Turn {
    guard publish.qos == .atMostOnce || canAnswer else { return .idle }
    if publish.qos == .exactlyOnce {
      if received[publish.packetID] != nil {
        counters.duplicates &+= 1
        input.consume(packetBytes)
        answer(.publishReceived, publish.packetID)
        return .handled
      }
      guard !received.isFull else { return .event(fail(.receivedFull)) }
      received.insert(publish.packetID, .received)
    }
    counters.messagesReceived &+= 1
    lent = Lent(packetBytes: packetBytes, packetID: publish.packetID, qos: publish.qos)
    let message = IncomingMessage(
      topic: publish.topic, payload: publish.payload, qos: publish.qos, retain: publish.retain,
      dup: publish.dup)
    return .event(.message(message))
  }

  /// PUBACK or PUBCOMP: the message that was at `stage` is done.
  private mutating func settle(_ packetID: UInt16, _ stage: InflightWindow.Stage) -> Turn {
    guard let index = inflight.index(of: packetID), inflight[index].stage == stage else {
      return unsolicited()
    }
    let token = inflight[index].token
    inflight.remove(at: index)
    if index < resendIndex { resendIndex -= 1 }
    counters.messagesAcknowledged &+= 1
    return .event(.acknowledged(token: token))
  }

  /// PUBREC: PUBREL follows, also for what is not known here (section 4.3.3 lets the server wait
  /// for it).
  private mutating func release(_ packetID: UInt16) -> Turn {
    if let index = inflight.index(of: packetID), inflight[index].stage != .publishedOnce {
      inflight[index].stage = .released
    } else {
      counters.unsolicited &+= 1
    }
    answer(.publishRelease, packetID)
    return .handled
  }

  private mutating func subscribed(_ answer: SubscribeAck) -> Turn {
    guard requests.remove(answer.packetID, .subscribe) else { return unsolicited() }
    // Each request has one filter.
    guard answer.codes.count == 1 else { return .event(fail(.protocolViolation)) }
    let code = input.withBytes { bytes in answer.code(0, in: bytes) }
    return .event(.subscribed(packetID: answer.packetID, code))
  }

  private mutating func unsolicited() -> Turn {
    counters.unsolicited &+= 1
    return .handled
  }

  /// What is due when the input has nothing more to say.
  private mutating func timeOut(at now: Instant) -> SessionEvent? {
    switch state {
    case .connecting(let until): return now >= until ? fail(.connectTimedOut) : nil
    case .online: break
    case .closed, .leaving, .ended: return nil
    }
    if now >= packetBy { return fail(.packetTimedOut) }
    switch keepAlive.step(at: now) {
    case .wait: break
    case .timedOut: return fail(.pingTimedOut)
    case .ping: ping()
    }
    return nil
  }

  /// Writes PINGREQ, unless one waits in the output already.
  private mutating func ping() {
    guard unsentPing == 0, output.freeCapacity >= 2 * BarePacket.size else { return }
    let level = options.level
    write { (out) throws(EncodeError) in
      try BarePacket.pingRequest.encode(level: level, into: &out)
    }
    unsentPing = output.count
    counters.pings &+= 1
  }
}
