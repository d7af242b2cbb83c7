import Core

/// What each packet of the server does, in any version: the packets of 3.1 and 3.1.1 and those of 5.0
/// lead to the same steps.
extension ClientSession {
  mutating func handle(_ decoded: Packet.Decoded, at now: Instant) -> Turn {
    let size = decoded.size
    let none = V5.Properties(noneAt: size)
    switch (state, decoded.packet) {
    case (.connecting, .connectAck(let answer)):
      guard !options.level.isV5 || answer.returnCode != .accepted else {
        return .event(fail(.protocolViolation))
      }
      guard answer.returnCode == .accepted else {
        return refused(.returnCode(answer.returnCode), none, size)
      }
      return accepted(sessionPresent: answer.sessionPresent, none, size, at: now)
    case (.online, .publish(let publish)): return take(publish, size)
    case (_, .publishAck(let id)): return settle(id, .atLeastOnce, code: 0, none, size, at: now)
    case (_, .publishComplete(let id)):
      return settle(id, .exactlyOnce, code: 0, none, size, at: now)
    case (.online, .publishReceived(let id)): return release(id, code: 0, none, size, at: now)
    case (.online, .publishRelease(let id)): return complete(id, size)
    case (.online, .subscribeAck(let answer)):
      return granted(
        Granted(packetID: answer.packetID, codes: answer.codes, properties: none),
        isSubscribe: true, size, at: now)
    case (.online, .unsubscribeAck(let id)):
      let codes = Field(offset: size, count: 0)
      return granted(
        Granted(packetID: id, codes: codes, properties: none), isSubscribe: false, size, at: now)
    case (.online, .pingResponse):
      answers.answered(0, at: now)
      return handled(size)
    case (.leaving, _): return handled(size)
    default: return .event(fail(.protocolViolation))
    }
  }

  mutating func handle(_ decoded: V5.Packet.Decoded, at now: Instant) -> Turn {
    let size = decoded.size
    switch (state, decoded.packet) {
    case (.connecting, .connectAck(let answer)):
      guard answer.reason == .success else {
        return refused(.reason(answer.reason), answer.properties, size)
      }
      return accepted(
        sessionPresent: answer.sessionPresent, answer.properties, size, at: now)
    case (.connecting, .authenticate(let step)), (.online, .authenticate(let step)):
      return authenticate(step, size, at: now)
    case (.online, .publish(let publish)): return take(publish, size)
    case (_, .publishAck(let answer)):
      return settle(
        answer.packetID, .atLeastOnce, code: answer.reason.rawValue, answer.properties, size,
        at: now)
    case (_, .publishComplete(let answer)):
      return settle(
        answer.packetID, .exactlyOnce, code: answer.reason.rawValue, answer.properties, size,
        at: now)
    case (.online, .publishReceived(let answer)):
      return release(
        answer.packetID, code: answer.reason.rawValue, answer.properties, size, at: now)
    case (.online, .publishRelease(let answer)): return complete(answer.packetID, size)
    case (.online, .subscribeAck(let answer)):
      return granted(
        Granted(packetID: answer.packetID, codes: answer.codes, properties: answer.properties),
        isSubscribe: true, size, at: now)
    case (.online, .unsubscribeAck(let answer)):
      return granted(
        Granted(packetID: answer.packetID, codes: answer.codes, properties: answer.properties),
        isSubscribe: false, size, at: now)
    case (.online, .disconnect(let disconnect)):
      state = .ended
      return lend(.disconnected(disconnect), size, disconnect.properties)
    case (.online, .pingResponse):
      answers.answered(0, at: now)
      return handled(size)
    case (.leaving, _): return handled(size)
    default: return .event(fail(.protocolViolation))
    }
  }

  /// CONNACK said yes.
  private mutating func accepted(
    sessionPresent: Bool, _ properties: V5.Properties, _ size: Int, at now: Instant
  ) -> Turn {
    // Section 3.2.2.2: without a session asked for, none is present.
    guard !(options.cleanSession && sessionPresent) || options.level == .v31 else {
      return .event(fail(.protocolViolation))
    }
    // 5.0 section 4.12: both name the same method. A server that does not repeat it is let pass.
    if options.level.isV5, let named = method(in: properties), named != own.method {
      return .event(fail(.protocolViolation))
    }
    hasSaidPresent = sessionPresent
    let isPresent = options.level == .v31 ? !options.cleanSession : sessionPresent
    if !isPresent { forget() }
    serverLimits = ServerLimits(keepAlive: options.keepAlive)
    if options.level.isV5 {
      serverLimits = input.withBytes { bytes in
        ServerLimits(properties, in: bytes, keepAlive: options.keepAlive)
      }
    }
    inbound.removeAll(limit: own.topicAliasMaximum)
    outbound.removeAll(limit: serverLimits.topicAliasMaximum)
    sentCount = 0
    authentication = .none
    keepAlive = KeepAlive(
      seconds: serverLimits.keepAlive, replyTimeout: options.replyTimeout, at: now)
    answers.answered(0, at: now)
    state = .online
    return lend(.connected(sessionPresent: isPresent, properties: properties), size, properties)
  }

  /// CONNACK said no.
  private mutating func refused(
    _ refusal: ConnectRefusal, _ properties: V5.Properties, _ size: Int
  ) -> Turn {
    state = .ended
    return lend(.refused(refusal, properties: properties), size, properties)
  }

  /// AUTH, which has a place only where CONNECT has named a method (5.0 section 4.12), and names the
  /// same.
  private mutating func authenticate(
    _ step: V5.Authenticate, _ size: Int, at now: Instant
  ) -> Turn {
    // The server answers; it does not begin. A success may go without a body (section 3.15.2.1).
    guard authentication == .awaitsServer,
      step.properties.isEmpty || method(in: step.properties) == own.method
    else { return .event(fail(.protocolViolation)) }
    if state == .connecting {
      // The end of the first authentication is CONNACK.
      guard step.reason == .continueAuthentication else {
        return .event(fail(.protocolViolation))
      }
      connectBy = now + options.replyTimeout
    }
    authentication = step.reason == .continueAuthentication ? .awaitsOwner : .none
    return lend(.authenticate(step), size, step.properties)
  }

  /// The hash of the authentication method in a packet; nil when it names none.
  private func method(in properties: V5.Properties) -> UInt64? {
    input.withBytes { bytes in
      properties.text(.authenticationMethod, in: bytes).map { bytes[$0].fnv1a }
    }
  }

  /// PUBACK or PUBCOMP: the message is done.
  private mutating func settle(
    _ packetID: UInt16, _ qos: QoS, code: UInt8, _ properties: V5.Properties, _ size: Int,
    at now: Instant
  ) -> Turn {
    answers.answered(packetID, at: now)
    switch state {
    case .online, .leaving: break
    case .closed, .connecting, .ended: return .event(fail(.protocolViolation))
    }
    let stage = qos == .atLeastOnce ? OutgoingEntry.Stage.published : .released
    guard let index = inflight.index(of: packetID), inflight[index].qos == qos,
      inflight[index].stage == stage
    else { return unsolicited(size) }
    return settled(index, code: code, properties, size)
  }

  private mutating func settled(
    _ index: Int, code: UInt8, _ properties: V5.Properties, _ size: Int
  ) -> Turn {
    let entry = inflight[index]
    inflight.remove(at: index)
    // It may have been sent over an earlier connection only.
    if index < sentCount { sentCount -= 1 }
    counters.messagesAcknowledged &+= 1
    return lend(
      .acknowledged(
        Answered(
          token: entry.token, packetID: entry.packetID, qos: entry.qos, code: code,
          properties: properties)),
      size, properties)
  }

  /// PUBREC: PUBREL follows, also for what is not known here (section 4.3.3 lets the server wait
  /// for it). In 5.0 a refusal is the last word on the message.
  private mutating func release(
    _ packetID: UInt16, code: UInt8, _ properties: V5.Properties, _ size: Int, at now: Instant
  ) -> Turn {
    guard canAnswer else { return .idle }
    answers.answered(packetID, at: now)
    guard let index = inflight.index(of: packetID), inflight[index].qos == .exactlyOnce,
      inflight[index].stage != .waiting
    else {
      if code < 0x80 { answer(.publishRelease, packetID, code: Self.notFound) }
      return unsolicited(size)
    }
    if code >= 0x80 {
      guard inflight[index].stage == .published else { return unsolicited(size) }
      return settled(index, code: code, properties, size)
    }
    inflight[index].stage = .released
    answer(.publishRelease, packetID)
    guard code != 0 || !properties.isEmpty else { return handled(size) }
    let answered = Answered(
      token: inflight[index].token, packetID: packetID, qos: .exactlyOnce, code: code,
      properties: properties)
    return lend(.received(answered), size, properties)
  }

  /// PUBREL: the message is done. An identifier that is not known is answered too, or the server
  /// would ask for ever.
  private mutating func complete(_ packetID: UInt16, _ size: Int) -> Turn {
    guard canAnswer else { return .idle }
    let known = received.take(packetID) { $0.stage == .received }
    answer(.publishComplete, packetID, code: known == nil ? Self.notFound : 0)
    return known == nil ? unsolicited(size) : handled(size)
  }

  private mutating func granted(
    _ granted: Granted, isSubscribe: Bool, _ size: Int, at now: Instant
  ) -> Turn {
    answers.answered(granted.packetID, at: now)
    guard let entry = requests.take(granted.packetID, where: { $0.isSubscribe == isSubscribe })
    else { return unsolicited(size) }
    // A code for each filter; UNSUBACK has none before 5.0.
    let hasCodes = isSubscribe || options.level.isV5
    guard !hasCodes || granted.codes.count == Int(entry.filterCount) else {
      return .event(fail(.protocolViolation))
    }
    return lend(isSubscribe ? .subscribed(granted) : .unsubscribed(granted), size)
  }

  private mutating func unsolicited(_ size: Int) -> Turn {
    counters.unsolicited &+= 1
    return handled(size)
  }

  private mutating func handled(_ size: Int) -> Turn {
    input.consume(size)
    return .handled
  }

  /// An event about a packet, which stays where it is until the next event if there is something in
  /// it to be read.
  private mutating func lend(
    _ event: SessionEvent, _ size: Int, _ properties: V5.Properties? = nil
  ) -> Turn {
    if let properties, properties.isEmpty {
      input.consume(size)
    } else {
      lent = Lent(packetBytes: size)
    }
    return .event(event)
  }
}
