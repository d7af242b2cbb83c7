import CLinux
import Core
import Journal
import Linux
import MQTT

/// The durable outbox of a client: messages at QoS 1 and 2, in the order in which they were published,
/// in a ring on a medium until the broker has them.
///
/// Whoever has a session appends what is to be published, takes `next` while the session has room, and
/// says what became of it by `settle` or `drop`. In between `step` carries the medium along: it begins
/// syncs, notices their ends, and tries a medium that has failed once more. Nothing here waits for the
/// medium but `open` and `flush`.
///
///     append -> in the ring -> durable -> handed -> settled -> said on the medium
///               (in memory while the medium fails)
///
/// What is settled is written along with the next commit, or on its own once there are 16 of them or one
/// is a second old; what the program's death takes of that comes twice.
///
/// One thread's own. Invariant: all messages before `nextWaiting` are handed or settled; all before
/// `unsaved` are on the medium for good, settled, or were before the medium failed.
package final class MessageJournal {
  let configuration: JournalConfiguration
  /// What waits in memory at the most while the medium fails.
  let memoryMessagesMax: Int
  let memoryBytesMax: Int
  var ring: RecordRing<FileStorage>
  private var block: MemoryBlock?
  var entries = KeptEntries()
  var nextWaiting: UInt64
  var unsaved: UInt64
  /// Messages and bytes without a place on the medium.
  var memoryMessages = 0
  var memoryBytes = 0
  /// Why the medium can't be used; nil while all is well.
  package internal(set) var fault: JournalFault?
  /// A sync tells whether the medium can be used again.
  var isProbing = false
  var retryAt = Instant.never
  var retryWait = MessageJournal.retryMin
  /// When a commit is to begin.
  var commitDue = Instant.never
  /// Records since the last commit was begun.
  var uncommitted = 0
  /// Messages that were settled since.
  var unsaidSettled = 0
  /// All records before it are settled, and the ring has yet to hear of it.
  var settledUpTo: Int64 = 0
  /// When the next message in the ring expires.
  var expiryDue = Instant.never
  /// One message at a time is under way: the broker closes connections, and one of them may be why.
  var isSingle = false
  /// Messages that the broker has to take before that is over.
  var probation = 0
  /// The owner calls `save` before anything leaves: `next` does not wait for the medium.
  package var handsUnsaved = false
  var notices = Fifo<JournalNotice>()
  var counts = JournalStatistics()

  static var retryMin: Interval { .seconds(1) }
  static var retryMax: Interval { .seconds(60) }
  /// A message's tag in the session: no other tag has this bit.
  private static var tagBit: UInt64 { 1 << 63 }

  /// The journal of a configuration that was checked, opened or made. A mistake is thrown; with any other
  /// fault it begins in memory, `memoryMessages` and `memoryBytes` at the most.
  package init(
    _ configuration: JournalConfiguration, memoryMessages: Int, memoryBytes: Int,
    at moment: Moment
  ) throws(JournalFault) {
    self.configuration = configuration
    memoryMessagesMax = memoryMessages
    memoryBytesMax = memoryBytes
    nextWaiting = entries.first
    unsaved = entries.first
    var measure = Arena()
    ring = RecordRing(
      FileStorage(), sizes: Self.sizes(mediumBytes: 0), arena: &measure)
    do throws(JournalFault) {
      try open(at: moment)
    } catch {
      guard !error.isMistake else { throw error }
      failed(error, at: moment.instant)
    }
  }

  // MARK: Tags

  /// The session's handle of message `number`.
  static func tag(_ number: UInt64) -> UInt64 { number | tagBit }

  /// The number of the message that the session knows by `tag`; nil when it is none of the journal's.
  func number(_ tag: UInt64) -> UInt64? {
    guard tag & Self.tagBit != 0, entries.contains(tag & ~Self.tagBit) else { return nil }
    return tag & ~Self.tagBit
  }

  /// Who has published the message of `tag`: 0 for an earlier run; nil when it is none of the journal's.
  package func owner(of tag: UInt64) -> UInt64? { number(tag).map { entries[$0].owner } }

  /// The tag of the newest message of `owner`.
  package func tag(ofOwner owner: UInt64) -> UInt64? {
    entries.number(ofOwner: owner).map { Self.tag($0) }
  }

  // MARK: State

  /// Readable once a sync has come to its end; -1 while there is no medium.
  package var descriptor: Int32 { ring.isOpen ? ring.medium.descriptor : -1 }

  /// When `step` is to be called at the latest.
  package var deadline: Instant {
    if !notices.isEmpty { return .boot }
    var deadline = expiryDue
    if fault != nil { deadline = min(deadline, retryAt) }
    if fault == nil, !ring.isSyncing { deadline = min(deadline, commitDue) }
    return deadline
  }

  /// Messages that are not settled.
  package var count: Int { entries.count }

  /// True while messages wait that the session has not got.
  package var hasWaiting: Bool { nextWaiting < entries.end }

  /// How many messages may be under way at once.
  package var window: Int { isSingle ? 1 : configuration.window }

  /// What is to be told, one at a time.
  package func nextNotice() -> JournalNotice? { notices.popFirst() }

  package var statistics: JournalStatistics {
    var all = counts
    all.fault = fault
    all.messages = entries.count
    all.unsaved = Int(entries.end - unsaved)
    all.bytesTotal = ring.isOpen ? ring.capacityBytes : 0
    all.bytesUsed = ring.isOpen ? ring.capacityBytes - ring.freeBytes : 0
    all.bytesWritten += ring.counters.bytesWritten
    all.syncs += UInt64(ring.counters.syncs)
    all.rotten += UInt64(ring.counters.rotten)
    return all
  }

  /// The largest record that can be appended.
  package var recordBytesMax: Int {
    let bytes = ring.isOpen ? ring.medium.byteCount : configuration.maximumBytes
    return Self.sizes(mediumBytes: bytes).bodyBytesMax
  }

  // MARK: The medium

  /// What a ring on a medium of so many bytes takes: the same whatever the configuration is, so that any
  /// record is found again.
  private static func sizes(mediumBytes: Int) -> RecordRing<FileStorage>.Sizes {
    let blockBytes = JournalConfiguration.blockBytes
    let payloadBytes = blockBytes - 64
    let blocks = max(0, mediumBytes / blockBytes - 3)
    return RecordRing<FileStorage>.Sizes(
      blockBytes: blockBytes,
      bodyBytesMax: min(JournalConfiguration.recordBytesMax, blocks * payloadBytes / 4))
  }

  /// Opens or makes the medium, and finds what is on it.
  func open(at moment: Moment) throws(JournalFault) {
    let storage: FileStorage
    do throws(FileStorageFault) { storage = try openFile() } catch { throw JournalFault(error) }
    let sizes = Self.sizes(mediumBytes: storage.byteCount)
    var measure = Arena()
    _ = RecordRing(FileStorage(), sizes: sizes, arena: &measure)
    let memory: MemoryBlock
    do throws(SystemError) {
      memory = try MemoryBlock(measure.used)
    } catch {
      throw .system(code: error.code)
    }
    var arena = memory.freshArena
    var found = RecordRing(storage, sizes: sizes, arena: &arena)
    switch found.open(seed: clinux_random(), repairing: true) {
    case .opened: break
    case .notAJournal, .otherBlocks: throw .notAJournal
    case .failed(let fault): throw JournalFault(fault)
    }
    let kept = try recover(from: &found, at: moment)
    found.setContext(Self.bootContext)
    counts.bytesWritten += ring.counters.bytesWritten
    counts.syncs += UInt64(ring.counters.syncs)
    ring = found
    // Only now nobody has tables in the memory of the one before.
    block = memory
    settledUpTo = ring.head.offset
    entries.prepend(kept)
    nextWaiting = entries.first
    counts.recovered += UInt64(kept.count)
    expiryDue = kept.contains { $0.expiresAt != .never } ? moment.instant : expiryDue
    if !kept.isEmpty { notices.append(.event(.recovered(messages: kept.count))) }
  }

  private func openFile() throws(FileStorageFault) -> FileStorage {
    let path = Array(configuration.path.utf8)
    do throws(FileStorageFault) {
      return try FileStorage(opening: path.span)
    } catch {
      guard case .missing = error else { throw error }
      let blockBytes = JournalConfiguration.blockBytes
      let bytes = configuration.maximumBytes / blockBytes * blockBytes
      return try FileStorage(creating: path.span, byteCount: bytes) {
        (storage) throws(StorageFault) in
        guard
          try RecordRing.format(&storage, blockBytes: blockBytes, id: clinux_random())
        else { throw .full }
      }
    }
  }

  private func recover(
    from ring: inout RecordRing<FileStorage>, at moment: Moment
  ) throws(JournalFault) -> [KeptEntry] {
    let boot = Self.bootContext
    var found: [KeptEntry] = []
    var position = ring.head
    // Ends: each record is behind the one before.
    while let head = ring.next(from: position) {
      position = head.next
      // Another program's records are nobody's to settle.
      guard head.recordClass == Self.recordClass else { throw .notAJournal }
      guard let message = ring.withBody(of: head, { KeptMessage(record: $0) }) else {
        counts.rotten += 1
        ring.settle(from: head.position, upTo: head.next)
        continue
      }
      var entry = KeptEntry(
        owner: 0, place: head.position.offset..<head.next.offset, bytes: head.bodyBytes)
      if let expiry = message.expiry {
        let isSameBoot = Self.isSameBoot(boot, ring.contextRead)
        let (due, awaitsClock) = expiry.due(isSameBoot: isSameBoot, at: moment)
        entry.expiresAt = due
        entry.wallDue = awaitsClock ? expiry.wall : nil
      }
      found.append(entry)
    }
    guard ring.readFault == nil else { throw .system(code: EIO) }
    return found
  }

  /// What the client's records are called in the ring.
  static var recordClass: UInt8 { 7 }

  // MARK: The boot

  /// Tells this boot from others: the kernel's identifier of it behind a 1, or zeros where there is none.
  private static var bootContext: RecordContext {
    var context = RecordContext(repeating: 0)
    let text = [UInt8](writing: 36) { out in File.bootID(into: &out) }
    let digits = text.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count == 32 else { return context }
    context[0] = 1
    for index in 0..<16 {
      context[1 + index] = UInt8(digits[2 * index] << 4 | digits[2 * index + 1])
    }
    return context
  }

  private static func isSameBoot(_ a: RecordContext, _ b: RecordContext) -> Bool {
    guard a[0] == 1 else { return false }
    for index in a.indices where a[index] != b[index] { return false }
    return true
  }
}

/// What a journal's owner is told.
package enum JournalNotice: Sendable {
  /// Something for everybody.
  case event(JournalEvent)
  /// A message of `owner` is kept; on the medium for good where that `isStored`, else in memory, because
  /// the medium fails.
  case kept(owner: UInt64, isStored: Bool)
  /// A message is given up: who has published it, the session's handle of it, and why.
  case dropped(owner: UInt64, tag: UInt64, JournalDrop)
}

/// Why a journal has given a message up.
package enum JournalDrop: Sendable {
  /// It has waited for longer than it was worth.
  case expired
  /// There was no room, and it was the oldest that was not under way.
  case full
  /// The broker has closed the connection each time that it was under way.
  case poison
  /// This broker does not take it.
  case unsendable(PublishError)
  /// Its record could not be read any more.
  case rotten
  /// Who has published it has taken it back.
  case withdrawn
}
