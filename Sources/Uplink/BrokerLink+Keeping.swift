import Core
import Journal

/// What outlives a power cut: while the link is down for long, what waits in memory goes to the journal.
extension BrokerLink where Medium: ~Copyable {
  /// Opens the journal. `boot` tells this boot from others.
  public mutating func openJournal(seed: UInt64, boot: UInt64) -> JournalOpening {
    backlog.open(seed: seed, boot: boot)
  }

  /// When `keep` has something to do.
  var keepAt: Instant {
    // A sync that goes on wakes the rim by itself.
    guard !backlog.isSyncing else { return .never }
    guard backlog.isUsable else {
      return backlog.fault != nil && !isOnline ? retryAt : .never
    }
    if isOnline { return backlog.hasUnwritten ? marksAt : .never }
    return outbox.unacknowledged > 0 ? spillAt : .never
  }

  /// Does what is due for the journal. While the link has been down for `UplinkSpec.spillAfter`, or
  /// when more than half of the outbox is taken, what waits there goes to the journal, all at once; then
  /// again every `UplinkSpec.spillEvery`.
  public mutating func keep(
    _ renderer: borrowing some MessageRenderer & ~Copyable, at moment: Moment
  ) {
    backlog.step()
    guard !isOnline else { return keepMarks(at: moment.instant) }
    if backlog.fault != nil, retryAt <= moment.instant {
      retryAt = moment.instant + .seconds(60)
      backlog.retry()
    }
    guard backlog.isUsable, !backlog.isSyncing, outbox.unacknowledged > 0 else { return }
    let isShort = outbox.bytesUsed > outbox.capacity / 2
    guard spillAt <= moment.instant || isShort else { return }
    keepAll(renderer, at: moment)
    if backlog.fault != nil { retryAt = moment.instant + .seconds(60) }
    spillAt = moment.instant + spec.spillEvery
  }

  /// What the broker has acknowledged is noted once all of it is, and now and then before.
  private mutating func keepMarks(at now: Instant) {
    guard backlog.hasUnwritten, !backlog.isSyncing else { return }
    if backlog.isDrained || marksAt <= now {
      marksAt = now + .seconds(10)
      backlog.commit()
    } else if marksAt == .never {
      marksAt = now + .seconds(10)
    }
  }

  /// All readings that wait go to the journal now: at the end of an orderly stop, for example.
  public mutating func keepAll(
    _ renderer: borrowing some MessageRenderer & ~Copyable, at moment: Moment
  ) {
    guard backlog.isUsable else { return }
    backlog.learnTime(at: moment)
    Self.spill(&outbox, &backlog, renderer, at: moment.instant)
    backlog.commit()
  }

  private static func spill(
    _ outbox: inout Outbox, _ backlog: inout Backlog<Medium>,
    _ renderer: borrowing some MessageRenderer & ~Copyable, at now: Instant
  ) {
    outbox.handOver { record in
      renderer.isPackable(record)
    } take: { record in
      backlog.append(at: now, bodyBytes: renderer.journaledBytes(of: record)) { out in
        renderer.appendToJournal(record, into: &out)
      }
    }
  }
}
