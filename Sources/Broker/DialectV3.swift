import Core
import MQTT

/// MQTT 3.1 and 3.1.1.
struct DialectV3: Dialect {
  /// The version of CONNECT; the later one before.
  private(set) var level = ProtocolLevel.v311

  var tellsReasons: Bool { false }

  mutating func agree(to connect: ConnectRequest, _ limits: BrokerLimits) { level = connect.level }

  /// A CONNECT that is right but for the version or the missing name is answered (sections 3.1.2.2
  /// and 3.1.3.1).
  func answer(to error: DecodeError) -> V5.ConnectReason? {
    switch error {
    case .unsupportedLevel: .unsupportedProtocolVersion
    case .clientIDRequired: .clientIdentifierNotValid
    default: nil
    }
  }

  func connectAck(_ acceptance: Acceptance) -> [UInt8]? {
    connectAck(.accepted, sessionPresent: acceptance.sessionPresent)
  }

  func connectAck(refusing reason: V5.ConnectReason, serverReference: [UInt8]?) -> [UInt8]? {
    guard let code = ConnectReturnCode(nearestTo: reason) else { return [] }
    return connectAck(code, sessionPresent: false)
  }

  private func connectAck(_ code: ConnectReturnCode, sessionPresent: Bool) -> [UInt8] {
    packetBytes(upTo: 4) { out throws(EncodeError) in
      try ConnectAck.encode(
        level: level, sessionPresent: sessionPresent, returnCode: code, into: &out)
    }
  }

  func authenticate(
    _ reason: V5.AuthenticateReason, method: [UInt8], data: [UInt8]?
  ) -> [UInt8]? { [] }

  func publish(
    _ delivery: Delivery, packetID: UInt16, dup: Bool, at now: Instant
  ) -> [UInt8]? {
    guard takes(delivery, at: now) else { return nil }
    return packetBytes(upTo: size(of: delivery)) { out throws(EncodeError) in
      try Publish.encode(
        level: level, packetID: packetID, qos: delivery.qos, retain: delivery.retain, dup: dup,
        topic: delivery.topic.span, payload: delivery.payload.span, into: &out)
    }
  }

  func takes(_ delivery: Delivery, at now: Instant) -> Bool {
    size(of: delivery) <= ConnectRequest.longestPacket
  }

  private func size(of delivery: Delivery) -> Int {
    Publish.size(
      topicBytes: delivery.topic.count, payloadBytes: delivery.payload.count, qos: delivery.qos)
  }

  // A refusal looks like a success: there is no code for it (section 3.3.5).
  func publishAck(_ packetID: UInt16, _ reason: V5.PublishReason) -> [UInt8]? {
    acknowledge(.publishAck, packetID)
  }

  func publishReceived(_ packetID: UInt16, _ reason: V5.PublishReason) -> [UInt8]? {
    acknowledge(.publishReceived, packetID)
  }

  /// Only 3.1 marks a PUBREL that was sent before.
  func publishRelease(_ packetID: UInt16, _ reason: V5.ReleaseReason, dup: Bool) -> [UInt8]? {
    acknowledge(.publishRelease, packetID, dup: dup)
  }

  func publishComplete(_ packetID: UInt16, _ reason: V5.ReleaseReason) -> [UInt8]? {
    acknowledge(.publishComplete, packetID)
  }

  func unsubscribeAck(_ packetID: UInt16, _ reasons: [V5.UnsubscribeReason]) -> [UInt8]? {
    acknowledge(.unsubscribeAck, packetID)
  }

  private func acknowledge(
    _ packet: Acknowledgement, _ packetID: UInt16, dup: Bool = false
  ) -> [UInt8] {
    packetBytes(upTo: Acknowledgement.size) { out throws(EncodeError) in
      try packet.encode(level: level, packetID: packetID, dup: dup, into: &out)
    }
  }

  /// 3.1 has no code for a failure: it grants the least.
  func subscribeAck(_ packetID: UInt16, _ reasons: [V5.SubscribeReason]) -> [UInt8]? {
    let failure = level == .v31 ? SubscribeReturnCode.grantedAtMostOnce : .failure
    let codes = reasons.map { reason in
      (reason.qos.map(SubscribeReturnCode.init(granting:)) ?? failure).rawValue
    }
    return packetBytes(upTo: 8 + codes.count) { out throws(EncodeError) in
      try SubscribeAck.encode(level: level, packetID: packetID, codes: codes.span, into: &out)
    }
  }

  func pingResponse() -> [UInt8]? {
    packetBytes(upTo: BarePacket.size) { out throws(EncodeError) in
      try BarePacket.pingResponse.encode(level: level, into: &out)
    }
  }

  /// A server has no DISCONNECT.
  func disconnect(_ reason: V5.DisconnectReason, serverReference: [UInt8]?) -> [UInt8]? { [] }
}

extension ConnectReturnCode {
  /// The code that says most of what the reason of 5.0 says; nil when none comes near.
  fileprivate init?(nearestTo reason: V5.ConnectReason) {
    switch reason {
    case .success: self = .accepted
    case .unsupportedProtocolVersion: self = .unacceptableProtocolVersion
    case .clientIdentifierNotValid: self = .identifierRejected
    case .serverUnavailable, .serverBusy, .quotaExceeded, .useAnotherServer, .serverMoved,
      .connectionRateExceeded:
      self = .serverUnavailable
    case .badUserNameOrPassword: self = .badUserNameOrPassword
    case .notAuthorized, .banned, .badAuthenticationMethod: self = .notAuthorized
    case .unspecifiedError, .malformedPacket, .protocolError, .implementationSpecificError,
      .topicNameInvalid, .packetTooLarge, .payloadFormatInvalid, .retainNotSupported,
      .qosNotSupported:
      return nil
    }
  }
}
