import Core

extension ClientSession {
  /// Publishes a message; returns its identifier, 0 at QoS 0.
  ///
  /// At QoS 1 and 2 `token` is the owner's handle: it comes back with `.acknowledged`, or from
  /// `nextResend` after a reconnection. A message that is refused takes no identifier.
  ///
  /// `properties`, for 5.0 only, are as `V5.Properties.append` has written them. A Topic Alias among
  /// them is obeyed: the topic may be empty once the alias stands for one.
  @discardableResult
  public mutating func publish(
    topic: Span<UInt8>, properties: Span<UInt8> = Span(), payload: Span<UInt8>, qos: QoS,
    retain: Bool, token: UInt32
  ) throws(PublishError) -> UInt16 {
    try checkWindow(qos)
    let packetID = qos == .atMostOnce ? 0 : nextPacketID()
    let head = PublishHead(packetID: packetID, qos: qos, retain: retain, dup: false)
    try write(head, topic: topic, properties: properties, payload: payload)
    enterWindow(packetID, qos, token)
    return packetID
  }

  /// Publishes a message whose payload, of at most `payloadMax` bytes, `writePayload` appends in
  /// place. Else as the other `publish`.
  @discardableResult
  public mutating func publish(
    topic: Span<UInt8>, properties: Span<UInt8> = Span(), payloadMax: Int, qos: QoS, retain: Bool,
    token: UInt32, writePayload: (inout OutputSpan<UInt8>) -> Void
  ) throws(PublishError) -> UInt16 {
    try checkWindow(qos)
    let packetID = qos == .atMostOnce ? 0 : nextPacketID()
    let head = PublishHead(packetID: packetID, qos: qos, retain: retain, dup: false)
    try write(
      head, topic: topic, properties: properties, payloadMax: payloadMax,
      writePayload: writePayload)
    enterWindow(packetID, qos, token)
    return packetID
  }

  /// Takes a message at QoS 1 or 2 that the owner keeps, to be sent behind all that were taken
  /// before, in this connection or a later one: `nextResend` names it when its turn has come.
  /// Returns its identifier; throws `windowFull` only.
  ///
  /// With `first`, and while nothing was sent over the present connection, it goes before all others:
  /// that alone does not change the order in which those are repeated (section 4.6).
  public mutating func enqueue(
    _ qos: QoS, token: UInt32, first: Bool = false
  ) throws(PublishError) -> UInt16 {
    precondition(qos != .atMostOnce, "what is sent once and forgotten waits for nothing")
    guard !inflight.isFull else { throw .windowFull }
    let packetID = nextPacketID()
    ids.take(packetID)
    let entry = OutgoingEntry(token: token, packetID: packetID, qos: qos, stage: .waiting)
    if first && sentCount == 0 { inflight.prepend(entry) } else { inflight.append(entry) }
    return packetID
  }

  /// Lends the topic that `alias` stands for in our own messages over this connection; nil when it
  /// stands for none.
  public func withTopic<R, E: Error>(
    ofAlias alias: UInt16, _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R? {
    guard outbound.contains(alias) else { return nil }
    return try outbound.withTopic(of: alias, body)
  }

  /// True while messages that were taken before wait to be sent: new ones at QoS 1 and 2 wait
  /// behind them, so that order holds (section 4.6).
  public var isResending: Bool { isOnline && sentCount < inflight.count }

  /// How many messages may be under way at once: as many as the session, the server and the owner take.
  private var windowSize: Int {
    min(min(inflight.capacity, serverLimits.receiveMaximum), max(1, windowMax))
  }

  /// True while the message of `token` was sent over the present connection, or the one that has just
  /// ended, and is not answered for good.
  func wasSentHere(token: UInt32) -> Bool {
    for index in 0..<sentCount where inflight[index].token == token { return true }
    return false
  }

  @inline(__always)
  private func checkWindow(_ qos: QoS) throws(PublishError) {
    guard isOnline else { throw .notConnected }
    guard qos != .atMostOnce else { return }
    guard sentCount == inflight.count, sentCount < windowSize else { throw .windowFull }
  }

  /// The next message to be sent, in publishing order; hand it to `resend` or `giveUp` before the
  /// next `nextEvent`, which may change what is next. Nil when there is none, or, while
  /// `isResending`, when there has to be an acknowledgement or room in the output first.
  ///
  /// What the server has received already needs no message: its PUBREL is written here.
  public mutating func nextResend() -> Resend? {
    while isResending, sentCount < windowSize {
      let entry = inflight[sentCount]
      guard entry.stage == .released else {
        return Resend(
          token: entry.token, packetID: entry.packetID, qos: entry.qos,
          isRepeat: entry.stage == .published)
      }
      guard canAnswer else { return nil }
      answer(.publishRelease, entry.packetID, dup: true)
      sentCount += 1
    }
    return nil
  }

  /// Sends the message that `nextResend` named, under its identifier; with DUP when it was sent
  /// before (section 4.4).
  public mutating func resend(
    _ message: Resend, topic: Span<UInt8>, properties: Span<UInt8> = Span(),
    payload: Span<UInt8>, retain: Bool
  ) throws(PublishError) {
    guard isOnline else { throw .notConnected }
    precondition(isNext(message), "messages are sent in publishing order")
    let head = PublishHead(
      packetID: message.packetID, qos: message.qos, retain: retain, dup: message.isRepeat)
    try write(head, topic: topic, properties: properties, payload: payload)
    inflight[sentCount].stage = .published
    sentCount += 1
    if message.isRepeat { counters.messagesResent &+= 1 }
    watch(message.packetID, isRepeat: message.isRepeat)
  }

  /// The owner no longer has the message that `nextResend` named. Its identifier becomes free, at
  /// QoS 2 after PUBREL and PUBCOMP if the server may know it. `.acknowledged` follows then, too.
  public mutating func giveUp(_ message: Resend) {
    precondition(isNext(message), "messages are sent in publishing order")
    if message.qos == .exactlyOnce && message.isRepeat {
      inflight[sentCount].stage = .released
    } else {
      inflight.remove(at: sentCount)
    }
  }

  /// A message that was enqueued and never sent will not be: its identifier becomes free. False when
  /// it was sent, or is not there.
  public mutating func withdraw(token: UInt32) -> Bool {
    guard let index = waitingIndex(of: token) else { return false }
    inflight.remove(at: index)
    return true
  }

  /// True while the message of `token` was enqueued and never sent. Looks at the newest first.
  public func isWaiting(token: UInt32) -> Bool { waitingIndex(of: token) != nil }

  /// How many messages were enqueued and never sent.
  public var waitingCount: Int {
    var count = 0
    for index in sentCount..<inflight.count where inflight[index].stage == .waiting { count += 1 }
    return count
  }

  /// The oldest message that was never sent and that `matches`; nil for none.
  public func firstWaiting(where matches: (_ token: UInt32) -> Bool) -> UInt32? {
    for index in sentCount..<inflight.count where inflight[index].stage == .waiting {
      if matches(inflight[index].token) { return inflight[index].token }
    }
    return nil
  }

  private func waitingIndex(of token: UInt32) -> Int? {
    for index in (sentCount..<inflight.count).reversed()
    where inflight[index].token == token && inflight[index].stage == .waiting {
      return index
    }
    return nil
  }

  /// The message of `packetID` was written and is under way; nothing waited before it.
  @inline(__always)
  private mutating func enterWindow(_ packetID: UInt16, _ qos: QoS, _ token: UInt32) {
    guard packetID != 0 else { return }
    ids.take(packetID)
    inflight.append(
      OutgoingEntry(token: token, packetID: packetID, qos: qos, stage: .published))
    sentCount = sentCount &+ 1
    if options.watchesAnswers { watch(packetID) }
  }

  private func isNext(_ message: Resend) -> Bool {
    sentCount < inflight.count && inflight[sentCount].packetID == message.packetID
      && inflight[sentCount].stage == (message.isRepeat ? .published : .waiting)
  }

  /// The identifier that the next packet will have, once it is written and `ids.take` is called.
  @inline(__always)
  mutating func nextPacketID() -> UInt16 { ids.next ?? searchPacketID() }

  /// The same where none is known to be free.
  @inline(never)
  private mutating func searchPacketID() -> UInt16 {
    while true {
      if let next = ids.next { return next }
      var distance = Int.max
      for index in 0..<inflight.count {
        distance = min(distance, ids.distance(to: inflight[index].packetID))
      }
      for index in 0..<requests.count {
        distance = min(distance, ids.distance(to: requests[index].packetID))
      }
      ids.lookAhead(distance)
    }
  }
}
