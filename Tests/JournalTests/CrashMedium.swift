import Core
import Simulator

/// A medium that remembers what was written and is not synced, and can tell what a power cut would
/// leave of it.
final class CrashMedium {
  /// What a reader sees: all writes.
  private(set) var current: [UInt8]
  /// How often each sync says that it has not ended yet.
  var syncPolls = 0
  private var pollsLeft = 0
  /// Calls of any kind so far, and those that fail.
  private var calls = 0
  var failingCalls: Set<Int> = []
  private(set) var hasFailed = false
  /// What is certain to survive.
  private var durable: [UInt8]
  private var pending = UnsyncedWrites()
  private var syncing: (image: [UInt8], writes: Int)?
  /// True while syncs do not come to their end.
  var holdsSyncs = false
  /// The next writes, reads or syncs fail so.
  var writeFault: StorageFault?
  var readFault: StorageFault?
  var syncFault: StorageFault?
  /// Bytes that can't be read, ever.
  var unreadable = 0..<0

  init(_ bytes: [UInt8]) {
    current = bytes
    durable = bytes
  }

  func write(_ bytes: [UInt8], at offset: Int) {
    current.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    pending.append(bytes, at: offset)
  }

  func beginSync() {
    precondition(syncing == nil, "one sync at a time")
    syncing = (current, pending.count)
    pollsLeft = syncPolls
  }

  /// A sync has failed: nobody knows what was kept.
  func failSync() { syncing = nil }

  /// Counts a call; throws EIO when it is one that fails.
  func call() throws(StorageFault) {
    calls += 1
    guard failingCalls.contains(calls) else { return }
    hasFailed = true
    throw .failed(code: 5)
  }

  /// The next `count` calls from the one after `skipped` fail.
  func failCalls(after skipped: Int, count: Int) {
    failingCalls = Set(calls + skipped + 1..<calls + skipped + 1 + count)
  }

  func finishSync() -> Bool {
    guard let begun = syncing else { return true }
    guard !holdsSyncs else { return false }
    guard pollsLeft == 0 else {
      pollsLeft -= 1
      return false
    }
    durable = begun.image
    pending.removeFirst(begun.writes)
    syncing = nil
    return true
  }

  /// Flips one bit, on the medium and for every reader.
  func rot(_ bit: Int) {
    current[bit / 8] ^= 1 << (bit % 8)
    durable[bit / 8] ^= 1 << (bit % 8)
  }

  /// Spoils what a superblock says at `offset`.
  func spoil(at offset: Int) { rot(8 * (offset + 20)) }

  /// What the process's death alone leaves: everything that was written.
  func afterKill() -> [UInt8] { current }

  /// One of the states that a power cut may leave: each sector as it was, as any later write made it, or
  /// torn between two of these, byte by byte.
  func afterCut(sectorBytes: Int, _ chance: inout Generator) -> [UInt8] {
    pending.afterCut(of: durable, sectorBytes: sectorBytes, &chance)
  }
}

/// The ring's hold on a `CrashMedium`.
struct CrashStorage: Storage, ~Copyable {
  let medium: CrashMedium

  var byteCount: Int { medium.current.count }

  mutating func read(
    at offset: Int, count: Int, into out: inout OutputSpan<UInt8>
  ) throws(StorageFault) {
    try medium.call()
    if let fault = medium.readFault { throw fault }
    if medium.unreadable.overlaps(offset..<offset + count) { throw .failed(code: 5) }
    let bytes = Array(medium.current[offset..<offset + count])
    out.append(contentsOf: bytes.span)
  }

  mutating func write(_ bytes: Span<UInt8>, at offset: Int) throws(StorageFault) {
    try medium.call()
    if let fault = medium.writeFault { throw fault }
    // Sound: the bytes are copied.
    medium.write(unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }, at: offset)
  }

  mutating func beginSync() throws(StorageFault) {
    try medium.call()
    if let fault = medium.syncFault { throw fault }
    medium.beginSync()
  }

  mutating func finishSync() throws(StorageFault) -> Bool {
    do throws(StorageFault) { try medium.call() } catch {
      medium.failSync()
      throw error
    }
    if let fault = medium.syncFault { throw fault }
    return medium.finishSync()
  }
}
