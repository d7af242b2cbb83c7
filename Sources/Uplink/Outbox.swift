import Core

/// Messages that wait for the broker's acknowledgement, in publishing order, in fixed memory: the
/// one list that says what is unacknowledged.
///
/// A ring of records that never wrap: where a record does not fit before the end, the rest is
/// skipped. Each record has a header of four bytes, then the body as the caller wrote it:
///
///     | size, 2 bytes | state | flags | body ... |
///
///     head                  history            live                 tail
///      | done, under way ... | waiting, old ... | waiting, new ...  |
///
/// `state` is waiting, under way or done. A record is live or, by its flag, historical: when a
/// connection opens, all that still waits becomes historical, and what is appended afterwards is
/// live. Live records leave first; historical ones follow, oldest first. Another flag marks answers
/// to what others have asked, of which there may not be so many that they push readings out. The
/// seam for the durable journal is here: a journal will take the place of the ring's memory behind
/// the same verbs.
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
  }

  private enum Flag {
    static let historical: UInt8 = 1
    static let answer: UInt8 = 2
  }

  static let headerBytes = 4
  /// A size that no record has: the ring goes on at its beginning.
  private static let skipMark = 0xFFFF

  var ring: Table<UInt8>
  private var batches: Table<Batch>
  var head = 0
  var tail = 0
  private var live = 0
  private var history = 0
  /// Records in the ring, those that are done but not yet freed included.
  public private(set) var count = 0
  /// Records that were never acknowledged: waiting or under way.
  public private(set) var unacknowledged = 0
  /// Those among them that are answers.
  private var answers = 0

  /// What one packet carries: records that follow one another.
  private struct Batch: BitwiseCopyable {
    var offset = 0
    var count = 0
    var used = false
  }

  /// A ring of `bytes`, for at most `inflight` packets under way.
  public init(bytes: Int, inflight: Int, arena: inout Arena) {
    ring = arena.table("outbox: readings and results", count: bytes, filledWith: 0)
    batches = arena.table("outbox: packets under way", count: inflight, filledWith: Batch())
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

  /// Appends a live record of `bodyBytes`, which `fill` writes. Where there is no room, the oldest
  /// records go, and `dropped` sees each one that was not acknowledged. False, and nothing happens,
  /// when a body of that size can never fit.
  public mutating func append(
    bodyBytes: Int, isAnswer: Bool = false, dropped: (Span<UInt8>) -> Void,
    fill: (inout OutputSpan<UInt8>) -> Void
  ) -> Bool {
    let size = Self.headerBytes + bodyBytes
    guard size < Self.skipMark, size <= ring.count / 2 else { return false }
    while !makeRoom(size) { dropOldest(dropped) }
    let place = tail
    let written = ring.fill(from: place, limit: size) { out in
      out.append(littleEndian: UInt64(wide: size), bytes: 2)
      out.append(State.waiting)
      out.append(isAnswer ? Flag.answer : 0)
      fill(&out)
    }
    precondition(written == size, "the caller wrote as much as it announced")
    tail += size
    count += 1
    unacknowledged += 1
    if isAnswer { answers += 1 }
    return true
  }

  /// True when `size` bytes are free at `tail`, moving `tail` to the beginning where that is needed.
  private mutating func makeRoom(_ size: Int) -> Bool {
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

  private mutating func dropOldest(_ dropped: (Span<UInt8>) -> Void) {
    let place = head
    if state(at: place) != State.done {
      withBody(Place(offset: place), dropped)
      for index in 0..<batches.count where batches[index].used {
        guard batches[index].offset == place, batches[index].count > 0 else { continue }
        batches[index].offset = next(after: place)
        batches[index].count -= 1
      }
      finish(place)
    }
    freeHead()
  }

  // MARK: Sending

  /// A connection opens: everything that waits is history now. What was under way waits again too,
  /// unless the broker kept the session (`resuming`) and its packets are sent again as they were.
  public mutating func connectionOpened(resuming: Bool) {
    if !resuming {
      for index in 0..<batches.count { batches[index] = Batch() }
    }
    var place = head
    for _ in 0..<count {
      place = skip(place)
      let isWaiting = state(at: place) == State.waiting
      if isWaiting || (!resuming && state(at: place) == State.underWay) {
        setState(State.waiting, at: place)
        setFlag(Flag.historical, at: place)
      }
      place += size(at: place)
    }
    history = skip(head)
    live = tail
    freeHeadWhileDone()
  }

  /// The connection is lost and the broker keeps no session: what was under way waits again.
  public mutating func connectionLost() {
    for index in 0..<batches.count { batches[index] = Batch() }
    var place = head
    for _ in 0..<count {
      place = skip(place)
      if state(at: place) == State.underWay { setState(State.waiting, at: place) }
      place += size(at: place)
    }
    live = skip(head)
    history = live
  }

  /// Offers each record that waits and `isWanted` to `take`, oldest first, until it refuses one. What it
  /// takes is done here.
  public mutating func handOver(
    where isWanted: (Span<UInt8>) -> Bool, take: (Span<UInt8>) -> Bool
  ) {
    var place = head
    for _ in 0..<count {
      place = skip(place)
      if state(at: place) == State.waiting, withBody(Place(offset: place), isWanted) {
        guard withBody(Place(offset: place), take) else { break }
        finish(place)
      }
      place += size(at: place)
    }
    freeHeadWhileDone()
  }

  /// Packets under way.
  public var batchCount: Int {
    var used = 0
    for index in 0..<batches.count where batches[index].used { used += 1 }
    return used
  }

  /// The oldest live record that waits.
  public mutating func nextLive() -> Place? {
    live = firstWaiting(from: live)
    return live == tail ? nil : Place(offset: live)
  }

  /// The oldest historical record that waits.
  public mutating func nextHistorical() -> Place? {
    history = firstWaiting(from: history)
    guard history != tail, isHistorical(history) else { return nil }
    return Place(offset: history)
  }

  /// The record behind `place`, when it waits and is historical too.
  public func historical(after place: Place) -> Place? {
    let following = next(after: place.offset)
    guard following != tail, state(at: following) == State.waiting, isHistorical(following)
    else { return nil }
    return Place(offset: following)
  }

  /// Lends the body of a record.
  public func withBody<R, E: Error>(
    _ place: Place, _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    try ring.withSpan(
      from: place.offset + Self.headerBytes, count: size(at: place.offset) - Self.headerBytes, body)
  }

  /// A token for one more packet, or nil when as many are under way as may be.
  public func freeToken() -> UInt32? {
    for index in 0..<batches.count where !batches[index].used {
      return UInt32(truncatingIfNeeded: index)
    }
    return nil
  }

  /// `count` records from `place` on are under way in the packet of `token`.
  public mutating func sent(_ place: Place, count: Int, token: UInt32) {
    let index = Int(token)
    precondition(!batches[index].used)
    batches[index] = Batch(offset: place.offset, count: count, used: true)
    var offset = place.offset
    for _ in 0..<count {
      setState(State.underWay, at: offset)
      offset = next(after: offset)
    }
  }

  /// The broker has acknowledged the packet of `token`. Returns how many records that settles.
  public mutating func acknowledged(_ token: UInt32) -> Int {
    let index = Int(token)
    guard index < batches.count, batches[index].used else { return 0 }
    let batch = batches[index]
    batches[index] = Batch()
    var place = batch.offset
    for _ in 0..<batch.count {
      finish(place)
      place = next(after: place)
    }
    freeHeadWhileDone()
    return batch.count
  }

  /// A record that can't be sent at all is given up.
  public mutating func discard(_ place: Place) {
    finish(place.offset)
    freeHeadWhileDone()
  }

  /// The packet of `token` is under way and carries these records, for sending it again.
  public func records(of token: UInt32) -> (first: Place, count: Int)? {
    let index = Int(token)
    guard index < batches.count, batches[index].used, batches[index].count > 0 else { return nil }
    return (Place(offset: batches[index].offset), batches[index].count)
  }

  /// The packet of `token` was sent again, but carries only its first `count` records now. The
  /// others wait again, as late ones.
  public mutating func sentAgain(_ token: UInt32, count: Int) {
    let batch = batches[Int(token)]
    precondition(batch.used && count > 0)
    guard count < batch.count else { return }
    var place = batch.offset
    for number in 0..<batch.count {
      if number >= count {
        setState(State.waiting, at: place)
        setFlag(Flag.historical, at: place)
      }
      place = next(after: place)
    }
    batches[Int(token)].count = count
    history = skip(head)
  }

  /// The record behind `place`, whatever its state.
  public func record(after place: Place) -> Place { Place(offset: next(after: place.offset)) }

  /// True when the record was appended before this connection opened.
  public func isHistorical(_ place: Place) -> Bool { isHistorical(place.offset) }

  // MARK: The ring

  private func size(at place: Int) -> Int { Int(ring[place]) | Int(ring[place + 1]) << 8 }

  private func state(at place: Int) -> UInt8 { ring[place + 2] }

  private func isHistorical(_ place: Int) -> Bool { hasFlag(Flag.historical, at: place) }

  private func hasFlag(_ flag: UInt8, at place: Int) -> Bool { ring[place + 3] & flag != 0 }

  private mutating func setFlag(_ flag: UInt8, at place: Int) {
    ring[place + 3] = ring[place + 3] | flag
  }

  private mutating func setState(_ state: UInt8, at place: Int) { ring[place + 2] = state }

  /// The record at `place`, which was waiting or under way, is done.
  private mutating func finish(_ place: Int) {
    setState(State.done, at: place)
    unacknowledged -= 1
    if hasFlag(Flag.answer, at: place) { answers -= 1 }
  }

  /// Says at `place` that the ring goes on at its beginning, if there is room to say so.
  private mutating func mark(skipAt place: Int) {
    guard place + 2 <= ring.count else { return }
    ring[place] = 0xFF
    ring[place + 1] = 0xFF
  }

  /// Where the record at, or skipped from, `place` begins.
  private func skip(_ place: Int) -> Int {
    guard place != tail else { return place }
    return place + 2 > ring.count || size(at: place) == Self.skipMark ? 0 : place
  }

  private func next(after place: Int) -> Int { skip(place + size(at: place)) }

  private func firstWaiting(from start: Int) -> Int {
    var place = skip(start)
    while place != tail, state(at: place) != State.waiting { place = next(after: place) }
    return place
  }

  private mutating func freeHead() {
    let following = next(after: head)
    if live == head { live = following }
    if history == head { history = following }
    head = following
    count -= 1
    if count == 0 { (head, tail, live, history) = (0, 0, 0, 0) }
  }

  private mutating func freeHeadWhileDone() {
    while count > 0, state(at: head) == State.done { freeHead() }
  }
}
