import Core
import MQTT

/// What the broker does with each packet, and in which state of the connection it may come.
extension MessageBroker {
  mutating func take(_ request: Request, from connection: Connection, at now: Instant) {
    if let session = connection.session {
      take(request, from: connection, session, at: now)
      // What came may have settled something; and the session may be another's by now.
      if connection.session === session { pump(session, at: now) }
      return
    }
    switch (request, connection.exchange?.connect) {
    // Section 3.1: the first packet is CONNECT, and there is one only.
    case (.connect(let connect), nil): begin(connect, from: connection, at: now)
    // While a CONNECT waits for its authentication (5.0 section 4.12).
    case (.authenticate(let reason, let method, let data), .some):
      take(reason, method, data, from: connection, at: now)
    case (.disconnect, .some): finish(connection, .byClient, at: now)
    case (_, .some(let connect)):
      refuse(connection, connect.clientID, .protocolError, at: now)
    case (_, nil): finish(connection, .protocolViolation, at: now)
    }
  }

  private mutating func take(
    _ request: Request, from connection: Connection, _ session: Session, at now: Instant
  ) {
    switch request {
    case .connect: finish(connection, .protocolViolation, at: now)
    case .publish(let publish): take(publish, from: connection, session, at: now)
    case .publishAck(let packetID): session.outbox.complete(packetID, .atLeastOnce)
    case .publishReceived(let packetID, isRefusal: true): session.outbox.giveUp(packetID)
    case .publishReceived(let packetID, isRefusal: false):
      // Answered even when unknown, so that a client that repeats itself comes to an end.
      let reason = session.outbox.release(packetID)
      connection.say(connection.dialect.publishRelease(packetID, reason, dup: false))
    case .publishComplete(let packetID): session.outbox.complete(packetID, .exactlyOnce)
    case .publishRelease(let packetID):
      let wasKnown = session.received.remove(packetID) != nil
      connection.say(
        connection.dialect.publishComplete(
          packetID, wasKnown ? .success : .packetIdentifierNotFound))
    case .subscribe(let subscribe): take(subscribe, from: connection, session, at: now)
    case .unsubscribe(let packetID, let filters):
      let reasons = filters.map { unsubscribe(session, $0) }
      connection.say(connection.dialect.unsubscribeAck(packetID, reasons))
    case .pingRequest: connection.say(connection.dialect.pingResponse())
    case .disconnect(let reason, let expiry):
      leave(connection, session, reason, expiry, at: now)
    case .authenticate(let reason, let method, let data):
      take(reason, method, data, from: connection, at: now)
    }
  }

  /// Sends what waits for a client that is there, and tells what was not sent.
  mutating func pump(_ session: Session, at now: Instant) {
    guard let connection = session.connection, !connection.isFinished else { return }
    for loss in session.outbox.pump(to: connection, limits, at: now) {
      switch loss {
      case .expired(let delivery):
        tell(.expired(client: session.clientID, delivery.message))
      case .tooLarge(let delivery):
        tell(.dropped(client: session.clientID, delivery.message))
      }
    }
  }
}
