import MQTT

/// A message that has come.
public struct Message: Sendable {
  /// Where it was published.
  public let topic: String
  /// What was published.
  public let payload: [UInt8]
  /// The QoS that it came with.
  public let qos: QoS
  /// True when the broker has kept it from before the subscription.
  public let retain: Bool
  /// True when the broker may have sent it before. At QoS 2 it did not arrive before.
  public let isDuplicate: Bool
  /// What else was said about it (5.0).
  public let properties: MessageProperties
  let token: MessageToken?
  let mailbox: Mailbox

  /// The payload as UTF-8 text; what is none becomes U+FFFD.
  public var text: String { String(decoding: payload, as: UTF8.self) }

  /// Acknowledges the message, where the subscription leaves that to the application: only now the
  /// broker forgets it. Answers go out in the order in which the messages came, so an early one waits
  /// for those before it. At QoS 0, and a second time, it does nothing.
  ///
  /// A message that is never answered stays the broker's: it counts against
  /// `Limits.receiveMaximum`, and comes again after a reconnection if the session is kept.
  public func acknowledge() { settle(0) }

  /// Refuses the message with a reason code from 0x80 on (5.0 section 3.4.2.1): the broker does not
  /// send it again. Before 5.0 there is no way to say so, and it is acknowledged.
  public func refuse(_ reason: RefusalReason = .unspecifiedError) { settle(reason.rawValue) }

  private func settle(_ code: UInt8) {
    guard let token else { return }
    _ = mailbox.post(.settle(token, code: code))
  }

  /// Why a message is refused.
  public enum RefusalReason: UInt8, Sendable {
    /// No reason is given.
    case unspecifiedError = 0x80
    /// The application does not take it.
    case implementationSpecificError = 0x83
    /// It may not be published to this client.
    case notAuthorized = 0x87
    /// The topic means nothing here.
    case topicNameInvalid = 0x90
    /// A limit of the application's is exceeded.
    case quotaExceeded = 0x97
    /// The payload is not what it says it is.
    case payloadFormatInvalid = 0x99
  }
}

/// Which acknowledgement a message waits for.
struct MessageToken: Sendable, Hashable {
  /// Never given twice.
  var serial: UInt64
  /// The subscription that got it.
  var subscription: SubscriptionID
  var qos: QoS
  /// The connection over which it came.
  var connection: UInt64
}
