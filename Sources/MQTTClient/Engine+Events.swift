import Core
import Dialing
import Linux
import MQTT

/// What has become of the connection.
extension Engine {
  func handle(_ event: ManagerEvent, at now: Instant) {
    switch event {
    case .connected(let isPresent, let properties):
      connected(sessionPresent: isPresent, properties, at: now)
    case .ended(let cause, let wasOnline, let properties):
      ended(cause, wasOnline: wasOnline, properties, at: now)
    case .retrying(let wait, let attempt):
      mailbox.events.tell(.retrying(after: wait.duration, attempt: Int(attempt)))
    case .fallingBack(let level):
      mailbox.events.tell(.fallingBack(to: Version(level)))
      // Before 5.0 "clean" also says that nothing is kept for later.
      if plan.configuration.sessionExpiry.seconds > 0 {
        manager.options.connect.cleanSession = false
      }
    case .message(let message): received(message)
    case .largeMessage, .payloadPiece: break
    case .skipped(let bytes): mailbox.events.tell(.messageTooLarge(bytes: bytes))
    case .published(let word): published(word)
    case .dropped(let message): dropped(message)
    case .received(let word): receivedByBroker(word)
    case .subscribed: break
    case .granted(let number, let answer): granted(number, answer, at: now)
    case .notAsked(let number, let error): notAsked(number, error, at: now)
    case .unsubscribed(let answer): unsubscribed(answer)
    case .authenticate(let step): authenticate(step, at: now)
    }
  }

  private func connected(
    sessionPresent: Bool, _ properties: V5.Properties, at now: Instant
  ) {
    connection += 1
    statistics.connections += 1
    attemptsInRow = 0
    lossReason = nil
    lastLoss = nil
    sortHeld(sessionKept: sessionPresent, isCertain: manager.protocolLevel != .v31)
    if !sessionPresent { unsubscribing = [] }
    if plan.configuration.sessionExpiry.seconds > 0 {
      // What is to be kept is not wiped by the next connection.
      manager.options.connect.cleanSession = false
    }
    let info = info(sessionPresent: sessionPresent, properties)
    connectionInfo = info
    mailbox.events.tell(.connected(info))
    publishBirth(at: now)
    tellCertificates()
    for (id, waiter) in waiters {
      guard case .connect(let reply) = waiter else { continue }
      _ = take(id)
      reply.resume(returning: .success(info))
    }
  }

  private func info(sessionPresent: Bool, _ properties: V5.Properties) -> ConnectionInfo {
    let limits = manager.session.serverLimits
    let isResumed = transport.isResumed
    return manager.withPacket { bytes in
      func text(_ id: V5.PropertyID) -> String? {
        properties.text(id, in: bytes).map { String(bytes[$0]) }
      }
      return ConnectionInfo(
        sessionPresent: sessionPresent, version: Version(manager.protocolLevel),
        assignedClientID: text(.assignedClientIdentifier),
        keepAlive: .seconds(Int(limits.keepAlive)), maximumQoS: limits.maximumQoS,
        retainAvailable: limits.retainAvailable, maximumPacketSize: limits.packetBytesMax,
        receiveMaximum: limits.receiveMaximum, responseInformation: text(.responseInformation),
        reasonString: text(.reasonString),
        userProperties: MessageProperties(properties, in: bytes).userProperties,
        isTLSResumed: isResumed)
    }
  }

  private func tellCertificates() {
    let ahead = plan.configuration.tls.warnsAhead.interval
    let wall = Clock.moment().wall
    if let end = transport.serverCertificateEnds, end - wall < ahead {
      mailbox.events.tell(.certificateEnds(.broker, after: (end - wall).duration))
    }
    if let end = transport.ownCertificateEnds, end - wall < ahead {
      mailbox.events.tell(.certificateEnds(.own, after: (end - wall).duration))
    }
  }

  // MARK: The end of a connection

  private func ended(
    _ cause: ConnectionEnd, wasOnline: Bool, _ properties: V5.Properties, at now: Instant
  ) {
    let reason = reason(cause, properties)
    lossReason = nil
    credentialsDue = .never
    authenticationDue = .never
    connectionInfo = nil
    let isAsked = reason == .asked
    if !isAsked { lastLoss = reason }
    if wasOnline && !isAsked {
      mailbox.events.tell(.lost(reason))
      let shorts = Int(manager.shortConnections)
      if reason.isTakeover || shorts >= 3 {
        mailbox.events.tell(.takeoverSuspected(connections: max(1, shorts)))
      }
    } else if !isAsked {
      statistics.failedAttempts += 1
      mailbox.events.tell(.attemptFailed(reason))
      if followsReference { reference = plan.way }
    }
    follow(reason)
    // What belonged to this connection does not wait for another.
    failAll(.connectionLost) { waiter in
      switch waiter {
      case .unsubscribe, .reauthenticate: true
      case .connect, .disconnect, .publish, .kept, .subscribe, .ask: false
      }
    }
    noteEnd(isByBroker: wasOnline && reason.mayBeForMessage, at: now)
    if reason.isPermanent || isAsked || !plan.configuration.reconnect.isEnabled {
      failConnects(reason, at: now)
    }
    if isAsked { stopped() }
  }

  private func failConnects(_ reason: LossReason, at now: Instant) {
    let error: ClientError =
      switch reason {
      case .asked: .disconnected
      case _ where reason.isPermanent: .connectionRefused(reason)
      default: .timedOut(reason)
      }
    // A version that is not spoken is asked for no more, so that is no last word.
    guard !willFallBack(reason) else { return }
    failAll(error) { if case .connect = $0 { true } else { false } }
    stopUnlessWanted(at: now)
  }

  private func willFallBack(_ reason: LossReason) -> Bool {
    guard case .refused(let word) = reason, manager.options.fallsBack,
      manager.protocolLevel != .v31
    else { return false }
    return word.code == V5.ConnectReason.unsupportedProtocolVersion.rawValue
      || word.code == ConnectReturnCode.unacceptableProtocolVersion.rawValue
  }

  /// The client has let go of its connection and wants none: nobody waits for one any more.
  func stopped() {
    isStarted = false
    leaving = nil
    flushJournal()
    isActive = manager.isWanted
    failAll(.disconnected) { waiter in
      switch waiter {
      case .publish, .kept, .subscribe, .ask: true
      case .connect, .disconnect, .unsubscribe, .reauthenticate: false
      }
    }
    while let next = blocked.popFirst() { next.reply.resume(returning: .failure(.disconnected)) }
    end(subscriptionsWith: nil)
    routes.responses = nil
    for (id, waiter) in waiters {
      guard case .disconnect(let reply) = waiter else { continue }
      _ = take(id)
      reply.resume(returning: .success(()))
    }
    mailbox.events.tell(.stopped)
  }

  private func reason(_ cause: ConnectionEnd, _ properties: V5.Properties) -> LossReason {
    switch cause {
    case .transport: return lossReason ?? .transport(.closedByPeer)
    case .refused(let refusal):
      return manager.withPacket { bytes in
        .refused(
          LossReason.ServerWord(
            code: refusal.code, meaning: refusal.words, isPermanent: refusal.isPermanent,
            properties, in: bytes))
      }
    case .disconnected(let reason):
      return manager.withPacket { bytes in
        .disconnected(
          LossReason.ServerWord(
            code: reason.rawValue, meaning: reason.words, isPermanent: false, properties,
            in: bytes))
      }
    case .session(let fault): return .session(fault)
    case .asked, .aborted: return .asked
    case .unopenable: return .identity
    }
  }

  // MARK: Server Reference

  /// Goes where the broker says (5.0 section 4.11): for one connection with "use another server", for
  /// good with "server moved", and back when that server does not answer.
  private func follow(_ reason: LossReason) {
    if followsReference, reference == nil, !staysAtReference { reference = plan.way }
    guard plan.configuration.followsServerReference else { return }
    let word: LossReason.ServerWord
    switch reason {
    case .refused(let said), .disconnected(let said): word = said
    default: return
    }
    let isMoved = word.code == V5.ConnectReason.serverMoved.rawValue
    guard isMoved || word.code == V5.ConnectReason.useAnotherServer.rawValue,
      let named = word.serverReference,
      let way = plan.way.redirected(to: named, plan.configuration)
    else { return }
    reference = way
    staysAtReference = isMoved
    mailbox.events.tell(.followingReference(named))
  }
}
