import Core
import MQTT

/// A subscription that waits for SUBACK.
struct PendingSubscription {
  var request: SubscribeRequest
  var reply: Reply<[QoS]>
  /// The filters, in the order of the request.
  var numbers: [UInt32]
  /// What the broker has granted so far.
  var granted: [UInt32: QoS] = [:]
}

/// Subscriptions, and who gets what.
extension Engine {
  func subscribe(_ request: SubscribeRequest, _ reply: Reply<[QoS]>, at now: Instant) {
    routes.inboxes[request.id] = request.inbox
    var numbers: [UInt32] = []
    for topic in request.topics {
      let number = routes.add(topic, request.userProperties, request.id)
      numbers.append(number)
      if let error = keep(number, at: now) {
        drop(request.id, at: now)
        return reply.resume(returning: .failure(error))
      }
    }
    waiters[request.id] = .subscribe(
      PendingSubscription(request: request, reply: reply, numbers: numbers))
  }

  /// Has the manager ask for a filter, now and whenever the broker has lost it.
  private func keep(_ number: UInt32, at now: Instant) -> ClientError? {
    guard let filter = routes[number] else { return nil }
    unsubscribing.removeAll { $0 == filter.bytes }
    var list = PropertyList()
    if filter.isIdentified { try? list.append(.subscriptionIdentifier, number) }
    let properties = list.bytes + filter.userProperties
    do throws(RequestError) {
      try manager.keepSubscription(
        filter: filter.bytes.span, options: filter.topic.options, properties: properties.span,
        tag: number, at: now)
      return nil
    } catch {
      return ClientError(error, filter: filter.topic.filter)
    }
  }

  /// SUBACK to a filter.
  func granted(_ number: UInt32, _ granted: Granted, at now: Instant) {
    let (code, reason, user) = manager.withPacket { bytes in
      (
        bytes[granted.codes][0],
        granted.properties.text(.reasonString, in: bytes).map { String(bytes[$0]) },
        MessageProperties(granted.properties, in: bytes).userProperties
      )
    }
    if let qos = QoS(rawValue: code) { return settle(number, qos) }
    lose(
      number,
      .refused(ClientError.Refusal(code: code, reasonString: reason, userProperties: user)),
      at: now)
  }

  /// A filter cannot be asked for.
  func notAsked(_ number: UInt32, _ error: RequestError, at now: Instant) {
    guard let filter = routes[number] else { return }
    if error == .identifiersNotSupported {
      routes[number]?.isIdentified = false
      if keep(number, at: now) == nil { return }
    }
    lose(number, ClientError(error, filter: filter.topic.filter), at: now)
  }

  private func settle(_ number: UInt32, _ qos: QoS) {
    for (id, waiter) in waiters {
      guard case .subscribe(var pending) = waiter, pending.numbers.contains(number) else {
        continue
      }
      pending.granted[number] = qos
      let granted = pending.numbers.compactMap { pending.granted[$0] }
      if granted.count == pending.numbers.count {
        _ = take(id)
        pending.reply.resume(returning: .success(granted))
      } else {
        waiters[id] = .subscribe(pending)
      }
    }
  }

  /// The broker does not take a filter, or not any more: all who have it end.
  private func lose(_ number: UInt32, _ error: ClientError, at now: Instant) {
    guard let filter = routes[number] else { return }
    for member in filter.members {
      // The broker has not got this one.
      leave(drop(member, except: filter.bytes, with: error, at: now))
      if let waiter = take(member) {
        waiter.fail(error)
      } else {
        mailbox.events.tell(.subscriptionLost(filter: filter.topic.filter, error))
        if member == routes.responses { routes.responses = nil }
      }
    }
  }

  // MARK: The end of a subscription

  func unsubscribe(
    _ id: UInt64, _ subscription: SubscriptionID, _ reply: Reply<Void>, at now: Instant
  ) {
    guard routes.inboxes[subscription] != nil else {
      return reply.resume(returning: .success(()))
    }
    let filters = drop(subscription, at: now)
    guard manager.isOnline else {
      leave(filters)
      return reply.resume(returning: .success(()))
    }
    guard !filters.isEmpty, let packetID = sendUnsubscribe(filters) else {
      return reply.resume(returning: .success(()))
    }
    waiters[id] = .unsubscribe(packetID: packetID, reply)
  }

  func unsubscribed(_ granted: Granted) {
    let (code, reason) = manager.withPacket { bytes in
      let codes = bytes[granted.codes]
      return (
        codes.indices.map { codes[$0] }.first { $0 >= 0x80 },
        granted.properties.text(.reasonString, in: bytes).map { String(bytes[$0]) }
      )
    }
    for (id, waiter) in waiters {
      guard case .unsubscribe(granted.packetID, let reply) = waiter else { continue }
      _ = take(id)
      reply.resume(
        returning: code.map {
          .failure(.refused(ClientError.Refusal(code: $0, reasonString: reason)))
        } ?? .success(()))
    }
  }

  /// Nobody holds the subscription any more.
  func forget(_ subscription: SubscriptionID, at now: Instant) {
    // What the broker keeps over connections is not ended by a variable that goes.
    guard plan.configuration.sessionExpiry.seconds == 0 else { return }
    leave(drop(subscription, at: now))
  }

  /// Has the broker hear, now or with the next connection, that nobody wants these filters any more.
  func leave(_ filters: [[UInt8]]) {
    for filter in filters where !unsubscribing.contains(filter) { unsubscribing.append(filter) }
    // More than can be subscribed to at a time is not remembered for a broker that is away.
    let surplus = unsubscribing.count - 4 * routes.limit
    if surplus > 0 { unsubscribing.removeFirst(surplus) }
  }

  /// Takes a subscription out of the routes, and what it had not taken out of what is held. Returns the
  /// filters that nobody wants any more.
  @discardableResult
  func drop(
    _ subscription: SubscriptionID, except: [UInt8]? = nil, with error: ClientError? = nil,
    at now: Instant
  ) -> [[UInt8]] {
    let inbox = routes.inboxes[subscription]
    let filters = routes.remove(subscription)
    for message in inbox?.channel.removeAll() ?? [] {
      if let token = message.token { settle(token, code: 0) }
    }
    inbox?.channel.finish(error)
    for filter in filters { forgetFilter(filter) }
    return filters.filter { $0 != except }
  }

  func forgetFilter(_ filter: [UInt8]) { _ = manager.forgetSubscription(filter: filter.span) }

  /// UNSUBSCRIBEs that had to wait.
  func sendUnsubscribes(at now: Instant) {
    guard manager.isOnline else { return }
    while let filter = unsubscribing.first {
      guard sendUnsubscribe([filter]) != nil else { return }
      unsubscribing.removeFirst()
    }
  }

  /// Nil when there is no room for now: then it is sent later.
  private func sendUnsubscribe(_ filters: [[UInt8]]) -> UInt16? {
    let list = filters.flatMap { filter in
      [UInt8(filter.count >> 8), UInt8(filter.count & 0xFF)] + filter
    }
    do throws(RequestError) {
      return try manager.unsubscribe(filters: list.span)
    } catch {
      switch error {
      case .bufferFull, .windowFull:
        for filter in filters where !unsubscribing.contains(filter) {
          unsubscribing.append(filter)
        }
      default: break
      }
      return nil
    }
  }

  /// Has answers come. What is wrong, or nil.
  func subscribeToResponses(at now: Instant) -> ClientError? {
    guard routes.responses == nil else { return nil }
    let id = mailbox.nextID()
    routes.responses = id
    routes.inboxes[id] = Inbox(isManual: false, limit: 1)
    let number = routes.add(TopicSubscription(plan.responseTopic), [], id)
    guard let error = keep(number, at: now) else { return nil }
    drop(id, at: now)
    routes.responses = nil
    return error
  }
}
