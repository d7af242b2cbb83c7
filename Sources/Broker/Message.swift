import Core
import MQTT

/// A message as it was published: topic and payload as bytes, because topics are compared byte by
/// byte (section 4.7.3).
public struct Message: Equatable, Sendable {
  /// The topic name.
  public var topic: [UInt8]
  /// The message itself.
  public var payload: [UInt8]
  /// The quality of service: the publisher's, or the one granted to a subscriber.
  public var qos: QoS
  /// From a publisher: keep it for later subscribers. To a subscriber: it was kept.
  public var retain: Bool
  /// What 5.0 can say about a message, as `V5.Properties.append` writes it: payload format, content type, response topic, correlation data, user properties.
  public var properties: [UInt8]
  /// Seconds from its publication that it is worth delivering for; nil for ever.
  public var expiry: UInt32?

  /// The message `payload` under `topic`.
  public init(
    topic: [UInt8], payload: [UInt8], qos: QoS, retain: Bool, properties: [UInt8] = [],
    expiry: UInt32? = nil
  ) {
    self.topic = topic
    self.payload = payload
    self.qos = qos
    self.retain = retain
    self.properties = properties
    self.expiry = expiry
  }

  /// True when a PUBLISH can carry it.
  var isSendable: Bool {
    let bytes = V5.Publish.size(
      topicBytes: topic.count, propertyBytes: properties.count, payloadBytes: payload.count,
      qos: .atMostOnce)
    var isWritten = false
    _ = [UInt8](capacity: bytes) { out in
      do throws(EncodeError) {
        try V5.Publish.encode(
          from: .server, packetID: 0, qos: .atMostOnce, retain: false, dup: false,
          topic: topic.span, properties: properties.span, payload: payload.span, into: &out)
        isWritten = true
      } catch { isWritten = false }
    }
    return isWritten
  }
}

/// A message that has come to the broker: from whom, and when.
struct Publication {
  let message: Message
  /// The client; empty for the broker's owner.
  let publisher: [UInt8]
  private let publishedAt: Instant
  /// When it is worth nothing any more; after the moment of its publication in any case.
  let expiresAt: Instant

  init(_ message: Message, from publisher: [UInt8], at now: Instant) {
    self.message = message
    self.publisher = publisher
    publishedAt = now
    expiresAt =
      message.expiry.map { now + max(.seconds(Int64($0)), .nanoseconds(1)) } ?? .never
  }

  /// True when no delivery is to begin any more (5.0 section 3.3.2.3.3).
  func isExpired(at now: Instant) -> Bool { now >= expiresAt }

  /// The expiry without the whole seconds that the message has waited.
  func expiry(at now: Instant) -> UInt32? {
    guard let expiry = message.expiry else { return nil }
    let waited = (now - publishedAt).seconds
    return waited >= Int64(expiry) ? 0 : expiry - UInt32(waited)
  }
}

/// A message on its way to one client.
struct Delivery {
  let publication: Publication
  /// The lesser of what was published and what was granted.
  let qos: QoS
  let retain: Bool
  /// The identifiers of the subscriptions that it comes from.
  let identifiers: [UInt32]

  init(_ publication: Publication, granted: QoS, retain: Bool, identifiers: [UInt32]) {
    self.publication = publication
    qos = min(publication.message.qos, granted)
    self.retain = retain
    self.identifiers = identifiers
  }

  var topic: [UInt8] { publication.message.topic }
  var payload: [UInt8] { publication.message.payload }

  /// What the client gets, for those who observe.
  var message: Message {
    var message = publication.message
    message.qos = qos
    message.retain = retain
    return message
  }

  /// The properties of its PUBLISH but for the alias.
  func properties(at now: Instant) -> PropertyList {
    var list = PropertyList(publication.message.properties)
    if let expiry = publication.expiry(at: now) { list.append(.messageExpiryInterval, expiry) }
    for identifier in identifiers { list.append(.subscriptionIdentifier, identifier) }
    return list
  }
}
