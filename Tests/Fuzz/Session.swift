// modules: Core MQTT
import Core
import MQTT

nonisolated(unsafe) private let memory = UnsafeMutableRawBufferPointer.allocate(
  byteCount: 8192, alignment: Arena.alignment)

/// A server and an owner that do anything, in any order, never trap the session. Each step is a
/// byte that says what, and one that says how much; the bytes behind them are what it is done with.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var owner = Owner(bytes: UnsafeBufferPointer(start: start, count: count))
  while owner.step() {}
  precondition(owner.session.inflightCount <= 3)
  return 0
}

private struct Owner: ~Copyable {
  let bytes: UnsafeBufferPointer<UInt8>
  var index = 0
  var session: ClientSession
  var now = Instant.boot
  var isOpen = false
  var level = ProtocolLevel.v50
  /// Bytes of a large message that are still to be handed over.
  var largeRest: Int?

  init(bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
    var arena = Arena(over: memory)
    var sizes = ClientSession.Sizes(
      sendBytes: 128, receiveBytes: 64, inflight: 3, received: 2, requests: 2)
    sizes.outboundAliases = 2
    sizes.inboundAliases = 2
    sizes.aliasTopicBytes = 8
    session = ClientSession(sizes, arena: &arena)
  }

  /// One step; false when nothing says what.
  mutating func step() -> Bool {
    guard index + 2 <= bytes.count else { return false }
    let what = bytes[index]
    let amount = Int(bytes[index + 1])
    index += 2
    if !isOpen { open(what, amount) }
    let few = bytes.span.extracting(index..<min(bytes.count, index + amount))
    // Properties and what comes behind them.
    let split = few.count / 2
    let list = level == .v50 ? few.extracting(0..<split) : Span()
    let rest = level == .v50 ? few.extracting(split..<few.count) : few
    let qos = QoS(rawValue: what >> 5 & 3) ?? .atLeastOnce
    let letter: [UInt8] = [0x74]
    let topic = amount & 1 == 0 ? letter.span : rest
    switch what & 31 {
    case 0..<10:
      let taken = min(few.count, session.receiveCapacity)
      session.receive(at: now) { out in out.append(contentsOf: few.extracting(0..<taken)) }
      index += taken
    case 10:
      _ = try? session.publish(
        topic: topic, properties: list, payload: rest, qos: qos, retain: what > 127, token: 1)
    case 11:
      _ = try? session.publish(
        topic: topic, payloadMax: amount, qos: qos, retain: false, token: 2
      ) { out in out.append(contentsOf: rest) }
    case 12: if qos != .atMostOnce { _ = try? session.enqueue(qos, token: 3) }
    case 13: _ = session.withdraw(token: UInt32(amount & 3))
    case 14: _ = try? session.subscribe(filter: rest, qos: qos)
    case 15: _ = try? session.subscribe(filters: rest, properties: list)
    case 16: _ = try? session.unsubscribe(filter: rest, properties: list)
    case 17: _ = try? session.unsubscribe(filters: rest, properties: list)
    case 18, 19: session.withOutput(at: now) { bytes in min(bytes.count, amount) }
    case 20: now = now + .milliseconds(Int64(amount) * 50)
    case 21: session.messageHandled()
    case 22, 23: resend(topic, list, rest, givesUp: what & 31 == 23)
    case 24:
      try? session.acknowledge(
        UInt16(amount), V5.PublishReason(rawValue: what < 128 ? 0 : 0x97) ?? .success)
    case 25: _ = try? session.authenticate(properties: few)
    case 26: _ = try? session.authenticate(properties: "\u{15}\0\u{1}m".utf8Span.span)
    case 27: session.disconnect()
    case 28:
      guard let reason = V5.DisconnectReason(rawValue: UInt8(amount)) else { break }
      _ = try? session.disconnect(reason: reason, properties: few)
    case 29, 30: while let event = session.nextEvent(at: now) { take(event) }
    default:
      session.closed()
      isOpen = false
      largeRest = nil
    }
    if what < 192, let event = session.nextEvent(at: now) { take(event) }
    return true
  }

  /// Opens the session, with what `what` says, and mostly answers CONNECT.
  private mutating func open(_ what: UInt8, _ amount: Int) {
    level = what & 3 == 0 ? .v311 : what & 3 == 1 && what & 4 == 0 ? .v31 : .v50
    var options = ConnectOptions(
      level: level, cleanSession: what & 8 == 0, keepAlive: 10, replyTimeout: .seconds(5))
    options.acknowledgesByHand = what & 16 == 0
    options.largeMessages = what & 32 == 0 ? .stream : .skip
    options.assignsAliases = what & 64 == 0
    let hasMethod = amount & 1 == 0
    // A Receive Maximum of 2, a Topic Alias Maximum of 2, a method.
    let list = "\u{21}\0\u{2}\u{22}\0\u{2}\u{15}\0\u{1}m".utf8Span.span
    _ = try? session.open(
      options, clientID: "c".utf8Span.span,
      properties: level == .v50 ? list.extracting(0..<(hasMethod ? 10 : 6)) : Span(), at: now)
    isOpen = true
    guard what & 128 == 0 else { return }
    let present: UInt8 = what & 24 == 24 ? 1 : 0
    session.receive(at: now) { out in
      guard level == .v50 else { return out.append(contentsOf: [0x20, 2, present, 0].span) }
      // A Receive Maximum of 1 or 2, a Topic Alias Maximum of 2.
      let window = UInt8(amount & 1 + 1)
      out.append(contentsOf: [0x20, hasMethod ? 13 : 9, present, 0, hasMethod ? 10 : 6].span)
      out.append(contentsOf: [0x21, 0, window, 0x22, 0, 2].span)
      if hasMethod { out.append(contentsOf: [0x15, 0, 1, 0x6D].span) }
    }
  }

  private mutating func resend(
    _ topic: Span<UInt8>, _ list: Span<UInt8>, _ payload: Span<UInt8>, givesUp: Bool
  ) {
    guard let message = session.nextResend() else { return }
    guard !givesUp else { return session.giveUp(message) }
    try? session.resend(
      message, topic: topic, properties: list, payload: payload, retain: false)
  }

  /// Looks at all that an event lends.
  private mutating func take(_ event: SessionEvent) {
    switch event {
    case .message(let message):
      precondition(largeRest == nil)
      check(message)
    case .largeMessage(let message, let payloadBytes):
      precondition(largeRest == nil && payloadBytes > 0)
      largeRest = payloadBytes
      check(message)
    case .payloadPiece(let piece, let isLast):
      guard let rest = largeRest else { preconditionFailure("a piece of nothing") }
      session.withPacket { bytes in precondition(piece.offset + piece.count <= bytes.count) }
      precondition(piece.count > 0 && piece.count <= rest && isLast == (piece.count == rest))
      largeRest = isLast ? nil : rest - piece.count
    case .subscribed(let granted), .unsubscribed(let granted):
      session.withPacket { bytes in precondition(bytes[granted.codes].count == granted.codes.count)
      }
      walk(granted.properties)
    case .acknowledged(let answered), .received(let answered): walk(answered.properties)
    case .connected(_, let properties), .refused(_, let properties): walk(properties)
    case .authenticate(let step): walk(step.properties)
    case .disconnected(let disconnect): walk(disconnect.properties)
    case .skipped, .failed: break
    }
  }

  private func check(_ message: IncomingMessage) {
    session.withMessage(message) { topic, _ in precondition(TopicName.isValid(topic)) }
    walk(message.properties)
  }

  private func walk(_ properties: V5.Properties) {
    guard !properties.isEmpty else { return }
    session.withPacket { bytes in
      var walk = properties.walk
      while let property = walk.next(in: bytes) {
        precondition(bytes[property.text].count == property.text.count)
        precondition(bytes[property.name].count == property.name.count)
      }
    }
  }
}
