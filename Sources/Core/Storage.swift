/// Why a medium did not do as asked.
public enum StorageFault: Error, BitwiseCopyable, Equatable, Sendable {
  /// There is no room (ENOSPC, EDQUOT).
  case full
  /// It can't be written (EROFS, EPERM).
  case readOnly
  /// Anything else, by the system's number for it: EIO is 5.
  case failed(code: Int32)
}

/// A fixed area of a medium that survives power cuts: a preallocated file, a block device, or a test's
/// memory.
///
/// What was written counts as kept only once a `beginSync` that followed it has come to its end. Until
/// then a power cut leaves of each sector what was there before, what was written, or a mixture.
public protocol Storage: ~Copyable {
  /// Bytes of the area. Never changes; 0 when there is no medium at all.
  var byteCount: Int { get }

  /// Appends the `count` bytes from `offset` on to `out`, which has room for them.
  mutating func read(
    at offset: Int, count: Int, into out: inout OutputSpan<UInt8>
  ) throws(StorageFault)

  /// Writes `bytes` from `offset` on.
  mutating func write(_ bytes: Span<UInt8>, at offset: Int) throws(StorageFault)

  /// Begins to make everything durable that was written before. One sync is under way at a time.
  mutating func beginSync() throws(StorageFault)

  /// True once the sync that was begun last has come to its end; false while it is under way. Throws
  /// when it has failed: what was written since the sync before may be lost.
  mutating func finishSync() throws(StorageFault) -> Bool
}

/// No medium at all: for an agent that keeps everything in memory.
public struct NoStorage: Storage, ~Copyable {
  /// Nothing.
  public init() {}

  /// 0.
  public var byteCount: Int { 0 }

  /// There is nothing to read.
  public mutating func read(
    at offset: Int, count: Int, into out: inout OutputSpan<UInt8>
  ) throws(StorageFault) {
    throw .full
  }

  /// There is nowhere to write.
  public mutating func write(_ bytes: Span<UInt8>, at offset: Int) throws(StorageFault) {
    throw .full
  }

  /// Nothing to do.
  public mutating func beginSync() throws(StorageFault) {}

  /// Done at once.
  public mutating func finishSync() throws(StorageFault) -> Bool { true }
}
