import Core
import Dialing
import Linux
import MQTT

/// What the application has answered, for one attempt.
struct ResolvedCredentials: Sendable {
  var user: [UInt8]?
  var password: [UInt8]?
  var authenticationData: [UInt8]?
}

/// How an attempt begins: with the credentials of the moment.
extension Engine {
  func beginAttempt(at now: Instant) {
    attempt += 1
    attemptsInRow += 1
    mailbox.events.tell(.attempting(number: attemptsInRow))
    if let way = reference {
      reference = nil
      do throws(SystemError) {
        try replaceTransport(way)
        followsReference = way.texts != plan.way.texts
      } catch {
        return fail(.transport(.broken(code: error.code)), at: now)
      }
    }
    let configuration = plan.configuration
    switch configuration.credentials {
    case .none: resolve(ResolvedCredentials(user: plan.urlUser), at: now)
    case .password(let user, let password):
      resolve(
        ResolvedCredentials(user: Array(user.utf8), password: Array(password.utf8)), at: now)
    case .passwordFile(let user, let path):
      do throws(SystemError) {
        let password = try Self.firstLine(of: path)
        resolve(ResolvedCredentials(user: Array(user.utf8), password: password), at: now)
      } catch {
        fail(.credentials(.file(code: error.code)), at: now)
      }
    case .provider(let provider):
      resolve(at: now) {
        let (user, password) = try await provider()
        return ResolvedCredentials(user: user.map { Array($0.utf8) }, password: password)
      }
    }
  }

  /// The longest password in a file, in bytes.
  private static var passwordBytesMax: Int { 8 << 10 }

  private static func firstLine(of path: String) throws(SystemError) -> [UInt8] {
    let path = Array(path.utf8)
    let bytes = try [UInt8](writing: passwordBytesMax) { (out) throws(SystemError) in
      try File.read(path.span, into: &out)
    }
    return Array(bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") })
  }

  /// Credentials that are there; what an authentication says first may still be to come.
  private func resolve(_ credentials: ResolvedCredentials, at now: Instant) {
    guard plan.configuration.authentication != nil else { return dial(credentials, at: now) }
    resolve(at: now) { credentials }
  }

  /// Asks the application, which answers by the mailbox.
  private func resolve(
    at now: Instant, _ credentials: @escaping @Sendable () async throws -> ResolvedCredentials
  ) {
    credentialsDue = now + plan.configuration.timeouts.credentials.interval
    let first = plan.configuration.authentication?.first
    let mailbox = mailbox
    let attempt = attempt
    Task.detached {
      do {
        var resolved = try await credentials()
        resolved.authenticationData = try await first?()
        _ = mailbox.post(.credentials(attempt: attempt, .success(resolved)))
      } catch {
        _ = mailbox.post(.credentials(attempt: attempt, .failure(AttemptFault())))
      }
    }
  }

  func take(
    _ result: Result<ResolvedCredentials, AttemptFault>, of attempt: UInt64, at now: Instant
  ) {
    guard attempt == self.attempt, credentialsDue != .never else { return }
    credentialsDue = .never
    switch result {
    case .success(let credentials): dial(credentials, at: now)
    case .failure: fail(.credentials(.threw), at: now)
    }
  }

  private func dial(_ credentials: ResolvedCredentials, at now: Instant) {
    guard identify(credentials) else { return fail(.credentials(.unusable), at: now) }
    let moment = Clock.moment()
    if moment.quality == .synced {
      transport.earliestTime = max(transport.earliestTime, moment.wall)
    }
    take(transport.open(at: now, loop: loop), at: now)
  }

  private func identify(_ credentials: ResolvedCredentials) -> Bool {
    let configuration = plan.configuration
    let name = Array(configuration.clientID.utf8)
    let user = credentials.user ?? []
    let password = credentials.password ?? []
    var list = PropertyList()
    if let data = credentials.authenticationData {
      do throws(EncodeError) { try list.append(.authenticationData, data) } catch { return false }
    }
    let properties = plan.connectProperties + list.bytes
    let willTopic = Array((configuration.will?.topic ?? "").utf8)
    let willPayload = configuration.will?.payload ?? []
    guard isValidText(user.span) else { return false }
    let userSpan = user.span
    let passwordSpan = password.span
    let willTopicSpan = willTopic.span
    let willPayloadSpan = willPayload.span
    let willProperties = plan.willProperties
    let willPropertiesSpan = willProperties.span
    let will: MQTT.Will? =
      if let wanted = configuration.will {
        MQTT.Will(
          properties: willPropertiesSpan, topic: willTopicSpan, payload: willPayloadSpan,
          qos: wanted.qos, retain: wanted.retain)
      } else { nil }
    return manager.identify(
      ConnectIdentity(
        clientID: name.span, userName: credentials.user == nil ? nil : userSpan,
        password: credentials.password == nil ? nil : passwordSpan, will: will,
        properties: properties.span))
  }

  // MARK: Enhanced authentication

  /// AUTH: the broker's step, or its last word on a re-authentication.
  func authenticate(_ step: V5.Authenticate, at now: Instant) {
    guard step.reason == .continueAuthentication else {
      for (id, waiter) in waiters {
        guard case .reauthenticate(let reply) = waiter else { continue }
        _ = take(id)
        reply.resume(returning: .success(()))
      }
      return mailbox.events.tell(.reauthenticated)
    }
    guard let authentication = plan.configuration.authentication else { return }
    let challenge = manager.withPacket { bytes in
      step.properties.text(.authenticationData, in: bytes).map { Array(bytes[$0]) }
    }
    answer {
      try await authentication.respond(challenge)
    } by: {
      now + plan.configuration.timeouts.credentials.interval
    }
  }

  func reauthenticate(_ id: UInt64, _ reply: Reply<Void>, at now: Instant) {
    guard manager.isOnline else { return reply.resume(returning: .failure(.notConnected)) }
    guard let authentication = plan.configuration.authentication,
      manager.protocolLevel == .v50
    else { return reply.resume(returning: .failure(.unsupportedVersion)) }
    waiters[id] = .reauthenticate(reply)
    answer {
      try await authentication.first()
    } by: {
      now + plan.configuration.timeouts.credentials.interval
    }
  }

  private func answer(
    _ step: @escaping @Sendable () async throws -> [UInt8]?, by due: () -> Instant
  ) {
    authenticationDue = due()
    let mailbox = mailbox
    let attempt = attempt
    Task.detached {
      do {
        let data = try await step()
        _ = mailbox.post(.authentication(connection: attempt, .success(data)))
      } catch {
        _ = mailbox.post(.authentication(connection: attempt, .failure(AttemptFault())))
      }
    }
  }

  func takeAuthentication(
    _ result: Result<[UInt8]?, AttemptFault>, of attempt: UInt64, at now: Instant
  ) {
    guard attempt == self.attempt, authenticationDue != .never else { return }
    authenticationDue = .never
    guard case .success(let data) = result, let method = plan.configuration.authentication?.method
    else { return fail(.credentials(.threw), at: now) }
    var list = PropertyList()
    do {
      try list.append(.authenticationMethod, method)
      if let data { try list.append(.authenticationData, data) }
      try manager.authenticate(properties: list.bytes.span)
    } catch {
      fail(.credentials(.unusable), at: now)
    }
  }
}
