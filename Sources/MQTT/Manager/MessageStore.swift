import Core

/// The messages at QoS 1 and 2 that are not acknowledged, in publishing order, in fixed memory: the
/// one list that says what is owed to the server.
///
/// Two rings that go round together: an entry for each message, and the bytes of its topic,
/// properties and payload in one piece.
///
///     entries:  | free | oldest ... newest | free |
///     bytes:    | free | topic properties payload, topic ... | free |
///
/// A message is known by a number that counts up from 0 and is never given twice. Those that are
/// settled out of order stay as `done` until all before them are settled too.
///
/// Invariant: the oldest entry is not done, and no entry is without bytes, so that `tail` meets the
/// oldest only when there is none.
public struct MessageStore: ~Copyable {
  enum State: UInt8, BitwiseCopyable {
    case owed
    /// The owner was told that it is dropped, but the server may still have to answer.
    case abandoned
    case done
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

    var byteCount: Int { topicBytes + propertyBytes + gapBytes + payloadBytes }
  }

  private var entries: Table<Entry>
  private var bytes: Table<UInt8>
  /// The number of the oldest entry.
  private(set) var first: UInt32 = 0
  private var head = 0
  private(set) var entryCount = 0
  private var tail = 0
  /// Messages that are not acknowledged.
  public private(set) var count = 0

  /// A store of at most `messages` messages, and `bytes` bytes of topics, properties and payloads.
  public init(messages: Int, bytes: Int, arena: inout Arena) {
    precondition(messages > 0 && messages <= 65_000)
    entries = arena.table("MQTT messages: entries", count: messages, filledWith: Entry())
    self.bytes = arena.table("MQTT messages: bytes", count: bytes, filledWith: 0)
  }

  /// Bytes that a message may have at the most.
  var messageBytesMax: Int { bytes.count }

  /// The number behind the newest.
  var end: UInt32 { first &+ UInt32(truncatingIfNeeded: entryCount) }

  /// True when a message of `size` bytes can be appended.
  func hasRoom(_ size: Int) -> Bool {
    entryCount < entries.count && offset(for: size) != nil
  }

  /// Appends a message; there is room. Returns its number.
  mutating func append(
    _ entry: Entry, topic: Span<UInt8>, properties: Span<UInt8>, payload: Span<UInt8>
  ) -> UInt32 {
    var entry = entry
    entry.topicBytes = topic.count
    entry.propertyBytes = properties.count
    entry.payloadBytes = payload.count
    guard entryCount < entries.count, let offset = offset(for: entry.byteCount) else {
      preconditionFailure("the caller has made room")
    }
    entry.offset = offset
    let written = bytes.fill(from: offset, limit: entry.byteCount) { out in
      out.append(contentsOf: topic)
      out.append(contentsOf: properties)
      out.append(contentsOf: payload)
    }
    precondition(written == entry.byteCount)
    tail = offset + entry.byteCount
    entryCount += 1
    count += 1
    entries[place(entryCount - 1)] = entry
    return end &- 1
  }

  /// Where `size` bytes in one piece are free behind the newest; nil for nowhere.
  private func offset(for size: Int) -> Int? {
    guard entryCount > 0 else { return size <= bytes.count ? 0 : nil }
    let start = entries[head].offset
    if tail > start {
      if size <= bytes.count - tail { return tail }
      return size < start ? 0 : nil
    }
    return size < start - tail ? tail : nil
  }

  /// The entry of a message that is in the store.
  subscript(number: UInt32) -> Entry {
    get { entries[place(index(of: number))] }
    set { entries[place(index(of: number))] = newValue }
  }

  /// True while the message is in the store and not done.
  func contains(_ number: UInt32) -> Bool {
    let index = Int(number &- first)
    return index < entryCount && entries[place(index)].state != .done
  }

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

  /// The message is settled.
  mutating func remove(_ number: UInt32) {
    precondition(contains(number))
    self[number].state = .done
    count -= 1
    while entryCount > 0, entries[head].state == .done {
      head = head + 1 == entries.count ? 0 : head + 1
      first &+= 1
      entryCount -= 1
    }
    if entryCount == 0 { tail = 0 }
  }

  private func index(of number: UInt32) -> Int {
    let index = Int(number &- first)
    precondition(index < entryCount, "a message that is in the store")
    return index
  }

  private func place(_ index: Int) -> Int {
    let place = head + index
    return place < entries.count ? place : place - entries.count
  }
}
