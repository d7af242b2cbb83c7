import Core
import MQTT

/// What a caller waits for.
enum Waiter {
  case connect(Reply<ConnectionInfo>)
  case disconnect(Reply<Void>)
  case publish(Reply<PublishResult>)
  /// That the journal has the message.
  case kept(Reply<PublishResult>)
  case subscribe(PendingSubscription)
  case unsubscribe(packetID: UInt16, Reply<Void>)
  case ask(correlation: UInt64, Reply<Message>)
  case reauthenticate(Reply<Void>)

  func fail(_ error: ClientError) {
    switch self {
    case .connect(let reply): reply.resume(returning: .failure(error))
    case .publish(let reply), .kept(let reply): reply.resume(returning: .failure(error))
    case .subscribe(let pending): pending.reply.resume(returning: .failure(error))
    case .ask(_, let reply): reply.resume(returning: .failure(error))
    case .disconnect(let reply), .unsubscribe(_, let reply), .reauthenticate(let reply):
      reply.resume(returning: .failure(error))
    }
  }
}

extension Command {
  /// Nobody carries it out.
  func refuse(_ error: ClientError) {
    switch self {
    case .connect(_, let reply): reply.resume(returning: .failure(error))
    case .publish(_, let reply): reply.resume(returning: .failure(error))
    case .subscribe(_, let reply): reply.resume(returning: .failure(error))
    case .ask(_, let reply): reply.resume(returning: .failure(error))
    case .disconnect(_, _, _, let reply), .unsubscribe(_, _, let reply),
      .reauthenticate(_, let reply):
      reply.resume(returning: .failure(error))
    case .start, .abort, .forget, .taken, .settle, .credentials, .authentication, .expire,
      .cancel, .shutDown:
      break
    }
  }
}

/// How the engine carries out what callers want.
extension Engine {
  func takeCommands(at now: Instant) {
    for command in mailbox.take() {
      carryOut(command, at: now)
      // A command may lead to more than one event, and leaves room for the next.
      advance(at: now)
    }
  }

  private func carryOut(_ command: Command, at now: Instant) {
    switch command {
    case .start:
      isStarted = true
      want()
    case .connect(let id, let reply):
      if manager.isOnline, let info = connectionInfo {
        return reply.resume(returning: .success(info))
      }
      waiters[id] = .connect(reply)
      want()
    case .disconnect(let id, let drain, let keepsWill, let reply):
      disconnect(id, drain: drain, keepsWill: keepsWill, reply, at: now)
    case .abort:
      isStarted = false
      leaving = nil
      manager.abort(at: now)
    case .publish(let request, let reply): publish(request, reply, at: now)
    case .subscribe(let request, let reply): subscribe(request, reply, at: now)
    case .unsubscribe(let id, let subscription, let reply):
      unsubscribe(id, subscription, reply, at: now)
    case .forget(let subscription): forget(subscription, at: now)
    case .taken(let token): settle(token, code: 0)
    case .settle(let token, let code): settle(token, code: code)
    case .ask(let message, let reply): ask(message, reply, at: now)
    case .credentials(let attempt, let result): take(result, of: attempt, at: now)
    case .authentication(let connection, let result):
      takeAuthentication(result, of: connection, at: now)
    case .reauthenticate(let id, let reply): reauthenticate(id, reply, at: now)
    case .expire(let id, let due): timers[id] = due
    case .cancel(let id): giveUp(id, .cancelled, at: now)
    case .shutDown:
      isShutDown = true
      manager.abort(at: now)
    }
  }

  private func want() {
    // An attempt that the back-off puts off is not made sooner by asking for it again.
    guard !manager.isWanted else { return }
    isActive = true
    manager.connect()
  }

  private func disconnect(
    _ id: UInt64, drain: Interval, keepsWill: Bool, _ reply: Reply<Void>, at now: Instant
  ) {
    isStarted = false
    waiters[id] = .disconnect(reply)
    if manager.isIdle { return stopped() }
    guard keepsWill else { return leave(drain: drain, at: now) }
    leaving = nil
    if manager.isOnline && manager.protocolLevel == .v50 {
      manager.disconnect(reason: .disconnectWithWill, at: now)
    } else {
      manager.abort(at: now)
    }
  }

  // MARK: The end of a wait

  func expireTimers(at now: Instant) {
    if credentialsDue <= now { fail(.credentials(.timedOut), at: now) }
    if authenticationDue <= now { fail(.credentials(.timedOut), at: now) }
    guard !timers.isEmpty else { return }
    for (id, due) in timers where due <= now {
      giveUp(id, .timedOut(lastLoss), at: now)
    }
  }

  /// Takes a waiter out; whoever has it resumes it.
  func take(_ id: UInt64) -> Waiter? {
    timers[id] = nil
    firstWords[id] = nil
    return waiters.removeValue(forKey: id)
  }

  /// The one who waits under this number waits no more.
  private func giveUp(_ id: UInt64, _ error: ClientError, at now: Instant) {
    if let next = blocked.removeFirst(where: { $0.request.id == id }) {
      timers[id] = nil
      return next.reply.resume(returning: .failure(error))
    }
    guard let waiter = take(id) else { return }
    switch waiter {
    case .connect: stopUnlessWanted(at: now)
    case .publish, .kept, .ask: withdraw(id, at: now)
    case .subscribe(let pending): leave(drop(pending.request.id, at: now))
    case .disconnect, .unsubscribe, .reauthenticate: break
    }
    waiter.fail(error)
  }

  /// A `connect` has failed: nothing that it has begun stays behind.
  func stopUnlessWanted(at now: Instant) {
    guard !isStarted, !manager.isOnline else { return }
    for case .connect in waiters.values { return }
    manager.disconnect(at: now)
  }

  /// All waiters that `matches` get `error`.
  func failAll(_ error: ClientError, where matches: (Waiter) -> Bool) {
    for (id, waiter) in waiters where matches(waiter) {
      _ = take(id)
      waiter.fail(error)
    }
  }

  /// All subscriptions end.
  func end(subscriptionsWith error: ClientError?) {
    for (id, inbox) in routes.inboxes {
      inbox.channel.finish(error)
      for filter in routes.remove(id) { forgetFilter(filter) }
    }
  }
}
