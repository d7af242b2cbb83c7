import Core

/// The topics that aliases stand for over one connection (5.0 section 3.3.2.3.4), in one direction.
/// Emptied with each connection.
struct TopicAliases: ~Copyable {
  private struct Slot: BitwiseCopyable {
    /// Bytes of the topic; 0 while the alias stands for nothing.
    var count: UInt16 = 0
    /// When it was used last: a number that grows.
    var usedAt: UInt32 = 0
  }

  private var slots: Table<Slot>
  private var topics: Table<UInt8>
  /// The highest alias that there is a place for.
  let capacity: Int
  private let topicBytesMax: Int
  /// The highest alias of this connection.
  private(set) var limit = 0
  private var uses: UInt32 = 0

  init(_ name: StaticString, capacity: Int, topicBytesMax: Int, arena: inout Arena) {
    self.capacity = capacity
    self.topicBytesMax = topicBytesMax
    slots = arena.table(name, count: capacity, filledWith: Slot())
    topics = arena.table(name, count: capacity * topicBytesMax, filledWith: 0)
  }

  /// A new connection, over which aliases may be as high as `limit`.
  mutating func removeAll(limit: Int) {
    self.limit = min(limit, slots.count)
    for index in 0..<slots.count { slots[index] = Slot() }
    uses = 0
  }

  /// True when the topic has a place under some alias.
  func takes(_ topic: Span<UInt8>) -> Bool { topic.count <= topicBytesMax }

  /// True when `alias` stands for a topic.
  func contains(_ alias: UInt16) -> Bool {
    alias >= 1 && Int(alias) <= limit && slots[Int(alias) - 1].count > 0
  }

  /// Lets `alias`, which is 1 to `limit`, stand for `topic`, which `takes` takes.
  mutating func set(_ alias: UInt16, _ topic: Span<UInt8>) {
    let index = Int(alias) - 1
    precondition(index < limit && takes(topic))
    _ = topics.fill(from: index * topicBytesMax, limit: topicBytesMax) { out in
      out.append(contentsOf: topic)
    }
    slots[index].count = UInt16(truncatingIfNeeded: topic.count)
    touch(alias)
  }

  /// `alias` was used.
  mutating func touch(_ alias: UInt16) {
    uses &+= 1
    slots[Int(alias) - 1].usedAt = uses
  }

  /// Lends the topic of an alias that is contained.
  func withTopic<R, E: Error>(
    of alias: UInt16, _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    let index = Int(alias) - 1
    return try topics.withSpan(
      from: index * topicBytesMax, count: Int(slots[index].count), body)
  }

  /// The alias that stands for `topic`; nil for none.
  func alias(of topic: Span<UInt8>) -> UInt16? {
    for index in 0..<limit where Int(slots[index].count) == topic.count {
      let alias = UInt16(truncatingIfNeeded: index + 1)
      if withTopic(of: alias, { $0.equals(topic) }) { return alias }
    }
    return nil
  }

  /// The alias to let go of for a new topic: a free one, else the one that was not used for longest.
  /// Nil without any.
  var leastUsed: UInt16? {
    guard limit > 0 else { return nil }
    var least = 0
    for index in 1..<limit where slots[index].usedAt < slots[least].usedAt { least = index }
    return UInt16(truncatingIfNeeded: least + 1)
  }
}
