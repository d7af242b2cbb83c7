import MQTT

extension DialectV5 {
  func decode(
    _ bytes: Span<UInt8>, packetBytesMax: Int
  ) throws(DecodeError) -> Request.Decoded? {
    let decoded = try V5.Packet.decode(bytes, from: .client, packetBytesMax: packetBytesMax)
    guard let decoded else { return nil }
    return Request.Decoded(request: try request(decoded.packet, bytes), size: decoded.size)
  }

  private func request(
    _ packet: V5.Packet, _ bytes: Span<UInt8>
  ) throws(DecodeError) -> Request {
    switch packet {
    case .connect(let connect): return .connect(ConnectRequest(connect, bytes))
    case .publish(let publish): return .publish(PublishRequest(publish, bytes))
    case .publishAck(let answer): return .publishAck(packetID: answer.packetID)
    case .publishReceived(let answer):
      let isRefusal = answer.reason.rawValue >= 0x80
      return .publishReceived(packetID: answer.packetID, isRefusal: isRefusal)
    case .publishRelease(let answer): return .publishRelease(packetID: answer.packetID)
    case .publishComplete(let answer): return .publishComplete(packetID: answer.packetID)
    case .subscribe(let subscribe): return .subscribe(SubscribeRequest(subscribe, bytes))
    case .unsubscribe(let unsubscribe):
      var filters: [[UInt8]] = []
      var walk = unsubscribe.walk
      while let filter = walk.next(in: bytes) { filters.append(bytes.copy(filter)) }
      return .unsubscribe(packetID: unsubscribe.packetID, filters: filters)
    case .pingRequest: return .pingRequest
    case .disconnect(let disconnect):
      return .disconnect(
        disconnect.reason,
        sessionExpiry: disconnect.properties.number(.sessionExpiryInterval, in: bytes))
    case .authenticate(let step):
      // Only a server's success may come without a method.
      guard let method = step.properties.text(.authenticationMethod, in: bytes) else {
        throw .missingProperty
      }
      return .authenticate(
        step.reason, method: bytes.copy(method),
        data: step.properties.text(.authenticationData, in: bytes).map { bytes.copy($0) })
    case .connectAck, .subscribeAck, .unsubscribeAck, .pingResponse: throw .wrongDirection
    }
  }
}

extension ConnectRequest {
  fileprivate init(_ connect: V5.Connect, _ bytes: Span<UInt8>) {
    let properties = connect.properties
    self.init(
      level: .v50, cleanStart: connect.cleanStart,
      sessionExpiry: properties.number(.sessionExpiryInterval, in: bytes) ?? 0,
      keepAlive: connect.keepAlive, clientID: bytes.copy(connect.clientID))
    if let will = connect.will {
      self.will = Will(
        message: Message(
          topic: bytes.copy(will.topic), payload: bytes.copy(will.payload), qos: will.qos,
          retain: will.retain,
          properties: PropertyList(forwarding: will.properties, in: bytes).bytes,
          expiry: will.properties.number(.messageExpiryInterval, in: bytes)),
        delay: will.properties.number(.willDelayInterval, in: bytes) ?? 0)
    }
    userName = connect.userName.map { bytes.copy($0) }
    password = connect.password.map { bytes.copy($0) }
    receiveMaximum = properties.number(.receiveMaximum, in: bytes).map(Int.init) ?? receiveMaximum
    packetBytesMax = min(
      packetBytesMax,
      properties.number(.maximumPacketSize, in: bytes).map(Int.init) ?? packetBytesMax)
    topicAliasMax = UInt16(
      truncatingIfNeeded: properties.number(.topicAliasMaximum, in: bytes) ?? 0)
    wantsResponseInformation = properties.number(.requestResponseInformation, in: bytes) == 1
    wantsProblemInformation = properties.number(.requestProblemInformation, in: bytes) != 0
    method = properties.text(.authenticationMethod, in: bytes).map { bytes.copy($0) }
    data = properties.text(.authenticationData, in: bytes).map { bytes.copy($0) }
  }
}

extension PublishRequest {
  fileprivate init(_ publish: V5.Publish, _ bytes: Span<UInt8>) {
    let properties = publish.properties
    packetID = publish.packetID
    message = Message(
      topic: bytes.copy(publish.topic), payload: bytes.copy(publish.payload), qos: publish.qos,
      retain: publish.retain, properties: PropertyList(forwarding: properties, in: bytes).bytes,
      expiry: properties.number(.messageExpiryInterval, in: bytes))
    topicAlias = properties.number(.topicAlias, in: bytes).map(UInt16.init(truncatingIfNeeded:))
  }
}

extension SubscribeRequest {
  fileprivate init(_ subscribe: V5.Subscribe, _ bytes: Span<UInt8>) {
    self.init(
      packetID: subscribe.packetID,
      identifier: subscribe.properties.number(.subscriptionIdentifier, in: bytes))
    var walk = subscribe.walk
    while let request = walk.next(in: bytes) {
      filters.append((bytes.copy(request.filter), request.options))
    }
  }
}
