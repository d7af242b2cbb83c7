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
/// The timers take no notice of what the socket does: a PINGREQ that could not be written counts
/// as one without an answer.
struct KeepAlive: BitwiseCopyable {
  enum Step: BitwiseCopyable { case wait, ping, timedOut }

  private let interval: Interval
  private let replyWait: Interval
  private var sentAt: Instant
  private var receivedAt: Instant
  private var pingedAt: Instant
  private var replyBy = Instant.never

  /// Supervision from `now` on; none when `seconds` is 0.
  init(seconds: UInt16, replyTimeout: Interval, at now: Instant) {
    interval = .seconds(Int64(wide: Int(seconds)))
    replyWait = min(replyTimeout, interval / 2)
    sentAt = now
    receivedAt = now
    pingedAt = now
  }

  mutating func sent(at now: Instant) { sentAt = now }

  mutating func received(at now: Instant) {
    receivedAt = now
    replyBy = .never
  }

  /// When `step` is to be called; `never` without supervision.
  var deadline: Instant {
    guard interval > .zero else { return .never }
    // Not sooner than a keep-alive after the last ping: one that the socket does not take would
    // be due at every turn.
    return min(replyBy, max(min(sentAt, receivedAt), pingedAt) + interval)
  }

  /// What is to be done at `now`.
  mutating func step(at now: Instant) -> Step {
    guard now >= deadline else { return .wait }
    guard now < replyBy else { return .timedOut }
    pingedAt = now
    replyBy = now + replyWait
    return .ping
  }
}
