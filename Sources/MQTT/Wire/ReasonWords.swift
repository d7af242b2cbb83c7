/// What codes mean, in words for a log: parts of a sentence about the server.
extension ConnectRefusal {
  /// What the server means by its refusal.
  public var words: StaticString {
    switch self {
    case .returnCode(let code): code.words
    case .reason(let reason): reason.words
    }
  }
}

extension ConnectReturnCode {
  /// What the server means.
  public var words: StaticString {
    switch self {
    case .accepted: "accepted"
    case .unacceptableProtocolVersion: "it does not speak this protocol version"
    case .identifierRejected: "it does not take this client identifier"
    case .serverUnavailable: "service not available"
    case .badUserNameOrPassword: "user name or password is wrong"
    case .notAuthorized: "not authorised"
    }
  }
}

extension V5.ConnectReason {
  /// What the server means.
  public var words: StaticString {
    switch self {
    case .success: "accepted"
    case .unspecifiedError: "it does not say why"
    case .malformedPacket: "it found CONNECT malformed"
    case .protocolError: "it found a protocol error in CONNECT"
    case .implementationSpecificError: "it does not take this CONNECT"
    case .unsupportedProtocolVersion: "it does not speak this protocol version"
    case .clientIdentifierNotValid: "it does not take this client identifier"
    case .badUserNameOrPassword: "user name or password is wrong"
    case .notAuthorized: "not authorised"
    case .serverUnavailable: "service not available"
    case .serverBusy: "it is busy"
    case .banned: "this client is banned"
    case .badAuthenticationMethod: "it does not take this authentication method"
    case .topicNameInvalid: "it does not take the will's topic"
    case .packetTooLarge: "CONNECT is longer than it takes"
    case .quotaExceeded: "a quota is exceeded"
    case .payloadFormatInvalid: "the will is not what its payload format says"
    case .retainNotSupported: "it keeps no messages, and the will is to be kept"
    case .qosNotSupported: "it does not take the will's QoS"
    case .useAnotherServer: "another server is to be used for now"
    case .serverMoved: "the server has moved"
    case .connectionRateExceeded: "the client connects too often"
    }
  }
}

extension V5.DisconnectReason {
  /// Why the sender leaves.
  public var words: StaticString {
    switch self {
    case .normalDisconnection: "normal disconnection"
    case .disconnectWithWill: "disconnection with will"
    case .unspecifiedError: "no reason given"
    case .malformedPacket: "malformed packet"
    case .protocolError: "protocol error"
    case .implementationSpecificError: "implementation specific error"
    case .notAuthorized: "not authorised"
    case .serverBusy: "it is busy"
    case .serverShuttingDown: "it shuts down"
    case .badAuthenticationMethod: "bad authentication method"
    case .keepAliveTimeout: "keep-alive timed out"
    case .sessionTakenOver: "another client has connected with the same identifier"
    case .topicFilterInvalid: "topic filter not accepted"
    case .topicNameInvalid: "topic not accepted"
    case .receiveMaximumExceeded: "receive maximum exceeded"
    case .topicAliasInvalid: "topic alias invalid"
    case .packetTooLarge: "packet too large"
    case .messageRateTooHigh: "messages come too fast"
    case .quotaExceeded: "a quota is exceeded"
    case .administrativeAction: "administrative action"
    case .payloadFormatInvalid: "payload format invalid"
    case .retainNotSupported: "it keeps no messages"
    case .qosNotSupported: "QoS not supported"
    case .useAnotherServer: "another server is to be used for now"
    case .serverMoved: "the server has moved"
    case .sharedSubscriptionsNotSupported: "it has no shared subscriptions"
    case .connectionRateExceeded: "the client connects too often"
    case .maximumConnectTime: "the connection has lasted as long as it may"
    case .subscriptionIdentifiersNotSupported: "it takes no subscription identifiers"
    case .wildcardSubscriptionsNotSupported: "it takes no wildcards"
    }
  }
}
