import Core

/// Subscriptions, and what is passed on to the session as it is.
extension SessionManager {
  /// Wants messages under `filter`, now and after each loss of the server's session. The answer is
  /// `.granted` with `tag`. Throws `windowFull` when there is no room for one more.
  public mutating func keepSubscription(
    filter: Span<UInt8>, options: V5.SubscriptionOptions, properties: Span<UInt8> = Span(),
    tag: UInt32, at now: Instant
  ) throws(RequestError) {
    guard TopicFilter.isValidV5(filter) else { throw .invalidFilter }
    guard book.set(filter, options, properties, tag: tag, state: .wanted) != nil else {
      throw .windowFull
    }
    pump(at: now)
  }

  /// Keeps a subscription that `subscribe(filters:)` has asked for under `packetID`.
  public mutating func keepSubscription(
    filter: Span<UInt8>, options: V5.SubscriptionOptions, properties: Span<UInt8>,
    askedAs packetID: UInt16
  ) -> Bool {
    book.set(filter, options, properties, tag: UInt32(packetID), state: .granted) != nil
  }

  /// Restores a subscription no more. False when it was not kept.
  public mutating func forgetSubscription(filter: Span<UInt8>) -> Bool { book.remove(filter) }

  /// SUBSCRIBE for several filters, now: see `ClientSession.subscribe(filters:)`.
  public mutating func subscribe(
    filters: Span<UInt8>, properties: Span<UInt8> = Span()
  ) throws(RequestError) -> UInt16 {
    try session.subscribe(filters: filters, properties: properties)
  }

  /// UNSUBSCRIBE for several filters, now: see `ClientSession.unsubscribe(filters:)`.
  public mutating func unsubscribe(
    filters: Span<UInt8>, properties: Span<UInt8> = Span()
  ) throws(RequestError) -> UInt16 {
    try session.unsubscribe(filters: filters, properties: properties)
  }

  /// AUTH: see `ClientSession.authenticate`.
  public mutating func authenticate(properties: Span<UInt8>) throws(RequestError) {
    try session.authenticate(properties: properties)
  }

  /// Acknowledges a received message by hand: see `ClientSession.acknowledge`.
  public mutating func acknowledge(
    _ packetID: UInt16, _ reason: V5.PublishReason = .success
  ) throws(AcknowledgeError) {
    try session.acknowledge(packetID, reason)
  }
}
