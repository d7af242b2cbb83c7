import Core

/// The messages at QoS 1 and 2 that are not acknowledged, in publishing order, in fixed memory: the
/// one list that says what is owed to the server.
///
/// Entries are slots in a chain; the bytes of a message's topic, properties and payload are in one
/// piece, in the order of the chain. What was settled out of order leaves a hole, which closes when
/// the room behind the newest does not suffice:
///
///     entries:  oldest -> ... -> newest        (free -> ... -> free)
///     bytes:    | topic properties payload | hole | topic ... | free |
///                                                             tail
///
/// A message is known by the number of its slot, which is given again once the message is settled.
///
/// Invariant: the entries of the chain lie in `bytes` in its order and do not overlap, and
/// `byteCount` is the sum of their sizes.
public struct MessageStore: ~Copyable {
  enum State: UInt8, BitwiseCopyable {
    case free
    case owed
    /// The owner was told that it is dropped, but the server may still have to answer.
    case abandoned
  }

  struct Entry: BitwiseCopyable {
    var offset = 0
    var topicBytes = 0
    var propertyBytes = 0
    /// Bytes between the properties and the payload that are not used any more.
    var gapBytes = 0
    var payloadBytes = 0
    /// Where in the properties the seconds of Message Expiry Interval are; -1 for nowhere.
    var expiryAt = -1
    /// Where in the properties a Topic Alias is; -1 for nowhere.
    var aliasAt = -1
    var expirySeconds: UInt32 = 0
    var storedAt = Instant.boot
    var expiresAt = Instant.never
    var tag: UInt64 = 0
    /// The identifier that the owner was told.
    var packetID: UInt16 = 0
    var qos = QoS.atLeastOnce
    var retain = false
    /// On the connection of this number the topic may be said by its alias alone.
    var connection: UInt32 = 0
    var omitsTopic = false
    var state = State.owed
    fileprivate var previous = UInt16.max
    fileprivate var next = UInt16.max

    var byteCount: Int { topicBytes + propertyBytes + gapBytes + payloadBytes }
  }

  /// The end of a chain.
  private static var none: UInt16 { .max }

  private var entries: Table<Entry>
  private var bytes: Table<UInt8>
  private var oldest = none
  private var newest = none
  private var firstFree = none
  private var tail = 0
  /// Messages that are not settled.
  public private(set) var count = 0
  /// Bytes that they take.
  public private(set) var byteCount = 0

  /// A store of at most `messages` messages, and `bytes` bytes of topics, properties and payloads.
  public init(messages: Int, bytes: Int, arena: inout Arena) {
    precondition(messages > 0 && messages <= 65_000)
    var free = Entry()
    free.state = .free
    entries = arena.table("MQTT messages: entries", count: messages, filledWith: free)
    self.bytes = arena.table("MQTT messages: bytes", count: bytes, filledWith: 0)
    for index in (0..<entries.count).reversed() {
      entries[index].next = firstFree
      firstFree = UInt16(truncatingIfNeeded: index)
    }
  }

  /// Bytes that a message may have at the most.
  var messageBytesMax: Int { bytes.count }

  /// True when a message of `size` bytes can be appended, once `dropped` messages of `droppedBytes`
  /// bytes are gone.
  func hasRoom(_ size: Int, without dropped: Int = 0, _ droppedBytes: Int = 0) -> Bool {
    count - dropped < entries.count && byteCount - droppedBytes + size <= bytes.count
  }

  /// Appends a message; there is room. Returns its number.
  mutating func append(
    _ entry: Entry, topic: Span<UInt8>, properties: Span<UInt8>, payload: Span<UInt8>
  ) -> UInt32 {
    var entry = entry
    entry.topicBytes = topic.count
    entry.propertyBytes = properties.count
    entry.payloadBytes = payload.count
    precondition(hasRoom(entry.byteCount), "the caller has made room")
    if bytes.count - tail < entry.byteCount { closeHoles() }
    entry.offset = tail
    let written = bytes.fill(from: tail, limit: entry.byteCount) { out in
      out.append(contentsOf: topic)
      out.append(contentsOf: properties)
      out.append(contentsOf: payload)
    }
    precondition(written == entry.byteCount)
    tail += entry.byteCount
    count += 1
    byteCount += entry.byteCount
    return link(entry)
  }

  /// Puts an entry into a free slot at the end of the chain.
  private mutating func link(_ entry: Entry) -> UInt32 {
    let slot = firstFree
    firstFree = entries[Int(slot)].next
    entries[Int(slot)] = entry
    entries[Int(slot)].previous = newest
    entries[Int(slot)].next = Self.none
    if newest == Self.none { oldest = slot } else { entries[Int(newest)].next = slot }
    newest = slot
    return UInt32(slot)
  }

  /// Moves all bytes to the front, in their order.
  private mutating func closeHoles() {
    tail = 0
    var slot = oldest
    while slot != Self.none {
      let entry = entries[Int(slot)]
      bytes.move(from: entry.offset, to: tail, count: entry.byteCount)
      entries[Int(slot)].offset = tail
      tail += entry.byteCount
      slot = entry.next
    }
  }

  /// The entry of a message that is in the store.
  subscript(number: UInt32) -> Entry {
    get {
      precondition(contains(number), "a message that is in the store")
      return entries[Int(number)]
    }
    set {
      precondition(contains(number), "a message that is in the store")
      entries[Int(number)] = newValue
    }
  }

  /// True while the message is in the store.
  func contains(_ number: UInt32) -> Bool {
    Int(number) < entries.count && entries[Int(number)].state != .free
  }

  /// The number of the message with `tag` that the owner was told nothing about yet; nil for none.
  func number(of tag: UInt64) -> UInt32? {
    var slot = newest
    while slot != Self.none {
      let entry = entries[Int(slot)]
      if entry.tag == tag && entry.state == .owed { return UInt32(slot) }
      slot = entry.previous
    }
    return nil
  }

  /// True while the message with `tag` is in the store, and its owner was told nothing about it.
  public func contains(tag: UInt64) -> Bool { number(of: tag) != nil }

  /// Lends the bytes of a message.
  func withMessage<R, E: Error>(
    _ number: UInt32,
    _ body: (_ topic: Span<UInt8>, _ properties: Span<UInt8>, _ payload: Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    let entry = self[number]
    return try bytes.withSpan(from: entry.offset, count: entry.byteCount) { (all) throws(E) in
      let propertyEnd = entry.topicBytes + entry.propertyBytes
      return try body(
        all.extracting(0..<entry.topicBytes), all.extracting(entry.topicBytes..<propertyEnd),
        all.extracting(propertyEnd + entry.gapBytes..<all.count))
    }
  }

  /// Writes how many seconds the message is still worth delivering for (5.0 section 3.3.2.3.3).
  mutating func updateExpiry(_ number: UInt32, at now: Instant) {
    let entry = self[number]
    guard entry.expiryAt >= 0 else { return }
    // In 32 bits, which does without the heap on a 32-bit CPU; a message that has waited for 68 years
    // counts as one that has not waited longer.
    let seconds = min(max(0, (now - entry.storedAt).seconds), Int64(wide: Int(Int32.max)))
    let waited = UInt32(truncatingIfNeeded: Int(narrow: seconds))
    let left = max(1, entry.expirySeconds - min(entry.expirySeconds, waited))
    _ = bytes.fill(from: entry.offset + entry.topicBytes + entry.expiryAt, limit: 4) { out in
      out.append(bigEndian: left)
    }
  }

  /// Takes the alias out of the properties: it belongs to a connection that is gone.
  mutating func removeAlias(_ number: UInt32) {
    var entry = self[number]
    guard entry.aliasAt >= 0 else { return }
    let start = entry.offset + entry.topicBytes + entry.aliasAt
    let rest = entry.propertyBytes - entry.aliasAt - V5.Publish.aliasBytes
    bytes.move(from: start + V5.Publish.aliasBytes, to: start, count: rest)
    if entry.expiryAt > entry.aliasAt { entry.expiryAt -= V5.Publish.aliasBytes }
    entry.propertyBytes -= V5.Publish.aliasBytes
    entry.gapBytes += V5.Publish.aliasBytes
    entry.aliasAt = -1
    entry.omitsTopic = false
    self[number] = entry
  }

  /// The message is settled: its slot and its bytes are free.
  mutating func remove(_ number: UInt32) {
    let entry = self[number]
    let slot = UInt16(truncatingIfNeeded: number)
    if entry.previous == Self.none {
      oldest = entry.next
    } else {
      entries[Int(entry.previous)].next = entry.next
    }
    if entry.next == Self.none {
      newest = entry.previous
      tail = newest == Self.none ? 0 : end(of: entries[Int(newest)])
    } else {
      entries[Int(entry.next)].previous = entry.previous
    }
    entries[Int(slot)].state = .free
    entries[Int(slot)].next = firstFree
    firstFree = slot
    count -= 1
    byteCount -= entry.byteCount
  }

  private func end(of entry: Entry) -> Int { entry.offset + entry.byteCount }
}
