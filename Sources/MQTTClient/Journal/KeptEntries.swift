import Core
import Journal

/// What the client knows of a message in its journal.
struct KeptEntry {
  enum State: UInt8 {
    /// It waits for its turn.
    case waiting
    /// The session has it.
    case handed
    /// It is settled, and leaves the list with those before it.
    case settled
  }

  /// Who published it; 0 for an earlier run.
  var owner: UInt64
  /// Where its record begins and ends; nil while it is in memory only.
  var place: Range<Int64>?
  var bytes: Int
  var expiresAt = Instant.never
  /// When it expires by a time of day, where the clock is not set yet.
  var wallDue: WallTime?
  var state = State.waiting
  /// Connections that the broker has closed, one after the other, with this message under way.
  var closes: UInt8 = 0
  /// The message, for as long as the medium does not have it for good.
  var copy: KeptMessage?
}

/// The messages of a journal that are not settled, in order, by numbers that go up by one.
///
/// Invariant: what has a place comes before what has none, in the order of the places.
struct KeptEntries {
  private var entries: [KeptEntry] = []
  private var head = 0
  /// The number of the oldest. Far from zero: what is found late goes in front.
  private(set) var first: UInt64 = 1 << 32
  /// Those that are not settled.
  private(set) var count = 0

  /// The number behind the newest.
  var end: UInt64 { first + UInt64(entries.count - head) }

  var numbers: Range<UInt64> { first..<end }

  var oldest: KeptEntry? { head < entries.count ? entries[head] : nil }

  /// Traps when it is not there.
  subscript(number: UInt64) -> KeptEntry {
    get { entries[head + Int(number - first)] }
    set { entries[head + Int(number - first)] = newValue }
  }

  func contains(_ number: UInt64) -> Bool {
    numbers.contains(number) && self[number].state != .settled
  }

  mutating func append(_ entry: KeptEntry) -> UInt64 {
    entries.append(entry)
    count += 1
    return end - 1
  }

  /// Puts what was found on the medium before all others.
  mutating func prepend(_ found: [KeptEntry]) {
    entries.replaceSubrange(0..<head, with: found)
    head = 0
    first -= UInt64(found.count)
    count += found.count
  }

  /// The message is settled. What is settled at the front leaves the list.
  mutating func settle(_ number: UInt64) {
    self[number].state = .settled
    self[number].copy = nil
    count -= 1
  }

  mutating func popSettled() -> KeptEntry? {
    guard let entry = oldest, entry.state == .settled else { return nil }
    head += 1
    first += 1
    if head * 2 >= entries.count {
      entries.removeFirst(head)
      head = 0
    }
    return entry
  }

  /// The newest of `owner` that is not settled.
  func number(ofOwner owner: UInt64) -> UInt64? {
    for number in numbers.reversed() where self[number].owner == owner {
      return self[number].state == .settled ? nil : number
    }
    return nil
  }
}
