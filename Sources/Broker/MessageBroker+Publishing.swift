import Core
import MQTT

/// The way of a message: in from a publisher, out to every subscriber.
extension MessageBroker {
  /// Publishes a message of the program that the broker is part of.
  public mutating func publish(_ message: Message, at now: Instant) {
    precondition(message.isSendable, "a topic to publish under, and properties of a PUBLISH")
    _ = publish(message, from: [], isWill: false, at: now)
  }

  /// PUBLISH (section 3.3). A QoS 2 message is handed on when it first comes, and known by its
  /// identifier until PUBREL (section 4.3.3, method B).
  mutating func take(
    _ publish: PublishRequest, from connection: Connection, _ session: Session, at now: Instant
  ) {
    var message = publish.message
    do throws(Connection.Violation) {
      message.topic = try connection.topic(of: publish, aliasMax: limits.topicAliasMax)
      guard message.qos <= limits.maximumQoS else {
        throw Connection.Violation(reason: .qosNotSupported)
      }
      guard !message.retain || limits.retainIsAvailable else {
        throw Connection.Violation(reason: .retainNotSupported)
      }
    } catch {
      return finish(connection, .violated(error.reason), at: now)
    }
    switch message.qos {
    case .atMostOnce: _ = self.publish(message, from: session.clientID, isWill: false, at: now)
    case .atLeastOnce:
      let reason = self.publish(message, from: session.clientID, isWill: false, at: now)
      connection.say(connection.dialect.publishAck(publish.packetID, reason))
    case .exactlyOnce: takeOnce(message, publish.packetID, from: connection, session, at: now)
    }
  }

  private mutating func takeOnce(
    _ message: Message, _ packetID: UInt16, from connection: Connection, _ session: Session,
    at now: Instant
  ) {
    var reason = V5.PublishReason.success
    if !session.received.contains(packetID) {
      guard session.received.count < limits.receivedMax else {
        return finish(connection, .violated(.receiveMaximumExceeded), at: now)
      }
      reason = publish(message, from: session.clientID, isWill: false, at: now)
      // 5.0 section 4.3.3: a refused message is not released. Who cannot be told releases it.
      if reason.rawValue < 0x80 || !connection.dialect.tellsReasons {
        session.received.insert(packetID)
      }
    }
    connection.say(connection.dialect.publishReceived(packetID, reason))
  }

  /// Why a client's message is not accepted; nil when it is. Clients do not write under `$`, which
  /// is the broker's (section 4.7.2).
  func objection(to message: Message, from client: [UInt8]) -> V5.PublishReason? {
    if message.topic.first == UInt8(ascii: "$") { return .topicNameInvalid }
    if limits.payloadFormatIsChecked, message.saysText,
      String(validating: message.payload, as: UTF8.self) == nil
    {
      return .payloadFormatInvalid
    }
    return rules.mayPublish?(client, message.topic) == false ? .notAuthorized : nil
  }

  /// Keeps the message if it is to be retained, and hands it to every session that asks for it.
  /// Returns what its publisher is told.
  mutating func publish(
    _ message: Message, from client: [UInt8], isWill: Bool, at now: Instant
  ) -> V5.PublishReason {
    if !client.isEmpty, let reason = objection(to: message, from: client) { return reason }
    tell(.published(client: client, message, isWill: isWill))
    let publication = Publication(message, from: client, at: now)
    var reason = V5.PublishReason.noMatchingSubscribers
    for session in sessions.values {
      guard let match = session.match(message.topic, from: client) else { continue }
      reason = .success
      // Section 3.3.1.3: only what was kept from before a subscription is marked as retained, but
      // for one that wants the publisher's mark (5.0 section 3.8.3.1).
      let delivery = Delivery(
        publication, granted: match.granted, retain: message.retain && match.retainAsPublished,
        identifiers: match.identifiers)
      deliver(delivery, to: session, at: now)
    }
    if share(publication, at: now) { reason = .success }
    if message.retain, !keep(publication, at: now) {
      tell(.notRetained(client: client, message))
      reason = .quotaExceeded
    }
    return reason
  }

  /// False when there is no room for one more topic.
  private mutating func keep(_ publication: Publication, at now: Instant) -> Bool {
    let topic = publication.message.topic
    guard !publication.message.payload.isEmpty else {
      retained[topic] = nil
      return true
    }
    guard limits.retainIsAvailable else { return false }
    if retained.count >= limits.retainedMax {
      retained = retained.filter { !$0.value.isExpired(at: now) }
    }
    guard retained[topic] != nil || retained.count < limits.retainedMax else { return false }
    retained[topic] = publication
    sweepDue = min(sweepDue, publication.expiresAt)
    return true
  }

  /// Hands a message on, or tells that it is dropped.
  mutating func deliver(_ delivery: Delivery, to session: Session, at now: Instant) {
    if !hand(delivery, to: session, at: now) {
      tell(.dropped(client: session.clientID, delivery.message))
    }
  }

  /// Sends a message, or keeps it for later. False when there is no room for it, or the client takes
  /// none of that length.
  mutating func hand(_ delivery: Delivery, to session: Session, at now: Instant) -> Bool {
    guard let connection = session.connection else {
      // Section 4.3.1: a QoS 0 message may be lost; one for a client that is away is.
      return delivery.qos == .atMostOnce || session.outbox.append(delivery, limits, at: now)
    }
    activate(connection)
    guard connection.dialect.takes(delivery, at: now) else { return false }
    guard delivery.qos == .atMostOnce else {
      let isKept = session.outbox.append(delivery, limits, at: now)
      pump(session, at: now)
      return isKept
    }
    return connection.outputCount < limits.outputBytesMax
      && connection.publish(delivery, packetID: 0, dup: false, at: now)
  }
}

extension Message {
  /// True when the client has said that the payload is text. What is forwarded begins with that.
  fileprivate var saysText: Bool {
    properties.starts(with: [V5.PropertyID.payloadFormatIndicator.rawValue, 1])
  }
}
