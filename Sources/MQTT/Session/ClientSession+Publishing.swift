import Core

extension ClientSession {
  /// Publishes a message; returns its identifier, 0 at QoS 0.
  ///
  /// At QoS 1 and 2 `token` is the owner's handle: it comes back with `.acknowledged`, or from
  /// `nextResend` after a reconnection. A message that is refused takes no identifier.
  @discardableResult
  public mutating func publish(
    topic: Span<UInt8>, payload: Span<UInt8>, qos: QoS, retain: Bool, token: UInt32
  ) throws(PublishError) -> UInt16 {
    try checkWindow(qos)
    try checkRoom(topic: topic, payloadBytes: payload.count, qos: qos)
    let packetID = qos == .atMostOnce ? 0 : freePacketID()
    try encode(
      packetID: packetID, qos: qos, retain: retain, dup: false, topic: topic, payload: payload)
    enterWindow(packetID, qos, token)
    return packetID
  }

  /// Publishes a message whose payload, of at most `payloadMax` bytes, `writePayload` appends in
  /// place. Else as the other `publish`.
  @discardableResult
  public mutating func publish(
    topic: Span<UInt8>, payloadMax: Int, qos: QoS, retain: Bool, token: UInt32,
    writePayload: (inout OutputSpan<UInt8>) -> Void
  ) throws(PublishError) -> UInt16 {
    try checkWindow(qos)
    try checkRoom(topic: topic, payloadBytes: payloadMax, qos: qos)
    let packetID = qos == .atMostOnce ? 0 : freePacketID()
    let level = options.level
    let size = Publish.size(topicBytes: topic.count, payloadBytes: payloadMax, qos: qos)
    do throws(EncodeError) {
      try output.append(upTo: size) { (out) throws(EncodeError) in
        try Publish.encode(
          level: level, packetID: packetID, qos: qos, retain: retain, dup: false, topic: topic,
          payloadMax: payloadMax, into: &out, writePayload: writePayload)
      }
    } catch {
      throw PublishError(error)
    }
    enterWindow(packetID, qos, token)
    return packetID
  }

  /// True while messages of an earlier connection wait to be sent again; new ones at QoS 1 and 2
  /// wait behind them, so that order holds (section 4.6).
  public var isResending: Bool { isOnline && resendIndex < inflight.count }

  /// The next message to be sent again, in publishing order; hand it to `resend` or `giveUp`. Nil
  /// when there is none, or, while `isResending`, when the output must be sent first.
  ///
  /// What the server has received already needs no message: its PUBREL is written here.
  public mutating func nextResend() -> Resend? {
    while isResending {
      let entry = inflight[resendIndex]
      switch entry.stage {
      case .publishedOnce:
        return Resend(token: entry.token, packetID: entry.packetID, qos: .atLeastOnce)
      case .publishedTwice:
        return Resend(token: entry.token, packetID: entry.packetID, qos: .exactlyOnce)
      case .released:
        guard canAnswer else { return nil }
        answer(.publishRelease, entry.packetID, dup: true)
        resendIndex += 1
      }
    }
    return nil
  }

  /// Sends the message that `nextResend` named, with DUP and its old identifier (section 4.4).
  public mutating func resend(
    _ message: Resend, topic: Span<UInt8>, payload: Span<UInt8>, retain: Bool
  ) throws(PublishError) {
    guard isOnline else { throw .notConnected }
    precondition(isNext(message), "messages are sent again in publishing order")
    try checkRoom(topic: topic, payloadBytes: payload.count, qos: message.qos)
    try encode(
      packetID: message.packetID, qos: message.qos, retain: retain, dup: true, topic: topic,
      payload: payload)
    resendIndex += 1
    counters.messagesResent &+= 1
  }

  /// The owner no longer has the message that `nextResend` named. Its identifier becomes free, at
  /// QoS 2 after PUBREL and PUBCOMP: the server may know it. `.acknowledged` follows then, too.
  public mutating func giveUp(_ message: Resend) {
    precondition(isNext(message), "messages are sent again in publishing order")
    if message.qos == .exactlyOnce {
      inflight[resendIndex].stage = .released
    } else {
      inflight.remove(at: resendIndex)
    }
  }

  /// Asks for messages under `filter`; the answer is `.subscribed` with the identifier returned.
  public mutating func subscribe(
    filter: Span<UInt8>, qos: QoS
  ) throws(RequestError) -> UInt16 {
    let level = options.level
    return try request(.subscribe, listBytes: 2 + filter.count + 1) {
      (packetID, out) throws(EncodeError) in
      try Subscribe.encode(level: level, packetID: packetID, filter: filter, qos: qos, into: &out)
    }
  }

  /// Asks for no more messages under `filter`; the answer is `.unsubscribed`.
  public mutating func unsubscribe(filter: Span<UInt8>) throws(RequestError) -> UInt16 {
    let level = options.level
    return try request(.unsubscribe, listBytes: 2 + filter.count) {
      (packetID, out) throws(EncodeError) in
      try Unsubscribe.encode(level: level, packetID: packetID, filter: filter, into: &out)
    }
  }

  private mutating func request(
    _ kind: RequestTable.Kind, listBytes: Int,
    _ encode: (UInt16, inout OutputSpan<UInt8>) throws(EncodeError) -> Void
  ) throws(RequestError) -> UInt16 {
    guard isOnline else { throw .notConnected }
    guard !requests.isFull else { throw .windowFull }
    let bodyBytes = 2 + listBytes
    let bytes = 1 + VarInt.size(of: bodyBytes) + bodyBytes + Self.sendReserve
    guard bytes <= output.capacity else { throw .packetTooLarge }
    guard bytes <= output.freeCapacity else { throw .bufferFull }
    let packetID = freePacketID()
    do throws(EncodeError) {
      try output.append(upTo: bytes) { (out) throws(EncodeError) in try encode(packetID, &out) }
    } catch {
      throw RequestError(error)
    }
    lastPacketID = packetID
    requests.insert(packetID, kind)
    return packetID
  }

  private func checkWindow(_ qos: QoS) throws(PublishError) {
    guard isOnline else { throw .notConnected }
    guard qos == .atMostOnce || !(inflight.isFull || isResending) else { throw .windowFull }
  }

  private func checkRoom(
    topic: Span<UInt8>, payloadBytes: Int, qos: QoS
  ) throws(PublishError) {
    let size = Publish.size(topicBytes: topic.count, payloadBytes: payloadBytes, qos: qos)
    guard size <= output.capacity - Self.sendReserve else { throw .packetTooLarge }
    guard size <= output.freeCapacity - Self.sendReserve else { throw .bufferFull }
  }

  private mutating func encode(
    packetID: UInt16, qos: QoS, retain: Bool, dup: Bool, topic: Span<UInt8>,
    payload: Span<UInt8>
  ) throws(PublishError) {
    let level = options.level
    let size = Publish.size(topicBytes: topic.count, payloadBytes: payload.count, qos: qos)
    do throws(EncodeError) {
      try output.append(upTo: size) { (out) throws(EncodeError) in
        try Publish.encode(
          level: level, packetID: packetID, qos: qos, retain: retain, dup: dup, topic: topic,
          payload: payload, into: &out)
      }
    } catch {
      throw PublishError(error)
    }
  }

  /// The message of `packetID` was written and is under way.
  private mutating func enterWindow(_ packetID: UInt16, _ qos: QoS, _ token: UInt32) {
    guard qos != .atMostOnce else { return }
    lastPacketID = packetID
    inflight.append(
      InflightWindow.Entry(
        token: token, packetID: packetID,
        stage: qos == .atLeastOnce ? .publishedOnce : .publishedTwice))
    // Nothing waited to be sent again, so the newest is sent as all others are.
    resendIndex = inflight.count
  }

  private func isNext(_ message: Resend) -> Bool {
    resendIndex < inflight.count && inflight[resendIndex].packetID == message.packetID
  }

  /// The next identifier that is not in use: up by one, from 65,535 on to 1 (section 2.3.1).
  private func freePacketID() -> UInt16 {
    var candidate = lastPacketID
    // One more than can be in use.
    for _ in 0...inflight.count + requests.count {
      candidate = candidate == .max ? 1 : candidate + 1
      if inflight.index(of: candidate) == nil && requests[candidate] == nil { return candidate }
    }
    preconditionFailure("fewer identifiers are in use than there are")
  }
}

extension PublishError {
  fileprivate init(_ error: EncodeError) {
    switch error {
    case .bufferFull: self = .bufferFull
    case .packetTooLarge: self = .packetTooLarge
    case .invalidTopicName: self = .invalidTopic
    case .invalidTopicFilter, .malformedText, .invalidPacketID, .invalidClientID, .invalidFlags,
      .unsupportedLevel, .invalidProperties:
      preconditionFailure("the session asks for none of these")
    }
  }
}

extension RequestError {
  fileprivate init(_ error: EncodeError) {
    switch error {
    case .bufferFull: self = .bufferFull
    case .packetTooLarge: self = .packetTooLarge
    case .invalidTopicFilter: self = .invalidFilter
    case .invalidTopicName, .malformedText, .invalidPacketID, .invalidClientID, .invalidFlags,
      .unsupportedLevel, .invalidProperties:
      preconditionFailure("the session asks for none of these")
    }
  }
}
