import Core

/// What a session tells its owner, one at a time, through `ClientSession.nextEvent`.
public enum SessionEvent: BitwiseCopyable, Equatable, Sendable {
  /// CONNACK said yes.
  ///
  /// With a session present: subscriptions stand, and what was under way goes on through
  /// `nextResend`. Without: nothing is under way any more; subscribe, and publish again what the
  /// own store holds unacknowledged. 3.1 does not say; there a persistent session counts as
  /// present, and the owner subscribes in any case.
  case connected(sessionPresent: Bool)
  /// CONNACK said no. Close the transport.
  case refused(ConnectReturnCode)
  /// A message has come; `withMessage` lends its bytes until the next `nextEvent`.
  case message(IncomingMessage)
  /// The server has the message of this token for good: PUBACK at QoS 1, PUBCOMP at QoS 2. The
  /// owner's store can let go of it.
  case acknowledged(token: UInt32)
  /// SUBACK: what the server says to the one filter of the request.
  case subscribed(packetID: UInt16, SubscribeReturnCode)
  /// UNSUBACK.
  case unsubscribed(packetID: UInt16)
  /// A message larger than the receive buffer was passed over and acknowledged. Bytes of it.
  case skipped(packetBytes: Int)
  /// The session cannot go on over this transport. Close it, then call `closed`.
  case failed(SessionFault)
}

/// A received message. The fields count from the start of the receive buffer.
public struct IncomingMessage: BitwiseCopyable, Equatable, Sendable {
  /// The topic name.
  public var topic: Field
  /// The message itself.
  public var payload: Field
  /// The quality of service that it came with.
  public var qos: QoS
  /// It was kept by the server from before the subscription.
  public var retain: Bool
  /// The server may have sent it before. At QoS 2 the session has seen to it that it did not
  /// arrive before.
  public var dup: Bool
}

/// A message to be sent again after the connection was lost.
public struct Resend: BitwiseCopyable, Equatable, Sendable {
  /// The owner's handle of the message.
  public var token: UInt32
  /// The identifier that it keeps.
  public var packetID: UInt16
  /// The quality of service that it keeps: 1 or 2.
  public var qos: QoS
}

/// Why a session ended over one transport. All of them mean: close the transport.
public enum SessionFault: BitwiseCopyable, Hashable, Sendable {
  /// The server sent what is not MQTT, or not allowed.
  case malformed(DecodeError)
  /// The server sent a packet that has no place here: anything before CONNACK, a second CONNACK, a
  /// session present that was not asked for, more answers than questions.
  case protocolViolation
  /// No CONNACK within `replyTimeout`.
  case connectTimedOut
  /// Nothing at all was received since a PINGREQ that was due.
  case pingTimedOut
  /// A packet began and did not end in time.
  case packetTimedOut
  /// More QoS 2 messages under way from the server than `Sizes.received`.
  case receivedFull
}

/// Why a message was not taken. It has no identifier and nothing was written.
public enum PublishError: UInt8, Error, BitwiseCopyable, Sendable {
  /// As many messages are under way as `Sizes.inflight`, or some wait to be sent again first.
  /// Try when one was acknowledged.
  case windowFull
  /// The send buffer has no room. Try when some was sent.
  case bufferFull
  /// The packet never fits into the send buffer.
  case packetTooLarge
  /// No CONNACK yet, or none any more.
  case notConnected
  /// The topic is not one to publish under.
  case invalidTopic
}

/// Why SUBSCRIBE or UNSUBSCRIBE was not written.
public enum RequestError: UInt8, Error, BitwiseCopyable, Sendable {
  /// As many requests wait for their answer as `Sizes.requests`.
  case windowFull
  /// The send buffer has no room. Try when some was sent.
  case bufferFull
  /// The packet never fits into the send buffer.
  case packetTooLarge
  /// No CONNACK yet, or none any more.
  case notConnected
  /// The filter is not one to subscribe to.
  case invalidFilter
}

/// How a connection is to be opened.
public struct ConnectOptions: BitwiseCopyable, Sendable {
  /// The version to speak.
  public var level: ProtocolLevel
  /// True to have both sides forget what was before and keep nothing for later.
  public var cleanSession: Bool
  /// Seconds after which one side must have heard of the other; 0 for no supervision.
  public var keepAlive: UInt16
  /// How long to wait for CONNACK, and for an answer to PINGREQ.
  public var replyTimeout: Interval

  /// How a connection is to be opened.
  public init(
    level: ProtocolLevel, cleanSession: Bool, keepAlive: UInt16, replyTimeout: Interval
  ) {
    self.level = level
    self.cleanSession = cleanSession
    self.keepAlive = keepAlive
    self.replyTimeout = replyTimeout
  }
}

/// What a session has counted since it was made; over all its connections.
public struct SessionCounters: BitwiseCopyable, Sendable {
  /// Bytes that the transport took.
  public var bytesSent: UInt64 = 0
  /// Bytes that the transport brought.
  public var bytesReceived: UInt64 = 0
  /// Messages received and handed over.
  public var messagesReceived: UInt32 = 0
  /// Messages acknowledged by the server.
  public var messagesAcknowledged: UInt32 = 0
  /// PUBLISH packets sent again after a reconnection.
  public var messagesResent: UInt32 = 0
  /// PINGREQ packets written.
  public var pings: UInt32 = 0
  /// Acknowledgements for nothing that was under way.
  public var unsolicited: UInt32 = 0
  /// QoS 2 messages that came again before they were released, and were not handed over again.
  public var duplicates: UInt32 = 0
  /// Messages larger than the receive buffer, passed over.
  public var oversizedSkipped: UInt32 = 0
}
