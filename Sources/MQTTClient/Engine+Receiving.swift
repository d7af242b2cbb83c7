import Core
import MQTT
import Synchronization

/// A received message at QoS 1 or 2 that waits for what becomes of it.
struct HeldMessage {
  var packetID: UInt16
  var qos: QoS
  var connection: UInt64
  /// The subscriptions that have not said anything yet.
  var waiting: [SubscriptionID]
  /// The first refusal; 0 for none.
  var code: UInt8 = 0
}

/// Messages of the broker's.
extension Engine {
  func received(_ incoming: IncomingMessage) {
    let (topic, payload) = manager.withMessage(incoming) { topic, payload in
      (Array(topic), Array(payload))
    }
    let properties = manager.withPacket { bytes in
      MessageProperties(incoming.properties, in: bytes)
    }
    statistics.received += 1
    let members = routes.members(
      of: topic, identifiers: properties.subscriptionIdentifiers)
    lastSerial += 1
    let isHeld = incoming.qos != .atMostOnce
    if isHeld {
      held[lastSerial] = HeldMessage(
        packetID: incoming.packetID, qos: incoming.qos, connection: connection, waiting: members)
    }
    let name = String(decoding: topic, as: UTF8.self)
    if members.isEmpty {
      statistics.unmatched += 1
      mailbox.events.tell(.messageWithoutSubscription(topic: name))
      answerIfSettled(lastSerial)
    }
    for member in members {
      let token = MessageToken(
        serial: lastSerial, subscription: member, qos: incoming.qos, connection: connection)
      deliver(
        Message(
          topic: name, payload: payload, qos: incoming.qos, retain: incoming.retain,
          isDuplicate: incoming.dup, properties: properties, token: isHeld ? token : nil,
          mailbox: mailbox),
        to: member)
    }
  }

  private func deliver(_ message: Message, to member: SubscriptionID) {
    guard let inbox = routes.inboxes[member] else { return }
    if member == routes.responses {
      if !answer(message) { statistics.unmatched += 1 }
      if let token = message.token { settle(token, code: 0) }
      return
    }
    // Above QoS 0 the Receive Maximum bounds what waits.
    guard inbox.channel.push(message, limit: inbox.limit, droppable: { $0.token == nil }) != nil
    else { return }
    inbox.dropped.wrappingAdd(1, ordering: .relaxed)
    statistics.receivedDropped += 1
  }

  /// A subscription has taken a message, acknowledges it or refuses it.
  func settle(_ token: MessageToken, code: UInt8) {
    guard var message = held[token.serial] else { return }
    guard let index = message.waiting.firstIndex(of: token.subscription) else { return }
    message.waiting.remove(at: index)
    if message.code == 0 { message.code = code }
    held[token.serial] = message
    answerIfSettled(token.serial)
  }

  private func answerIfSettled(_ serial: UInt64) {
    guard let message = held[serial], message.waiting.isEmpty else { return }
    held[serial] = nil
    let reason = V5.PublishReason(rawValue: message.code) ?? .unspecifiedError
    do throws(AcknowledgeError) {
      try manager.acknowledge(
        message.packetID, manager.protocolLevel == .v50 ? reason : .success)
    } catch {
      // The connection that it came over is gone: the broker sends it again, or has lost the session.
    }
  }

  /// What was not acknowledged over the connection before. Only in 3.1 it is not certain whether the
  /// broker has kept the session.
  func sortHeld(sessionKept: Bool, isCertain: Bool) {
    let current = connection
    for (serial, message) in held
    where message.qos == .atLeastOnce || (!sessionKept && message.connection < current) {
      held[serial] = nil
    }
    for inbox in routes.inboxes.values {
      if sessionKept && isCertain {
        // The broker has to send these again (section 4.4): nobody gets them twice for that.
        inbox.channel.removeAll { message in
          message.qos == .atLeastOnce && (message.token?.connection ?? current) < current
        }
      } else {
        // They do not come again. As many as one connection can bring are kept.
        let dropped = inbox.channel.keepNewest(plan.configuration.limits.receiveMaximum) {
          $0.token != nil
        }
        inbox.dropped.wrappingAdd(UInt64(dropped), ordering: .relaxed)
        statistics.receivedDropped += UInt64(dropped)
      }
    }
  }
}
