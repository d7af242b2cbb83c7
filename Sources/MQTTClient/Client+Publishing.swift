import Core
import MQTT

/// What the broker says to a message that it has taken.
public struct PublishResult: Sendable, Equatable {
  /// True when the message waits in the queue: the broker has said nothing yet.
  public var isQueued = false
  /// True when the journal has it on the medium for good: with `JournalConfiguration.Sync.always`, unless
  /// the medium fails.
  public var isStored = false
  /// The reason code: 0, or 0x10 when nobody is subscribed (5.0 section 3.4.2.1).
  public var reasonCode: UInt8 = 0
  /// The broker's words.
  public var reasonString: String?
  /// The broker's user properties.
  public var userProperties: [UserProperty] = []
}

/// What `Client.publish` waits for.
public enum PublishWait: Sendable {
  /// The broker's answer; at QoS 0, that the message was handed to the operating system.
  case acknowledged
  /// Room in the queue; with a journal that syncs always, that the medium has it for good.
  case queued
}

struct PublishRequest: Sendable {
  var id: UInt64
  var topic: [UInt8]
  var payload: [UInt8]
  var properties: [UInt8]
  var qos: QoS
  var retain: Bool
  var expiry: Interval?
  var waits: Bool
}

struct RequestMessage: Sendable {
  var publish: PublishRequest
  var correlation: UInt64
}

extension Client {
  /// Publishes a message.
  ///
  /// At QoS 1 and 2 it is kept in the queue until the broker has it, over any number of connections,
  /// and never sent twice over the same one; with a journal over restarts of the program, too. At QoS 0 it leaves over the present connection, or
  /// `notConnected` is thrown.
  ///
  /// `expiry` is how long the message is worth delivering; then it is dropped, by this client or (5.0)
  /// by the broker. A task that is cancelled takes a message back that was never sent; one that was
  /// sent goes on, and nobody is told what becomes of it. Throws `refused` with the broker's reason.
  @discardableResult
  public func publish(
    _ payload: [UInt8], to topic: String, qos: QoS = .atLeastOnce, retain: Bool = false,
    properties: MessageProperties = MessageProperties(), expiry: Duration? = nil,
    waitFor: PublishWait = .acknowledged
  ) async throws(ClientError) -> PublishResult {
    let request = try request(
      payload, topic, qos, retain, properties, expiry, waits: waitFor == .acknowledged)
    return try await mailbox.ask(request.id) { .publish(request, $0) }
  }

  /// Publishes text as UTF-8: see the other `publish`.
  @discardableResult
  public func publish(
    _ text: String, to topic: String, qos: QoS = .atLeastOnce, retain: Bool = false,
    properties: MessageProperties = MessageProperties(), expiry: Duration? = nil,
    waitFor: PublishWait = .acknowledged
  ) async throws(ClientError) -> PublishResult {
    try await publish(
      Array(text.utf8), to: topic, qos: qos, retain: retain, properties: properties,
      expiry: expiry, waitFor: waitFor)
  }

  /// Publishes a message and waits for the answer, which the other side publishes under the response
  /// topic and with the correlation data that it gets (5.0 section 4.10). Throws `timedOut` when there
  /// is none, and `unsupportedVersion` before 5.0.
  public func request(
    _ payload: [UInt8], to topic: String, qos: QoS = .atLeastOnce,
    properties: MessageProperties = MessageProperties(), timeout: Duration = .seconds(10)
  ) async throws(ClientError) -> Message {
    var properties = properties
    let correlation = mailbox.nextID()
    properties.responseTopic = responseTopic
    properties.correlationData = (0..<8).map { UInt8(truncatingIfNeeded: correlation >> (8 * $0)) }
    let message = RequestMessage(
      publish: try request(payload, topic, qos, false, properties, timeout, waits: true),
      correlation: correlation)
    return try await withDeadline(timeout, message.publish.id) { () async throws(ClientError) in
      try await mailbox.ask(message.publish.id) { .ask(message, $0) }
    }
  }

  private func request(
    _ payload: [UInt8], _ topic: String, _ qos: QoS, _ retain: Bool,
    _ properties: MessageProperties, _ expiry: Duration?, waits: Bool
  ) throws(ClientError) -> PublishRequest {
    let name = Array(topic.utf8)
    guard TopicName.isValid(name.span) else { throw .invalidTopic(topic) }
    var list = PropertyList()
    do throws(EncodeError) {
      try properties.write(to: &list)
      if let expiry {
        // What is left of a second is still worth something.
        let seconds = max(
          1, expiry.components.seconds + (expiry.components.attoseconds > 0 ? 1 : 0))
        try list.append(.messageExpiryInterval, UInt32(clamping: seconds))
      }
    } catch {
      throw .invalidProperties
    }
    return PublishRequest(
      id: mailbox.nextID(), topic: name, payload: payload, properties: list.bytes, qos: qos,
      retain: retain, expiry: expiry.map { max(.zero, $0.interval) }, waits: waits)
  }
}
