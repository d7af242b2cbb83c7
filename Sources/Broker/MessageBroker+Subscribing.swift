import Core
import MQTT

/// SUBSCRIBE and UNSUBSCRIBE, what was retained, and shared subscriptions.
extension MessageBroker {
  /// SUBSCRIBE (section 3.8.4): SUBACK, then what was retained for each filter.
  mutating func take(
    _ subscribe: SubscribeRequest, from connection: Connection, _ session: Session,
    at now: Instant
  ) {
    let asked = subscribe.filters.map { filter, options in
      var subscription = Session.Subscription(
        filter: filter, options: options, identifier: subscribe.identifier)
      subscription.options.qos = min(options.qos, limits.maximumQoS)
      return (subscription, objection: objection(to: subscription, from: session.clientID))
    }
    // A client that was told what is not offered breaks the protocol (5.0 sections 3.2.2.3.11 to
    // 3.2.2.3.13).
    if connection.dialect.tellsReasons,
      let unoffered = asked.lazy.compactMap({ $0.objection?.unoffered }).first
    {
      return finish(connection, .violated(unoffered), at: now)
    }
    var reasons: [V5.SubscribeReason] = []
    var wanted: [Session.Subscription] = []
    for (subscription, objection) in asked {
      if let objection {
        reasons.append(objection)
      } else if let isNew = session.subscribe(subscription, limit: limits.subscriptionsMax) {
        reasons.append(V5.SubscribeReason(granting: subscription.options.qos))
        if subscription.wantsRetained(isNew: isNew) { wanted.append(subscription) }
        join(subscription, session)
        tell(
          .subscribed(
            client: session.clientID, filter: subscription.filter, subscription.options.qos))
      } else {
        reasons.append(.quotaExceeded)
      }
    }
    connection.say(connection.dialect.subscribeAck(subscribe.packetID, reasons))
    for subscription in wanted { deliverRetained(to: session, subscription, at: now) }
  }

  /// Why a filter is not accepted; nil when it is. `$share/` without group and filter behind it,
  /// which versions before 5.0 do not know, is taken for what it looks like.
  private func objection(
    to subscription: Session.Subscription, from client: [UInt8]
  ) -> V5.SubscribeReason? {
    let filter = subscription.filter
    guard TopicFilter.isValidV5(filter.span) else { return .topicFilterInvalid }
    if subscription.isShared, !limits.sharesAreAvailable {
      return .sharedSubscriptionsNotSupported
    }
    let isWild = filter.contains { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") }
    if isWild, !limits.wildcardsAreAvailable { return .wildcardSubscriptionsNotSupported }
    if subscription.identifier != nil, !limits.subscriptionIdentifiersAreAvailable {
      return .subscriptionIdentifiersNotSupported
    }
    return rules.maySubscribe?(client, filter) == false ? .notAuthorized : nil
  }

  private mutating func deliverRetained(
    to session: Session, _ subscription: Session.Subscription, at now: Instant
  ) {
    let matching = retained.values.filter {
      TopicFilter.matches(filter: subscription.filter.span, topic: $0.message.topic.span)
        && !$0.isExpired(at: now)
        && !(subscription.options.noLocal && $0.publisher == session.clientID)
    }
    let sorted = matching.sorted {
      $0.message.topic.lexicographicallyPrecedes($1.message.topic)
    }
    for publication in sorted {
      let delivery = Delivery(
        publication, granted: subscription.options.qos, retain: true,
        identifiers: subscription.identifier.map { [$0] } ?? [])
      deliver(delivery, to: session, at: now)
    }
  }

  /// One filter of an UNSUBSCRIBE (section 3.10.4).
  mutating func unsubscribe(_ session: Session, _ filter: [UInt8]) -> V5.UnsubscribeReason {
    guard session.unsubscribe(filter) else { return .noSubscriptionExisted }
    leaveShare(filter, session)
    return .success
  }

  // MARK: Shared subscriptions

  private mutating func join(_ subscription: Session.Subscription, _ session: Session) {
    guard subscription.isShared else { return }
    shares[subscription.filter, default: Share(subscription.filter)].add(session.clientID)
  }

  /// The session has the shared subscription no more.
  mutating func leaveShare(_ filter: [UInt8], _ session: Session) {
    guard var share = shares[filter] else { return }
    share.remove(session.clientID)
    shares[filter] = share.members.isEmpty ? nil : share
  }

  /// Hands the message to one member of each share that it suits: in turn, to those who are there
  /// before those who are away. False when it suits none.
  mutating func share(_ publication: Publication, at now: Instant) -> Bool {
    var isShared = false
    for (filter, share) in shares
    where TopicFilter.matches(filter: share.filter.span, topic: publication.message.topic.span) {
      isShared = true
      deliver(publication, to: share, filter, at: now)
    }
    return isShared
  }

  private mutating func deliver(
    _ publication: Publication, to share: Share, _ filter: [UInt8], at now: Instant
  ) {
    let members = share.inTurn.compactMap { sessions[$0] }
    let present = members.filter { $0.connection != nil }
    let away = members.filter { $0.connection == nil }
    var refused: (Session, Delivery)?
    for session in present + away {
      guard let subscription = session.subscription(to: filter) else { continue }
      let delivery = Delivery(
        publication, granted: subscription.options.qos,
        retain: publication.message.retain && subscription.options.retainAsPublished,
        identifiers: subscription.identifier.map { [$0] } ?? [])
      if hand(delivery, to: session, at: now) {
        shares[filter]?.serve(session.clientID)
        return
      }
      refused = refused ?? (session, delivery)
    }
    if let (session, delivery) = refused {
      tell(.dropped(client: session.clientID, delivery.message))
    }
  }
}

extension Session.Subscription {
  /// Section 3.8.4; 5.0 sections 3.8.3.1 and 4.8.2.
  fileprivate func wantsRetained(isNew: Bool) -> Bool {
    guard !isShared else { return false }
    return switch options.retainHandling {
    case .sendAlways: true
    case .sendIfNew: isNew
    case .sendNever: false
    }
  }
}

extension V5.SubscribeReason {
  /// The code of DISCONNECT for what CONNACK has said not to be available; nil for other reasons.
  fileprivate var unoffered: V5.DisconnectReason? {
    switch self {
    case .sharedSubscriptionsNotSupported: .sharedSubscriptionsNotSupported
    case .wildcardSubscriptionsNotSupported: .wildcardSubscriptionsNotSupported
    case .subscriptionIdentifiersNotSupported: .subscriptionIdentifiersNotSupported
    default: nil
    }
  }
}
