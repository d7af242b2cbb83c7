// modules: Core Journal
import Core
import Journal

/// A medium of any content.
final class Bytes {
  var all: [UInt8]
  init(_ all: [UInt8]) { self.all = all }
}

struct Medium: Storage, ~Copyable {
  let bytes: Bytes
  var byteCount: Int { bytes.all.count }

  mutating func read(
    at offset: Int, count: Int, into out: inout OutputSpan<UInt8>
  ) throws(StorageFault) {
    for index in offset..<offset + count { out.append(bytes.all[index]) }
  }

  mutating func write(_ span: Span<UInt8>, at offset: Int) throws(StorageFault) {
    for index in span.indices { bytes.all[offset + index] = span[index] }
  }

  mutating func beginSync() throws(StorageFault) {}

  mutating func finishSync() throws(StorageFault) -> Bool { true }
}

/// Whatever lies on the medium, a journal opens there or says that there is none; what is appended is
/// there after the next opening, and is the last thing there.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = Array(UnsafeBufferPointer(start: start, count: count))
  // Half of the media are journals on which the input lies from the second block on.
  let bytes = Bytes([UInt8](repeating: 0, count: 8 * 512))
  if let first = input.first, first & 1 == 1 {
    var medium = Medium(bytes: bytes)
    _ = try? RecordRing.format(&medium, blockBytes: 512, id: 1)
    for index in 0..<min(input.count, 6 * 512) { bytes.all[512 + index] = input[index] }
  } else {
    for index in 0..<min(input.count, bytes.all.count) { bytes.all[index] = input[index] }
  }
  live(bytes, mark: 1)
  live(bytes, mark: 2)
  return 0
}

/// One run over the medium: all is read, a record is appended, and is the last one when read again.
private func live(_ bytes: Bytes, mark: UInt8) {
  withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: Arena.alignment) { block in
    var arena = Arena(over: block)
    var ring = RecordRing(
      Medium(bytes: bytes), sizes: .init(blockBytes: 512, bodyBytesMax: 600), arena: &arena)
    guard ring.open(seed: UInt64(mark)) == .opened else { return }
    var last: UInt8?
    var place = ring.head
    var found = 0
    while let head = ring.next(from: place) {
      precondition(head.next > place && found < 1_000)
      found += 1
      last = ring.withBody(of: head) { $0.count == 1 ? $0[0] : nil }
      place = head.next
    }
    if mark == 2 && wasAppended { precondition(last == 1) }
    wasAppended = false
    do throws(AppendFault) {
      try ring.append(recordClass: 0, time: .boot, bodyBytes: 1) { $0.append(mark) }
      try? ring.commit()
      _ = try? ring.finishCommit()
      wasAppended = true
    } catch {
      precondition(error == .full || error == .busy)
    }
  }
}

/// True when the run before has appended its record.
nonisolated(unsafe) private var wasAppended = false
