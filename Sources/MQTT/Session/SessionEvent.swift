/// What a session tells its owner, one at a time, through `ClientSession.nextEvent`.
///
/// Fields and properties count from the first byte of the packet that the event comes from;
/// `ClientSession.withPacket` lends its bytes until the next `nextEvent`. Before 5.0 there are no
/// properties.
public enum SessionEvent: BitwiseCopyable, Equatable, Sendable {
  /// CONNACK said yes; `ClientSession.serverLimits` are those of this connection now.
  ///
  /// With a session present: subscriptions stand, and what was under way goes on through
  /// `nextResend`. Without: nothing is under way any more; subscribe, and publish again what the
  /// own store holds unacknowledged. 3.1 does not say; there a persistent session counts as
  /// present, and the owner subscribes in any case.
  case connected(sessionPresent: Bool, properties: V5.Properties)
  /// CONNACK said no. Close the transport.
  case refused(ConnectRefusal, properties: V5.Properties)
  /// A message has come; `withMessage` lends its bytes until the next `nextEvent`.
  case message(IncomingMessage)
  /// A message larger than the receive buffer begins; its payload, of so many bytes, follows in
  /// pieces. `withMessage` lends its topic, and no payload.
  case largeMessage(IncomingMessage, payloadBytes: Int)
  /// The next bytes of the payload of a large message. It is acknowledged after the last.
  case payloadPiece(Field, isLast: Bool)
  /// The server has answered the message of this token for good: PUBACK at QoS 1, PUBCOMP at QoS 2,
  /// or a PUBREC that refuses. The owner's store can let go of it.
  case acknowledged(Answered)
  /// The server has a QoS 2 message, and its PUBREC has more to say than that. PUBCOMP follows.
  case received(Answered)
  /// SUBACK: what the server says to the filters of the request, in order.
  case subscribed(Granted)
  /// UNSUBACK; codes for each filter in 5.0 only.
  case unsubscribed(Granted)
  /// AUTH: the server wants the next step of an authentication, or ends it.
  case authenticate(V5.Authenticate)
  /// DISCONNECT from the server, in 5.0. Close the transport.
  case disconnected(V5.Disconnect)
  /// A message larger than the receive buffer was passed over and acknowledged. Bytes of it.
  case skipped(packetBytes: Int)
  /// The session cannot go on over this transport. Send what `withOutput` lends if that goes
  /// without waiting (in 5.0 a DISCONNECT that says why), close the transport, then call `closed`.
  case failed(SessionFault)
}

/// Why CONNACK said no, in the words of the version that was spoken.
public enum ConnectRefusal: BitwiseCopyable, Hashable, Sendable {
  /// 3.1 and 3.1.1; also a server of these that was asked for 5.0.
  case returnCode(ConnectReturnCode)
  /// 5.0.
  case reason(V5.ConnectReason)

  /// The code as it was sent.
  public var code: UInt8 {
    switch self {
    case .returnCode(let code): code.rawValue
    case .reason(let reason): reason.rawValue
    }
  }

  /// True when the server does not speak the version that it was asked for.
  public var isUnsupportedVersion: Bool {
    self == .returnCode(.unacceptableProtocolVersion)
      || self == .reason(.unsupportedProtocolVersion)
  }

  /// True when another attempt with the same client, name and password will end the same way.
  public var isPermanent: Bool {
    switch self {
    case .returnCode(let code): code != .serverUnavailable && code != .accepted
    case .reason(let reason):
      switch reason {
      case .success, .unspecifiedError, .serverUnavailable, .serverBusy, .quotaExceeded,
        .useAnotherServer, .serverMoved, .connectionRateExceeded:
        false
      case .malformedPacket, .protocolError, .implementationSpecificError,
        .unsupportedProtocolVersion, .clientIdentifierNotValid, .badUserNameOrPassword,
        .notAuthorized, .banned, .badAuthenticationMethod, .topicNameInvalid, .packetTooLarge,
        .payloadFormatInvalid, .retainNotSupported, .qosNotSupported:
        true
      }
    }
  }
}

/// A received message.
public struct IncomingMessage: BitwiseCopyable, Equatable, Sendable {
  /// The topic name; empty when an alias stands for it. `withMessage` lends the real one.
  public var topic: Field
  /// What else there is to say about the message.
  public var properties: V5.Properties
  /// The message itself.
  public var payload: Field
  /// Its identifier, for `ClientSession.acknowledge`; 0 at QoS 0.
  public var packetID: UInt16
  /// The quality of service that it came with.
  public var qos: QoS
  /// It was kept by the server from before the subscription.
  public var retain: Bool
  /// The server may have sent it before. At QoS 2 the session has seen to it that it did not
  /// arrive before.
  public var dup: Bool
}

/// What the server says to a message of ours.
public struct Answered: BitwiseCopyable, Equatable, Sendable {
  /// The owner's handle of the message.
  public var token: UInt32
  /// The identifier that it had.
  public var packetID: UInt16
  /// The quality of service that it had: 1 or 2.
  public var qos: QoS
  /// The reason code as it was sent; 0 before 5.0.
  public var code: UInt8
  /// A reason string, user properties.
  public var properties: V5.Properties

  /// True when the server did not take the message.
  public var isFailure: Bool { code >= 0x80 }
}

/// What the server says to a SUBSCRIBE or an UNSUBSCRIBE.
public struct Granted: BitwiseCopyable, Equatable, Sendable {
  /// What `subscribe` or `unsubscribe` returned.
  public var packetID: UInt16
  /// One byte for each filter, in order: a `SubscribeReturnCode`, `V5.SubscribeReason` or
  /// `V5.UnsubscribeReason`. Those from 0x80 on are failures.
  public var codes: Field
  /// A reason string, user properties.
  public var properties: V5.Properties
}

/// A message that is to be sent now: again after the connection was lost, or for the first time
/// because there was no room for it before.
public struct Resend: BitwiseCopyable, Equatable, Sendable {
  /// The owner's handle of the message.
  public var token: UInt32
  /// The identifier that it keeps.
  public var packetID: UInt16
  /// The quality of service that it keeps: 1 or 2.
  public var qos: QoS
  /// False when it was never sent; it goes without DUP then.
  public var isRepeat: Bool
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
