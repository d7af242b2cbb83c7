import Core

/// Memory that a ring lies on and that a test still sees.
public final class MemoryBytes {
  public var bytes: [UInt8]
  /// Bytes that were written, and in how many writes and syncs.
  public private(set) var bytesWritten = 0
  public private(set) var writes = 0
  public private(set) var syncs = 0
  /// The next writes and syncs fail so.
  public var fault: StorageFault?

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

  public init(memory: MemoryBytes) { self.memory = memory }

  public var byteCount: Int { memory.bytes.count }
  public mutating func read(
    at offset: Int, count: Int, into out: inout OutputSpan<UInt8>
  ) throws(StorageFault) {
    for index in offset..<offset + count { out.append(memory.bytes[index]) }
  }
  public mutating func write(_ bytes: Span<UInt8>, at offset: Int) throws(StorageFault) {
    if let fault = memory.fault { throw fault }
    memory.write(bytes, at: offset)
  }
  public mutating func beginSync() throws(StorageFault) {
    if let fault = memory.fault { throw fault }
    memory.noteSync()
  }

  public mutating func finishSync() throws(StorageFault) -> Bool { true }
}
