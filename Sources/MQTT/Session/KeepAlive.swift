import Core

/// Whether the other side still lives: the timers of PINGREQ (section 3.1.2.10).
///
/// A ping is due when for one keep-alive nothing was *sent*, which the server counts, or nothing
/// was *received*, which tells whether the server is there. Any byte received is a sign of life and
/// settles the ping, so a busy link whose PINGRESP is stuck behind data does not die.
///
/// The wait for a sign of life is at most half a keep-alive, hence a dead link is noticed no later
/// than 1.5 keep-alives after its last byte:
///
///     last byte received     ping is due        timed out
///     |---- keep-alive ------|-- replyWait <= keep-alive / 2 --|
///
/// A ping may be sent before it is due, because an answer is late. The wait for a sign of life is
/// extended while what was sent before the ping is still on its way and moves; see `Delivery`.
///
/// The timers take no notice of what the socket does: a PINGREQ that could not be written counts
/// as one without an answer.
struct KeepAlive: BitwiseCopyable {
  enum Step: BitwiseCopyable { case wait, ping, timedOut }

  private let interval: Interval
  /// How long a sign of life may take.
  let replyWait: Interval
  private var sentAt: Instant
  private(set) var receivedAt: Instant
  private var pingedAt: Instant
  private var replyBy = Instant.never
  private var isExtended = false
  /// How long nothing may pass before a ping; the interval, or less.
  private var pingEvery: Interval
  /// How long nothing had passed, in either direction, before the last ping, if that was due for it.
  private(set) var idle = Interval.zero
  /// The longest of these times after which something came.
  private(set) var idleBorne = Interval.zero

  /// Supervision from `now` on; none when `seconds` is 0.
  init(seconds: UInt16, replyTimeout: Interval, at now: Instant) {
    interval = .seconds(Int64(wide: Int(seconds)))
    replyWait = min(replyTimeout, interval / 2)
    pingEvery = interval
    sentAt = now
    receivedAt = now
    pingedAt = now
  }

  /// Has pings sent once nothing has passed for so long, if that is less than the interval.
  mutating func setPingEvery(_ wanted: Interval) { pingEvery = min(wanted, interval) }

  mutating func sent(at now: Instant) { sentAt = now }

  mutating func received(at now: Instant) {
    if awaitsReply { idleBorne = max(idleBorne, idle) }
    receivedAt = now
    replyBy = .never
    isExtended = false
  }

  /// True while a PINGREQ waits for a sign of life.
  var awaitsReply: Bool { replyBy != .never }

  /// True when there is no supervision.
  var isOff: Bool { interval == .zero }

  /// When `step` is to be called; `never` without supervision.
  var deadline: Instant {
    guard interval > .zero else { return .never }
    // Not sooner than a keep-alive after the last ping: one that the socket does not take would
    // be due at every turn.
    return min(replyBy, pingDue)
  }

  /// When the next ping is due, whether or not one waits for its answer; `never` without supervision.
  var pingDue: Instant {
    interval > .zero ? max(min(sentAt, receivedAt), pingedAt) + pingEvery : .never
  }

  /// What is to be done at `now`.
  mutating func step(at now: Instant) -> Step {
    guard now >= deadline else { return .wait }
    guard now < replyBy else { return .timedOut }
    let idle = now - max(sentAt, receivedAt)
    pinged(at: now)
    self.idle = idle
    return .ping
  }

  /// A PINGREQ is written now, due or not.
  mutating func pinged(at now: Instant) {
    pingedAt = now
    idle = .zero
    replyBy = now + replyWait
  }

  /// No sign of life has come in time. What was sent before the ping may be on its way still: then it is
  /// looked at again in a second; and once it is across, the wait begins anew. False when there is no
  /// such reason to wait.
  mutating func extend(isUnderWay: Bool, at now: Instant) -> Bool {
    guard isUnderWay || isExtended else { return false }
    isExtended = isUnderWay
    replyBy = now + (isUnderWay ? min(.seconds(1), replyWait) : replyWait)
    return true
  }
}
