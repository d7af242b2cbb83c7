extension V5 {
  /// DISCONNECT: why a side leaves (table 3-10). Codes from 0x80 on are failures.
  public enum DisconnectReason: UInt8, BitwiseCopyable, Sendable {
    /// All is well; the will is forgotten.
    case normalDisconnection = 0x00
    /// All is well, and the will is to be published. From a client only.
    case disconnectWithWill = 0x04
    /// The sender does not say why.
    case unspecifiedError = 0x80
    /// A packet was malformed.
    case malformedPacket = 0x81
    /// A packet was unexpected or broke a rule of the specification.
    case protocolError = 0x82
    /// A packet was right, and the sender cannot process it.
    case implementationSpecificError = 0x83
    /// The request is not allowed. From a server only.
    case notAuthorized = 0x87
    /// The server cannot process more requests. From a server only.
    case serverBusy = 0x89
    /// The server shuts down. From a server only.
    case serverShuttingDown = 0x8B
    /// The authentication method is not the one in use. From a server only. Table 2-6 gives the
    /// code to DISCONNECT, table 3-10 has forgotten it.
    case badAuthenticationMethod = 0x8C
    /// Nothing came for one and a half keep-alives. From a server only.
    case keepAliveTimeout = 0x8D
    /// Another connection has the client's identifier. From a server only.
    case sessionTakenOver = 0x8E
    /// A filter is not accepted. From a server only.
    case topicFilterInvalid = 0x8F
    /// A topic is not accepted.
    case topicNameInvalid = 0x90
    /// More messages were under way than the Receive Maximum.
    case receiveMaximumExceeded = 0x93
    /// A topic alias was above the Topic Alias Maximum, 0 or unknown.
    case topicAliasInvalid = 0x94
    /// A packet was longer than the Maximum Packet Size.
    case packetTooLarge = 0x95
    /// Messages come too fast.
    case messageRateTooHigh = 0x96
    /// A limit of the sender's owner is reached.
    case quotaExceeded = 0x97
    /// Somebody wanted it so.
    case administrativeAction = 0x98
    /// A payload is not what its format says.
    case payloadFormatInvalid = 0x99
    /// The server keeps no messages. From a server only.
    case retainNotSupported = 0x9A
    /// A QoS was above the Maximum QoS. From a server only.
    case qosNotSupported = 0x9B
    /// Another server is to be used for now. From a server only.
    case useAnotherServer = 0x9C
    /// Another server is to be used from now on. From a server only.
    case serverMoved = 0x9D
    /// The server has no shared subscriptions. From a server only.
    case sharedSubscriptionsNotSupported = 0x9E
    /// The client connects too often. From a server only.
    case connectionRateExceeded = 0x9F
    /// The connection has lasted as long as it may. From a server only.
    case maximumConnectTime = 0xA0
    /// The server takes no subscription identifiers. From a server only.
    case subscriptionIdentifiersNotSupported = 0xA1
    /// The server takes no wildcards. From a server only.
    case wildcardSubscriptionsNotSupported = 0xA2

    /// True when `sender` may send the code.
    public func mayCome(from sender: Role) -> Bool {
      switch self {
      case .normalDisconnection, .unspecifiedError, .malformedPacket, .protocolError,
        .implementationSpecificError, .topicNameInvalid, .receiveMaximumExceeded,
        .topicAliasInvalid, .packetTooLarge, .messageRateTooHigh, .quotaExceeded,
        .administrativeAction, .payloadFormatInvalid:
        true
      case .disconnectWithWill: sender == .client
      case .notAuthorized, .serverBusy, .serverShuttingDown, .badAuthenticationMethod,
        .keepAliveTimeout, .sessionTakenOver, .topicFilterInvalid, .retainNotSupported,
        .qosNotSupported, .useAnotherServer, .serverMoved, .sharedSubscriptionsNotSupported,
        .connectionRateExceeded, .maximumConnectTime, .subscriptionIdentifiersNotSupported,
        .wildcardSubscriptionsNotSupported:
        sender == .server
      }
    }
  }
}

extension DecodeError {
  /// What to say in DISCONNECT before the connection is closed (5.0 section 4.13).
  public var disconnectReason: V5.DisconnectReason {
    switch self {
    case .packetTooLarge: .packetTooLarge
    case .invalidTopicAlias: .topicAliasInvalid
    case .wrongDirection, .repeatedProperty, .invalidProperty, .missingProperty,
      .unwantedProperty, .invalidSubscription, .unknownProtocol, .unsupportedLevel,
      .clientIDRequired, .invalidReturnCode, .invalidPacketID:
      .protocolError
    case .reservedType, .invalidFlags, .invalidQoS, .malformedLength, .malformedBody,
      .malformedText, .invalidTopicName, .invalidTopicFilter, .misplacedProperty:
      .malformedPacket
    }
  }

  /// What a server says in CONNACK to a CONNECT that was refused (5.0 section 4.13).
  public var connectReason: V5.ConnectReason {
    switch self {
    case .unknownProtocol, .unsupportedLevel: .unsupportedProtocolVersion
    case .clientIDRequired: .clientIdentifierNotValid
    default: V5.ConnectReason(rawValue: disconnectReason.rawValue) ?? .protocolError
    }
  }
}

extension V5.DisconnectReason {
  /// True when a packet of the client's can be what the server does not like.
  public var isForPacket: Bool {
    switch self {
    case .unspecifiedError, .malformedPacket, .protocolError, .implementationSpecificError,
      .notAuthorized, .topicFilterInvalid, .topicNameInvalid, .topicAliasInvalid,
      .packetTooLarge, .quotaExceeded, .payloadFormatInvalid, .retainNotSupported,
      .qosNotSupported:
      true
    default: false
    }
  }
}
