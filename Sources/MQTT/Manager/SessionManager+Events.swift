import Core

/// How what has happened, and time, become events.
extension SessionManager {
  /// The next event; nil when there is none before more bytes, more time or a sent output.
  public mutating func nextEvent(at now: Instant) -> ManagerEvent? {
    session.messageHandled()
    while true {
      if let drop = drops.take() { return .dropped(drop) }
      if let event = pending {
        pending = nil
        return event
      }
      if let ending {
        self.ending = nil
        finish(ending, at: now)
        continue
      }
      if let failed = book.takeFailed() {
        return .notAsked(tag: failed.tag, failed.error)
      }
      if let event = step(at: now) { return event }
      if pending == nil && ending == nil && drops.isEmpty && !book.hasFailed { return nil }
    }
  }

  /// Lends topic and payload of the last event's message.
  public func withMessage<R, E: Error>(
    _ message: IncomingMessage,
    _ body: (_ topic: Span<UInt8>, _ payload: Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    try session.withMessage(message, body)
  }

  /// Lends the packet of the last event.
  public func withPacket<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
    try session.withPacket(body)
  }

  private mutating func step(at now: Instant) -> ManagerEvent? {
    switch state {
    case .idle, .opening: break
    case .waiting(let until):
      if until <= now { beginAttempt() }
    case .connecting, .online, .draining:
      if let event = take(at: now) { return event }
      guard pending == nil, ending == nil else { return nil }
      if isTransportGone {
        end(.transport, at: now)
        return nil
      }
      pump(at: now)
      drainOn(at: now)
    case .leaving(let until):
      if let event = take(at: now) { return event }
      if isTransportGone || until <= now { end(.asked, at: now) }
    case .flushing(let cause, let until):
      if isTransportGone || !session.hasOutput || until <= now { ending = cause }
    }
    guard pending == nil, ending == nil else { return nil }
    dropExpired(at: now)
    return nil
  }

  /// The next event of the session; nil when it has none, or when it led to an end or to nothing
  /// that anybody has to know.
  private mutating func take(at now: Instant) -> ManagerEvent? {
    if let tag = marks.takeSent(session.counters.bytesSent) {
      return .published(
        ManagerEvent.Published(
          tag: tag, packetID: 0, qos: .atMostOnce, code: 0, properties: V5.Properties(noneAt: 0)))
    }
    while let event = session.nextEvent(at: now) {
      if let event = translate(event, at: now) { return event }
      if pending != nil || ending != nil { return nil }
      if case .flushing = state { return nil }
    }
    return nil
  }

  private mutating func translate(_ event: SessionEvent, at now: Instant) -> ManagerEvent? {
    switch event {
    case .connected(let isPresent, let properties):
      state = .online(since: now)
      isGuess = false
      connection &+= 1
      connectionCount &+= 1
      bytesAtConnect = session.counters.bytesReceived
      // 3.1 does not say whether there is a session.
      book.connectionOpened(sessionPresent: isPresent && level != .v31)
      return .connected(sessionPresent: isPresent, properties: properties)
    case .refused(let refusal, let properties):
      return told(.refused(refusal), properties, at: now)
    case .disconnected(let disconnect):
      return told(.disconnected(disconnect.reason), disconnect.properties, at: now)
    case .failed(let fault): return told(.session(fault), V5.Properties(noneAt: 0), at: now)
    case .message(let message): return .message(message)
    case .largeMessage(let message, let bytes):
      return .largeMessage(message, payloadBytes: bytes)
    case .payloadPiece(let piece, let isLast): return .payloadPiece(piece, isLast: isLast)
    case .skipped(let bytes): return .skipped(packetBytes: bytes)
    case .authenticate(let step): return .authenticate(step)
    case .acknowledged(let answered): return settle(answered)
    case .received(let answered):
      guard store.contains(answered.token), store[answered.token].state == .owed else {
        return nil
      }
      return .received(published(answered))
    case .subscribed(let granted):
      guard let index = book.asked(granted.packetID) else { return .subscribed(granted) }
      let isGranted = session.withPacket { bytes in bytes[granted.codes][0] < 0x80 }
      let tag = book[index].tag
      if isGranted {
        book[index].state = .granted
      } else {
        book[index] = SubscriptionBook.Entry()
      }
      return .granted(tag: tag, granted)
    case .unsubscribed(let granted): return .unsubscribed(granted)
    }
  }

  private mutating func settle(_ answered: Answered) -> ManagerEvent? {
    guard store.contains(answered.token) else { return nil }
    let wasDropped = store[answered.token].state == .abandoned
    let published = published(answered)
    store.remove(answered.token)
    return wasDropped ? nil : .published(published)
  }

  private func published(_ answered: Answered) -> ManagerEvent.Published {
    let entry = store[answered.token]
    return ManagerEvent.Published(
      tag: entry.tag, packetID: entry.packetID, qos: answered.qos, code: answered.code,
      properties: answered.properties)
  }

  // MARK: The end

  /// The connection has come to its end by something whose properties the owner can still read.
  private mutating func told(
    _ cause: ConnectionEnd, _ properties: V5.Properties, at now: Instant
  ) -> ManagerEvent {
    let wasOnline = wasOnline
    endedConnecting = state == .connecting
    noteStability(at: now)
    close(cause, wasOnline: wasOnline, at: now)
    return .ended(cause, wasOnline: wasOnline, properties: properties)
  }

  /// The connection has come to its end.
  mutating func end(_ cause: ConnectionEnd, at now: Instant) {
    pending = told(cause, V5.Properties(noneAt: 0), at: now)
  }

  /// Lets a last DISCONNECT leave if there is one, and then the transport go.
  private mutating func close(_ cause: ConnectionEnd, wasOnline: Bool, at now: Instant) {
    let isWorthWaiting =
      wasOnline && cause != .aborted && cause != .asked && cause != .transport
    if isWorthWaiting, session.hasOutput, !isTransportGone {
      state = .flushing(cause, until: now + options.closeTimeout)
    } else {
      ending = cause
    }
  }

  private var wasOnline: Bool {
    switch state {
    case .online, .draining, .leaving: true
    case .idle, .waiting, .opening, .connecting, .flushing: false
    }
  }

  private mutating func noteStability(at now: Instant) {
    switch state {
    case .online(let since):
      let hasBrought = session.counters.bytesReceived > bytesAtConnect
      if now - since >= options.stableAfter && hasBrought {
        backoff.reset()
        shortConnections = 0
      } else {
        shortConnections &+= 1
      }
    case .draining, .leaving: shortConnections = 0
    case .idle, .waiting, .opening, .connecting, .flushing: break
    }
  }

  /// Lets go of the transport, and says what comes next.
  private mutating func finish(_ cause: ConnectionEnd, at now: Instant) {
    if let tag = marks.takeOldest() {
      // One at a time, and then the end again.
      pending = .dropped(
        ManagerEvent.Dropped(tag: tag, packetID: 0, reason: .connectionLost))
      ending = cause
      droppedCount &+= 1
      return
    }
    session.closed()
    isTransportGone = true
    action = .close
    if connectsNext {
      connectsNext = false
      isWanted = true
      return beginAttempt()
    }
    guard isWanted, options.reconnects else {
      state = .idle
      isWanted = false
      return
    }
    if endedConnecting { chooseLevel(after: cause) }
    if let lower = fellBack {
      fellBack = nil
      state = .waiting(until: now + Backoff.floor)
      pending = .fallingBack(to: lower)
      return
    }
    let wait =
      cause.isPermanent ? backoff.nextAfterRefusal(&chance) : backoff.next(&chance)
    state = .waiting(until: now + wait)
    pending = .retrying(after: wait, attempt: backoff.attempts)
  }

  /// Goes on with the version before where the server does not speak this one. Some servers close
  /// the connection instead of saying so: then the next attempt, and only that, tries the version
  /// before.
  private mutating func chooseLevel(after cause: ConnectionEnd) {
    guard options.fallsBack else { return }
    let lower: ProtocolLevel? =
      switch level {
      case .v50: .v311
      case .v311: .v31
      case .v31: nil
      }
    if case .refused(let refusal) = cause, refusal.isUnsupportedVersion {
      isGuess = false
      guard let lower else {
        // It speaks none of them now; another time it may, from the first on.
        level = options.connect.level
        return
      }
      level = lower
      fellBack = lower
    } else if isGuess {
      level = options.connect.level
      isGuess = false
    } else if cause == .transport, level.isV5 {
      level = .v311
      isGuess = true
    }
  }
}
