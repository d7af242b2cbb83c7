import Core
import MQTT

/// What the broker keeps of one client: its subscriptions, and the QoS 1 and 2 messages both ways.
/// Outlives the connection for as long as the client has asked (section 3.1.2.4; 5.0 section 4.1).
final class Session {
  let clientID: [UInt8]
  /// Seconds that it outlives the connection; `UInt32.max` for ever.
  var expiry: UInt32
  /// The transport that the client is at; nil while it is away. They hold each other until its end.
  var connection: Connection?
  /// When it ends; `never` while the client is there.
  var expiresAt = Instant.never
  /// The will of a client that is away, and when it is due (5.0 section 3.1.3.2.2).
  var pendingWill: (message: Message, at: Instant)?
  /// A filter stands here once.
  private(set) var subscriptions: [Subscription] = []
  /// QoS 2 messages of the client that it has not released yet.
  var received: Set<UInt16> = []
  /// What waits for the client, and what it has not settled.
  var outbox = Outbox()

  /// One filter of a client and how it wants its messages.
  struct Subscription {
    let filter: [UInt8]
    var options: V5.SubscriptionOptions
    var identifier: UInt32?
    let isShared: Bool

    init(filter: [UInt8], options: V5.SubscriptionOptions, identifier: UInt32?) {
      (self.filter, self.options, self.identifier) = (filter, options, identifier)
      isShared = TopicFilter.isShared(filter.span)
    }
  }

  /// How a message suits the subscriptions of a client.
  struct Match {
    var granted: QoS
    var retainAsPublished: Bool
    var identifiers: [UInt32]
  }

  init(clientID: [UInt8], expiry: UInt32) {
    self.clientID = clientID
    self.expiry = expiry
  }

  /// The next moment at which something is due while the client is away.
  var deadline: Instant {
    guard connection == nil else { return .never }
    return min(expiresAt, pendingWill?.at ?? .never)
  }

  // MARK: Subscriptions

  /// Replaces the subscription of the same filter (section 3.8.4). Whether it is new; nil when there
  /// are too many.
  func subscribe(_ subscription: Subscription, limit: Int) -> Bool? {
    if let index = subscriptions.firstIndex(where: { $0.filter == subscription.filter }) {
      subscriptions[index] = subscription
      return false
    }
    guard subscriptions.count < limit else { return nil }
    subscriptions.append(subscription)
    return true
  }

  /// False when there was no such subscription.
  func unsubscribe(_ filter: [UInt8]) -> Bool {
    guard let index = subscriptions.firstIndex(where: { $0.filter == filter }) else {
      return false
    }
    subscriptions.remove(at: index)
    return true
  }

  func subscription(to filter: [UInt8]) -> Subscription? {
    subscriptions.first { $0.filter == filter }
  }

  /// All subscriptions but shared ones that take `topic`, as one: a message comes once, at the
  /// highest QoS granted, however many filters overlap (section 3.3.5). Nil for none.
  func match(_ topic: [UInt8], from publisher: [UInt8]) -> Match? {
    var match: Match?
    for subscription in subscriptions
    where !subscription.isShared
      && TopicFilter.matches(filter: subscription.filter.span, topic: topic.span)
      && !(subscription.options.noLocal && publisher == clientID)
    {
      var all = match ?? Match(granted: .atMostOnce, retainAsPublished: false, identifiers: [])
      all.granted = max(all.granted, subscription.options.qos)
      all.retainAsPublished = all.retainAsPublished || subscription.options.retainAsPublished
      if let identifier = subscription.identifier { all.identifiers.append(identifier) }
      match = all
    }
    return match
  }
}
