import Core
import MQTT

/// What becomes of what was sent, or can't be.
extension BrokerLink where Medium: ~Copyable {
  /// The broker has acknowledged what was sent under a token; or, in 5.0, has refused it, which is its
  /// last word on it as well (section 4.3.2).
  mutating func settle(_ answered: Answered, at now: Instant) {
    let token = answered.token
    guard token < Self.directTokens else { return }
    if probation.test == token { probation.test = nil }
    window.acknowledged(windowNumber(of: token), at: now)
    let isRefused = answered.code >= 0x80
    var count = 0
    if token >= Self.backlogTokens {
      count = backlog.acknowledged(Int(token - Self.backlogTokens))
    } else {
      packsUnderWay[Int(token)] = false
      count =
        isRefused
        ? Self.giveUp(&outbox, &backlog, token) : Self.acknowledged(&outbox, &backlog, token)
    }
    if isRefused {
      counters.unsendable &+= UInt32(truncatingIfNeeded: count)
    } else {
      counters.acknowledged &+= UInt64(wide: count)
    }
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
    counters.unsendable &+= UInt32(
      truncatingIfNeeded: Self.giveUp(&outbox, &backlog, entry.token))
  }

  /// A record that this broker never takes.
  mutating func giveUp(_ place: Outbox.Place) {
    Self.lose(place, .dropped, &outbox, &backlog)
    counters.unsendable &+= 1
  }

  static func lose(
    _ place: Outbox.Place, _ cause: LossCause, _ outbox: inout Outbox,
    _ backlog: inout Backlog<Medium>
  ) {
    outbox.lose(place, cause) { there in backlog.settle(there) }
  }
}
