import Core

/// Whether the server's answers are late: a link that has died under traffic is noticed by them long
/// before a keep-alive has passed.
///
///     last byte of the first packet      late: PINGREQ,
///     that is to be answered             unless a byte came        dead (`KeepAlive`)
///     |---- patience, from round trips --|---- replyTimeout -------|
///
/// The clock starts when that byte has left the session's buffer, and anew with each byte received. It
/// never makes anything be sent twice.
struct AnswerWatch: BitwiseCopyable {
  /// A packet whose answer is waited for with a clock.
  private struct Timed: BitwiseCopyable {
    /// Its identifier; 0 for CONNECT and PINGREQ.
    var packetID: UInt16
    /// Bytes of the output up to its end, over all connections.
    var end: UInt64
    /// When that byte left.
    var leftAt: Instant?
  }

  /// How long answers take.
  private(set) var roundTrip = RoundTrip()
  /// Whether what was sent comes across.
  var delivery = Delivery()
  private var timed: Timed?
  /// The end of the first packet that is to be answered, while it has not left.
  private var firstEnd: UInt64?
  private var silentSince = Instant.never

  /// No answer is late sooner.
  static var patienceMin: Interval { .seconds(3) }

  /// A packet that is to be answered was written; its end is behind `end` bytes of output.
  mutating func wrote(_ packetID: UInt16, upTo end: UInt64, isRepeat: Bool = false) {
    if packetID != 0, firstEnd == nil, silentSince == .never { firstEnd = end }
    if timed == nil, !isRepeat { timed = Timed(packetID: packetID, end: end) }
  }

  /// Bytes up to `end` have left.
  mutating func left(upTo end: UInt64, at now: Instant) {
    if let first = firstEnd, first <= end {
      firstEnd = nil
      silentSince = now
      delivery.setMark()
    }
    if let packet = timed, packet.leftAt == nil, packet.end <= end { timed?.leftAt = now }
  }

  /// Something was received: a sign of life.
  mutating func received(at now: Instant) {
    guard silentSince != .never else { return }
    restart(at: now)
    delivery.setMark()
  }

  /// The answer to a packet has come.
  mutating func answered(_ packetID: UInt16, at now: Instant) {
    guard let packet = timed, packet.packetID == packetID else { return }
    timed = nil
    if let leftAt = packet.leftAt { roundTrip.take(now - leftAt) }
  }

  /// Nothing waits for an answer any more.
  mutating func settled() {
    silentSince = .never
    firstEnd = nil
    // Whoever has answered all has answered that, or never will.
    if let packet = timed, packet.packetID != 0 { timed = nil }
  }

  /// The wait begins anew.
  mutating func restart(at now: Instant) { silentSince = now }

  /// How long an answer may take.
  func patience(_ replyTimeout: Interval) -> Interval {
    roundTrip.patience(from: Self.patienceMin, to: replyTimeout)
  }

  /// When the first answer is late; `never` while none is owed.
  func lateAt(_ replyTimeout: Interval) -> Instant {
    silentSince == .never ? .never : silentSince + patience(replyTimeout)
  }
}
