import Core
import Journal
import MQTT

/// Messages out, and what becomes of them.
extension MessageJournal {
  /// The next message for the session: its tag, what it is, and what is left of its time. Nil when there
  /// is none, or none that may leave yet.
  package func next(
    at moment: Moment
  ) -> (tag: UInt64, message: KeptMessage, left: Interval?)? {
    while nextWaiting < entries.end {
      let number = nextWaiting
      guard entries[number].state == .waiting else {
        nextWaiting += 1
        continue
      }
      askClock(number, at: moment)
      let entry = entries[number]
      guard entry.expiresAt > moment.instant else {
        giveUp(number, .expired, at: moment.instant)
        continue
      }
      guard mayLeave(number) else { return nil }
      let message: KeptMessage
      switch read(entry) {
      case .message(let whole): message = whole
      case .notNow: return nil
      case .rotten:
        giveUp(number, .rotten, at: moment.instant)
        continue
      }
      entries[number].state = .handed
      // The session has it from here on; what is not on the medium yet may have to be put there again.
      if number < unsaved { entries[number].copy = nil }
      nextWaiting = number + 1
      let left = entry.expiresAt == .never ? nil : entry.expiresAt - moment.instant
      return (Self.tag(number), message, left)
    }
    return nil
  }

  /// The session has no room for what `next` has given.
  package func putBack(_ tag: UInt64) {
    guard let number = number(tag) else { return }
    entries[number].state = .waiting
    nextWaiting = min(nextWaiting, number)
  }

  private func mayLeave(_ number: UInt64) -> Bool {
    configuration.sync != .always || handsUnsaved || number < unsaved || fault != nil
      || entries[number].place == nil
  }

  private enum Reading {
    case message(KeptMessage)
    case notNow
    case rotten
  }

  private func read(_ entry: KeptEntry) -> Reading {
    if let copy = entry.copy { return .message(copy) }
    guard let place = entry.place, ring.isOpen else { return .rotten }
    let head = ring.next(from: RecordPosition(offset: place.lowerBound))
    guard ring.readFault == nil else { return .notNow }
    guard let head, head.position.offset == place.lowerBound,
      let message = ring.withBody(of: head, { KeptMessage(record: $0) })
    else { return .rotten }
    return .message(message)
  }

  // MARK: The end of a message

  /// The broker has the message, or has refused it. Returns who has published it; nil when it is none of
  /// the journal's.
  package func settle(_ tag: UInt64, at now: Instant) -> UInt64? {
    guard let number = number(tag) else { return nil }
    let owner = entries[number].owner
    finish(number, at: now)
    if isSingle {
      probation -= 1
      if probation <= 0 { endProbation() }
    }
    return owner
  }

  /// The session has given the message up, or its owner has. A notice tells it, unless it was withdrawn.
  package func drop(_ tag: UInt64, _ reason: JournalDrop, at now: Instant) {
    guard let number = number(tag) else { return }
    giveUp(number, reason, at: now)
  }

  func giveUp(_ number: UInt64, _ reason: JournalDrop, at now: Instant) {
    let owner = entries[number].owner
    switch reason {
    case .expired: counts.expired += 1
    case .full: counts.displaced += 1
    case .poison: counts.poisonous += 1
    case .unsendable: counts.unsendable += 1
    case .rotten: counts.rotten += 1
    case .withdrawn: return finish(number, at: now)
    }
    finish(number, at: now)
    notices.append(.dropped(owner: owner, tag: Self.tag(number), reason))
  }

  private func finish(_ number: UInt64, at now: Instant) {
    let entry = entries[number]
    if let place = entry.place {
      if number != entries.first {
        ring.settle(
          from: RecordPosition(offset: place.lowerBound),
          upTo: RecordPosition(offset: place.upperBound))
      }
    } else {
      memoryMessages -= 1
      memoryBytes -= entry.bytes
    }
    entries.settle(number)
    while let passed = entries.popSettled() {
      settledUpTo = max(settledUpTo, passed.place?.upperBound ?? 0)
    }
    nextWaiting = max(nextWaiting, entries.first)
    unsaved = max(unsaved, entries.first)
    unsaidSettled += 1
    let isDue = unsaidSettled >= Self.unsaidMax
    commitDue = min(commitDue, isDue ? now : now + Self.settledWait)
  }

  /// What is settled is said on the medium once there are so many, or one is so old: flash wears by
  /// syncs, and what was not said comes twice after the program's death.
  private static var unsaidMax: Int { 16 }
  private static var settledWait: Interval { .seconds(1) }

  /// Tells the ring what is settled at its front.
  func settlePrefix() {
    guard ring.isOpen, settledUpTo > ring.head.offset else { return }
    ring.settle(from: ring.head, upTo: RecordPosition(offset: settledUpTo))
  }

  // MARK: Time

  /// Where a message of an earlier boot expires by a time of day: once the clock is set, that counts.
  private func askClock(_ number: UInt64, at moment: Moment) {
    guard let wall = entries[number].wallDue, moment.quality != .none else { return }
    entries[number].wallDue = nil
    entries[number].expiresAt = min(
      entries[number].expiresAt, moment.instant + (wall - moment.wall))
  }

  /// Gives up what has expired in the ring. What was handed to the session expires there.
  func dropExpired(at moment: Moment) {
    guard expiryDue <= moment.instant else { return }
    var earliest = Instant.never
    var awaitsClock = false
    for number in max(nextWaiting, entries.first)..<entries.end
    where entries.contains(number) && entries[number].state == .waiting {
      askClock(number, at: moment)
      let entry = entries[number]
      if entry.wallDue != nil { awaitsClock = true }
      if entry.expiresAt <= moment.instant {
        giveUp(number, .expired, at: moment.instant)
      } else {
        earliest = min(earliest, entry.expiresAt)
      }
    }
    // All are looked at again, but not for each that expires.
    expiryDue = earliest == .never ? .never : max(earliest, moment.instant + Self.expiryStep)
    if awaitsClock { expiryDue = min(expiryDue, moment.instant + Self.clockStep) }
  }

  private static var expiryStep: Interval { .milliseconds(250) }
  private static var clockStep: Interval { .seconds(10) }

  // MARK: Poison

  /// A connection has ended, `byBroker` where the broker has closed it for a reason that a message may
  /// have given. `wasSent` says whether a message, by its tag, was under way then.
  ///
  /// From the first such end on one message at a time is sent, so that it shows which it is. One that was
  /// under way at three in a row, and alone at the last, is given up: its tag is returned, for the session
  /// to give it up too.
  package func connectionEnded(
    byBroker: Bool, at now: Instant, wasSent: (UInt64) -> Bool
  ) -> UInt64? {
    guard byBroker else { return nil }
    var oldest: UInt64?
    for number in entries.first..<max(entries.first, nextWaiting)
    where entries[number].state == .handed {
      // They are sent in order.
      guard wasSent(Self.tag(number)) else { break }
      entries[number].closes = min(entries[number].closes + 1, Self.closesMax)
      oldest = oldest ?? number
    }
    guard let suspect = oldest else { return nil }
    let wasAlone = window == 1
    isSingle = true
    probation = configuration.window
    guard wasAlone, entries[suspect].closes >= Self.closesMax else { return nil }
    // The others were there by chance.
    forgetCloses()
    giveUp(suspect, .poison, at: now)
    return Self.tag(suspect)
  }

  private static var closesMax: UInt8 { 3 }

  private func endProbation() {
    isSingle = false
    forgetCloses()
  }

  private func forgetCloses() {
    for number in entries.first..<max(entries.first, nextWaiting) { entries[number].closes = 0 }
  }
}
