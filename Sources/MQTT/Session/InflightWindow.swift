import Core

/// The messages that this side has sent and that are not acknowledged: identifier, token, stage, in
/// publishing order. A ring, because acknowledgements come in that order and free the oldest.
///
///     |  free  |  oldest ... newest  |  free  |
///              head          head + count
///
/// Invariant: identifiers are not 0 and differ from each other.
struct InflightWindow: ~Copyable {
  enum Stage: UInt8, BitwiseCopyable {
    /// PUBLISH at QoS 1 is to be answered by PUBACK.
    case publishedOnce
    /// PUBLISH at QoS 2 is to be answered by PUBREC.
    case publishedTwice
    /// PUBREL is to be answered by PUBCOMP.
    case released
  }

  struct Entry: BitwiseCopyable {
    var token: UInt32
    var packetID: UInt16
    var stage: Stage
  }

  private var entries: Table<Entry>
  private var head = 0
  private(set) var count = 0

  init(capacity: Int, arena: inout Arena) {
    let none = Entry(token: 0, packetID: 0, stage: .publishedOnce)
    entries = arena.table("MQTT messages in flight", count: capacity, filledWith: none)
  }

  var isFull: Bool { count == entries.count }

  /// Entry `index`, counted from the oldest.
  subscript(index: Int) -> Entry {
    get { entries[place(index)] }
    set { entries[place(index)] = newValue }
  }

  /// Adds the newest; there is room.
  mutating func append(_ entry: Entry) {
    precondition(!isFull)
    entries[place(count)] = entry
    count += 1
  }

  /// Which entry has `packetID`; nil for none. Looks at the oldest first.
  func index(of packetID: UInt16) -> Int? {
    for index in 0..<count where self[index].packetID == packetID { return index }
    return nil
  }

  /// Removes entry `index`; those before it keep their order.
  mutating func remove(at index: Int) {
    precondition(index < count)
    var hole = index
    while hole > 0 {
      self[hole] = self[hole - 1]
      hole -= 1
    }
    head = place(1)
    count -= 1
  }

  mutating func removeAll() {
    head = 0
    count = 0
  }

  private func place(_ index: Int) -> Int {
    let place = head + index
    return place < entries.count ? place : place - entries.count
  }
}
