import Core
import MQTT

/// Enhanced authentication: AUTH, before CONNACK and again at any time (5.0 section 4.12).
extension MessageBroker {
  /// AUTH of a client.
  mutating func take(
    _ reason: V5.AuthenticateReason, _ method: [UInt8], _ data: [UInt8]?,
    from connection: Connection, at now: Instant
  ) {
    guard let agreed = connection.method else {
      return finish(connection, .protocolViolation, at: now)
    }
    guard method == agreed, let makeAuthenticator = rules.methods[method] else {
      return fail(connection, .badAuthenticationMethod, at: now)
    }
    // An exchange begins once, and only what has begun goes on.
    guard (reason == .reauthenticate) == (connection.exchange == nil) else {
      return fail(connection, .protocolError, at: now)
    }
    if connection.exchange == nil {
      connection.exchange = Connection.Exchange(
        authenticator: makeAuthenticator(connection.session?.clientID ?? []))
    }
    proceed(with: data, connection, at: now)
  }

  /// Brings the exchange the client's data, and the client the answer.
  mutating func proceed(with data: [UInt8]?, _ connection: Connection, at now: Instant) {
    guard let method = connection.method,
      let answer = connection.exchange?.authenticator.answer(to: data)
    else { preconditionFailure("an exchange goes on") }
    switch answer {
    case .proceed(let data):
      connection.say(
        connection.dialect.authenticate(.continueAuthentication, method: method, data: data))
    case .success(let data):
      let exchange = connection.exchange
      connection.exchange = nil
      guard let exchange, let connect = exchange.connect else {
        return connection.say(
          connection.dialect.authenticate(.success, method: method, data: data))
      }
      admit(
        connect, from: connection, data: data, isNameless: exchange.isNameless, at: now)
    case .refuse(let reason): fail(connection, reason, at: now)
    }
  }

  /// The exchange has failed, and with it the connection.
  private mutating func fail(
    _ connection: Connection, _ reason: V5.ConnectReason, at now: Instant
  ) {
    let failure = reason == .success ? .notAuthorized : reason
    if let connect = connection.exchange?.connect {
      return refuse(connection, connect.clientID, failure, at: now)
    }
    // Not every code of CONNACK is one of DISCONNECT.
    let told = V5.DisconnectReason(rawValue: failure.rawValue) ?? .notAuthorized
    finish(connection, .violated(told), at: now)
  }
}
