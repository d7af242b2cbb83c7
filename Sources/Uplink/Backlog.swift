import Core
import Journal

/// Where records wait that have to outlive more than a short loss of the link: the journal, seen as
/// what the broker has not got.
///
/// Records in it are older than those of the same kind in the outbox. They leave in packs, in order;
/// what a pack has carried is settled once the broker has acknowledged it.
public struct Backlog<Medium: Storage & ~Copyable>: ~Copyable {
  /// What one packet carries: the records from `start` up to `end`.
  struct Flight: BitwiseCopyable {
    var start = RecordPosition(offset: 0)
    var end = RecordPosition(offset: 0)
    /// How many records of them it carries.
    var count = 0
    /// Some of them it does not carry.
    var passes = false
    /// When it was made up.
    var madeAt = Moment(instant: .boot, wall: WallTime(milliseconds: 0), quality: .none)
    var isUsed = false
  }

  var ring: RecordRing<Medium>
  var flights: Table<Flight>
  /// The next record to be sent.
  var cursor = RecordPosition(offset: 0)
  /// This run, as its records say it.
  private(set) var stamp = RunStamp()
  /// The run before this one, if it has written to the journal.
  public private(set) var runBefore: RunStamp?
  private var hasNotedTime = false
  /// True when a record found no room.
  var isFull = false
  /// How room is made now; nil when it is not.
  var rewrite: Rewrite?

  /// The largest body of a record.
  static var bodyBytesMax: Int { 128 }

  /// A backlog on `medium`, which may be none at all, in memory from `arena`.
  init(_ medium: consuming Medium, isWanted: Bool, inflight: Int, arena: inout Arena) {
    ring = RecordRing(
      medium,
      sizes: isWanted ? .init(bodyBytesMax: Self.bodyBytesMax, reservesRewrite: true) : .none,
      arena: &arena)
    flights = arena.table(
      "journal: packets under way", count: isWanted ? inflight : 0, filledWith: Flight())
  }

  /// Opens the journal on the medium, for a run on the boot of this identifier.
  mutating func open(seed: UInt64, boot: UInt64) -> JournalOpening {
    guard ring.medium.byteCount > 0 else { return .notAJournal }
    var opening = ring.open(seed: seed, repairing: true)
    // Once more, and then without what can't be read: better some readings lost than all the next.
    if case .failed = opening { opening = ring.open(seed: seed, givingUp: true) }
    guard ring.isOpen else { return opening }
    let last = RunStamp(ring.context)
    stamp = RunStamp(run: last.run &+ 1, boot: boot)
    stamp.timeFloor = last.timeFloor
    if last.run > 0 {
      runBefore = last
      runBefore?.isPresentBoot = last.boot == boot
    }
    cursor = ring.head
    resumeRewrite()
    return opening
  }

  /// Lends what the journal lies on.
  public func withMedium<R>(_ body: (borrowing Medium) -> R) -> R { body(ring.medium) }

  /// True while records can be kept.
  public var isUsable: Bool { ring.isOpen && ring.fault == nil }

  /// Why the medium failed last; nil while it does not.
  public var fault: StorageFault? { ring.fault }

  /// Bytes of the journal, those that only thinning takes among them.
  var capacityBytes: Int { ring.isOpen ? ring.capacityBytes : 0 }

  /// Bytes that records may take, and those of them that are taken.
  public var roomBytes: Int { ring.isOpen ? ring.roomBytes : 0 }

  /// See `roomBytes`.
  public var usedBytes: Int { ring.isOpen ? ring.usedBytes : 0 }

  /// What was written to the medium since the start.
  public var counters: JournalCounters { ring.counters }

  /// True while something is on its way to the medium.
  public var isSyncing: Bool { ring.isSyncing }

  // MARK: In

  /// The records from now on are made at a time of day that is known as `moment` knows it.
  mutating func learnTime(at moment: Moment) {
    // Also back: a time service that was wrong once has to be forgotten.
    if moment.quality == .synced, abs(moment.wall.milliseconds - stamp.timeFloor) > 3_600_000 {
      stamp.timeFloor = moment.wall.milliseconds
    }
    let offset = moment.wall.milliseconds - (moment.instant - .boot).milliseconds
    let isBetter = moment.quality.rawValue > stamp.quality.rawValue
    let isNews = isBetter || abs(offset - stamp.wallAtBoot) > 1_000
    guard moment.quality != .none, isNews, moment.quality.rawValue >= stamp.quality.rawValue
    else { return }
    stamp.wallAtBoot = offset
    stamp.quality = moment.quality
  }

  /// Notes the time of day, which is known, for a board that may lose its clock: once in a run if what is
  /// kept is a day old, and at the end if it is an hour old. True when there is something to commit then.
  mutating func noteTime(at moment: Moment, isLast: Bool) -> Bool {
    guard moment.quality == .synced, isLast || !hasNotedTime, isUsable, !isRewriting else {
      return false
    }
    hasNotedTime = true
    let age = abs(moment.wall.milliseconds - stamp.timeFloor)
    guard age > (isLast ? 3_600_000 : 86_400_000) else { return false }
    learnTime(at: moment)
    return append(RecordLabel(.note), at: moment.instant, bodyBytes: 0, fill: { _ in }) != nil
  }

  private func abs(_ value: Int64) -> Int64 { value < 0 ? 0 &- value : value }

  /// Appends a record; returns where it is, or nil when there is no room for now, or the medium fails.
  mutating func append(
    _ label: RecordLabel, at instant: Instant, bodyBytes: Int,
    fill: (inout OutputSpan<UInt8>) -> Void
  ) -> JournalPlace? {
    guard isUsable else { return nil }
    ring.setContext(stamp.context)
    do throws(AppendFault) {
      let position = try ring.append(
        recordClass: label.recordClass.rawValue, time: instant, bodyBytes: bodyBytes, fill: fill)
      return JournalPlace(start: position.offset, end: ring.tail.offset)
    } catch {
      isFull = error == .full
      return nil
    }
  }

  /// The oldest records go, a sixteenth of the journal; `lost` sees each. Their room is free once that is
  /// durable.
  mutating func dropOldest(_ lost: (RecordHead, Span<UInt8>) -> Void) {
    isFull = false
    guard !ring.isSyncing else { return }
    let start = ring.head
    let limit = Int64(wide: ring.capacityBytes / 16)
    var place = start
    while place.offset - start.offset < limit, let head = ring.next(from: place) {
      ring.withBody(of: head) { lost(head, $0) }
      place = head.next
    }
    ring.settle(from: start, upTo: place)
    if cursor < place { cursor = place }
  }

  /// True when something would be written: records, or that some are settled.
  var hasUnwritten: Bool { ring.isOpen && ring.fault == nil && ring.hasUnsynced }

  /// The last time of day that an earlier run, or this one, has kept.
  public var timeFloor: WallTime? { stamp.lastTime }

  /// What lies before it in the journal is durable.
  var durable: Int64 { ring.durable.offset }

  /// True when all that was in the journal has been acknowledged.
  public var isDrained: Bool { !hasUnsent && flightCount == 0 }

  /// Writes what waits to the medium, as one.
  mutating func commit() {
    do throws(StorageFault) {
      try ring.commit()
      _ = try ring.finishCommit()
    } catch {}
  }

  /// Notices what has reached the medium.
  mutating func step() {
    do throws(StorageFault) { _ = try ring.finishCommit() } catch {}
  }

  /// Tries a medium that has failed once more.
  mutating func retry() {
    do throws(StorageFault) {
      try ring.retry()
      _ = try ring.finishCommit()
    } catch {}
  }
}
