import MQTT

extension DialectV3 {
  func decode(
    _ bytes: Span<UInt8>, packetBytesMax: Int
  ) throws(DecodeError) -> Request.Decoded? {
    let decoded = try Packet.decode(
      bytes, from: .client, level: level, packetBytesMax: packetBytesMax)
    guard let decoded else { return nil }
    return Request.Decoded(request: try request(decoded.packet, bytes), size: decoded.size)
  }

  private func request(
    _ packet: Packet, _ bytes: Span<UInt8>
  ) throws(DecodeError) -> Request {
    switch packet {
    case .connect(let connect): return .connect(ConnectRequest(connect, bytes))
    case .publish(let publish):
      let message = Message(
        topic: bytes.copy(publish.topic), payload: bytes.copy(publish.payload), qos: publish.qos,
        retain: publish.retain)
      return .publish(PublishRequest(packetID: publish.packetID, message: message))
    case .publishAck(let packetID): return .publishAck(packetID: packetID)
    case .publishReceived(let packetID):
      return .publishReceived(packetID: packetID, isRefusal: false)
    case .publishRelease(let packetID): return .publishRelease(packetID: packetID)
    case .publishComplete(let packetID): return .publishComplete(packetID: packetID)
    case .subscribe(let subscribe): return .subscribe(SubscribeRequest(subscribe, bytes))
    case .unsubscribe(let unsubscribe):
      var filters: [[UInt8]] = []
      var walk = unsubscribe.walk
      while let filter = walk.next(in: bytes) { filters.append(bytes.copy(filter)) }
      return .unsubscribe(packetID: unsubscribe.packetID, filters: filters)
    case .pingRequest: return .pingRequest
    case .disconnect: return .disconnect(.normalDisconnection, sessionExpiry: nil)
    case .connectAck, .subscribeAck, .unsubscribeAck, .pingResponse: throw .wrongDirection
    }
  }
}

extension ConnectRequest {
  fileprivate init(_ connect: Connect, _ bytes: Span<UInt8>) {
    self.init(
      level: connect.level, cleanStart: connect.cleanSession,
      sessionExpiry: connect.cleanSession ? 0 : .max, keepAlive: connect.keepAlive,
      clientID: bytes.copy(connect.clientID))
    if let will = connect.will {
      self.will = Will(
        message: Message(
          topic: bytes.copy(will.topic), payload: bytes.copy(will.payload), qos: will.qos,
          retain: will.retain))
    }
    userName = connect.userName.map { bytes.copy($0) }
    password = connect.password.map { bytes.copy($0) }
  }
}

extension SubscribeRequest {
  fileprivate init(_ subscribe: Subscribe, _ bytes: Span<UInt8>) {
    self.init(packetID: subscribe.packetID)
    var walk = subscribe.walk
    while let request = walk.next(in: bytes) {
      filters.append((bytes.copy(request.filter), V5.SubscriptionOptions(qos: request.qos)))
    }
  }
}
