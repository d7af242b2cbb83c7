import Core

/// What was written to a medium and is not durable yet, oldest first, and what a power cut may leave of it.
public struct UnsyncedWrites {
  private struct Write {
    var offset: Int
    var bytes: [UInt8]
  }

  private var writes: [Write] = []

  /// None.
  public init() {}

  /// How many there are.
  public var count: Int { writes.count }

  /// Adds one more.
  public mutating func append(_ bytes: [UInt8], at offset: Int) {
    writes.append(Write(offset: offset, bytes: bytes))
  }

  /// The first `count` are durable now, and are applied to what is.
  public mutating func sync(_ count: Int, to durable: inout [UInt8]) {
    for write in writes.prefix(count) {
      durable.replaceSubrange(write.offset..<write.offset + write.bytes.count, with: write.bytes)
    }
    removeFirst(count)
  }

  /// The first `count` are in doubt no more.
  public mutating func removeFirst(_ count: Int) { writes.removeFirst(count) }

  /// One of the states that a power cut may leave: each sector as it was in `durable`, as any later write
  /// made it, or torn between two of these, byte by byte.
  public func afterCut(
    of durable: [UInt8], sectorBytes: Int, _ chance: inout Generator
  ) -> [UInt8] {
    var state = durable
    var touched: Set<Int> = []
    for write in writes where !write.bytes.isEmpty {
      let last = (write.offset + write.bytes.count - 1) / sectorBytes
      touched.formUnion(write.offset / sectorBytes...last)
    }
    // Mostly kept, mostly as before, or anything: each is a kind of cut.
    let kind = chance.next(below: 4)
    for sector in touched.sorted() {
      let range = sector * sectorBytes..<min((sector + 1) * sectorBytes, state.count)
      let versions = versions(of: range, in: durable)
      var first = Int(chance.next(below: UInt64(versions.count)))
      if kind < 2, chance.next(below: 8) > 0 { first = kind == 0 ? versions.count - 1 : 0 }
      let second = Int(chance.next(below: UInt64(versions.count)))
      let isTorn = chance.next(below: 3) == 0
      for index in range {
        let version = isTorn && chance.next(below: 2) == 0 ? second : first
        state[index] = versions[version][index - range.lowerBound]
      }
    }
    return state
  }

  private func versions(of range: Range<Int>, in durable: [UInt8]) -> [[UInt8]] {
    var versions = [Array(durable[range])]
    for write in writes {
      let overlap = range.clamped(to: write.offset..<write.offset + write.bytes.count)
      guard !overlap.isEmpty else { continue }
      var next = versions[versions.count - 1]
      for index in overlap {
        next[index - range.lowerBound] = write.bytes[index - write.offset]
      }
      versions.append(next)
    }
    return versions
  }
}
