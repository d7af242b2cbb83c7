import Core

/// Identifiers with a mark, in no order: SUBSCRIBE and UNSUBSCRIBE that wait for their answer, or
/// QoS 2 messages that were received and not yet released.
///
/// Invariant: the first `count` entries are in use, and their identifiers differ.
struct RequestTable: ~Copyable {
  enum Kind: UInt8, BitwiseCopyable { case received, subscribe, unsubscribe }

  private struct Entry: BitwiseCopyable {
    var packetID: UInt16
    var kind: Kind
  }

  private var entries: Table<Entry>
  private(set) var count = 0

  init(_ name: StaticString, capacity: Int, arena: inout Arena) {
    entries = arena.table(
      name, count: capacity, filledWith: Entry(packetID: 0, kind: .received))
  }

  var isFull: Bool { count == entries.count }

  /// What waits under `packetID`; nil for nothing.
  subscript(packetID: UInt16) -> Kind? {
    guard let index = index(of: packetID) else { return nil }
    return entries[index].kind
  }

  /// Adds an identifier that is not there; there is room.
  mutating func insert(_ packetID: UInt16, _ kind: Kind) {
    precondition(!isFull)
    entries[count] = Entry(packetID: packetID, kind: kind)
    count += 1
  }

  /// Removes `packetID`; false when it does not wait as `kind`.
  mutating func remove(_ packetID: UInt16, _ kind: Kind) -> Bool {
    guard let index = index(of: packetID), entries[index].kind == kind else { return false }
    count -= 1
    entries[index] = entries[count]
    return true
  }

  mutating func removeAll() { count = 0 }

  private func index(of packetID: UInt16) -> Int? {
    for index in 0..<count where entries[index].packetID == packetID { return index }
    return nil
  }
}
