/// Why a session ended over one transport. All of them mean: close the transport.
public enum SessionFault: BitwiseCopyable, Hashable, Sendable {
  /// The server sent what is not MQTT, or not allowed.
  case malformed(DecodeError)
  /// The server sent a packet that has no place here: anything before CONNACK, a second CONNACK, a
  /// session present that was not asked for, more answers than questions, an identifier in use.
  case protocolViolation
  /// The server used a topic alias that it had not defined, or one above the maximum.
  case topicAliasInvalid
  /// A topic that an alias is to stand for is longer than `Sizes.aliasTopicBytes`.
  case aliasTopicTooLong
  /// No CONNACK within `replyTimeout`.
  case connectTimedOut
  /// Nothing at all was received since a PINGREQ that was due.
  case pingTimedOut
  /// A packet began and did not go on in time.
  case packetTimedOut
  /// The transport took none of the output, and got nothing across, for `ConnectOptions.writeTimeout`.
  case writeTimedOut
  /// More messages under way from the server than `Sizes.received`, or than the Receive Maximum that
  /// it was told.
  case receivedFull

  /// What DISCONNECT says of it in 5.0; nil where nobody would read it.
  public var disconnectReason: V5.DisconnectReason? {
    switch self {
    case .malformed(let error): error.disconnectReason
    case .protocolViolation: .protocolError
    case .topicAliasInvalid: .topicAliasInvalid
    case .aliasTopicTooLong: .implementationSpecificError
    case .packetTimedOut: .unspecifiedError
    case .receivedFull: .receiveMaximumExceeded
    case .connectTimedOut, .pingTimedOut, .writeTimedOut: nil
    }
  }
}

/// Why a message was not taken. It has no identifier and nothing was written.
public enum PublishError: UInt8, Error, BitwiseCopyable, Sendable {
  /// As many messages are under way as `Sizes.inflight` or the server's Receive Maximum, or some
  /// wait to be sent first. Try when one was acknowledged.
  case windowFull
  /// The send buffer has no room. Try when some was sent.
  case bufferFull
  /// The packet never fits: into the send buffer, or the server's Maximum Packet Size.
  case packetTooLarge
  /// No CONNACK yet, or none any more.
  case notConnected
  /// The topic is not one to publish under.
  case invalidTopic
  /// The server takes no message at this QoS.
  case qosNotSupported
  /// The server keeps no messages.
  case retainNotSupported
  /// A topic alias above the server's maximum, or one without a topic that stands for none.
  case invalidTopicAlias
  /// Properties that a client may not send with a message, or before 5.0 any at all.
  case invalidProperties
}

/// Why SUBSCRIBE, UNSUBSCRIBE, AUTH or DISCONNECT was not written.
public enum RequestError: UInt8, Error, BitwiseCopyable, Sendable {
  /// As many requests wait for their answer as `Sizes.requests`; for AUTH, the one before.
  case windowFull
  /// The send buffer has no room. Try when some was sent.
  case bufferFull
  /// The packet never fits: into the send buffer, or the server's Maximum Packet Size.
  case packetTooLarge
  /// No CONNACK yet, or none any more.
  case notConnected
  /// A filter is not one to subscribe to, or there is none.
  case invalidFilter
  /// No Local with a shared subscription (5.0 section 3.8.3.1), a QoS that there is not, or a reason
  /// to leave that only servers have.
  case invalidOptions
  /// Properties that the packet may not have, or before 5.0 any at all; for AUTH another method
  /// than CONNECT had.
  case invalidProperties
  /// The server takes no wildcards.
  case wildcardsNotSupported
  /// The server takes no shared subscriptions.
  case sharedNotSupported
  /// The server takes no subscription identifiers.
  case identifiersNotSupported
  /// The version that is spoken does not have this.
  case unsupportedLevel
}

/// Why a received message was not acknowledged.
public enum AcknowledgeError: UInt8, Error, BitwiseCopyable, Sendable {
  /// No message with this identifier waits for an acknowledgement: it was given already, or the
  /// connection that the message came over is gone.
  case notWaiting
  /// Only 5.0 has a way to refuse a message.
  case unsupportedLevel
}

extension PublishError {
  init(_ error: EncodeError) {
    switch error {
    case .bufferFull: self = .bufferFull
    case .packetTooLarge: self = .packetTooLarge
    case .invalidTopicName: self = .invalidTopic
    case .invalidProperties: self = .invalidProperties
    case .invalidTopicFilter, .malformedText, .invalidPacketID, .invalidClientID, .invalidFlags,
      .unsupportedLevel:
      preconditionFailure("the session asks for none of these")
    }
  }
}

extension RequestError {
  init(_ error: EncodeError) {
    switch error {
    case .bufferFull: self = .bufferFull
    case .packetTooLarge: self = .packetTooLarge
    case .invalidTopicFilter: self = .invalidFilter
    case .invalidProperties: self = .invalidProperties
    case .invalidFlags: self = .invalidOptions
    case .invalidTopicName, .malformedText, .invalidPacketID, .invalidClientID, .unsupportedLevel:
      preconditionFailure("the session asks for none of these")
    }
  }
}
