import Core
import MQTT

/// How clients come: CONNECT, what speaks against it, and take-over.
extension MessageBroker {
  /// CONNECT (section 3.1.4). Nothing of the client's is touched before it may connect.
  mutating func begin(
    _ connect: ConnectRequest, from connection: Connection, at now: Instant
  ) {
    var connect = connect
    connection.agree(to: connect, limits)
    let isNameless = connect.clientID.isEmpty
    if isNameless { connect.clientID = unusedName() }
    if let reason = objection(to: connect, from: connection) {
      return refuse(connection, connect.clientID, reason, at: now)
    }
    guard let method = connect.method else {
      return admit(connect, from: connection, data: nil, isNameless: isNameless, at: now)
    }
    guard let makeAuthenticator = rules.methods[method] else {
      return refuse(connection, connect.clientID, .badAuthenticationMethod, at: now)
    }
    connection.exchange = Connection.Exchange(
      authenticator: makeAuthenticator(connect.clientID), connect: connect,
      isNameless: isNameless)
    proceed(with: connect.data, connection, at: now)
  }

  /// Why the client may not connect; nil when it may, as far as its CONNECT tells.
  private func objection(
    to connect: ConnectRequest, from connection: Connection
  ) -> V5.ConnectReason? {
    guard limits.levels.contains(connect.level) else { return .unsupportedProtocolVersion }
    if let will = connect.will?.message {
      guard will.qos <= limits.maximumQoS else { return .qosNotSupported }
      guard !will.retain || limits.retainIsAvailable else { return .retainNotSupported }
      // To a client that cannot be told why, it is as with its messages: they go nowhere.
      if connection.dialect.tellsReasons {
        switch objection(to: will, from: connect.clientID) {
        case .topicNameInvalid: return .topicNameInvalid
        case .payloadFormatInvalid: return .payloadFormatInvalid
        case .notAuthorized: return .notAuthorized
        default: break
        }
      }
    }
    let login = Login(
      clientID: connect.clientID, userName: connect.userName, password: connect.password)
    let answer = rules.login?(login) ?? .success
    return answer == .success ? nil : answer
  }

  /// The client may connect: one of the same name goes first.
  mutating func admit(
    _ connect: ConnectRequest, from connection: Connection, data: [UInt8]?, isNameless: Bool,
    at now: Instant
  ) {
    sweep(at: now)
    let clientID = connect.clientID
    let old = sessions[clientID]
    // Who takes the place of a transport adds none: it is the way back from a half-open one.
    guard old?.connection != nil || connections.count <= limits.connectionsMax,
      old != nil || sessions.count < limits.sessionsMax
    else {
      return refuse(connection, clientID, .serverUnavailable, at: now)
    }
    let expiry = min(connect.sessionExpiry, limits.sessionExpiryMax ?? .max)
    let keepAlive = self.keepAlive(of: connection, connect)
    var acceptance = Acceptance(
      sessionPresent: false, limits: limits, clientID: isNameless ? clientID : nil,
      keepAlive: keepAlive == connect.keepAlive ? nil : keepAlive,
      sessionExpiry: expiry == connect.sessionExpiry ? nil : expiry,
      responseInformation: connect.wantsResponseInformation ? rules.responseInformation : nil,
      method: connect.method, data: data)
    guard connection.dialect.connectAck(acceptance) != nil else {
      return refuse(connection, clientID, .packetTooLarge, at: now)
    }
    if let other = old?.connection { finish(other, .takenOver, at: now) }
    if connect.cleanStart, let other = sessions[clientID] { end(other, at: now) }

    // One that ends with its connection, and was taken over, is gone by now.
    let kept = sessions[clientID]
    let session = kept ?? Session(clientID: clientID, expiry: expiry)
    sessions[clientID] = session
    session.expiry = expiry
    session.expiresAt = .never
    session.pendingWill = nil
    session.connection = connection
    connection.session = session
    connection.will = connect.will
    if keepAlive > 0 { connection.silenceMax = .milliseconds(1_500 * Int64(keepAlive)) }
    watch(connection)
    acceptance.sessionPresent = kept != nil
    connection.say(connection.dialect.connectAck(acceptance))
    tell(
      .connected(
        client: clientID, level: connect.level, cleanSession: connect.cleanStart,
        keepAlive: keepAlive))
    session.outbox.beginResending()
    pump(session, at: now)
  }

  /// The keep-alive that counts, in seconds. Only who can be told keeps another than its own.
  private func keepAlive(of connection: Connection, _ connect: ConnectRequest) -> UInt16 {
    guard connection.dialect.tellsReasons, let longest = limits.keepAliveMax else {
      return connect.keepAlive
    }
    return connect.keepAlive == 0 ? longest : min(connect.keepAlive, longest)
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

  // MARK: Refusals

  /// Bytes that are no packet. Before CONNECT was accepted the answer is CONNACK, if the version has
  /// one for it; everything else is only closed, in 5.0 with DISCONNECT (5.0 section 4.13).
  mutating func refuse(_ connection: Connection, _ error: DecodeError, at now: Instant) {
    if connection.session == nil, let reason = connection.dialect.answer(to: error) {
      connection.say(connection.dialect.connectAck(refusing: reason, serverReference: nil))
      tell(.refused(client: [], reason))
    }
    finish(connection, .malformed(error), at: now)
  }

  /// A CONNECT, or its authentication, that goes no further.
  mutating func refuse(
    _ connection: Connection, _ clientID: [UInt8], _ reason: V5.ConnectReason,
    at now: Instant
  ) {
    connection.say(
      connection.dialect.connectAck(refusing: reason, serverReference: rules.serverReference))
    tell(.refused(client: clientID, reason))
    finish(connection, .protocolViolation, at: now)
  }
}
