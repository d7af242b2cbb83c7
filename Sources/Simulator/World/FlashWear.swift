import Core

/// How far a medium is worn: how often each sector was written, and what it bears.
///
/// Cards and eMMC spread the wear over all they have, and so bear a number of bytes in all; at their end they
/// can only be read. Bare flash wears sector by sector; one at its end fails to be written, and keeps what it
/// has. Either is for good.
struct FlashWear {
  private var writes: [UInt32]
  private var bytes = 0.0
  private var bytesMax = Double.infinity
  /// How often each sector bears to be written; nil for any number.
  private(set) var cyclesMax: Int?
  /// The sectors that bear no more writing.
  private(set) var wornSectors: Set<Int> = []
  /// True when all of it can only be read.
  private(set) var isReadOnly = false

  /// A medium that bears everything.
  init(sectorCount: Int) { writes = [UInt32](repeating: 0, count: sectorCount) }

  /// How often the sector was written that was written most.
  var most: Int { Int(writes.max() ?? 0) }

  /// True when there is something that can't be written any more.
  var isWorn: Bool { isReadOnly || !wornSectors.isEmpty }

  /// From now on it bears so many bytes in all, and so many writes of each sector; 0 for any number.
  mutating func bears(bytes: Double, cycles: Int) {
    if bytes > 0 { bytesMax = bytes }
    if cycles > 0 { cyclesMax = cycles }
  }

  /// These sectors are to be written: false when one of them does not bear that any more.
  mutating func bears(writing sectors: ClosedRange<Int>, of sectorBytes: Int) -> Bool {
    guard wornSectors.isEmpty || wornSectors.isDisjoint(with: sectors) else { return false }
    for sector in sectors {
      writes[sector] += 1
      if let cyclesMax, writes[sector] >= cyclesMax { wornSectors.insert(sector) }
    }
    bytes += Double(sectors.count * sectorBytes)
    if bytes >= bytesMax { isReadOnly = true }
    return true
  }

  /// So many more sectors, any of them, are at their end; with none, all of it is.
  mutating func wearOut(sectors: Int, _ chance: inout Generator) {
    guard sectors > 0 else {
      isReadOnly = true
      return
    }
    for _ in 0..<min(sectors, writes.count - wornSectors.count) {
      var sector = Int(chance.next(below: UInt64(writes.count)))
      while wornSectors.contains(sector) { sector = (sector + 1) % writes.count }
      wornSectors.insert(sector)
    }
  }
}
