import Core
import Journal
import MQTT

/// Why a journal does not take a message.
package enum JournalRefusal: Error, Sendable, Equatable {
  /// It is full.
  case full
  /// The message is larger than the journal takes: so many bytes of topic, properties and payload, with
  /// a head of up to 33.
  case tooLarge(maximum: Int)
  /// There is room once the medium has written what is settled: ask again then.
  case awaitsMedium
}

/// Messages in.
extension MessageJournal {
  /// Takes a message of `owner`'s; returns the session's handle of it, and whether it is kept already, as
  /// well as the medium allows: else a notice says so later. Where the oldest has to give way, `withdraw` is asked to take a message
  /// that was handed to the session back, by its tag.
  package func append(
    _ message: KeptMessage, owner: UInt64, at moment: Moment, withdraw: (UInt64) -> Bool
  ) throws(JournalRefusal) -> (tag: UInt64, isKept: Bool) {
    let bytes = message.recordBytes
    guard bytes <= recordBytesMax else { throw .tooLarge(maximum: recordBytesMax) }
    while entries.count >= configuration.maximumMessages {
      try dropOldest(at: moment.instant, withdraw)
    }
    var entry = KeptEntry(owner: owner, place: nil, bytes: bytes, copy: message)
    if let expiry = message.expiry {
      entry.expiresAt = expiry.instant
      expiryDue = min(expiryDue, expiry.instant)
    }
    if fault == nil, memoryMessages == 0 {
      if let place = try appendToRing(message, bytes, at: moment.instant, withdraw) {
        entry.place = place
        return (Self.tag(entries.append(entry)), configuration.sync != .always)
      }
    }
    return (Self.tag(try keepInMemory(entry, at: moment.instant, withdraw)), true)
  }

  /// Nil when the medium fails.
  private func appendToRing(
    _ message: KeptMessage, _ bytes: Int, at now: Instant, _ withdraw: (UInt64) -> Bool
  ) throws(JournalRefusal) -> Range<Int64>? {
    // Settled records first: their room may be what is missing.
    settlePrefix()
    do throws(AppendFault) {
      return try put(message, bytes, at: now)
    } catch {
      switch error {
      case .tooLarge: throw .tooLarge(maximum: recordBytesMax)
      case .storage(let fault):
        failed(JournalFault(fault), at: now)
        return nil
      // Nothing is rewritten here, so the ring is never busy.
      case .full, .busy:
        try makeRoom(bytes, at: now, withdraw)
        commitDue = now
        throw .awaitsMedium
      }
    }
  }

  func put(
    _ message: KeptMessage, _ bytes: Int, at now: Instant
  ) throws(AppendFault) -> Range<Int64> {
    let position = try ring.append(recordClass: Self.recordClass, time: now, bodyBytes: bytes) {
      message.write(to: &$0)
    }
    uncommitted += 1
    noteAppended(at: now)
    return position.offset..<ring.tail.offset
  }

  private func noteAppended(at now: Instant) {
    switch configuration.sync {
    case .always: commitDue = now
    case .batch(let every):
      commitDue = uncommitted >= Self.batchMax ? now : min(commitDue, now + every.interval)
    }
  }

  /// Records that one sync is put off for at the most.
  private static var batchMax: Int { 256 }

  /// Settles the oldest until the ring has room for `bytes` more, once that is durable.
  private func makeRoom(
    _ bytes: Int, at now: Instant, _ withdraw: (UInt64) -> Bool
  ) throws(JournalRefusal) {
    // The record's head, what the ring says before it, and the block that the head lies in.
    let wanted = bytes + Self.overheadBytes + JournalConfiguration.blockBytes
    // Ends: each turn settles a message.
    while ring.capacityBytes - Int(ring.tail.offset - ring.head.offset) < wanted {
      try dropOldest(at: now, withdraw)
      settlePrefix()
    }
  }

  private static var overheadBytes: Int { 512 }

  /// The oldest message that is not under way gives way.
  private func dropOldest(
    at now: Instant, _ withdraw: (UInt64) -> Bool
  ) throws(JournalRefusal) {
    guard configuration.whenFull == .dropOldest else { throw .full }
    for number in entries.numbers {
      switch entries[number].state {
      case .settled: continue
      case .waiting: break
      case .handed: guard withdraw(Self.tag(number)) else { continue }
      }
      return giveUp(number, .full, at: now)
    }
    throw .full
  }

  // MARK: Memory

  private func keepInMemory(
    _ entry: KeptEntry, at now: Instant, _ withdraw: (UInt64) -> Bool
  ) throws(JournalRefusal) -> UInt64 {
    // Ends: each turn settles a message.
    while memoryMessages >= memoryMessagesMax || memoryBytes + entry.bytes > memoryBytesMax {
      guard memoryMessages > 0 else { throw .full }
      try dropOldest(at: now, withdraw)
    }
    memoryMessages += 1
    memoryBytes += entry.bytes
    return entries.append(entry)
  }

  /// Moves what has waited in memory to the medium, in order, as far as there is room.
  func moveToRing(at now: Instant) {
    guard memoryMessages > 0 else { return }
    for number in entries.numbers.reversed() {
      guard entries[number].place != nil else { continue }
      return moveToRing(from: number + 1, at: now)
    }
    moveToRing(from: entries.first, at: now)
  }

  private func moveToRing(from first: UInt64, at now: Instant) {
    for number in first..<entries.end {
      let entry = entries[number]
      guard entry.state != .settled, let message = entry.copy else { continue }
      do throws(AppendFault) {
        entries[number].place = try put(message, entry.bytes, at: now)
      } catch {
        // A full ring has room when something is settled.
        if case .storage(let fault) = error { failed(JournalFault(fault), at: now) }
        return
      }
      memoryMessages -= 1
      memoryBytes -= entry.bytes
    }
  }
}
