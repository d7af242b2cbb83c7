/// Why something that was asked of a client did not come about.
///
/// Sorted by what can be done: `notConnected`, `connectionLost`, `queueFull`, `timedOut` will be
/// different another time; the rest will not, unless what is asked for is changed.
public enum ClientError: Error, Sendable, Equatable {
  // MARK: Another time

  /// There is no connection, and this is not kept for one: a message at QoS 0, above all.
  case notConnected
  /// The connection was lost before it was done; whether the broker has it is not known.
  case connectionLost
  /// The queue is full; see `ClientConfiguration.Limits`.
  case queueFull
  /// It was not done in time. Of `connect`: the last that was in the way.
  case timedOut(LossReason?)
  /// The message has waited for longer than it was worth.
  case expired
  /// The queue was full, and the message the oldest that was never sent.
  case dropped
  /// `disconnect` was called. A message that the queue holds is sent after the next `connect`.
  case disconnected
  /// The client is gone.
  case closed
  /// The task was cancelled.
  case cancelled

  // MARK: Something else

  /// The message is larger than the journal takes: so many bytes of topic, properties and payload at the
  /// most, less 33.
  case tooLargeForJournal(maximum: Int)
  /// The broker has closed three connections in a row with this message under way, the last time with
  /// this one alone: it is given up, so that the others arrive.
  case poisonous
  /// The message could not be read from the journal any more.
  case unreadable

  /// The broker refuses the connection for a reason that will not pass by itself.
  case connectionRefused(LossReason)
  /// The broker refuses a message, a subscription or its end; with the reason string and the user
  /// properties of its answer.
  case refused(Refusal)
  /// The packet is larger than the broker, or `Limits.maximumPacketSize`, allows.
  case packetTooLarge
  /// It is no topic to publish under.
  case invalidTopic(String)
  /// It is no topic filter, or none that `Limits.filterBytes` has room for.
  case invalidFilter(String)
  /// As many filters are subscribed to as `Limits.subscriptions`.
  case tooManySubscriptions
  /// A property that cannot be written: text with U+0000, or longer than 65,535 bytes.
  case invalidProperties
  /// The broker takes no messages at this QoS.
  case qosNotSupported
  /// The broker keeps no messages.
  case retainNotSupported
  /// The broker takes no wildcards in filters.
  case wildcardsNotSupported
  /// The broker takes no shared subscriptions.
  case sharedNotSupported
  /// The version that is spoken does not have this.
  case unsupportedVersion
  /// The message was answered before, or the broker will send it again.
  case notWaiting

  /// A broker's refusal.
  public struct Refusal: Sendable, Equatable {
    /// The reason code, from 0x80 on (5.0 section 2.4); 0x80 in SUBACK of 3.1.1.
    public var code: UInt8
    /// The broker's words, if it has any.
    public var reasonString: String?
    /// The broker's user properties.
    public var userProperties: [UserProperty]

    /// A refusal.
    public init(code: UInt8, reasonString: String? = nil, userProperties: [UserProperty] = []) {
      self.code = code
      self.reasonString = reasonString
      self.userProperties = userProperties
    }
  }
}
