import Core

/// How what is owed to the server leaves, or is given up.
extension SessionManager {
  /// Sends what waits, as far as there is room: subscriptions first, then messages in their order.
  mutating func pump(at now: Instant) {
    guard session.isOnline else { return }
    while let index = book.firstWanted {
      do throws(RequestError) {
        book[index].state = .asked(try Self.subscribe(book, index, &session))
      } catch {
        switch error {
        case .windowFull, .bufferFull, .notConnected: return
        case .packetTooLarge, .invalidFilter, .invalidOptions, .invalidProperties,
          .wildcardsNotSupported, .sharedNotSupported, .identifiersNotSupported,
          .unsupportedLevel:
          book.fail(index, error)
        }
      }
    }
    while !drops.isFull, let next = session.nextResend() {
      guard send(next, at: now) else { return }
    }
  }

  private static func subscribe(
    _ book: borrowing SubscriptionBook, _ index: Int, _ session: inout ClientSession
  ) throws(RequestError) -> UInt16 {
    let isV5 = session.level.isV5
    let wanted = book[index].options
    return try book.withEntry(index) { (filter, properties) throws(RequestError) in
      try session.subscribe(
        filter: filter, options: isV5 ? wanted : V5.SubscriptionOptions(qos: wanted.qos),
        properties: isV5 ? properties : Span())
    }
  }

  /// False when there is no room for now.
  private mutating func send(_ next: Resend, at now: Instant) -> Bool {
    let number = next.token
    guard store[number].state == .owed else {
      // It was told as dropped, and the server has lost the session in which it had to answer.
      session.giveUp(next)
      if !(next.qos == .exactlyOnce && next.isRepeat) { store.remove(number) }
      return true
    }
    guard store[number].expiresAt > now else {
      giveUp(next, .expired)
      return true
    }
    store.updateExpiry(number, at: now)
    if store[number].connection != connection || next.isRepeat { store.removeAlias(number) }
    do throws(PublishError) {
      try Self.send(next, store, &session)
      return true
    } catch {
      switch error {
      case .bufferFull, .windowFull, .notConnected: return false
      case .packetTooLarge, .invalidTopic, .qosNotSupported, .retainNotSupported,
        .invalidTopicAlias, .invalidProperties:
        giveUp(next, .unsendable(error))
        return true
      }
    }
  }

  private static func send(
    _ next: Resend, _ store: borrowing MessageStore, _ session: inout ClientSession
  ) throws(PublishError) {
    let entry = store[next.token]
    // A message that was made for 5.0 goes without its properties where the server has none.
    let hasProperties = session.level.isV5
    try store.withMessage(next.token) { (topic, properties, payload) throws(PublishError) in
      try session.resend(
        next, topic: entry.omitsTopic ? topic.extracting(0..<0) : topic,
        properties: hasProperties ? properties : Span(), payload: payload, retain: entry.retain)
    }
  }

  /// The message that is next will not be sent. At QoS 2 the server may still have to let go of it.
  private mutating func giveUp(_ next: Resend, _ reason: ManagerEvent.Dropped.Reason) {
    let staysUnderWay = next.qos == .exactlyOnce && next.isRepeat
    session.giveUp(next)
    tellDropped(next.token, reason)
    if staysUnderWay {
      store[next.token].state = .abandoned
      store[next.token].expiresAt = .never
    } else {
      store.remove(next.token)
    }
  }

  /// A message that was never sent is dropped.
  mutating func drop(_ number: UInt32, _ reason: ManagerEvent.Dropped.Reason) {
    guard session.withdraw(token: number) else { return }
    if store[number].state == .owed { tellDropped(number, reason) }
    store.remove(number)
  }

  /// Takes back a message at QoS 1 or 2 that was never sent. False when it was, or when there is no
  /// message of this tag; else nothing more is told of it.
  public mutating func withdraw(tag: UInt64) -> Bool {
    guard let number = store.number(of: tag), session.withdraw(token: number) else { return false }
    store.remove(number)
    return true
  }

  /// Gives up a message at QoS 1 or 2, sent or not: no later connection brings it, and nothing more is
  /// told of it. False when there is no message of this tag.
  public mutating func giveUp(tag: UInt64) -> Bool {
    guard let number = store.number(of: tag) else { return false }
    if session.withdraw(token: number) {
      store.remove(number)
    } else {
      store[number].state = .abandoned
      store[number].expiresAt = .never
    }
    return true
  }

  /// True while the message of `tag` was sent over the present connection, or the one that has just
  /// ended, and the server has not answered for good.
  public func wasSentHere(tag: UInt64) -> Bool {
    guard let number = store.number(of: tag) else { return false }
    return session.wasSentHere(token: number)
  }

  private mutating func tellDropped(_ number: UInt32, _ reason: ManagerEvent.Dropped.Reason) {
    let entry = store[number]
    droppedCount &+= 1
    drops.append(
      ManagerEvent.Dropped(tag: entry.tag, packetID: entry.packetID, reason: reason))
  }

  /// Drops what has waited for too long, in any state.
  mutating func dropExpired(at now: Instant) {
    while expiryDue <= now, !drops.isFull {
      var earliest = Instant.never
      if let number = Self.firstExpired(session, store, at: now, &earliest) {
        drop(number, .expired)
      } else {
        expiryDue = earliest
      }
    }
  }

  private static func firstExpired(
    _ session: borrowing ClientSession, _ store: borrowing MessageStore, at now: Instant,
    _ earliest: inout Instant
  ) -> UInt32? {
    session.firstWaiting { number in
      let expiresAt = store[number].expiresAt
      if expiresAt > now { earliest = min(earliest, expiresAt) }
      return expiresAt <= now
    }
  }

  /// Sends DISCONNECT once all that was published is acknowledged, or the time for that is over.
  mutating func drainOn(at now: Instant) {
    guard case .draining(let until) = state, ending == nil else { return }
    guard store.count == 0 || until <= now else { return }
    let reason = session.level.isV5 ? leaveReason : .normalDisconnection
    try? session.disconnect(reason: reason)
    state = .leaving(until: now + options.closeTimeout)
  }
}
