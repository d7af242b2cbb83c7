import Core

/// Memory that a ring lies on and that a test still sees.
public final class MemoryBytes {
  /// What is on it.
  public var bytes: [UInt8]
  /// Bytes that were written, and in how many writes and syncs.
  public private(set) var bytesWritten = 0
  /// Writes so far.
  public private(set) var writes = 0
  /// Syncs so far.
  public private(set) var syncs = 0
  /// The next writes and syncs fail so.
  public var fault: StorageFault?
  /// The next reads fail so.
  public var readFault: StorageFault?
  /// Syncs that are begun do not come to their end.
  public var holdsSyncs = false

  /// So many zeros.
  public init(_ count: Int) { bytes = [UInt8](repeating: 0, count: count) }

  fileprivate func write(_ span: Span<UInt8>, at offset: Int) {
    writes += 1
    bytesWritten += span.count
    for index in span.indices { bytes[offset + index] = span[index] }
  }

  fileprivate func noteSync() { syncs += 1 }
}

/// A ring's hold on `MemoryBytes`.
public struct MemoryStorage: Storage, ~Copyable {
  let memory: MemoryBytes

  /// Over `memory`.
  public init(memory: MemoryBytes) { self.memory = memory }

  /// See `Storage`.
  public var byteCount: Int { memory.bytes.count }
  /// See `Storage`.
  public mutating func read(
    at offset: Int, count: Int, into out: inout OutputSpan<UInt8>
  ) throws(StorageFault) {
    if let fault = memory.readFault { throw fault }
    for index in offset..<offset + count { out.append(memory.bytes[index]) }
  }
  /// See `Storage`.
  public mutating func write(_ bytes: Span<UInt8>, at offset: Int) throws(StorageFault) {
    if let fault = memory.fault { throw fault }
    memory.write(bytes, at: offset)
  }
  /// See `Storage`.
  public mutating func beginSync() throws(StorageFault) {
    if let fault = memory.fault { throw fault }
    memory.noteSync()
  }

  /// See `Storage`.
  public mutating func finishSync() throws(StorageFault) -> Bool { !memory.holdsSyncs }
}
