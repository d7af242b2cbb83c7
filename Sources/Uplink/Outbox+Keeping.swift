import Core

/// Where a record lies in the journal: from one byte of its stream up to another.
public struct JournalPlace: BitwiseCopyable, Equatable, Sendable {
  var start: Int64
  var end: Int64
}

/// Records that the journal takes over, and those that it has to have before they are sent.
extension Outbox {
  /// Offers each record that waits and may go to the journal to `take`, oldest first, until it refuses
  /// one. What it takes, or the journal has already, is done here. Unless that is to make room, live ones
  /// stay, and what is durable before it is sent: the journal has that, and what lies behind it there may have
  /// been sent.
  mutating func handOver(makingRoom: Bool, take: (RecordLabel, Span<UInt8>) -> Bool) {
    var place = head
    var isRefused = false
    for _ in 0..<count {
      place = skip(place)
      let label = label(at: place)
      if state(at: place) == State.waiting,
        label.durability == .spill && isHistorical(place)
          || makingRoom && label.durability != .memory
      {
        if hasFlag(Flag.journaled, at: place) {
          leaveToJournal(place)
        } else if !isRefused {
          isRefused = !withBody(Place(offset: place)) { take(label, $0) }
          if !isRefused { finish(place) }
        }
      }
      place += size(at: place)
    }
    freeHeadWhileDone()
  }

  /// The record at `place`, which the journal has, is done here and leaves from there, or is counted there.
  mutating func leaveToJournal(_ place: Int) {
    hasLeftToJournal = true
    finish(place)
  }

  /// Offers each record that has to be in the journal, and is not yet, to `take`, oldest first, until it
  /// has no place for one: what is held, and before it what was let go while there was no room.
  mutating func journalHeld(take: (RecordLabel, Span<UInt8>) -> JournalPlace?) {
    guard heldCount > 0 else { return }
    var place = head
    for _ in 0..<count {
      place = skip(place)
      let label = label(at: place)
      if label.durability == .always, state(at: place) != State.done,
        !hasFlag(Flag.journaled, at: place)
      {
        guard let there = withBody(Place(offset: place), { take(label, $0) }) else { break }
        setFlag(Flag.journaled, at: place)
        journaledCount += 1
        _ = ring.fill(from: place + Self.headerBytes, limit: Self.placeBytes) { out in
          out.append(littleEndian: UInt64(bitPattern: there.start), bytes: 8)
          out.append(littleEndian: UInt64(bitPattern: there.end), bytes: 8)
        }
      }
      place += size(at: place)
    }
  }

  /// What is held and lies before `durable` in the journal may be sent; all of it, in the journal or not,
  /// when `durable` is nil: there is none that works.
  mutating func release(durable: Int64?) {
    guard heldCount > 0 else { return }
    var place = head
    for _ in 0..<count {
      place = skip(place)
      if state(at: place) == State.held, isDurable(place, durable) {
        heldCount -= 1
        setState(State.waiting, at: place)
      }
      place += size(at: place)
    }
    live = skip(head)
    history = live
  }

  private func isDurable(_ place: Int, _ durable: Int64?) -> Bool {
    guard let durable else { return true }
    guard let there = journalPlace(at: place) else { return false }
    return there.end <= durable
  }

  /// Where the record at `place` lies in the journal; nil when it is not there.
  func journalPlace(at place: Int) -> JournalPlace? {
    guard hasFlag(Flag.journaled, at: place) else { return nil }
    return ring.withSpan(from: place + Self.headerBytes, count: Self.placeBytes) { bytes in
      JournalPlace(
        start: Int64(bitPattern: bytes.littleEndian(at: 0, bytes: 8)),
        end: Int64(bitPattern: bytes.littleEndian(at: 8, bytes: 8)))
    }
  }

  /// True when the record that begins at `start` in the journal is here too, and leaves from here.
  func hasJournaled(_ start: Int64) -> Bool {
    guard journaledCount > 0 else { return false }
    var place = head
    for _ in 0..<count {
      place = skip(place)
      if state(at: place) != State.done, let there = journalPlace(at: place), there.start == start {
        return true
      }
      place += size(at: place)
    }
    return false
  }
}
