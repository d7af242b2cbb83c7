import Core

/// What leaves next, what is under way, and what becomes of it.
extension Outbox {
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
      } else if state(at: place) == State.held {
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

  /// Packets under way.
  public var batchCount: Int {
    var used = 0
    for index in 0..<batches.count where batches[index].used { used += 1 }
    return used
  }

  /// The oldest live record that waits.
  public mutating func nextLive() -> Place? {
    live = firstWaiting(from: live, historical: false)
    return live == tail ? nil : Place(offset: live)
  }

  /// The oldest historical record that waits.
  public mutating func nextHistorical() -> Place? {
    history = firstWaiting(from: history, historical: true)
    return history == tail ? nil : Place(offset: history)
  }

  /// True while a record is under way that is older than a historical one that waits.
  var hasUnderWayBeforeHistorical: Bool {
    var isUnderWay = false
    var place = skip(head)
    while place != tail {
      switch state(at: place) {
      case State.underWay: isUnderWay = true
      case State.waiting: if isUnderWay, isHistorical(place) { return true }
      default: break
      }
      place = next(after: place)
    }
    return false
  }

  /// The record behind `place`, when it waits and is historical too.
  public func historical(after place: Place) -> Place? {
    let following = next(after: place.offset)
    guard following != tail, state(at: following) == State.waiting, isHistorical(following)
    else { return nil }
    return Place(offset: following)
  }

  private func firstWaiting(from start: Int, historical: Bool) -> Int {
    var place = skip(start)
    while place != tail, state(at: place) != State.waiting || isHistorical(place) != historical {
      place = next(after: place)
    }
    return place
  }

  /// Lends the body of a record.
  public func withBody<R, E: Error>(
    _ place: Place, _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    let start = bodyStart(place.offset)
    return try ring.withSpan(
      from: start, count: place.offset + size(at: place.offset) - start, body)
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

  /// The broker has acknowledged the packet of `token`. Returns how many records that settles;
  /// `journaled` gets the places in the journal of those that it has.
  public mutating func acknowledged(_ token: UInt32, journaled: (JournalPlace) -> Void) -> Int {
    let index = Int(token)
    guard index < batches.count, batches[index].used else { return 0 }
    let batch = batches[index]
    batches[index] = Batch()
    var place = batch.offset
    for _ in 0..<batch.count {
      if let there = journalPlace(at: place) { journaled(there) }
      finish(place)
      place = next(after: place)
    }
    freeHeadWhileDone()
    return batch.count
  }

  /// The records of the packet of `token`, which can't be sent, or may not be any more, are given up, and
  /// counted. Returns how many those are; see `acknowledged`.
  mutating func giveUp(_ token: UInt32, journaled: (JournalPlace) -> Void) -> Int {
    if let (first, count) = records(of: token) {
      var place = first.offset
      for _ in 0..<count {
        losses.lose(.dropped, label(at: place), weight(at: place))
        place = next(after: place)
      }
    }
    return acknowledged(token, journaled: journaled)
  }

  /// A connection has ended with the packet of `token` under way, as a test or among others. Returns at
  /// how many ends its first record was; see `Probation`.
  mutating func ended(_ token: UInt32, isTest: Bool) -> UInt8 {
    guard let (first, count) = records(of: token) else { return 0 }
    var place = first.offset
    for _ in 0..<count {
      if isTest || ring[place + 7] < Probation.endsMax { ring[place + 7] += 1 }
      place = next(after: place)
    }
    return ring[first.offset + 7]
  }

  /// True when the packet of `token` carries a suspect alone.
  func isSuspected(_ token: UInt32) -> Bool {
    guard let (first, count) = records(of: token) else { return false }
    return count == 1 && isSuspected(first)
  }

  /// True when the record is suspected.
  func isSuspected(_ place: Place) -> Bool { ring[place.offset + 7] >= Probation.endsMax }

  /// True while a suspect waits.
  var hasSuspect: Bool {
    var place = skip(head)
    while place != tail {
      if state(at: place) == State.waiting, isSuspected(Place(offset: place)) { return true }
      place = next(after: place)
    }
    return false
  }

  /// A record that is not to be sent any more goes; `journaled` gets its place in the journal, if it has
  /// one.
  public mutating func discard(_ place: Place, journaled: (JournalPlace) -> Void = { _ in }) {
    if let there = journalPlace(at: place.offset) { journaled(there) }
    finish(place.offset)
    freeHeadWhileDone()
  }

  /// A record that waits is given up, and counted.
  mutating func lose(_ place: Place, _ cause: LossCause, journaled: (JournalPlace) -> Void) {
    losses.lose(cause, label(at: place.offset), weight(at: place.offset))
    discard(place, journaled: journaled)
  }

  /// The packet of `token` is under way and carries these records, for sending it again.
  public func records(of token: UInt32) -> (first: Place, count: Int)? {
    let index = Int(token)
    guard index < batches.count, batches[index].used, batches[index].count > 0 else { return nil }
    return (Place(offset: batches[index].offset), batches[index].count)
  }

  /// Records under way, in all packets.
  public var recordsUnderWay: Int {
    var count = 0
    for index in 0..<batches.count where batches[index].used { count += batches[index].count }
    return count
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

  func isHistorical(_ place: Int) -> Bool { hasFlag(Flag.historical, at: place) }

  /// What is said on the outside of a record.
  public func label(of place: Place) -> RecordLabel { label(at: place.offset) }
}
