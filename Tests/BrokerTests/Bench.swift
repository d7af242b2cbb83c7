import Broker
import Core
import MQTT

/// A broker, a clock, and clients at its transports, for one test.
final class Bench {
  private var broker: MessageBroker
  private(set) var now = Instant.boot

  init(_ limits: BrokerLimits = BrokerLimits()) {
    broker = MessageBroker(limits: limits, isObserved: true)
  }

  /// A transport on which nothing was said yet.
  func open(level: ProtocolLevel = .v311) -> Client {
    Client(self, broker.open(at: now), level)
  }

  /// A client that the broker has accepted; its CONNACK is taken.
  func connect(
    _ name: String, level: ProtocolLevel = .v311, cleanSession: Bool = true,
    keepAlive: UInt16 = 0, will: TestWill? = nil
  ) -> Client {
    let client = open(level: level)
    client.send(
      connectBytes(
        name, level: level, cleanSession: cleanSession, keepAlive: keepAlive, will: will))
    let answer = client.take()
    precondition(
      answer.first == .connectAck(.accepted) || answer.first == .connectAck(.accepted, true),
      "accepted, not \(answer)")
    client.held = Array(answer.dropFirst())
    return client
  }

  /// A client that is subscribed to one filter; its answers are taken.
  func subscriber(
    _ name: String, _ filter: String, _ qos: QoS, level: ProtocolLevel = .v311,
    cleanSession: Bool = true
  ) -> Client {
    let client = connect(name, level: level, cleanSession: cleanSession)
    client.subscribe(filter, qos)
    let answer = client.take()
    precondition(
      answer.first == .subscribeAck(1, [SubscribeReturnCode(granting: qos)]), "granted")
    client.held = Array(answer.dropFirst())
    return client
  }

  /// Lets time pass and has the broker do what is due.
  func pass(_ interval: Interval) {
    now = now + interval
    broker.advance(to: now)
  }

  /// Lets time pass that the broker learns of by what comes next.
  func passUnnoticed(_ interval: Interval) { now = now + interval }

  /// What the broker's owner has decided.
  var rules: BrokerRules {
    get { broker.rules }
    set { broker.rules = newValue }
  }

  func disconnect(_ name: String, _ reason: V5.DisconnectReason) -> Bool {
    broker.disconnect(utf8(name), reason, at: now)
  }

  func shutDown() { broker.shutDown(at: now) }

  func receive(_ bytes: [UInt8], from id: ConnectionID) {
    broker.receive(bytes.span, from: id, at: now)
  }

  func close(_ id: ConnectionID) { broker.closed(id, at: now) }

  /// What waits for a transport; it takes the first `limit` bytes of it.
  func output(of id: ConnectionID, limit: Int = .max) -> [UInt8] {
    let bytes = Array(broker.output(of: id).prefix(limit))
    broker.sent(bytes.count, on: id, at: now)
    return bytes
  }

  func outputCount(of id: ConnectionID) -> Int { broker.output(of: id).count }

  func isFinished(_ id: ConnectionID) -> Bool { broker.isFinished(id) }

  func publish(_ topic: String, _ payload: String, _ qos: QoS = .atMostOnce, retain: Bool = false) {
    broker.publish(
      Message(topic: utf8(topic), payload: utf8(payload), qos: qos, retain: retain), at: now)
  }

  func publish(_ message: Message) { broker.publish(message, at: now) }

  func retained(_ topic: String) -> String? {
    broker.retained(utf8(topic)).map { String(decoding: $0.payload, as: UTF8.self) }
  }

  var deadline: Instant { broker.deadline }

  func takeActive() -> [ConnectionID] { broker.takeActive() }

  func takeEvents() -> [BrokerEvent] { broker.takeEvents() }

  /// Why clients went, in order.
  func takeReasons() -> [Parting] {
    takeEvents().compactMap { event in
      if case .disconnected(_, let reason) = event { reason } else { nil }
    }
  }

  /// The payloads of messages that were dropped, in order.
  func takeDropped() -> [String] {
    takeEvents().compactMap { event in
      guard case .dropped(_, let message) = event else { return nil }
      return String(decoding: message.payload, as: UTF8.self)
    }
  }
}
