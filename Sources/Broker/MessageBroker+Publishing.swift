import Core
import MQTT

/// The way of a message: in from a publisher, out to every subscriber.
extension MessageBroker {
  /// Publishes a message of the program that the broker is part of.
  public mutating func publish(_ message: Message) {
    precondition(TopicName.isValid(message.topic.span), "a topic to publish under")
    publish(message, from: [], isWill: false)
  }

  /// PUBLISH (section 3.3). A QoS 2 message is handed on when it first comes, and known by its
  /// identifier until PUBREL (section 4.3.3, method B).
  mutating func take(
    _ publish: Publish, _ bytes: [UInt8], from connection: Connection, _ session: Session,
    at now: Instant
  ) {
    let message = Message(
      topic: bytes.copy(publish.topic), payload: bytes.copy(publish.payload), qos: publish.qos,
      retain: publish.retain)
    switch publish.qos {
    case .atMostOnce: self.publish(message, from: session.clientID, isWill: false)
    case .atLeastOnce:
      self.publish(message, from: session.clientID, isWill: false)
      connection.acknowledge(.publishAck, publish.packetID)
    case .exactlyOnce:
      if !session.received.contains(publish.packetID) {
        guard session.received.count < limits.receivedMax else {
          return finish(connection, .overLimit, at: now)
        }
        session.received.insert(publish.packetID)
        self.publish(message, from: session.clientID, isWill: false)
      }
      connection.acknowledge(.publishReceived, publish.packetID)
    }
  }

  /// Keeps the message if it is to be retained, and hands it to every session that asks for it.
  /// Clients do not write under `$`, which is the broker's (section 4.7.2): such a message goes
  /// nowhere.
  mutating func publish(_ message: Message, from client: [UInt8], isWill: Bool) {
    guard client.isEmpty || message.topic.first != UInt8(ascii: "$") else { return }
    tell(.published(client: client, message, isWill: isWill))
    if message.retain, !keep(message) { tell(.notRetained(client: client, message)) }
    for session in sessions.values {
      guard let granted = session.grantedQoS(for: message.topic) else { continue }
      // Section 3.3.1.3: only what was kept from before a subscription is marked as retained.
      deliver(message, at: granted, retain: false, to: session)
    }
  }

  /// False when there is no room for one more topic.
  private mutating func keep(_ message: Message) -> Bool {
    guard !message.payload.isEmpty else {
      retained[message.topic] = nil
      return true
    }
    guard retained[message.topic] != nil || retained.count < limits.retainedMax else {
      return false
    }
    retained[message.topic] = message
    return true
  }

  private mutating func deliver(
    _ message: Message, at granted: QoS, retain: Bool, to session: Session
  ) {
    var copy = message
    copy.qos = min(message.qos, granted)
    copy.retain = retain
    if !session.deliver(copy, limits: limits) {
      tell(.dropped(client: session.clientID, copy))
    }
    if let connection = session.connection { active.insert(connection.id) }
  }

  /// SUBSCRIBE (section 3.8.4): SUBACK, then what was retained for each filter.
  mutating func take(
    _ subscribe: Subscribe, _ bytes: [UInt8], from connection: Connection, _ session: Session
  ) {
    var codes: [UInt8] = []
    var granted: [(filter: [UInt8], qos: QoS)] = []
    var walk = subscribe.walk
    while let request = walk.next(in: bytes.span) {
      let filter = bytes.copy(request.filter)
      guard session.subscribe(filter, request.qos, limit: limits.subscriptionsMax) else {
        // 3.1 has no code for a failure: it grants the least.
        let none = connection.level == .v31 ? SubscribeReturnCode.grantedAtMostOnce : .failure
        codes.append(none.rawValue)
        continue
      }
      codes.append(SubscribeReturnCode(granting: request.qos).rawValue)
      granted.append((filter, request.qos))
      tell(.subscribed(client: session.clientID, filter: filter, request.qos))
    }
    connection.write(8 + codes.count) { out throws(EncodeError) in
      try SubscribeAck.encode(
        level: connection.level, packetID: subscribe.packetID, codes: codes.span, into: &out)
    }
    for (filter, qos) in granted {
      let matching = retained.values.filter {
        TopicFilter.matches(filter: filter.span, topic: $0.topic.span)
      }
      for message in matching.sorted(by: { $0.topic.lexicographicallyPrecedes($1.topic) }) {
        deliver(message, at: qos, retain: true, to: session)
      }
    }
  }
}
