import Core
import Journal

/// What outlives a power cut: records that have to be durable before they are sent, and, while the link
/// is down for long or memory gets short, all that may go to the journal.
extension BrokerLink where Medium: ~Copyable {
  /// Opens the journal. `boot` tells this boot from others.
  public mutating func openJournal(seed: UInt64, boot: UInt64) -> JournalOpening {
    backlog.open(seed: seed, boot: boot)
  }

  /// When `keep` has something to do.
  var keepAt: Instant {
    // A sync that goes on wakes the rim by itself.
    guard !backlog.isSyncing else { return .never }
    if backlog.isStuck { return retryAt }
    if backlog.isRewriting, backlog.fault == nil { return .boot }
    if keepsAll, backlog.isUsable { return .boot }
    if outbox.heldCount > 0 { return .boot }
    guard backlog.isUsable else {
      return backlog.fault != nil ? retryAt : .never
    }
    // What is waited for comes by itself.
    let spillAt = outbox.unacknowledged > 0 && !waitsToSpill ? spillAt : .never
    return isOnline && backlog.hasUnwritten ? min(marksAt, spillAt) : spillAt
  }

  /// Does what is due for the journal. While the link has been down for `UplinkSpec.spillAfter`, or
  /// when memory gets short, what waits there goes to the journal, all at once; then again every
  /// `UplinkSpec.spillEvery`. So does what had to wait for a link and still does so long after that was lost:
  /// on a slow one it may wait for hours behind what the journal has. Where it can't, what waits is
  /// thinned in memory.
  public mutating func keep(
    _ renderer: borrowing some MessageRenderer & ~Copyable, at moment: Moment
  ) {
    backlog.step()
    if backlog.isStuck, retryAt <= moment.instant {
      retryAt = moment.instant + .seconds(60)
      backlog.tryRewriteAgain()
    }
    flash.note(blocks: backlog.counters.blocksWritten, at: moment.instant)
    // What an orderly stop has to keep does not wait for the budget.
    let mayThin = keepsAll || flash.earliest(for: backlog.capacityBytes) <= moment.instant
    Self.makeRoom(&backlog, &merger, &outbox, renderer, mayThin: mayThin)
    if backlog.noteTime(at: moment, isLast: false) { backlog.commit() }
    if keepsAll { goOnKeepingAll(renderer, at: moment) }
    keepHeld(renderer, mayThin: mayThin, at: moment)
    if backlog.fault != nil, retryAt <= moment.instant {
      retryAt = moment.instant + .seconds(60)
      backlog.retry()
    }
    if isOnline { keepMarks(at: moment.instant) }
    relieve(renderer, at: moment)
  }

  /// What has to be durable goes to the journal, all that there is at once, and may be sent after that;
  /// without a journal that works, or that can be made to have room, it is sent as it is.
  private mutating func keepHeld(
    _ renderer: borrowing some MessageRenderer & ~Copyable, mayThin: Bool, at moment: Moment
  ) {
    guard outbox.heldCount > 0, !backlog.isRewriting || backlog.isStuck || !backlog.isUsable
    else { return }
    outbox.release(durable: backlog.isUsable ? backlog.durable : nil)
    guard outbox.heldCount > 0, !backlog.isSyncing else { return }
    backlog.learnTime(at: moment)
    Self.journalHeld(&outbox, &backlog, renderer, at: moment.instant)
    backlog.commit()
    if !backlog.isSyncing { outbox.release(durable: backlog.isUsable ? backlog.durable : nil) }
    guard outbox.heldCount > 0, !backlog.isSyncing else { return }
    guard backlog.isFull, mayThin, !isOnline else { return outbox.release(durable: nil) }
    // Room is made once all that the journal has leaves from there.
    spillAll(renderer, makingRoom: true, at: moment)
    Self.makeRoom(&backlog, &merger, &outbox, renderer, mayThin: true)
    keepHeld(renderer, mayThin: false, at: moment)
  }

  private static func journalHeld(
    _ outbox: inout Outbox, _ backlog: inout Backlog<Medium>,
    _ renderer: borrowing some MessageRenderer & ~Copyable, at now: Instant
  ) {
    outbox.journalHeld { label, record in
      backlog.append(label, at: now, bodyBytes: renderer.journaledBytes(of: record)) { out in
        renderer.appendToJournal(record, into: &out)
      }
    }
  }

  /// True while the budget for flash has something left for what could wait.
  public func hasFlashToSpare(at now: Instant) -> Bool { flash.earliest(for: 0) <= now }

  /// What the broker has acknowledged is noted once all of it is, and now and then before; once there is
  /// flash to spare: without it, a power cut lets it come again.
  private mutating func keepMarks(at now: Instant) {
    guard backlog.hasUnwritten, !backlog.isSyncing else { return }
    if backlog.isDrained || marksAt <= now {
      marksAt = max(now, flash.earliest(for: 0))
      guard marksAt <= now else { return }
      marksAt = now + .seconds(10)
      backlog.commit()
    } else if marksAt == .never {
      marksAt = now + .seconds(10)
    }
  }

  private mutating func relieve(
    _ renderer: borrowing some MessageRenderer & ~Copyable, at moment: Moment
  ) {
    waitsToSpill = false
    let used = outbox.bytesKept
    let isFull = used > outbox.capacity - outbox.capacity / 4
    if isOnline, spillAt <= moment.instant, outbox.nextHistorical() == nil { spillAt = .never }
    let isDue = spillAt <= moment.instant || !isOnline && used > outbox.capacity / 2
    guard outbox.unacknowledged > 0, isDue || isFull else { return }
    if backlog.isUsable, !backlog.isSyncing, !backlog.isRewriting {
      // What a record takes in the journal is a little more than here.
      let allowedAt = flash.earliest(for: used * 2)
      if allowedAt > moment.instant {
        if isDue { spillAt = allowedAt }
      } else if isOnline, isFull, outbox.batchCount > 0,
        used <= outbox.capacity - outbox.capacity / 8
      {
        // Should the link go, what is under way would come behind what the journal has then: it is waited
        // for, while there is a little room.
        waitsToSpill = true
      } else {
        if isOnline, !isFull {
          spillLate(renderer, at: moment)
        } else {
          spillAll(renderer, makingRoom: true, at: moment)
        }
        let isDone = isOnline && outbox.nextHistorical() == nil
        spillAt = isDone ? .never : moment.instant + spec.spillEvery
      }
      if backlog.fault != nil { retryAt = moment.instant + .seconds(60) }
    }
    if outbox.bytesKept > outbox.capacity - outbox.capacity / 4 {
      _ = outbox.thin(&merger, renderer, onlyHistorical: isOnline)
    }
  }

  /// What is late and waits behind a journal that drains slowly goes there as well: not what is live, which
  /// would be late then, and not before what is older and under way: should the link go, that would come behind.
  private mutating func spillLate(
    _ renderer: borrowing some MessageRenderer & ~Copyable, at moment: Moment
  ) {
    guard !outbox.hasUnderWayBeforeHistorical else { return }
    spillAll(renderer, makingRoom: false, at: moment)
    // Room comes by itself, as the journal drains.
    backlog.isFull = false
  }

  /// All records that wait and may go to the journal go there, at the end of an orderly stop, and what the
  /// time of day is: now, or once what the medium is busy with is over. See `isKeeping`.
  public mutating func keepAll(
    _ renderer: borrowing some MessageRenderer & ~Copyable, at moment: Moment
  ) {
    keepsAll = true
    // Room may be made now, whatever the budget.
    backlog.isFull = false
    // What has no answer by now may come twice; without this it might not come at all.
    waitAgain()
    goOnKeepingAll(renderer, at: moment)
  }

  /// What was under way waits again.
  private mutating func waitAgain() {
    outbox.connectionLost()
    backlog.connectionLost()
    packsUnderWay = InlineArray(repeating: false)
  }

  /// True while something is on its way to the journal, or has to go there before the end.
  public var isKeeping: Bool {
    backlog.isSyncing || keepsAll && backlog.isUsable && !backlog.isStuck
  }

  private mutating func goOnKeepingAll(
    _ renderer: borrowing some MessageRenderer & ~Copyable, at moment: Moment
  ) {
    guard !backlog.isSyncing, !backlog.isRewriting else { return }
    // No room could be made since the last time.
    let hasNoRoom = backlog.isFull
    _ = backlog.noteTime(at: moment, isLast: true)
    spillAll(renderer, makingRoom: true, at: moment)
    if !backlog.isSyncing, hasNoRoom || !backlog.isFull { keepsAll = false }
  }

  private mutating func spillAll(
    _ renderer: borrowing some MessageRenderer & ~Copyable, makingRoom: Bool, at moment: Moment
  ) {
    guard backlog.isUsable else { return }
    // A session that the broker keeps would have it sent again from memory, but may be gone by then.
    if !isOnline { waitAgain() }
    backlog.learnTime(at: moment)
    Self.spill(&outbox, &backlog, renderer, makingRoom: makingRoom, at: moment.instant)
    backlog.commit()
  }

  /// A full journal: readings in it are merged, or, where that gains nothing, its oldest records go.
  private static func makeRoom(
    _ backlog: inout Backlog<Medium>, _ merger: inout Merger, _ outbox: inout Outbox,
    _ renderer: borrowing some MessageRenderer & ~Copyable, mayThin: Bool
  ) {
    guard backlog.isUsable, !backlog.isSyncing else { return }
    if backlog.isRewriting { return rewrite(&backlog, &merger, &outbox, renderer) }
    // What is on its way to the broker, or leaves from memory too, stays where it is.
    guard backlog.isFull, mayThin, backlog.flightCount == 0, outbox.journaledCount == 0 else {
      return
    }
    if backlog.hasUnwritten { return backlog.commit() }
    if backlog.beginThinning(merger, renderer) {
      rewrite(&backlog, &merger, &outbox, renderer)
    } else {
      dropOldest(&outbox, &backlog, renderer)
      backlog.commit()
    }
  }

  /// Replaces chunks for as long as the medium is done with each at once, but other things are due, too.
  private static func rewrite(
    _ backlog: inout Backlog<Medium>, _ merger: inout Merger, _ outbox: inout Outbox,
    _ renderer: borrowing some MessageRenderer & ~Copyable
  ) {
    for _ in 0..<64 where backlog.isRewriting && !backlog.isSyncing && !backlog.isStuck {
      backlog.rewriteChunk(&merger, &outbox.losses, renderer)
    }
  }

  private static func dropOldest(
    _ outbox: inout Outbox, _ backlog: inout Backlog<Medium>,
    _ renderer: borrowing some MessageRenderer & ~Copyable
  ) {
    backlog.dropOldest { head, record in
      outbox.losses.lose(
        .dropped, label(of: head, record, renderer), renderer.weight(of: record))
    }
  }

  private static func spill(
    _ outbox: inout Outbox, _ backlog: inout Backlog<Medium>,
    _ renderer: borrowing some MessageRenderer & ~Copyable, makingRoom: Bool, at now: Instant
  ) {
    outbox.handOver(makingRoom: makingRoom) { label, record in
      backlog.append(label, at: now, bodyBytes: renderer.journaledBytes(of: record)) { out in
        renderer.appendToJournal(record, into: &out)
      } != nil
    }
  }
}
