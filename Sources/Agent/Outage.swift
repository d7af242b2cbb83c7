import Core
import Device
import Journal
import Uplink

/// A time without a link that has not been reported yet: how things stood when it began.
struct Outage: BitwiseCopyable {
  /// The last sign of life.
  private let heardAt: Instant
  private let noticedAt: Instant
  private let attemptsBefore: UInt32
  private let losses: LossCounts
  private let flashBlocks: UInt64

  /// It begins with `link` as it is, `noticed` some time after the last sign of life.
  init<Medium: Storage & ~Copyable>(
    _ link: borrowing BrokerLink<Medium>, heard: Instant, noticed: Instant
  ) {
    heardAt = heard
    noticedAt = noticed
    attemptsBefore = link.counters.attemptsFailed
    losses = link.outbox.losses.total
    flashBlocks = link.backlog.counters.blocksWritten
  }

  /// Attempts that have failed since it began.
  func attempts<Medium: Storage & ~Copyable>(_ link: borrowing BrokerLink<Medium>) -> UInt32 {
    link.counters.attemptsFailed &- attemptsBefore
  }

  /// The report, now that the link is there again. `length` is how long the device was away, where
  /// that is not since the last sign of life: the agent itself was not there.
  func report<Medium: Storage & ~Copyable>(
    _ link: borrowing BrokerLink<Medium>, length: Interval??, at now: Instant
  ) -> OutageReport {
    var report = OutageReport(found: now, away: length ?? (now - heardAt))
    if length == nil { report.unnoticed = noticedAt - heardAt }
    report.attempts = attempts(link)
    report.queued = UInt32(truncatingIfNeeded: link.outbox.unacknowledged)
    report.journalBytes = UInt64(wide: link.backlog.usedBytes)
    report.flashBytes = (link.backlog.counters.blocksWritten &- flashBlocks) &* 4096
    report.losses = link.outbox.losses.total.since(losses)
    return report
  }
}
