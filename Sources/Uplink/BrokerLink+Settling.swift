import Core
import MQTT

/// What becomes of what was sent, or can't be.
extension BrokerLink where Medium: ~Copyable {
  /// Why nothing that has to be acknowledged, or no status, can be said to this broker, although it has
  /// accepted our will, which it had to refuse then (5.0, section 3.2.2.3.4 and 3.2.2.3.5).
  var unfitness: ConnectRefusal? {
    let limits = session.serverLimits
    if limits.maximumQoS == .atMostOnce { return .reason(.qosNotSupported) }
    return limits.retainAvailable ? nil : .reason(.retainNotSupported)
  }

  /// The broker has acknowledged what was sent under a token; or, in 5.0, has refused it, which is its
  /// last word on it as well (section 4.4).
  mutating func settle(
    _ answered: Answered, _ renderer: borrowing some MessageRenderer & ~Copyable, at now: Instant
  ) {
    let token = answered.token
    let isTaken = answered.code < 0x80
    guard token < Self.directTokens else { return }
    if probation.test == token { probation.test = nil }
    window.acknowledged(windowNumber(of: token), at: now)
    var count = 0
    if token >= Self.backlogTokens {
      let flight = Int(token - Self.backlogTokens)
      Self.countLost(
        ofFlight: flight, isRefused: !isTaken, &backlog, &outbox, probation, renderer)
      count = backlog.acknowledged(flight)
    } else {
      packsUnderWay[Int(token)] = false
      count =
        isTaken
        ? Self.acknowledged(&outbox, &backlog, token) : Self.giveUp(&outbox, &backlog, token)
    }
    if isTaken {
      counters.acknowledged &+= UInt64(wide: count)
    } else {
      countUnsendable(count, .refused(answered.code))
    }
  }

  /// Counts records that this broker does not take.
  mutating func countUnsendable(_ count: Int, _ reason: GivingUp) {
    guard count > 0 else { return }
    counters.unsendable &+= UInt32(truncatingIfNeeded: count)
    counters.lastGivingUp = reason
  }

  /// The records of this packet are given up, and counted: how many.
  static func giveUp(
    _ outbox: inout Outbox, _ backlog: inout Backlog<Medium>, _ token: UInt32
  ) -> Int {
    outbox.giveUp(token) { place in backlog.settle(place) }
  }

  static func acknowledged(
    _ outbox: inout Outbox, _ backlog: inout Backlog<Medium>, _ token: UInt32
  ) -> Int {
    outbox.acknowledged(token) { place in backlog.settle(place) }
  }

  /// A packet of the broker's session is not sent again; what is left of its records is given up.
  mutating func giveUp(_ entry: Resend) {
    session.giveUp(entry)
    guard entry.token < Self.backlogTokens else { return }
    packsUnderWay[Int(entry.token)] = false
    window.abandoned(windowNumber(of: entry.token))
    countUnsendable(Self.giveUp(&outbox, &backlog, entry.token), .tooLarge)
  }

  /// A record that this broker never takes.
  mutating func giveUp(_ place: Outbox.Place) {
    Self.lose(place, .dropped, &outbox, &backlog)
    countUnsendable(1, .tooLarge)
  }

  static func lose(
    _ place: Outbox.Place, _ cause: LossCause, _ outbox: inout Outbox,
    _ backlog: inout Backlog<Medium>
  ) {
    outbox.lose(place, cause) { there in backlog.settle(there) }
  }
}
