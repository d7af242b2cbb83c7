import Core
import MQTT

extension Client {
  /// Subscribes to one or several topic filters, and waits until the broker has granted them; without a
  /// connection, for one. Messages that come from now on go to the subscription, those of a session
  /// that the broker has kept too: so subscribe before `connect` there.
  ///
  /// `buffer` is how many messages at QoS 0 wait to be taken before the oldest gives way. When a task is
  /// cancelled the subscription is withdrawn. Two subscriptions to the same filter share it at the
  /// broker, with the options of the later one. Throws `refused` with the broker's reason when one of
  /// the filters is refused; none is subscribed to then.
  public func subscribe(
    to topics: TopicSubscription..., acknowledgement: Acknowledgement = .automatic,
    buffer: Int = 256, userProperties: [UserProperty] = []
  ) async throws(ClientError) -> Subscription {
    try await subscribe(
      to: topics, acknowledgement: acknowledgement, buffer: buffer, userProperties: userProperties)
  }

  /// Subscribes to topic filters: see the other `subscribe`.
  public func subscribe(
    to topics: [TopicSubscription], acknowledgement: Acknowledgement = .automatic,
    buffer: Int = 256, userProperties: [UserProperty] = []
  ) async throws(ClientError) -> Subscription {
    guard !topics.isEmpty else { throw .invalidFilter("") }
    for topic in topics {
      let filter = Array(topic.filter.utf8)
      guard TopicFilter.isValidV5(filter.span), filter.count <= configuration.limits.filterBytes
      else { throw .invalidFilter(topic.filter) }
      guard !topic.noLocal || !TopicFilter.isShared(filter.span) else {
        throw .invalidFilter(topic.filter)
      }
    }
    var list = PropertyList()
    do throws(EncodeError) { try list.append(userProperties) } catch { throw .invalidProperties }
    guard list.bytes.count <= Engine.subscriptionPropertyBytes else { throw .invalidProperties }
    let request = SubscribeRequest(
      id: mailbox.nextID(), topics: topics,
      inbox: Inbox(isManual: acknowledgement == .manual, limit: max(1, buffer)),
      userProperties: list.bytes)
    let granted = try await mailbox.ask(request.id) { .subscribe(request, $0) }
    return Subscription(
      request.id, topics, granted: granted, inbox: request.inbox, mailbox: mailbox)
  }

  /// Ends a subscription, and waits until the broker has heard of it; without a connection it will
  /// hear with the next. Its sequence ends.
  public func unsubscribe(_ subscription: Subscription) async throws(ClientError) {
    let id = mailbox.nextID()
    try await mailbox.ask(id) { .unsubscribe(id, subscription.id, $0) }
  }
}
