import Core
import MQTT

/// Messages of ours.
extension Engine {
  func publish(_ request: PublishRequest, _ reply: Reply<PublishResult>, at now: Instant) {
    // Who comes later waits behind those that wait already.
    guard blocked.isEmpty, tryToPublish(request, reply, at: now) else {
      blocked.append((request, reply))
      return
    }
  }

  /// Messages that had to wait, as far as there is room now.
  func publishBlocked(at now: Instant) {
    while let next = blocked.first {
      guard tryToPublish(next.request, next.reply, at: now) else { return }
      _ = blocked.popFirst()
    }
  }

  /// False when the message has to wait for room.
  private func tryToPublish(
    _ request: PublishRequest, _ reply: Reply<PublishResult>, at now: Instant
  ) -> Bool {
    if let journal, request.qos != .atMostOnce {
      return tryToKeep(request, reply, in: journal, at: now)
    }
    do throws(PublishError) {
      let publication = try store(request, at: now)
      if request.waits {
        waiters[request.id] = .publish(reply)
      } else {
        reply.resume(returning: .success(PublishResult(isQueued: publication.isQueued)))
      }
    } catch {
      if waits(for: error, request.qos) { return false }
      reply.resume(returning: .failure(ClientError(error, request)))
    }
    return true
  }

  private func waits(for error: PublishError, _ qos: QoS) -> Bool {
    switch error {
    // The connection's buffer has room again soon, or the connection goes.
    case .bufferFull: true
    case .windowFull: plan.configuration.limits.overflow == .wait
    default: false
    }
  }

  func store(
    _ request: PublishRequest, first: Bool = false, at now: Instant
  ) throws(PublishError) -> Publication {
    // Properties are for 5.0; the manager leaves them out where it falls back.
    let hasProperties =
      request.qos == .atMostOnce
      ? manager.session.level == .v50
      : manager.protocolLevel == .v50 || manager.options.fallsBack
    let properties = hasProperties ? request.properties : []
    return try manager.publish(
      OutgoingMessage(
        topic: request.topic.span, properties: properties.span, payload: request.payload.span,
        qos: request.qos, retain: request.retain),
      tag: request.id, expiry: request.qos == .atMostOnce ? nil : request.expiry, first: first,
      at: now)
  }

  /// The birth message, before all that waits.
  func publishBirth(at now: Instant) {
    guard let birth = plan.configuration.birth else { return }
    // That of the connection before says nothing new.
    _ = manager.withdraw(tag: birthTag)
    birthTag = mailbox.nextID()
    let request = PublishRequest(
      id: birthTag, topic: Array(birth.topic.utf8), payload: birth.payload, properties: [],
      qos: birth.qos, retain: birth.retain, expiry: nil, waits: false)
    do throws(PublishError) {
      _ = try store(request, first: true, at: now)
      mailbox.events.tell(.birthPublished)
    } catch {
      mailbox.events.tell(.dropped(ClientError(error, request)))
    }
  }

  /// The one who waits for a message of the session's: of the journal's, that is who has published it.
  private func owner(of tag: UInt64) -> UInt64 { journal?.owner(of: tag) ?? tag }

  /// PUBREC of a message at QoS 2 says more than that the broker has it; PUBCOMP is to come.
  func receivedByBroker(_ word: ManagerEvent.Published) {
    let id = owner(of: word.tag)
    guard case .publish? = waiters[id] else { return }
    firstWords[id] = result(word)
  }

  private func result(_ word: ManagerEvent.Published) -> PublishResult {
    manager.withPacket { bytes in
      PublishResult(
        reasonCode: word.code,
        reasonString: word.properties.text(.reasonString, in: bytes).map { String(bytes[$0]) },
        userProperties: MessageProperties(word.properties, in: bytes).userProperties)
    }
  }

  func published(_ published: ManagerEvent.Published) {
    var result = result(published)
    let id = owner(of: published.tag)
    if result == PublishResult(), let first = firstWords[id] { result = first }
    // A question has arrived; the answer is to come, by its own deadline.
    if !published.isFailure, case .ask? = waiters[id] {
      statistics.published += 1
      return
    }
    _ = journal?.settle(published.tag, at: Engine.now)
    let waiter = take(id)
    guard !published.isFailure else {
      statistics.publishRefused += 1
      let refusal = ClientError.Refusal(
        code: result.reasonCode, reasonString: result.reasonString,
        userProperties: result.userProperties)
      if let waiter {
        waiter.fail(.refused(refusal))
      } else {
        mailbox.events.tell(.publishRefused(refusal))
      }
      return
    }
    statistics.published += 1
    switch waiter {
    case .publish(let reply), .kept(let reply): reply.resume(returning: .success(result))
    default: break
    }
  }

  func dropped(_ dropped: ManagerEvent.Dropped) {
    if let journal, journal.owner(of: dropped.tag) != nil {
      // A notice of the journal's tells it.
      return journal.drop(dropped.tag, JournalDrop(dropped.reason), at: Engine.now)
    }
    statistics.dropped += 1
    let error: ClientError
    switch dropped.reason {
    case .expired: error = .expired
    case .full: error = .dropped
    case .connectionLost: error = .connectionLost
    case .unsendable(let reason): error = ClientError(reason, nil)
    }
    if let waiter = take(dropped.tag) {
      waiter.fail(error)
    } else if dropped.tag != birthTag {
      mailbox.events.tell(.dropped(error))
    }
  }

  // MARK: Questions

  func ask(_ message: RequestMessage, _ reply: Reply<Message>, at now: Instant) {
    let request = message.publish
    let isV5 = manager.protocolLevel == .v50
    guard isV5 else { return reply.resume(returning: .failure(.unsupportedVersion)) }
    if let error = subscribeToResponses(at: now) {
      timers[request.id] = nil
      return reply.resume(returning: .failure(error))
    }
    do throws(PublishError) {
      _ = try store(request, at: now)
      waiters[request.id] = .ask(correlation: message.correlation, reply)
    } catch {
      timers[request.id] = nil
      reply.resume(returning: .failure(ClientError(error, request)))
    }
  }

  /// An answer has come. False when nobody has asked.
  func answer(_ message: Message) -> Bool {
    guard let data = message.properties.correlationData, data.count == 8 else { return false }
    let correlation = data.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    for (id, waiter) in waiters {
      guard case .ask(correlation, let reply) = waiter else { continue }
      _ = take(id)
      reply.resume(returning: .success(message))
      return true
    }
    return false
  }
}

extension ClientError {
  init(_ error: PublishError, _ request: PublishRequest?) {
    let topic = request.map { String(decoding: $0.topic, as: UTF8.self) } ?? ""
    switch error {
    case .windowFull, .bufferFull: self = .queueFull
    case .packetTooLarge: self = .packetTooLarge
    case .notConnected: self = .notConnected
    case .invalidTopic, .invalidTopicAlias: self = .invalidTopic(topic)
    case .qosNotSupported: self = .qosNotSupported
    case .retainNotSupported: self = .retainNotSupported
    case .invalidProperties: self = .invalidProperties
    }
  }

  init(_ error: RequestError, filter: String) {
    switch error {
    case .windowFull: self = .tooManySubscriptions
    case .bufferFull: self = .queueFull
    case .packetTooLarge: self = .packetTooLarge
    case .notConnected: self = .notConnected
    case .invalidFilter, .invalidOptions: self = .invalidFilter(filter)
    case .invalidProperties, .identifiersNotSupported: self = .invalidProperties
    case .wildcardsNotSupported: self = .wildcardsNotSupported
    case .sharedNotSupported: self = .sharedNotSupported
    case .unsupportedLevel: self = .unsupportedVersion
    }
  }
}
