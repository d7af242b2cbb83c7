import Core

/// Messages that wait for the broker's acknowledgement, in publishing order, in fixed memory: the
/// one list that says what is unacknowledged.
///
/// A ring of records that never wrap: where a record does not fit before the end, the rest is
/// skipped. Each record has a header, then the body as the caller wrote it. Where it has to be durable
/// before it is sent, its place in the journal lies between the two; where it stands for several, their
/// number:
///
///     | size 2 | state 1 | flags 1 | series 2 | class, durability 1 | ends 1 | body ...
///                                                       [from 8 | up to 8] or [number 4]
///
///     head                  history            live                 tail
///      | done, under way ... | waiting, old ... | waiting, new ...  |
///
/// A record waits, is under way, is done, or is held until it is durable. It is live or, by its flag,
/// historical: when a connection opens, all that still waits becomes historical, and what is appended
/// afterwards is live. Live records leave first; historical ones follow, oldest first.
///
/// `ends` counts those of connections at which it was under way; see `Probation`.
///
/// Where room gets short, what its class allows goes first: see `RecordClass` and `thin`.
///
/// Invariant: no waiting live record lies before `live`, no waiting historical one before `history`.
public struct Outbox: ~Copyable {
  /// Where one record lies in the ring.
  public struct Place: BitwiseCopyable, Equatable, Sendable {
    var offset: Int
  }

  enum State {
    static let waiting: UInt8 = 0
    static let underWay: UInt8 = 1
    static let done: UInt8 = 2
    static let held: UInt8 = 3
  }

  enum Flag {
    static let historical: UInt8 = 1
    /// The journal has it.
    static let journaled: UInt8 = 2
    /// It stands for several.
    static let merged: UInt8 = 4
  }

  static let headerBytes = 8
  /// What lies before the body of a record that is durable before it is sent.
  static let placeBytes = 16
  /// What lies before the body of a record that stands for several.
  static let weightBytes = 4
  /// A size that no record has: the ring goes on at its beginning.
  static let skipMark = 0xFFFF

  var ring: Table<UInt8>
  var batches: Table<Batch>
  var head = 0
  var tail = 0
  var live = 0
  var history = 0
  /// Records in the ring, those that are done but not yet freed included.
  public internal(set) var count = 0
  /// Records that were never acknowledged: waiting, held or under way.
  public internal(set) var unacknowledged = 0
  /// Bytes of those.
  public internal(set) var bytesKept = 0
  /// Bytes of the events among them.
  private var eventBytes = 0
  /// Those among them that are answers.
  private var answers = 0
  /// Records that were appended since the start.
  public private(set) var appendCount: UInt64 = 0
  /// Those that are held.
  var heldCount = 0
  /// Those that the journal has too.
  var journaledCount = 0
  /// The classes of what has to leave at once, and whether such a record has come.
  var urgent = RecordClasses()
  private var hasUrgent = false
  /// Records are done here that the journal has, and that may lie behind what was sent from it.
  var hasLeftToJournal = false
  /// What did not go out as it was.
  public var losses: LossLedger

  /// What one packet carries: records that follow one another.
  struct Batch: BitwiseCopyable {
    var offset = 0
    var count = 0
    var used = false
    /// Where the first of them was moved to, while records move; -1 for not.
    var movedTo = -1
  }

  /// A ring of `bytes`, for at most `inflight` packets under way, and records of `series` series.
  public init(bytes: Int, inflight: Int, series: Int, arena: inout Arena) {
    ring = arena.table("outbox: readings and results", count: bytes, filledWith: 0)
    batches = arena.table("outbox: packets under way", count: inflight, filledWith: Batch())
    losses = LossLedger(series: series, arena: &arena)
  }

  /// Bytes of the ring.
  public var capacity: Int { ring.count }

  /// Bytes that records take up, from the oldest to the newest.
  public var bytesUsed: Int {
    if count == 0 { return 0 }
    return tail > head ? tail - head : ring.count - head + tail
  }

  /// True while there is no room for one more answer: one for each half KiB, and two at least.
  public var isFullOfAnswers: Bool { answers >= max(2, ring.count / 512) }

  // MARK: Appending

  /// Appends a live record of `bodyBytes`, which `fill` writes, at the cost of older ones where that
  /// must be. False, and nothing happens, when a body of that size can never fit.
  public mutating func append(
    _ label: RecordLabel, bodyBytes: Int, fill: (inout OutputSpan<UInt8>) -> Void
  ) -> Bool {
    let isHeld = label.durability == .always
    let size = Self.headerBytes + (isHeld ? Self.placeBytes : 0) + bodyBytes
    guard size < Self.skipMark, size <= ring.count / 2 else { return false }
    if label.recordClass == .state { replaceLatest(label) }
    if label.recordClass == .event {
      while eventBytes + size > ring.count / 2, dropOldestEvent() {}
    }
    if !makeRoom(size), bytesUsed - bytesKept >= ring.count / 8 { squeeze() }
    while !makeRoom(size) { dropOldest() }
    let written = ring.fill(from: tail, limit: size) { out in
      Self.writeHeader(label, size, isHeld ? State.held : State.waiting, flags: 0, into: &out)
      if isHeld { out.append(repeating: 0, count: Self.placeBytes) }
      fill(&out)
    }
    precondition(written == size, "the caller wrote as much as it announced")
    added(label, size, isHeld: isHeld)
    return true
  }

  static func writeHeader(
    _ label: RecordLabel, _ size: Int, _ state: UInt8, flags: UInt8,
    into out: inout OutputSpan<UInt8>
  ) {
    out.append(littleEndian: UInt64(wide: size), bytes: 2)
    out.append(state)
    out.append(flags)
    out.append(littleEndian: UInt64(wide: Int(label.series)), bytes: 2)
    out.append(label.recordClass.rawValue | label.durability.rawValue &<< 4)
    out.append(0)
  }

  /// A record of `size` bytes now stands at the tail.
  private mutating func added(_ label: RecordLabel, _ size: Int, isHeld: Bool) {
    tail += size
    count += 1
    appendCount &+= 1
    unacknowledged += 1
    bytesKept += size
    if isHeld { heldCount += 1 }
    if label.recordClass == .answer { answers += 1 }
    if label.recordClass == .event { eventBytes += size }
    if urgent.contains(label.recordClass) { hasUrgent = true }
  }

  /// True when something urgent was appended since the last time.
  mutating func takeUrgent() -> Bool {
    defer { hasUrgent = false }
    return hasUrgent
  }

  /// The record at `place`, which was waiting, held or under way, is done.
  mutating func finish(_ place: Int) {
    let label = label(at: place)
    let size = size(at: place)
    if state(at: place) == State.held { heldCount -= 1 }
    if hasFlag(Flag.journaled, at: place) { journaledCount -= 1 }
    setState(State.done, at: place)
    unacknowledged -= 1
    bytesKept -= size
    if label.recordClass == .answer { answers -= 1 }
    if label.recordClass == .event { eventBytes -= size }
  }

  // MARK: Making room

  /// A record that waits and of whose series there is a newer one now goes.
  private mutating func replaceLatest(_ label: RecordLabel) {
    guard unacknowledged > 0 else { return }
    var place = head
    for _ in 0..<count {
      place = skip(place)
      if state(at: place) == State.waiting, self.label(at: place) == label {
        if hasFlag(Flag.journaled, at: place) {
          leaveToJournal(place)
        } else {
          losses.count(.replaced, label)
          finish(place)
        }
      }
      place += size(at: place)
    }
    freeHeadWhileDone()
  }

  /// False when no event waits.
  private mutating func dropOldestEvent() -> Bool {
    var place = head
    for _ in 0..<count {
      place = skip(place)
      if label(at: place).recordClass == .event, state(at: place) == State.waiting {
        countDropped(place)
        finish(place)
        freeHeadWhileDone()
        return true
      }
      place += size(at: place)
    }
    return false
  }

  /// True when `size` bytes are free at `tail`, moving `tail` to the beginning where that is needed.
  mutating func makeRoom(_ size: Int) -> Bool {
    if count == 0 {
      (head, tail, live, history) = (0, 0, 0, 0)
      return true
    }
    if tail > head {
      if tail + size <= ring.count { return true }
      guard size < head else { return false }
      mark(skipAt: tail)
      if live == tail { live = 0 }
      if history == tail { history = 0 }
      tail = 0
      return true
    }
    // One byte stays free, so that a full ring and an empty one look different.
    return tail + size < head
  }

  /// What the journal has, too, is not lost with the record here.
  private mutating func countDropped(_ place: Int) {
    guard !hasFlag(Flag.journaled, at: place) else {
      hasLeftToJournal = true
      return
    }
    losses.lose(.dropped, label(at: place), weight(at: place))
  }

  private mutating func dropOldest() {
    let place = head
    if state(at: place) != State.done {
      countDropped(place)
      for index in 0..<batches.count where batches[index].used {
        guard batches[index].offset == place, batches[index].count > 0 else { continue }
        batches[index].offset = next(after: place)
        batches[index].count -= 1
      }
      finish(place)
    }
    freeHead()
  }

  // MARK: The ring

  func size(at place: Int) -> Int { Int(ring[place]) | Int(ring[place + 1]) << 8 }

  func state(at place: Int) -> UInt8 { ring[place + 2] }

  mutating func setState(_ state: UInt8, at place: Int) { ring[place + 2] = state }

  func hasFlag(_ flag: UInt8, at place: Int) -> Bool { ring[place + 3] & flag != 0 }

  mutating func setFlag(_ flag: UInt8, at place: Int) { ring[place + 3] = ring[place + 3] | flag }

  func label(at place: Int) -> RecordLabel {
    RecordLabel(
      RecordClass(rawValue: ring[place + 6] & 0x0F) ?? .note,
      series: UInt16(truncatingIfNeeded: Int(ring[place + 4]) | Int(ring[place + 5]) << 8),
      durability: Durability(rawValue: ring[place + 6] >> 4) ?? .spill)
  }

  /// Where the body of the record at `place` begins.
  func bodyStart(_ place: Int) -> Int {
    let start = place + Self.headerBytes
    if hasFlag(Flag.merged, at: place) { return start + Self.weightBytes }
    return ring[place + 6] >> 4 == Durability.always.rawValue ? start + Self.placeBytes : start
  }

  /// How many readings the record at `place` stands for.
  func weight(at place: Int) -> UInt32 {
    guard hasFlag(Flag.merged, at: place) else { return 1 }
    return ring.withSpan(from: place + Self.headerBytes, count: Self.weightBytes) { bytes in
      UInt32(truncatingIfNeeded: bytes.littleEndian(at: 0, bytes: Self.weightBytes))
    }
  }

  /// Says at `place` that the ring goes on at its beginning, if there is room to say so.
  mutating func mark(skipAt place: Int) {
    guard place + 2 <= ring.count else { return }
    ring[place] = 0xFF
    ring[place + 1] = 0xFF
  }

  /// Where the record at, or skipped from, `place` begins.
  func skip(_ place: Int) -> Int {
    guard place != tail else { return place }
    return place + 2 > ring.count || size(at: place) == Self.skipMark ? 0 : place
  }

  func next(after place: Int) -> Int { skip(place + size(at: place)) }

  mutating func freeHead() {
    let following = next(after: head)
    if live == head { live = following }
    if history == head { history = following }
    head = following
    count -= 1
    if count == 0 { (head, tail, live, history) = (0, 0, 0, 0) }
  }

  mutating func freeHeadWhileDone() {
    while count > 0, state(at: head) == State.done { freeHead() }
  }
}
