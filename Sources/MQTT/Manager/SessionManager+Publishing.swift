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
  /// Interval. With `first`, right after `.connected`, it goes before all that waits: the word that one
  /// is there, above all. Throws when the message is not taken: `windowFull` when the store is full,
  /// `packetTooLarge` when it can never hold it, and what a server that is connected forbids.
  public mutating func publish(
    _ message: borrowing OutgoingMessage, tag: UInt64, expiry: Interval? = nil,
    first: Bool = false, at now: Instant
  ) throws(PublishError) -> Publication {
    if case .draining = state { throw .notConnected }
    guard message.qos != .atMostOnce else {
      try publishOnce(message, tag: tag)
      return Publication(packetID: 0, isQueued: false)
    }
    guard message.topic.isEmpty || TopicName.isValid(message.topic) else { throw .invalidTopic }
    guard protocolLevel.isV5 || options.fallsBack || message.properties.isEmpty else {
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
      packetID = try session.enqueue(message.qos, token: number, first: first)
    } catch {
      preconditionFailure("there was room")
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

  /// Throws what `publish` would throw for what the message is: that it never leaves, or that the server
  /// which is connected does not take it. Whether there is room is not looked at.
  public func check(_ message: borrowing OutgoingMessage) throws(PublishError) {
    guard TopicName.isValid(message.topic) else { throw .invalidTopic }
    try checkSize(message)
  }

  /// What never leaves, and what a server that is connected does not take, before a message is taken.
  private func checkSize(_ message: borrowing OutgoingMessage) throws(PublishError) {
    let size = V5.Publish.size(
      topicBytes: message.topic.count, propertyBytes: message.properties.count,
      payloadBytes: message.payload.count, qos: message.qos)
    // Before 5.0 there is no length of properties, nor are there any.
    let sizeNow = protocolLevel.isV5 ? size : size - 1 - message.properties.count
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
    guard !hasRoom(size) else { return }
    // Nothing is dropped in vain: what is under way cannot be.
    guard options.whenFull == .dropOldest, Self.canMakeRoom(size, session, store) else {
      throw .windowFull
    }
    while !hasRoom(size) {
      // As many drops as the store has messages can be told before the owner asks for events.
      guard !drops.isFull, let oldest = session.firstWaiting(where: { _ in true }) else {
        throw .windowFull
      }
      drop(oldest, .full)
    }
  }

  private func hasRoom(_ size: Int) -> Bool { !session.isFull && store.hasRoom(size) }

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
    return (!session.isFull || count > 0) && store.hasRoom(size, without: count, bytes)
  }
}
