import Core
import MQTT

/// How often the radio wakes: batching windows, and pings as seldom as the way bears.
extension BrokerLink where Medium: ~Copyable {
  /// The longest time without a byte that the link has borne so far; zero unless it is probed.
  public var idleBorne: Interval { probe.borne }

  /// True while what can wait for a batching window may leave.
  public var isWindowOpen: Bool { batch.isOpen }

  /// When the next batching window opens, if nothing urgent comes before.
  public var nextWindow: Instant { batch.next }

  /// From now on all leaves at once: the end is near.
  public mutating func endBatching() { batch.openForGood() }

  var isProbing: Bool { spec.probeFrom > .zero }

  /// A connection has begun.
  mutating func beginEconomy(at now: Instant) {
    // The birth and what waits go out at once.
    batch.open(at: now)
    idleSeen = .zero
    if isProbing { session.setPingInterval(probe.interval) }
  }

  /// Takes in what the present connection has borne.
  mutating func followProbe() {
    guard isProbing, session.idleBorne > idleSeen else { return }
    idleSeen = session.idleBorne
    probe.survived(idleSeen)
    session.setPingInterval(probe.interval)
  }

  /// The connection is lost: maybe because it was idle for too long.
  mutating func endProbe(_ fault: LinkFault) {
    guard isProbing else { return }
    switch fault {
    case .session(.pingTimedOut), .dial(.broken): probe.died(after: session.idleInDoubt)
    default: break
    }
  }

  /// Opens the window when it is due. A ping that would come before the next one goes out in this.
  mutating func stepWindow(at now: Instant) {
    guard batch.step(at: now), outbox.unacknowledged == 0 else { return }
    if session.pingDue < batch.next { session.ping(at: now) }
  }

  /// Opens the window for what is urgent, and before memory gets short.
  mutating func openWindow(at now: Instant) {
    if outbox.takeUrgent() || outbox.bytesKept > outbox.capacity / 2 { batch.open(at: now) }
  }

  /// Closes the window when nothing waits.
  mutating func closeWindow(at now: Instant) {
    guard outbox.heldCount == 0, !outbox.hasLeftToJournal, !backlog.hasUnsent,
      outbox.nextLive() == nil, outbox.nextHistorical() == nil
    else { return }
    batch.close(at: now)
  }
}
