import Core

/// Messages from the server, and their acknowledgements.
extension ClientSession {
  mutating func take(_ publish: Publish, _ size: Int) -> Turn {
    let message = IncomingMessage(
      topic: publish.topic, properties: V5.Properties(noneAt: size), payload: publish.payload,
      packetID: publish.packetID, qos: publish.qos, retain: publish.retain, dup: publish.dup)
    return take(message, alias: 0, size)
  }

  mutating func take(_ publish: V5.Publish, _ size: Int) -> Turn {
    let message = IncomingMessage(
      topic: publish.topic, properties: publish.properties, payload: publish.payload,
      packetID: publish.packetID, qos: publish.qos, retain: publish.retain, dup: publish.dup)
    var alias: UInt16 = 0
    switch resolve(publish) {
    case .none: break
    case .alias(let number): alias = number
    case .fault(let fault): return .event(fail(fault))
    }
    return take(message, alias: alias, size)
  }

  /// What an alias does to a message.
  enum Resolved: BitwiseCopyable {
    /// The topic is in the packet.
    case none
    /// The topic is what this alias stands for.
    case alias(UInt16)
    case fault(SessionFault)
  }

  /// Looks at the alias of a message (5.0 section 3.3.2.3.4).
  mutating func resolve(_ publish: V5.Publish) -> Resolved {
    guard options.level.isV5, publish.properties.contains(.topicAlias) else { return .none }
    let number = input.withBytes { bytes in publish.properties.number(.topicAlias, in: bytes) ?? 0 }
    let alias = UInt16(truncatingIfNeeded: number)
    guard Int(alias) <= inbound.limit else { return .fault(.topicAliasInvalid) }
    guard publish.topic.count > 0 else {
      return inbound.contains(alias) ? .alias(alias) : .fault(.protocolViolation)
    }
    guard input.withBytes({ bytes in inbound.takes(bytes[publish.topic]) }) else {
      return .fault(.aliasTopicTooLong)
    }
    Self.define(alias, publish.topic, input, &inbound)
    return .none
  }

  private static func define(
    _ alias: UInt16, _ topic: Field, _ input: borrowing ByteQueue, _ aliases: inout TopicAliases
  ) {
    input.withBytes { bytes in aliases.set(alias, bytes[topic]) }
  }

  /// Hands a message over, or answers one that was handed over before.
  private mutating func take(_ message: IncomingMessage, alias: UInt16, _ size: Int) -> Turn {
    switch admit(message.packetID, message.qos) {
    case .later: return .idle
    case .repeated:
      input.consume(size)
      return .handled
    case .fault(let fault): return .event(fail(fault))
    case .new: break
    }
    counters.messagesReceived &+= 1
    lent = Lent(packetBytes: size, alias: alias)
    acknowledgeLater(message.packetID, message.qos)
    return .event(.message(message))
  }

  /// What becomes of a message that begins.
  enum Admission: BitwiseCopyable {
    case new
    /// It was handed over before, and answered now.
    case repeated
    /// There is no room for its answer yet.
    case later
    /// It may not come.
    case fault(SessionFault)
  }

  mutating func admit(_ packetID: UInt16, _ qos: QoS) -> Admission {
    guard qos != .atMostOnce else { return .new }
    guard canAnswer else { return .later }
    if let index = received.index(of: packetID) {
      // Section 2.2.1: the identifier is in use.
      guard received[index].qos == qos else { return .fault(.protocolViolation) }
      counters.duplicates &+= 1
      answerAgain(index)
      return .repeated
    }
    guard qos == .exactlyOnce || options.acknowledgesByHand else { return .new }
    guard !received.isFull, hereCount < own.receiveMaximum else { return .fault(.receivedFull) }
    received.append(IncomingEntry(packetID: packetID, qos: qos, stage: .handed))
    return .new
  }

  /// Answers a message that was handed over before, or has it wait for those that came before it.
  private mutating func answerAgain(_ index: Int) {
    var entry = received[index]
    guard options.acknowledgesByHand else {
      received[index].isHere = true
      // Else it is the one that is being handed over.
      if entry.stage == .received { answer(.publishReceived, entry.packetID) }
      return
    }
    if entry.stage == .received { entry.stage = .answered }
    if entry.isHere {
      received[index] = entry
    } else {
      // Its place is that which it has in this connection.
      entry.isHere = true
      received.remove(at: index)
      received.append(entry)
    }
    answerInOrder()
  }

  /// Messages that came over this connection and count for the Receive Maximum, which begins anew
  /// with each (5.0 section 4.9).
  private var hereCount: Int {
    var count = 0
    for index in 0..<received.count where received[index].isHere { count += 1 }
    return count
  }

  /// Has the message acknowledged when the lent packet is let go of, unless the owner does it.
  mutating func acknowledgeLater(_ packetID: UInt16, _ qos: QoS) {
    guard !options.acknowledgesByHand else { return }
    lent?.packetID = packetID
    lent?.qos = qos
  }

  /// Says what becomes of a message that was handed over, where `ConnectOptions.acknowledgesByHand`:
  /// 5.0 has reasons to refuse it. Answers go out in the order in which the messages came (sections
  /// 4.6.0-2 and 4.6.0-3 of the standard), so an early one waits for those before it.
  public mutating func acknowledge(
    _ packetID: UInt16, _ reason: V5.PublishReason = .success
  ) throws(AcknowledgeError) {
    guard options.level.isV5 || reason == .success else { throw .unsupportedLevel }
    guard reason.mayCome(from: .client) else { throw .unsupportedLevel }
    guard let index = received.index(of: packetID), received[index].stage == .handed else {
      throw .notWaiting
    }
    received[index].stage = .answered
    received[index].code = reason.rawValue
    answerInOrder()
  }

  /// The message was handed over and accepted.
  mutating func acknowledge(_ packetID: UInt16, _ qos: QoS) {
    switch qos {
    case .atMostOnce: break
    case .atLeastOnce: answer(.publishAck, packetID)
    case .exactlyOnce:
      guard let index = received.index(of: packetID), received[index].stage == .handed else {
        return
      }
      received[index].stage = .received
      answer(.publishReceived, packetID)
    }
  }

  /// Sends the answers that wait and may go, as far as there is room.
  mutating func answerInOrder() {
    guard isOnline, options.acknowledgesByHand else { return }
    var isHeld = InlineArray<3, Bool>(repeating: false)
    var index = 0
    while index < received.count {
      let entry = received[index]
      let qos = Int(entry.qos.rawValue)
      index += 1
      guard entry.isHere, entry.stage != .received, !isHeld[qos] else { continue }
      guard entry.stage == .answered, canAnswer else {
        isHeld[qos] = true
        continue
      }
      answer(
        entry.qos == .atLeastOnce ? .publishAck : .publishReceived, entry.packetID,
        code: entry.code)
      if entry.qos == .exactlyOnce && entry.code < 0x80 {
        received[index - 1].stage = .received
      } else {
        index -= 1
        received.remove(at: index)
      }
    }
  }

  /// The connection is gone: QoS 1 messages that were not acknowledged will come again, and QoS 2
  /// messages are answered when they do.
  mutating func leaveReceivedBehind() {
    var index = 0
    while index < received.count {
      if received[index].qos == .atLeastOnce {
        received.remove(at: index)
      } else {
        received[index].isHere = false
        // It was handed over, so it is not to be again; who acknowledges by hand still will.
        if !options.acknowledgesByHand { received[index].stage = .received }
        index += 1
      }
    }
  }

  /// "Packet identifier not found", in PUBREL and PUBCOMP.
  static var notFound: UInt8 { V5.ReleaseReason.packetIdentifierNotFound.rawValue }

  /// Writes an acknowledgement; there is room. `code` is left out before 5.0. Not inlined: there are
  /// many callers, and none is in a hurry.
  @inline(never)
  mutating func answer(
    _ packet: Acknowledgement, _ packetID: UInt16, code: UInt8 = 0, dup: Bool = false
  ) {
    guard options.level.isV5 && code != 0 else {
      // Success is the same four bytes in every version, but for the DUP of 3.1.
      let level = options.level.isV5 ? .v311 : options.level
      return write { (out) throws(EncodeError) in
        try packet.encode(level: level, packetID: packetID, dup: dup, into: &out)
      }
    }
    write { (out) throws(EncodeError) in
      try packet.encodeV5(packetID: packetID, code: code, into: &out)
    }
  }
}

extension Acknowledgement {
  /// The packet of 5.0 with a reason code that it may carry.
  fileprivate func encodeV5(
    packetID: UInt16, code: UInt8, into out: inout OutputSpan<UInt8>
  ) throws(EncodeError) {
    switch self {
    case .publishAck, .publishReceived:
      guard let reason = V5.PublishReason(rawValue: code) else { throw .invalidFlags }
      try V5.PublishAnswer.encode(
        self == .publishAck ? .publishAck : .publishReceived, from: .client, packetID: packetID,
        reason: reason, properties: Span(), into: &out)
    case .publishRelease, .publishComplete:
      guard let reason = V5.ReleaseReason(rawValue: code) else { throw .invalidFlags }
      try V5.ReleaseAnswer.encode(
        self == .publishRelease ? .publishRelease : .publishComplete, packetID: packetID,
        reason: reason, properties: Span(), into: &out)
    case .unsubscribeAck: throw .invalidFlags
    }
  }
}
