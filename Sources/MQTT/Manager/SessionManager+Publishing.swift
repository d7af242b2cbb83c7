import Core

/// A message to be published. Borrows its bytes for the length of the call.
public struct OutgoingMessage: ~Escapable {
  /// The topic name; may be empty where `properties` have an alias that stands for one.
  public let topic: Span<UInt8>
  /// For 5.0, as `V5.Properties.append` has written them. A Message Expiry Interval among them counts
  /// down while the message waits.
  public let properties: Span<UInt8>
  /// The message itself.
  public let payload: Span<UInt8>
  /// How hard to try.
  public let qos: QoS
  /// True when the server is to keep the message for later subscribers.
  public let retain: Bool

  /// The message `payload` under `topic`.
  @_lifetime(copy topic, copy properties, copy payload)
  public init(
    topic: Span<UInt8>, properties: Span<UInt8> = Span(), payload: Span<UInt8>, qos: QoS,
    retain: Bool = false
  ) {
    self.topic = topic
    self.properties = properties
    self.payload = payload
    self.qos = qos
    self.retain = retain
  }
}

/// What became of a message that was taken.
public struct Publication: BitwiseCopyable, Equatable, Sendable {
  /// Its identifier; 0 at QoS 0.
  public var packetID: UInt16
  /// True when it waits for a connection, or for messages before it.
  public var isQueued: Bool
}

extension SessionManager {
  /// Publishes a message. At QoS 0 it leaves over the present connection or is refused; at QoS 1 and
  /// 2 it is kept until the server has it, over any number of connections. `tag` is the owner's
  /// handle; it comes back by `.published` or `.dropped`, once.
  ///
  /// A message that is kept is dropped once it has waited for `expiry`, or for its Message Expiry
  /// Interval. Throws when the message is not taken: `windowFull` when the store is full,
  /// `packetTooLarge` when it can never hold it, and what a server that is connected forbids.
  public mutating func publish(
    _ message: borrowing OutgoingMessage, tag: UInt64, expiry: Interval? = nil, at now: Instant
  ) throws(PublishError) -> Publication {
    if case .draining = state { throw .notConnected }
    guard message.qos != .atMostOnce else {
      try publishOnce(message, tag: tag)
      return Publication(packetID: 0, isQueued: false)
    }
    guard message.topic.isEmpty || TopicName.isValid(message.topic) else { throw .invalidTopic }
    guard level.isV5 || options.fallsBack || message.properties.isEmpty else {
      throw .invalidProperties
    }
    try checkSize(message)
    var entry = MessageStore.Entry()
    entry.tag = tag
    entry.qos = message.qos
    entry.retain = message.retain
    entry.storedAt = now
    if let expiry { entry.expiresAt = now + expiry }
    try note(message.properties, in: &entry, at: now)
    let number: UInt32
    if message.topic.isEmpty {
      number = try storeByAlias(message, entry)
    } else {
      number = try store(entry, message.topic, message)
    }
    let packetID: UInt16
    do throws(PublishError) {
      packetID = try session.enqueue(message.qos, token: number)
    } catch {
      preconditionFailure("the session's window is as large as the store")
    }
    store[number].packetID = packetID
    expiryDue = min(expiryDue, store[number].expiresAt)
    pump(at: now)
    return Publication(packetID: packetID, isQueued: session.isWaiting(token: number))
  }

  /// QoS 0: into the send buffer or not at all.
  private mutating func publishOnce(
    _ message: borrowing OutgoingMessage, tag: UInt64
  ) throws(PublishError) {
    guard isOnline else { throw .notConnected }
    guard !marks.isFull else { throw .bufferFull }
    try session.publish(
      topic: message.topic, properties: message.properties, payload: message.payload,
      qos: .atMostOnce, retain: message.retain, token: 0)
    let end = session.counters.bytesSent &+ UInt64(wide: session.outputCount)
    marks.append(UnsentMarks.Mark(tag: tag, end: end))
  }

  /// What never leaves, and what a server that is connected does not take, before a message is taken.
  private func checkSize(_ message: borrowing OutgoingMessage) throws(PublishError) {
    let size = V5.Publish.size(
      topicBytes: message.topic.count, propertyBytes: message.properties.count,
      payloadBytes: message.payload.count, qos: message.qos)
    // Before 5.0 there is no length of properties, nor are there any.
    let sizeNow = level.isV5 ? size : size - 1 - message.properties.count
    guard sizeNow <= session.packetBytesMax else { throw .packetTooLarge }
    guard session.isOnline else { return }
    let limits = session.serverLimits
    guard message.qos <= limits.maximumQoS else { throw .qosNotSupported }
    guard !message.retain || limits.retainAvailable else { throw .retainNotSupported }
  }

  /// Finds in the properties what changes while a message waits.
  private func note(
    _ properties: Span<UInt8>, in entry: inout MessageStore.Entry, at now: Instant
  ) throws(PublishError) {
    guard !properties.isEmpty else { return }
    guard let list = try? V5.Properties(written: properties, in: .publishFromClient) else {
      throw .invalidProperties
    }
    entry.connection = connection
    var walk = list.walk
    while let property = walk.next(in: properties) {
      switch property.id {
      case .messageExpiryInterval:
        entry.expiryAt = walk.offset - 4
        entry.expirySeconds = property.number
        entry.expiresAt = min(
          entry.expiresAt, now + .seconds(Int64(wide: Int(truncatingIfNeeded: property.number))))
      case .topicAlias:
        let alias = Int(property.number)
        guard !session.isOnline || alias <= session.serverLimits.topicAliasMaximum else {
          throw .invalidTopicAlias
        }
        entry.aliasAt = walk.offset - V5.Publish.aliasBytes
      default: break
      }
    }
  }

  /// A topic that was said by its alias alone is kept in full: the alias goes with the connection.
  private mutating func storeByAlias(
    _ message: borrowing OutgoingMessage, _ entry: MessageStore.Entry
  ) throws(PublishError) -> UInt32 {
    guard entry.aliasAt >= 0, session.isOnline else { throw .invalidTopic }
    let bytes = message.properties
    let alias = UInt16(bytes[entry.aliasAt + 1]) &<< 8 | UInt16(bytes[entry.aliasAt + 2])
    var entry = entry
    entry.omitsTopic = true
    guard let length = session.withTopic(ofAlias: alias, { topic in topic.count }) else {
      throw .invalidTopicAlias
    }
    try makeRoom(length + message.properties.count + message.payload.count)
    return Self.append(entry, alias, message, session, &store)
  }

  private static func append(
    _ entry: MessageStore.Entry, _ alias: UInt16, _ message: borrowing OutgoingMessage,
    _ session: borrowing ClientSession, _ store: inout MessageStore
  ) -> UInt32 {
    let properties = message.properties
    let payload = message.payload
    let number = session.withTopic(ofAlias: alias) { topic in
      store.append(entry, topic: topic, properties: properties, payload: payload)
    }
    guard let number else { preconditionFailure("the alias stood for a topic just now") }
    return number
  }

  private mutating func store(
    _ entry: MessageStore.Entry, _ topic: Span<UInt8>, _ message: borrowing OutgoingMessage
  ) throws(PublishError) -> UInt32 {
    try makeRoom(topic.count + message.properties.count + message.payload.count)
    return store.append(
      entry, topic: topic, properties: message.properties, payload: message.payload)
  }

  private mutating func makeRoom(_ size: Int) throws(PublishError) {
    guard size <= store.messageBytesMax else { throw .packetTooLarge }
    guard !store.hasRoom(size) else { return }
    // Nothing is dropped in vain: what is under way cannot be.
    guard options.whenFull == .dropOldest, Self.canMakeRoom(size, session, store) else {
      throw .windowFull
    }
    while !store.hasRoom(size) {
      // As many drops as the store has messages can be told before the owner asks for events.
      guard !drops.isFull, let oldest = session.firstWaiting(where: { _ in true }) else {
        throw .windowFull
      }
      drop(oldest, .full)
    }
  }

  private static func canMakeRoom(
    _ size: Int, _ session: borrowing ClientSession, _ store: borrowing MessageStore
  ) -> Bool {
    var count = 0
    var bytes = 0
    _ = session.firstWaiting { number in
      count += 1
      bytes += store[number].byteCount
      return false
    }
    return store.hasRoom(size, without: count, bytes)
  }

  // MARK: Sending

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
  private mutating func drop(_ number: UInt32, _ reason: ManagerEvent.Dropped.Reason) {
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

  // MARK: Subscriptions and the rest

  /// Wants messages under `filter`, now and after each loss of the server's session. The answer is
  /// `.granted` with `tag`. Throws `windowFull` when there is no room for one more.
  public mutating func keepSubscription(
    filter: Span<UInt8>, options: V5.SubscriptionOptions, properties: Span<UInt8> = Span(),
    tag: UInt32, at now: Instant
  ) throws(RequestError) {
    guard TopicFilter.isValidV5(filter) else { throw .invalidFilter }
    guard book.set(filter, options, properties, tag: tag, state: .wanted) != nil else {
      throw .windowFull
    }
    pump(at: now)
  }

  /// Keeps a subscription that `subscribe(filters:)` has asked for under `packetID`.
  public mutating func keepSubscription(
    filter: Span<UInt8>, options: V5.SubscriptionOptions, properties: Span<UInt8>,
    askedAs packetID: UInt16
  ) -> Bool {
    book.set(filter, options, properties, tag: UInt32(packetID), state: .granted) != nil
  }

  /// Restores a subscription no more. False when it was not kept.
  public mutating func forgetSubscription(filter: Span<UInt8>) -> Bool { book.remove(filter) }

  /// SUBSCRIBE for several filters, now: see `ClientSession.subscribe(filters:)`.
  public mutating func subscribe(
    filters: Span<UInt8>, properties: Span<UInt8> = Span()
  ) throws(RequestError) -> UInt16 {
    try session.subscribe(filters: filters, properties: properties)
  }

  /// UNSUBSCRIBE for several filters, now: see `ClientSession.unsubscribe(filters:)`.
  public mutating func unsubscribe(
    filters: Span<UInt8>, properties: Span<UInt8> = Span()
  ) throws(RequestError) -> UInt16 {
    try session.unsubscribe(filters: filters, properties: properties)
  }

  /// AUTH: see `ClientSession.authenticate`.
  public mutating func authenticate(properties: Span<UInt8>) throws(RequestError) {
    try session.authenticate(properties: properties)
  }

  /// Acknowledges a received message by hand: see `ClientSession.acknowledge`.
  public mutating func acknowledge(
    _ packetID: UInt16, _ reason: V5.PublishReason = .success
  ) throws(AcknowledgeError) {
    try session.acknowledge(packetID, reason)
  }
}
