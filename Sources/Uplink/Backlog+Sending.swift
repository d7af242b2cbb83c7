import Core
import Journal

/// Records on their way to the broker, in packs, each of which is a flight until that has answered.
extension Backlog where Medium: ~Copyable {
  /// A connection opens: whatever is not settled is sent, from the oldest on.
  mutating func connectionOpened() {
    connectionLost()
    restart()
  }

  /// The connection is lost: nothing is under way, and that holds up nothing any more.
  mutating func connectionLost() {
    for index in 0..<flights.count { flights[index] = Flight() }
  }

  /// Whatever is not settled is sent, from the oldest on.
  mutating func restart() { cursor = ring.head }

  /// True when there may be something to send.
  var hasUnsent: Bool { ring.isOpen && !isRewriting && cursor < ring.tail }

  /// Packets under way.
  var flightCount: Int {
    var count = 0
    for index in 0..<flights.count where flights[index].isUsed { count += 1 }
    return count
  }

  /// Records that these carry.
  public var recordsUnderWay: Int {
    var count = 0
    for index in 0..<flights.count where flights[index].isUsed { count += flights[index].count }
    return count
  }

  /// From the oldest record under way to the newest.
  var underWay: (start: RecordPosition, end: RecordPosition)? {
    var found: (start: RecordPosition, end: RecordPosition)?
    for index in 0..<flights.count where flights[index].isUsed {
      let flight = flights[index]
      guard let (start, end) = found else {
        found = (flight.start, flight.end)
        continue
      }
      found = (flight.start < start ? flight.start : start, end < flight.end ? flight.end : end)
    }
    return found
  }

  /// A number for one more packet; nil when as many are under way as may be.
  func freeFlight() -> Int? {
    for index in 0..<flights.count where !flights[index].isUsed { return index }
    return nil
  }

  /// Lends the records from the cursor on, one after the other, for as long as `body` takes them.
  /// Returns where the first one is that it did not take, or the end of the last one that it did.
  mutating func read(
    _ body: (RecordHead, RunStamp, Span<UInt8>) -> Bool
  ) -> RecordPosition { read(from: cursor, body) }

  private mutating func read(
    from start: RecordPosition, _ body: (RecordHead, RunStamp, Span<UInt8>) -> Bool
  ) -> RecordPosition {
    var place = start
    while let head = ring.next(from: place) {
      let stamp = stampRead
      guard ring.withBody(of: head, { body(head, stamp, $0) }) else { return head.position }
      place = head.next
    }
    return place
  }

  /// Of which run the record is that the ring has found last.
  var stampRead: RunStamp {
    var stamp = RunStamp(ring.contextRead)
    stamp.isPresentRun = stamp.run == self.stamp.run
    stamp.isPresentBoot = stamp.boot == self.stamp.boot
    return stamp
  }

  /// The records from the cursor up to `end`, or `count` of them and some are passed over, are under way as
  /// packet `flight`.
  mutating func sent(
    upTo end: RecordPosition, count: Int, passes: Bool, flight: Int, at moment: Moment
  ) {
    flights[flight] = Flight(
      start: cursor, end: end, count: count, passes: passes, madeAt: moment, isUsed: true)
    cursor = end
  }

  /// True when packet `flight` was made up without some of the records that it settles.
  func passes(_ flight: Int) -> Bool {
    flight < flights.count && flights[flight].isUsed && flights[flight].passes
  }

  /// Lends the records that packet `flight` settles, and when that was made up.
  mutating func readUnderWay(
    _ flight: Int, _ body: (RecordHead, RunStamp, Span<UInt8>, Moment) -> Void
  ) {
    guard flight < flights.count, flights[flight].isUsed else { return }
    let packet = flights[flight]
    _ = read(from: packet.start) { head, run, record in
      guard head.position < packet.end else { return false }
      body(head, run, record, packet.madeAt)
      return true
    }
  }

  /// The next record is not sent from here, or there is none that can be read.
  mutating func passRecord() { cursor = ring.next(from: cursor)?.next ?? ring.tail }

  /// The broker has acknowledged a record that was sent from memory.
  mutating func settle(_ place: JournalPlace) {
    guard ring.isOpen else { return }
    ring.settle(
      from: RecordPosition(offset: place.start), upTo: RecordPosition(offset: place.end))
  }

  /// What lies before `end` need not be sent, or can't be.
  mutating func skip(upTo end: RecordPosition) {
    // A stretch without records would take the place of one that has some.
    if let head = ring.next(from: cursor), head.position < end {
      ring.settle(from: cursor, upTo: end)
    }
    cursor = end
  }

  /// The broker has acknowledged packet `flight`. Returns how many records that settles.
  mutating func acknowledged(_ flight: Int) -> Int {
    guard flight < flights.count, flights[flight].isUsed else { return 0 }
    let packet = flights[flight]
    ring.settle(from: packet.start, upTo: packet.end)
    flights[flight] = Flight()
    return packet.count
  }
}
