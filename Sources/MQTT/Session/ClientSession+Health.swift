import Core

/// Whether the link lives: what is late, what moves, and what is done about it.
extension ClientSession {
  /// The transport tells of the connection's bytes that the other side's system has acknowledged
  /// `acknowledged` in all, and that `pending` behind them are on their way or wait for it. A link over
  /// which large messages crawl is not taken for dead then. Nothing is assumed as long as it is not said.
  public mutating func delivered(_ acknowledged: UInt64, pending: Int, at now: Instant) {
    answers.delivery.report(acknowledged: acknowledged, pending: pending, at: now)
  }

  /// True while what the server owes answers to has not come across and has moved within `patience`.
  public func isDelivering(at now: Instant, patience: Interval) -> Bool {
    answers.delivery.isUnderWay(at: now, patience: patience)
  }

  /// Has PINGREQ sent once nothing has passed for `interval`, where that is less than the keep-alive. Of
  /// the present connection.
  public mutating func setPingInterval(_ interval: Interval) { keepAlive.setPingEvery(interval) }

  /// The longest time without a byte in either direction after which the server has still answered a
  /// PINGREQ, over the present connection.
  public var idleBorne: Interval { keepAlive.idleBorne }

  /// How long nothing had passed before the PINGREQ that waits for an answer; zero when there is none,
  /// or it had another reason.
  public var idleInDoubt: Interval { keepAlive.awaitsReply ? keepAlive.idle : .zero }

  /// True while a PINGREQ waits for an answer; whatever comes is one.
  public var awaitsPingResponse: Bool { keepAlive.awaitsReply }

  /// When the next PINGREQ is due.
  public var pingDue: Instant { isOnline ? keepAlive.pingDue : .never }

  /// Writes PINGREQ now, instead of when it is due.
  public mutating func ping(at now: Instant) {
    guard isOnline, !keepAlive.isOff, !keepAlive.awaitsReply else { return }
    keepAlive.pinged(at: now)
    ping()
  }

  /// When an answer is late, and PINGREQ due.
  var lateAt: Instant {
    guard options.watchesAnswers, awaitsAnswer, !keepAlive.isOff, !keepAlive.awaitsReply else {
      return .never
    }
    return answers.lateAt(options.replyTimeout)
  }

  /// When the transport must have taken something of the output.
  var stalledBy: Instant {
    guard stalledSince != .never, let patience = options.writeTimeout else { return .never }
    return stalledSince + patience
  }

  /// Notes that the packet at the end of the output is to be answered.
  mutating func watch(_ packetID: UInt16, isRepeat: Bool = false) {
    guard options.watchesAnswers else { return }
    answers.wrote(
      packetID, upTo: counters.bytesSent &+ UInt64(wide: output.count), isRepeat: isRepeat)
  }

  /// Does what is due for the link while the session is online; returns why it is given up.
  mutating func transportFault(at now: Instant) -> SessionFault? {
    if now >= stalledBy {
      let patience = options.writeTimeout ?? .zero
      guard answers.delivery.moves(at: now, patience: patience) else { return .writeTimedOut }
      stalledSince = now
    }
    if !awaitsAnswer { answers.settled() }
    if now >= lateAt {
      let patience = answers.patience(options.replyTimeout)
      if isDelivering(at: now, patience: patience) {
        answers.restart(at: now)
      } else {
        keepAlive.pinged(at: now)
        ping()
      }
    }
    switch keepAlive.step(at: now) {
    case .wait: return nil
    case .ping: ping()
    case .timedOut:
      let isUnderWay = isDelivering(at: now, patience: keepAlive.replyWait)
      guard keepAlive.extend(isUnderWay: isUnderWay, at: now) else { return .pingTimedOut }
    }
    return nil
  }
}
