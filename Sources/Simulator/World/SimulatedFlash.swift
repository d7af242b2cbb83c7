import Core

/// The flash that a device's journal lies on, over power cuts.
///
/// What was written and not synced is in doubt: a power cut leaves of each sector what was there before,
/// what any later write made of it, or a mixture of two of these, byte by byte.
public final class SimulatedFlash {
  /// Bytes that a power cut tears no further, except in the middle.
  public let sectorBytes: Int
  /// How long a sync takes.
  public var syncTime = Interval.milliseconds(20)
  /// Writes and syncs fail so; a medium that is worn out can be read only, whatever else is over.
  public var fault: StorageFault? {
    get { passingFault ?? (wear.isReadOnly ? .readOnly : nil) }
    set { passingFault = newValue }
  }
  private var passingFault: StorageFault?
  /// How far it is worn.
  private(set) var wear: FlashWear
  /// Bytes that were written, ever.
  public private(set) var bytesWritten = 0
  /// The same in whole sectors, as flash wears.
  public private(set) var sectorBytesWritten = 0
  /// Blocks of 4 KiB that the medium had to write for them, ever.
  public private(set) var blocksWritten = 0
  /// Syncs that have ended, ever.
  public private(set) var syncs = 0
  /// Syncs make nothing durable, and say that they do.
  var lies = false
  /// The device's clock.
  var now = Instant.boot

  private var current: [UInt8]
  private var durable: [UInt8]
  private var pending = UnsyncedWrites()
  private var syncing: (writes: Int, end: Instant)?

  /// Zeros.
  public init(bytes: Int, sectorBytes: Int = 4096) {
    self.sectorBytes = sectorBytes
    wear = FlashWear(sectorCount: (bytes + sectorBytes - 1) / sectorBytes)
    current = [UInt8](repeating: 0, count: bytes)
    durable = current
  }

  /// Bytes of it.
  public var byteCount: Int { current.count }

  /// When the sync that is under way ends.
  var deadline: Instant { syncing?.end ?? .never }

  /// It bears so much, in bytes and in writes of each sector; 0 for any number.
  func bears(bytes: Double, cycles: Int) { wear.bears(bytes: bytes, cycles: cycles) }

  /// So many sectors, or all of it with none, bear no more writing.
  func wearOut(sectors: Int, _ chance: inout Generator) { wear.wearOut(sectors: sectors, &chance) }

  /// The power is cut; what is left is one of the states that this may leave.
  public func cutPower(_ chance: inout Generator) {
    durable = pending.afterCut(of: durable, sectorBytes: sectorBytes, &chance)
    current = durable
    pending = UnsyncedWrites()
    syncing = nil
  }

  /// So many bits flip, anywhere.
  func flip(_ bits: Int, _ chance: inout Generator) {
    guard byteCount > 0 else { return }
    for _ in 0..<bits {
      let place = Int(chance.next(below: UInt64(byteCount)))
      let bit = UInt8(1) << UInt8(chance.next(below: 8))
      current[place] ^= bit
      durable[place] ^= bit
    }
  }

  /// The process is gone, the power is not: all that it has written is there.
  func processDied() { syncing = nil }

  // MARK: As storage

  fileprivate func read(at offset: Int, count: Int, into out: inout OutputSpan<UInt8>) {
    for index in offset..<offset + count { out.append(current[index]) }
  }

  fileprivate func write(_ span: Span<UInt8>, at offset: Int) throws(StorageFault) {
    if let fault { throw fault }
    if span.count > 0 {
      let sectors = offset / sectorBytes...(offset + span.count - 1) / sectorBytes
      guard wear.bears(writing: sectors, of: sectorBytes) else { throw .failed(code: 5) }
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(span.count)
    for index in span.indices {
      bytes.append(span[index])
      current[offset + index] = span[index]
    }
    bytesWritten += bytes.count
    let sectors = (offset + bytes.count - 1) / sectorBytes - offset / sectorBytes + 1
    sectorBytesWritten += bytes.isEmpty ? 0 : sectors * sectorBytes
    if !bytes.isEmpty { blocksWritten += (offset + bytes.count - 1) / 4096 - offset / 4096 + 1 }
    pending.append(bytes, at: offset)
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
    pending.sync(begun.writes, to: &durable)
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
