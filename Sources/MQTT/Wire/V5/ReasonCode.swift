/// What one side says to a packet of the other, or why it leaves (section 2.4). Each packet has an
/// enum of the codes that it may carry; codes from 0x80 on are failures. Codes that only one side
/// may send say so.
extension V5 {
  /// CONNACK: whether the connection is open, or why not (table 3-1).
  public enum ConnectReason: UInt8, BitwiseCopyable, Sendable {
    /// The connection is open.
    case success = 0x00
    /// The server does not say why.
    case unspecifiedError = 0x80
    /// CONNECT is malformed.
    case malformedPacket = 0x81
    /// CONNECT breaks a rule of the specification.
    case protocolError = 0x82
    /// CONNECT is right, and this server does not take it.
    case implementationSpecificError = 0x83
    /// The server does not speak this protocol level.
    case unsupportedProtocolVersion = 0x84
    /// The server does not allow this client identifier.
    case clientIdentifierNotValid = 0x85
    /// The user name or the password is wrong.
    case badUserNameOrPassword = 0x86
    /// The client may not connect.
    case notAuthorized = 0x87
    /// The service is not available.
    case serverUnavailable = 0x88
    /// The server has too much to do; later it may not.
    case serverBusy = 0x89
    /// The client has been banned.
    case banned = 0x8A
    /// The authentication method is not the one in use, or not supported.
    case badAuthenticationMethod = 0x8C
    /// The topic of the will is not accepted.
    case topicNameInvalid = 0x90
    /// CONNECT is longer than the server takes.
    case packetTooLarge = 0x95
    /// A limit of the server's owner is reached.
    case quotaExceeded = 0x97
    /// The will is not what its payload format says.
    case payloadFormatInvalid = 0x99
    /// The server keeps no messages, and the will is to be kept.
    case retainNotSupported = 0x9A
    /// The will has a higher QoS than the server takes.
    case qosNotSupported = 0x9B
    /// Another server is to be used for now.
    case useAnotherServer = 0x9C
    /// Another server is to be used from now on.
    case serverMoved = 0x9D
    /// The client connects too often.
    case connectionRateExceeded = 0x9F
  }

  /// PUBACK and PUBREC: what became of a message (tables 3-4 and 3-5).
  public enum PublishReason: UInt8, BitwiseCopyable, Sendable {
    /// The message is accepted.
    case success = 0x00
    /// The message is accepted, and nobody has subscribed to it. From a server only.
    case noMatchingSubscribers = 0x10
    /// The receiver does not say why.
    case unspecifiedError = 0x80
    /// The message is right, and this receiver does not take it.
    case implementationSpecificError = 0x83
    /// The message may not be published.
    case notAuthorized = 0x87
    /// The topic is not accepted.
    case topicNameInvalid = 0x90
    /// The packet identifier is in use: the two sides may have different sessions in mind.
    case packetIdentifierInUse = 0x91
    /// A limit of the receiver's owner is reached.
    case quotaExceeded = 0x97
    /// The payload is not what its format says.
    case payloadFormatInvalid = 0x99

    /// True when `sender` may send the code.
    public func mayCome(from sender: Role) -> Bool {
      self != .noMatchingSubscribers || sender == .server
    }
  }

  /// PUBREL and PUBCOMP (tables 3-6 and 3-7).
  public enum ReleaseReason: UInt8, BitwiseCopyable, Sendable {
    /// The message is released.
    case success = 0x00
    /// There is no message with this packet identifier; after a recovery that is no error.
    case packetIdentifierNotFound = 0x92
  }

  /// SUBACK: what a server says to one filter (table 3-8).
  public enum SubscribeReason: UInt8, BitwiseCopyable, Sendable {
    /// Messages will come at QoS 0.
    case grantedAtMostOnce = 0x00
    /// Messages will come at QoS 1 at most.
    case grantedAtLeastOnce = 0x01
    /// Messages will come at QoS 2 at most.
    case grantedExactlyOnce = 0x02
    /// The server does not say why.
    case unspecifiedError = 0x80
    /// SUBSCRIBE is right, and this server does not take it.
    case implementationSpecificError = 0x83
    /// The client may not subscribe to this.
    case notAuthorized = 0x87
    /// The filter is not allowed for this client.
    case topicFilterInvalid = 0x8F
    /// The packet identifier is in use.
    case packetIdentifierInUse = 0x91
    /// A limit of the server's owner is reached.
    case quotaExceeded = 0x97
    /// The server has no shared subscriptions for this client.
    case sharedSubscriptionsNotSupported = 0x9E
    /// The server takes no subscription identifiers.
    case subscriptionIdentifiersNotSupported = 0xA1
    /// The server takes no wildcards.
    case wildcardSubscriptionsNotSupported = 0xA2

    /// The subscription was granted at `qos`.
    public init(granting qos: QoS) {
      switch qos {
      case .atMostOnce: self = .grantedAtMostOnce
      case .atLeastOnce: self = .grantedAtLeastOnce
      case .exactlyOnce: self = .grantedExactlyOnce
      }
    }

    /// The QoS granted; nil for a failure.
    public var qos: QoS? { QoS(rawValue: rawValue) }
  }

  /// UNSUBACK: what a server says to one filter (table 3-9).
  public enum UnsubscribeReason: UInt8, BitwiseCopyable, Sendable {
    /// The subscription is gone.
    case success = 0x00
    /// There was none.
    case noSubscriptionExisted = 0x11
    /// The server does not say why.
    case unspecifiedError = 0x80
    /// UNSUBSCRIBE is right, and this server does not take it.
    case implementationSpecificError = 0x83
    /// The client may not unsubscribe.
    case notAuthorized = 0x87
    /// The filter is not allowed for this client.
    case topicFilterInvalid = 0x8F
    /// The packet identifier is in use.
    case packetIdentifierInUse = 0x91
  }

  /// AUTH (table 3-11).
  public enum AuthenticateReason: UInt8, BitwiseCopyable, Sendable {
    /// The client is who it says. From a server only.
    case success = 0x00
    /// The exchange goes on.
    case continueAuthentication = 0x18
    /// The client begins another exchange. From a client only.
    case reauthenticate = 0x19

    /// True when `sender` may send the code.
    public func mayCome(from sender: Role) -> Bool {
      switch self {
      case .success: sender == .server
      case .continueAuthentication: true
      case .reauthenticate: sender == .client
      }
    }
  }
}
