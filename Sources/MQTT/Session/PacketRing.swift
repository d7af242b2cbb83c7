import Core

/// Something that is known by a packet identifier.
protocol PacketEntry: BitwiseCopyable {
  var packetID: UInt16 { get }
}

/// Entries in the order in which they came. A ring, because answers come in that order too and free
/// the oldest.
///
///     |  free  |  oldest ... newest  |  free  |
///              head          head + count
struct PacketRing<Entry: PacketEntry>: ~Copyable {
  private var entries: Table<Entry>
  private var head = 0
  private(set) var count = 0

  init(_ name: StaticString, capacity: Int, none: Entry, arena: inout Arena) {
    entries = arena.table(name, count: capacity, filledWith: none)
  }

  var capacity: Int { entries.count }

  var isFull: Bool { count == entries.count }

  /// Entry `index`, counted from the oldest.
  subscript(index: Int) -> Entry {
    get { entries[place(index)] }
    set { entries[place(index)] = newValue }
  }

  /// The oldest; nil when there is none.
  @inline(__always)
  var first: Entry? { count > 0 ? entries[head] : nil }

  /// Adds the newest; there is room.
  @inline(__always)
  mutating func append(_ entry: Entry) {
    precondition(!isFull)
    entries[place(count)] = entry
    count = count &+ 1
  }

  /// Adds the oldest; there is room.
  mutating func prepend(_ entry: Entry) {
    precondition(!isFull)
    head = head == 0 ? entries.count - 1 : head - 1
    count += 1
    entries[head] = entry
  }

  /// Which entry has `packetID`; nil for none. Looks at the oldest first.
  func index(of packetID: UInt16) -> Int? {
    for index in 0..<count where self[index].packetID == packetID { return index }
    return nil
  }

  /// Removes the oldest, which there is.
  @inline(__always)
  mutating func removeFirst() {
    precondition(count > 0)
    head = place(1)
    count = count &- 1
  }

  /// Removes entry `index`; the others keep their order.
  mutating func remove(at index: Int) {
    precondition(index < count)
    var hole = index
    while hole > 0 {
      self[hole] = self[hole - 1]
      hole -= 1
    }
    removeFirst()
  }

  /// Removes and returns the entry of `packetID`; nil when there is none, or not one that `matches`.
  mutating func take(_ packetID: UInt16, where matches: (Entry) -> Bool) -> Entry? {
    guard let index = index(of: packetID) else { return nil }
    let entry = self[index]
    guard matches(entry) else { return nil }
    remove(at: index)
    return entry
  }

  mutating func removeAll() {
    head = 0
    count = 0
  }

  /// Where entry `index` is. Both numbers are below the capacity, so that one subtraction does; the
  /// table sees to it that nothing else is touched.
  @inline(__always)
  private func place(_ index: Int) -> Int {
    let place = head &+ index
    return place < entries.count ? place : place &- entries.count
  }
}

/// A message of ours that is not answered for good.
struct OutgoingEntry: PacketEntry {
  enum Stage: UInt8, BitwiseCopyable {
    /// It was never sent.
    case waiting
    /// PUBLISH was sent, and is to be answered by PUBACK at QoS 1, by PUBREC at QoS 2.
    case published
    /// PUBREL is to be answered by PUBCOMP.
    case released
  }

  var token: UInt32
  var packetID: UInt16
  var qos: QoS
  var stage: Stage

  static var none: OutgoingEntry {
    OutgoingEntry(token: 0, packetID: 0, qos: .atLeastOnce, stage: .waiting)
  }
}

/// A message of the server that is not answered for good.
struct IncomingEntry: PacketEntry {
  enum Stage: UInt8, BitwiseCopyable {
    /// It was handed over, and the owner has not said what becomes of it.
    case handed
    /// The owner has said so; PUBACK or PUBREC waits for those of messages before it.
    case answered
    /// PUBREC was sent; PUBREL is to come.
    case received
  }

  var packetID: UInt16
  var qos: QoS
  var stage: Stage
  /// What PUBACK or PUBREC is to say.
  var code: UInt8 = 0
  /// It came over the present connection, so that an answer may go over it.
  var isHere = true

  static var none: IncomingEntry { IncomingEntry(packetID: 0, qos: .atMostOnce, stage: .handed) }
}

/// A SUBSCRIBE or UNSUBSCRIBE that waits for its answer.
struct RequestEntry: PacketEntry {
  var packetID: UInt16
  var isSubscribe: Bool
  /// How many codes the answer has to have.
  var filterCount: UInt16

  static var none: RequestEntry { RequestEntry(packetID: 0, isSubscribe: true, filterCount: 0) }
}
