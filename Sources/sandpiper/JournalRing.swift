import Core
import Journal
import Linux

/// A journal that is only looked at: nothing on its medium changes.
enum JournalRing {
  typealias Ring = RecordRing<FileStorage>

  /// The largest body of a record that can be shown.
  private static let bodyBytesMax = 1 << 20

  /// Opens the journal at `path` and lends it to `body`. Returns what is wrong with it; nil when `body`
  /// was called.
  static func withRing(at path: [UInt8], _ body: (inout Ring) -> Void) -> String? {
    // Blocks have the size that the file's own superblock names.
    var blockBytes = 4096
    for _ in 0..<2 {
      var fault: String?
      guard let storage = open(path, &fault) else { return fault }
      let sizes = Ring.Sizes(blockBytes: blockBytes, bodyBytesMax: bodyBytesMax)
      guard var arena = memory(for: sizes) else { return "there is no memory to read it with" }
      var ring = Ring(storage, sizes: sizes, arena: &arena)
      switch ring.open(seed: 0, givingUp: true) {
      case .opened:
        body(&ring)
        return nil
      case .otherBlocks(let bytes): blockBytes = bytes
      case .notAJournal: return "not a journal, or nothing is left that says so"
      case .failed: return "cannot be read"
      }
    }
    return "not a journal"
  }

  /// All records in order, also where a power cut has left a rewrite half done.
  static func forEach(in ring: inout Ring, _ body: (RecordHead, Span<UInt8>) -> Void) {
    var place = ring.rewriteUnderWay ?? ring.tail
    while let head = ring.nextReplacement(from: place) {
      ring.withBody(of: head) { body(head, $0) }
      place = head.next
    }
    place = ring.head
    while let head = ring.next(from: place) {
      ring.withBody(of: head) { body(head, $0) }
      place = head.next
    }
  }

  private static func open(_ path: [UInt8], _ fault: inout String?) -> FileStorage? {
    do throws(FileStorageFault) {
      return try FileStorage(reading: path.span)
    } catch {
      switch error {
      case .missing: fault = "there is no such file"
      case .notAFile: fault = "neither a file nor a block device"
      case .system(let error):
        let bytes = [UInt8](capacity: 256) { out in error.describe(into: &out) }
        fault = String(decoding: bytes, as: UTF8.self)
      case .inUse, .otherSize: fault = "cannot be opened"
      }
      return nil
    }
  }

  private static func memory(for sizes: Ring.Sizes) -> Arena? {
    var plan = Arena()
    _ = Ring(FileStorage(), sizes: sizes, arena: &plan)
    // Sound: the block is page-aligned and stays mapped until the program ends.
    guard let block = unsafe Memory.map(plan.used) else { return nil }
    return unsafe Arena(over: block, isZeroed: true)
  }
}
