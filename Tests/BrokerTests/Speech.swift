import Core
import MQTT

/// What a client with a persistent session says, in its version. What 5.0 says more, its messages
/// and answers are read as those of 3.1.1.
struct Speech {
  let level: ProtocolLevel

  /// In 5.0 with a smaller window than the broker's, and a number for a topic.
  func connect(_ name: String) -> [UInt8] {
    guard level == .v50 else { return connectBytes(name, level: level, cleanSession: false) }
    return connectV5Bytes(
      name, cleanStart: false,
      [
        .number(.sessionExpiryInterval, .max), .number(.receiveMaximum, 2),
        .number(.topicAliasMaximum, 1),
      ])
  }

  func publish(
    _ topic: String, _ payload: String, _ qos: QoS = .atMostOnce, id: UInt16 = 0,
    dup: Bool = false
  ) -> [UInt8] {
    level == .v50
      ? publishV5Bytes(topic, payload, qos, id: id, dup: dup, [.user("name", topic)])
      : publishBytes(topic, payload, qos, id: id, dup: dup, level: level)
  }

  func subscribe(_ filter: String, _ qos: QoS) -> [UInt8] {
    level == .v50
      ? subscribeV5Bytes([(filter, V5.SubscriptionOptions(qos: qos))])
      : subscribeBytes([(filter, qos)], level: level)
  }

  func answer(_ packet: Acknowledgement, _ id: UInt16) -> [UInt8] {
    guard level == .v50 else { return answerBytes(packet, id, level: level) }
    switch packet {
    case .publishAck: return publishAnswerV5Bytes(.publishAck, id)
    case .publishReceived: return publishAnswerV5Bytes(.publishReceived, id)
    case .publishRelease: return releaseAnswerV5Bytes(.publishRelease, id)
    case .publishComplete: return releaseAnswerV5Bytes(.publishComplete, id)
    case .unsubscribeAck: preconditionFailure("a client does not say that")
    }
  }

  /// Decodes and removes the whole packets at the beginning of `bytes`.
  func decodeAll(_ bytes: inout [UInt8]) -> [Received] {
    guard level == .v50 else { return BrokerTests.decodeAll(&bytes, level: level) }
    var all: [Received] = []
    while let decoded = decodeV5(bytes) {
      if let item = Self.plain(received(decoded.packet, bytes)) { all.append(item) }
      bytes.removeFirst(decoded.size)
    }
    return all
  }

  /// Nil for the end, which the transport shows too.
  private static func plain(_ item: V5Received) -> Received? {
    switch item {
    case .connectAck(let reason, let isPresent, _):
      return .connectAck(reason == .success ? .accepted : .notAuthorized, isPresent)
    case .message(let topic, let payload, let qos, let id, let retain, let dup, _):
      return .message(topic, payload, qos, id: id, retain: retain, dup: dup)
    case .publishAck(let id, _): return .answer(.publishAck, id)
    case .publishReceived(let id, _): return .answer(.publishReceived, id)
    case .publishRelease(let id, _): return .answer(.publishRelease, id)
    case .publishComplete(let id, _): return .answer(.publishComplete, id)
    case .subscribeAck(let id, let reasons):
      return .subscribeAck(id, reasons.map { $0.qos.map { .init(granting: $0) } ?? .failure })
    case .unsubscribeAck(let id, _): return .answer(.unsubscribeAck, id)
    case .pingResponse: return .pingResponse
    case .disconnect, .authenticate: return nil
    }
  }
}
