import CLinux
import Core
import Dialing
import Linux
import MQTT

/// Messages that are kept over restarts: between callers, the journal and the session.
extension Engine {
  /// Messages that the session has at a time, sent or not: so many are never read before their turn.
  private static var handedMax: Int { 256 }

  /// False when the message has to wait for the medium to have room.
  func tryToKeep(
    _ request: PublishRequest, _ reply: Reply<PublishResult>, in journal: MessageJournal,
    at now: Instant
  ) -> Bool {
    do throws(PublishError) {
      let message = try KeptMessage(
        topic: request.topic, properties: request.properties, payload: request.payload,
        qos: request.qos, retain: request.retain, lifetime: request.expiry, at: Clock.moment())
      try manager.check(
        OutgoingMessage(
          topic: request.topic.span, properties: properties(request.properties).span,
          payload: request.payload.span, qos: request.qos, retain: request.retain))
      let isKept: Bool
      do throws(JournalRefusal) {
        isKept = try journal.append(message, owner: request.id, at: Clock.moment()) { tag in
          manager.withdraw(tag: tag)
        }.isKept
      } catch {
        switch error {
        case .awaitsMedium: return false
        case .full: reply.resume(returning: .failure(.queueFull))
        case .tooLarge(let maximum):
          reply.resume(returning: .failure(.tooLargeForJournal(maximum: maximum)))
        }
        return true
      }
      if request.waits {
        waiters[request.id] = .publish(reply)
      } else if isKept {
        reply.resume(returning: .success(PublishResult(isQueued: true)))
      } else {
        waiters[request.id] = .kept(reply)
      }
    } catch {
      reply.resume(returning: .failure(ClientError(error, request)))
    }
    return true
  }

  /// Properties are for 5.0; they are left out where it is not spoken.
  private func properties(_ properties: [UInt8]) -> [UInt8] {
    manager.protocolLevel == .v50 || manager.options.fallsBack ? properties : []
  }

  /// Hands what the journal has to the session, as far as both like.
  func sendKept(at now: Instant) {
    guard let journal, manager.isOnline else { return }
    manager.windowMax = journal.window
    let most = min(Self.handedMax, plan.configuration.limits.queueMessages)
    while manager.store.count < most, let next = journal.next(at: Clock.moment()) {
      let properties = properties(next.message.properties(left: next.left))
      do throws(PublishError) {
        _ = try manager.publish(
          OutgoingMessage(
            topic: next.message.topic.span, properties: properties.span,
            payload: next.message.payload.span, qos: next.message.qos,
            retain: next.message.retain),
          tag: next.tag, expiry: next.left, at: now)
      } catch {
        switch error {
        case .windowFull, .bufferFull, .notConnected: return journal.putBack(next.tag)
        case .packetTooLarge, .invalidTopic, .qosNotSupported, .retainNotSupported,
          .invalidTopicAlias, .invalidProperties:
          journal.drop(next.tag, .unsendable(error), at: now)
        }
      }
    }
    // The journal has drained, or its time is over.
    if let leaving, journal.count == 0 || leaving.until <= now {
      self.leaving = nil
      manager.disconnect(drain: max(.zero, leaving.until - now), at: now)
    }
  }

  /// Leaves in order: what the journal holds is sent before, as far as there is time.
  func leave(drain: Interval, at now: Instant) {
    guard let journal, journal.hasWaiting, manager.isOnline, drain > .zero else {
      return manager.disconnect(drain: drain, at: now)
    }
    leaving = (now + drain, drain)
  }

  /// Carries the medium along, and tells what has become of messages.
  func stepJournal(at now: Instant) {
    guard let journal else { return }
    journal.step(at: Clock.moment())
    tellNotices(of: journal)
    advance(at: now)
    tellNotices(of: journal)
    if let leaving, !manager.isOnline {
      // The connection that was to carry it is gone.
      self.leaving = nil
      manager.disconnect(drain: leaving.drain, at: now)
    }
  }

  private func tellNotices(of journal: MessageJournal) {
    while let notice = journal.nextNotice() {
      switch notice {
      case .event(let event): mailbox.events.tell(.journal(event))
      case .kept(let owner, let isStored):
        guard case .kept(let reply)? = waiters[owner] else { continue }
        _ = take(owner)
        reply.resume(returning: .success(PublishResult(isQueued: true, isStored: isStored)))
      case .dropped(let owner, _, let reason):
        statistics.dropped += 1
        let error = ClientError(reason)
        if let waiter = take(owner) {
          waiter.fail(error)
        } else {
          mailbox.events.tell(.dropped(error))
        }
      }
    }
  }

  /// The one who has published a message takes it back, if it was never sent.
  func withdraw(_ id: UInt64, at now: Instant) {
    guard let journal, let tag = journal.tag(ofOwner: id) else {
      _ = manager.withdraw(tag: id)
      return
    }
    guard manager.withdraw(tag: tag) || !manager.store.contains(tag: tag) else { return }
    journal.drop(tag, .withdrawn, at: now)
  }

  /// A connection has ended: the broker may have closed it for one of the messages.
  func noteEnd(isByBroker: Bool, at now: Instant) {
    guard let journal else { return }
    let poison = journal.connectionEnded(byBroker: isByBroker, at: now) { tag in
      manager.wasSentHere(tag: tag)
    }
    if let poison { _ = manager.giveUp(tag: poison) }
  }

  /// Has all that is to be kept on the medium before somebody may end the program.
  func flushJournal() {
    guard let journal else { return }
    journal.flush(within: .seconds(2))
    tellNotices(of: journal)
  }
}

extension LossReason {
  /// True when the broker has ended the connection, and what it was sent may be why: it says so, or says
  /// nothing at all.
  var mayBeForMessage: Bool {
    switch self {
    case .transport(let fault): fault.isByPeer
    case .disconnected(let word): V5.DisconnectReason(rawValue: word.code)?.isForPacket ?? true
    case .refused, .session, .credentials, .identity, .asked: false
    }
  }
}

extension JournalDrop {
  package init(_ reason: ManagerEvent.Dropped.Reason) {
    switch reason {
    case .expired: self = .expired
    case .full: self = .full
    case .unsendable(let error): self = .unsendable(error)
    case .connectionLost: self = .unsendable(.notConnected)
    }
  }
}

extension ClientError {
  init(_ drop: JournalDrop) {
    switch drop {
    case .expired: self = .expired
    case .full: self = .dropped
    case .poison: self = .poisonous
    case .unsendable(let error): self = ClientError(error, nil)
    case .rotten: self = .unreadable
    case .withdrawn: self = .cancelled
    }
  }
}
