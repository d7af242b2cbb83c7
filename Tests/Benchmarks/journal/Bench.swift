import CLinux
import CMeasure
import Core
import Journal
import Linux

/// Our ring in a file: each batch is appended and committed, and as many of the oldest are settled once
/// it is durable, which the next commit writes: `bench FILE BATCH COUNT EVERY`. Of the commits only every
/// EVERYth is a sync of the file.
@main
struct Bench {
  private typealias Ring = RecordRing<RareSyncs>

  private static let fileBytes = 16 << 20
  private static let messageBytes = 64
  private static let backlog = 1024

  /// Where the messages are that wait, and those of one batch.
  private typealias Positions = InlineArray<1056, RecordPosition>

  static func main() {
    let batch = number(2)
    let count = number(3)
    let sizes = Ring.Sizes(bodyBytesMax: messageBytes)
    var plan = Arena()
    _ = Ring(RareSyncs(FileStorage(), every: 1), sizes: sizes, arena: &plan)
    // Sound: the block is page-aligned and stays mapped until the program ends.
    guard let memory = unsafe clinux_map(plan.used) else { return fail("memory") }
    var arena = unsafe Arena(
      over: UnsafeMutableRawBufferPointer(start: memory, count: plan.used), isZeroed: true)
    do throws(FileStorageFault) {
      let storage = try unsafe withBytes(ofCString: clinux_argument(1)) {
        (path) throws(FileStorageFault) in
        try FileStorage(creating: path, byteCount: fileBytes) { (medium) throws(StorageFault) in
          _ = try RecordRing<FileStorage>.format(&medium, id: 1)
        }
      }
      let medium = RareSyncs(storage, every: number(4))
      var ring = Ring(medium, sizes: sizes, arena: &arena)
      guard ring.open(seed: 1) == .opened else { return fail("open") }
      var positions = Positions(repeating: ring.head)
      guard append(0..<backlog, to: &ring, &positions), commit(&ring) else {
        return fail("prepare")
      }
      measure_begin()
      guard store(count, batch, in: &ring, &positions) else { return fail("store") }
      finish(batch, count)
    } catch {
      fail("create")
    }
  }

  private static func store(
    _ count: Int, _ batch: Int, in ring: inout Ring, _ positions: inout Positions
  ) -> Bool {
    var done = 0
    while done < count {
      let first = backlog + done
      guard append(first..<first + batch, to: &ring, &positions), commit(&ring) else {
        return false
      }
      done += batch
      ring.settle(from: ring.head, upTo: positions[done % positions.count])
    }
    // The last batch's acknowledgement.
    return commit(&ring)
  }

  private static func append(
    _ messages: Range<Int>, to ring: inout Ring, _ positions: inout Positions
  ) -> Bool {
    let body = InlineArray<64, UInt8>(repeating: 0x78)
    for message in messages {
      do throws(AppendFault) {
        positions[message % positions.count] = try ring.append(
          recordClass: 1, time: .boot, bodyBytes: messageBytes
        ) { $0.append(contentsOf: body.span) }
      } catch {
        return false
      }
    }
    return true
  }

  private static func commit(_ ring: inout Ring) -> Bool {
    do throws(StorageFault) {
      try ring.commit()
      while ring.isSyncing {
        if ring.medium.isSyncing { measure_wait(ring.medium.file.descriptor) }
        _ = try ring.finishCommit()
      }
      return true
    } catch {
      return false
    }
  }

  private static func finish(_ batch: Int, _ count: Int) {
    unsafe withCString(of: "Sandpiper's ring") { name in
      unsafe measure_end_batch(name, batch, number(4), count)
    }
  }

  static func number(_ index: Int32) -> Int {
    guard let text = unsafe clinux_argument(index) else { return 0 }
    return Int(unsafe atol(text))
  }

  private static func fail(_ what: StaticString) {
    unsafe withCString(of: what) { unsafe measure_fail($0) }
  }
}

/// A file of which most syncs are none: what a store costs besides, and what SQLite does at NORMAL.
struct RareSyncs: Storage, ~Copyable {
  private(set) var file: FileStorage
  private let every: Int
  private var begun = 0
  private(set) var isSyncing = false

  init(_ file: consuming FileStorage, every: Int) {
    self.file = file
    self.every = every
  }

  var byteCount: Int { file.byteCount }

  mutating func read(
    at offset: Int, count: Int, into out: inout OutputSpan<UInt8>
  ) throws(StorageFault) {
    try file.read(at: offset, count: count, into: &out)
  }

  mutating func write(_ bytes: Span<UInt8>, at offset: Int) throws(StorageFault) {
    try file.write(bytes, at: offset)
  }

  mutating func beginSync() throws(StorageFault) {
    begun += 1
    isSyncing = begun % every == 0
    if isSyncing { try file.beginSync() }
  }

  mutating func finishSync() throws(StorageFault) -> Bool {
    guard isSyncing else { return true }
    let hasEnded = try file.finishSync()
    isSyncing = !hasEnded
    return hasEnded
  }
}
