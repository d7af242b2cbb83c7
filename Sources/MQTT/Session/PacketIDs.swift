/// Gives out packet identifiers: up by one, from 65,535 on to 1, past those that are in use
/// (section 2.3.1).
///
/// Whoever holds identifiers is asked only when those known to be free have run out, once in some
/// 65,000 messages as a rule.
struct PacketIDs: BitwiseCopyable {
  /// The identifier given last; 0 before the first.
  private(set) var last: UInt16 = 0
  /// So many after `last` are known to be free. Entries may have gone since; none has come.
  private var freeCount = 0

  /// The identifier that follows; `taken` is nil while nothing is known to be free.
  @inline(__always)
  var next: UInt16? { freeCount > 0 ? Self.following(last) : nil }

  /// The identifier that `next` gave is in use now.
  @inline(__always)
  mutating func take(_ packetID: UInt16) {
    precondition(freeCount > 0)
    last = packetID
    freeCount = freeCount &- 1
  }

  /// Looks ahead: `distanceMin` is that from `last` to the nearest identifier in use, 65,535 or more
  /// where there is none.
  mutating func lookAhead(_ distanceMin: Int) {
    freeCount = min(distanceMin, 65_535) - 1
    // The one that follows is in use.
    if freeCount == 0 { last = Self.following(last) }
  }

  /// How far `packetID` lies ahead of `last`: 1 to 65,535.
  func distance(to packetID: UInt16) -> Int {
    let distance = Int(packetID) - Int(last)
    return distance > 0 ? distance : distance + 65_535
  }

  private static func following(_ packetID: UInt16) -> UInt16 {
    packetID == .max ? 1 : packetID &+ 1
  }
}
