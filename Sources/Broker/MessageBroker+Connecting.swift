import Core
import MQTT

/// How clients come and go: CONNECT, take-over, and the will.
extension MessageBroker {
  /// CONNECT (section 3.1.4): a client of the same name goes first.
  mutating func accept(
    _ connect: Connect, _ bytes: [UInt8], from connection: Connection, at now: Instant
  ) {
    connection.level = connect.level
    var clientID = bytes.copy(connect.clientID)
    if clientID.isEmpty { clientID = unusedName() }
    let old = sessions[clientID]
    // Who takes the place of a transport adds none: it is the way back from a half-open one.
    guard old?.connection != nil || connections.count <= limits.connectionsMax,
      old != nil || sessions.count < limits.sessionsMax
    else {
      return refuse(connection, clientID, .serverUnavailable, at: now)
    }
    if let other = old?.connection { finish(other, .takenOver, at: now) }

    // A clean session that was taken over is gone by now.
    let kept = connect.cleanSession ? nil : sessions[clientID]
    let session = kept ?? Session(clientID: clientID, isClean: connect.cleanSession)
    sessions[clientID] = session
    session.connection = connection
    connection.session = session
    connection.will = connect.will.map { will in
      Message(
        topic: bytes.copy(will.topic), payload: bytes.copy(will.payload), qos: will.qos,
        retain: will.retain)
    }
    if connect.keepAlive > 0 {
      connection.silenceMax = .milliseconds(1_500 * Int64(connect.keepAlive))
    }
    answer(connection, .accepted, sessionPresent: kept != nil)
    tell(
      .connected(
        client: clientID, level: connect.level, cleanSession: connect.cleanSession,
        keepAlive: connect.keepAlive))
    session.beginResending()
    session.pump(limits)
  }

  /// A name for a client that has none (section 3.1.3.1); no other client has taken it.
  private mutating func unusedName() -> [UInt8] {
    var name: [UInt8]
    repeat {
      namesMade += 1
      name = Array("auto-\(namesMade)".utf8)
    } while sessions[name] != nil
    return name
  }

  /// Bytes that are no packet. A CONNECT that is right but for the version or the missing name is
  /// answered (sections 3.1.2.2 and 3.1.3.1); everything else is only closed.
  mutating func refuse(_ connection: Connection, _ error: DecodeError, at now: Instant) {
    guard connection.session == nil else { return finish(connection, .malformed(error), at: now) }
    switch error {
    case .unsupportedLevel: refuse(connection, [], .unacceptableProtocolVersion, at: now)
    case .clientIDRequired: refuse(connection, [], .identifierRejected, at: now)
    default: finish(connection, .malformed(error), at: now)
    }
  }

  private mutating func refuse(
    _ connection: Connection, _ clientID: [UInt8], _ code: ConnectReturnCode, at now: Instant
  ) {
    answer(connection, code, sessionPresent: false)
    tell(.refused(client: clientID, code))
    finish(connection, .protocolViolation, at: now)
  }

  private func answer(
    _ connection: Connection, _ code: ConnectReturnCode, sessionPresent: Bool
  ) {
    connection.write(4) { out throws(EncodeError) in
      try ConnectAck.encode(
        level: connection.level, sessionPresent: sessionPresent, returnCode: code, into: &out)
    }
  }

  /// The end of a connection, once: its session is let go of, and unless the client took its leave
  /// the will is published (section 3.1.2.5).
  mutating func finish(_ connection: Connection, _ reason: DisconnectReason, at now: Instant) {
    guard !connection.isFinished else { return }
    connection.finishedAt = now
    active.insert(connection.id)
    guard let session = connection.session else { return }
    let will = connection.will
    connection.session = nil
    connection.will = nil
    session.connection = nil
    if session.isClean { sessions[session.clientID] = nil }
    tell(.disconnected(client: session.clientID, reason))
    if let will, reason != .byClient {
      publish(will, from: session.clientID, isWill: true)
    }
  }
}
