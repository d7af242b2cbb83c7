import Core

/// The flash that a device's journal lies on, over power cuts.
///
/// What was written and not synced is in doubt: a power cut leaves of each sector what was there before,
/// what any later write made of it, or a mixture of two of these, byte by byte.
public final class SimulatedFlash {
  private struct Write {
    var offset: Int
    var bytes: [UInt8]
  }

  /// Bytes that a power cut tears no further, except in the middle.
  public let sectorBytes: Int
  /// How long a sync takes.
  public var syncTime = Interval.milliseconds(20)
  /// Writes and syncs fail so.
  public var fault: StorageFault?
  /// Bytes that were written, ever.
  public private(set) var bytesWritten = 0
  /// Syncs that have ended, ever.
  public private(set) var syncs = 0
  /// Syncs make nothing durable, and say that they do.
  var lies = false
  /// The device's clock.
  var now = Instant.boot

  private var current: [UInt8]
  private var durable: [UInt8]
  private var pending: [Write] = []
  private var syncing: (writes: Int, end: Instant)?

  /// Zeros.
  public init(bytes: Int, sectorBytes: Int = 4096) {
    self.sectorBytes = sectorBytes
    current = [UInt8](repeating: 0, count: bytes)
    durable = current
  }

  /// Bytes of it.
  public var byteCount: Int { current.count }

  /// When the sync that is under way ends.
  var deadline: Instant { syncing?.end ?? .never }

  /// The power is cut; what is left is one of the states that this may leave.
  public func cutPower(_ chance: inout Generator) {
    var touched: Set<Int> = []
    for write in pending where !write.bytes.isEmpty {
      let last = (write.offset + write.bytes.count - 1) / sectorBytes
      touched.formUnion(write.offset / sectorBytes...last)
    }
    // Mostly kept, mostly as before, or anything: each is a kind of cut.
    let kind = chance.next(below: 4)
    for sector in touched.sorted() {
      let range = sector * sectorBytes..<min((sector + 1) * sectorBytes, durable.count)
      let versions = versions(of: range)
      var first = Int(chance.next(below: UInt64(versions.count)))
      if kind < 2, chance.next(below: 8) > 0 { first = kind == 0 ? versions.count - 1 : 0 }
      let second = Int(chance.next(below: UInt64(versions.count)))
      let isTorn = chance.next(below: 3) == 0
      for index in range {
        let version = isTorn && chance.next(below: 2) == 0 ? second : first
        durable[index] = versions[version][index - range.lowerBound]
      }
    }
    current = durable
    pending = []
    syncing = nil
  }

  /// The process is gone, the power is not: all that it has written is there.
  func processDied() { syncing = nil }

  private func versions(of range: Range<Int>) -> [[UInt8]] {
    var versions = [Array(durable[range])]
    for write in pending {
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

  // MARK: As storage

  fileprivate func read(at offset: Int, count: Int, into out: inout OutputSpan<UInt8>) {
    for index in offset..<offset + count { out.append(current[index]) }
  }

  fileprivate func write(_ span: Span<UInt8>, at offset: Int) throws(StorageFault) {
    if let fault { throw fault }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(span.count)
    for index in span.indices {
      bytes.append(span[index])
      current[offset + index] = span[index]
    }
    bytesWritten += bytes.count
    pending.append(Write(offset: offset, bytes: bytes))
  }

  fileprivate func beginSync() throws(StorageFault) {
    if let fault { throw fault }
    syncing = (pending.count, now + syncTime)
  }

  fileprivate func finishSync() throws(StorageFault) -> Bool {
    guard let begun = syncing else { return true }
    guard begun.end <= now else { return false }
    syncing = nil
    if let fault { throw fault }
    guard !lies else {
      syncs += 1
      return true
    }
    for write in pending.prefix(begun.writes) {
      durable.replaceSubrange(write.offset..<write.offset + write.bytes.count, with: write.bytes)
    }
    pending.removeFirst(begun.writes)
    syncs += 1
    return true
  }
}

/// A journal's hold on `SimulatedFlash`.
public struct FlashStorage: Storage, ~Copyable {
  let flash: SimulatedFlash

  /// See `Storage`.
  public var byteCount: Int { flash.byteCount }

  /// See `Storage`.
  public mutating func read(
    at offset: Int, count: Int, into out: inout OutputSpan<UInt8>
  ) throws(StorageFault) {
    flash.read(at: offset, count: count, into: &out)
  }

  /// See `Storage`.
  public mutating func write(_ bytes: Span<UInt8>, at offset: Int) throws(StorageFault) {
    try flash.write(bytes, at: offset)
  }

  /// See `Storage`.
  public mutating func beginSync() throws(StorageFault) { try flash.beginSync() }

  /// See `Storage`.
  public mutating func finishSync() throws(StorageFault) -> Bool { try flash.finishSync() }
}
