import Core
import MQTT

/// How clients go, what is left of them, and when that ends.
extension MessageBroker {
  /// DISCONNECT of a client (section 3.14).
  mutating func leave(
    _ connection: Connection, _ session: Session, _ reason: V5.DisconnectReason,
    _ expiry: UInt32?, at now: Instant
  ) {
    if let expiry {
      // 5.0 section 3.14.2.2.2: a session that was to end with the connection does so.
      guard session.expiry > 0 || expiry == 0 else {
        return finish(connection, .protocolViolation, at: now)
      }
      session.expiry = min(expiry, limits.sessionExpiryMax ?? .max)
    }
    let isNormal = reason == .normalDisconnection
    finish(connection, isNormal ? .byClient : .byClientWithWill(reason), at: now)
  }

  /// Ends a client's connection; one of 5.0 is told why, and at "use another server" and "server
  /// moved" which. False when there is no such client, or it is away.
  public mutating func disconnect(
    _ clientID: [UInt8], _ reason: V5.DisconnectReason, at now: Instant
  ) -> Bool {
    precondition(reason.mayCome(from: .server), "a reason of a server")
    guard let connection = sessions[clientID]?.connection else { return false }
    finish(connection, .byOwner(reason), at: now)
    return true
  }

  /// Ends all connections: the broker shuts down.
  public mutating func shutDown(at now: Instant) {
    for connection in connections.values.sorted(by: { $0.id.number < $1.id.number }) {
      finish(connection, .byOwner(.serverShuttingDown), at: now)
    }
  }

  /// The end of a connection, once: the client is told why, its session is let go of, and unless the
  /// client took its leave the will is published (section 3.1.2.5).
  mutating func finish(_ connection: Connection, _ parting: Parting, at now: Instant) {
    guard !connection.isFinished else { return }
    connection.finishedAt = now
    connection.exchange = nil
    activate(connection)
    defer { watch(connection) }
    guard let session = connection.session else { return }
    if let reason = parting.reason {
      connection.say(
        connection.dialect.disconnect(reason, serverReference: rules.serverReference))
    }
    let will = connection.will
    connection.session = nil
    connection.will = nil
    session.connection = nil
    tell(.disconnected(client: session.clientID, parting))
    if session.expiry < .max { session.expiresAt = now + .seconds(Int64(session.expiry)) }
    if let will, parting != .byClient {
      session.pendingWill = (will.message, now + .seconds(Int64(will.delay)))
    }
    // At once what has no delay.
    sweep(session, at: now)
  }

  // MARK: Clients that are away

  /// The session is gone, and what was to be published at its end is.
  mutating func end(_ session: Session, at now: Instant) {
    sessions[session.clientID] = nil
    for subscription in session.subscriptions { leaveShare(subscription.filter, session) }
    publishWill(of: session, at: now)
  }

  /// Publishes and ends what is due of a session without a connection.
  private mutating func sweep(_ session: Session, at now: Instant) {
    if session.expiresAt <= now { return end(session, at: now) }
    if let will = session.pendingWill, will.at <= now { publishWill(of: session, at: now) }
    sweepDue = min(sweepDue, session.deadline)
  }

  private mutating func publishWill(of session: Session, at now: Instant) {
    guard let will = session.pendingWill else { return }
    session.pendingWill = nil
    _ = publish(will.message, from: session.clientID, isWill: true, at: now)
  }

  /// Publishes and ends whatever is due.
  mutating func sweep(at now: Instant) {
    guard sweepDue <= now else { return }
    sweepDue = .never
    let away = sessions.values.filter { $0.deadline < .never }
    for session in away.sorted(by: { $0.deadline < $1.deadline }) {
      let isOver = session.expiresAt <= now
      sweep(session, at: now)
      if isOver { tell(.sessionEnded(client: session.clientID)) }
    }
    retained = retained.filter { !$0.value.isExpired(at: now) }
    for publication in retained.values { sweepDue = min(sweepDue, publication.expiresAt) }
  }
}
