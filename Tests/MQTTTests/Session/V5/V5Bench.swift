import Core
import MQTT

/// A property that is a number, as it is written.
func prop(_ id: V5.PropertyID, _ number: UInt32) -> [UInt8] {
  (try? written { (out) throws(EncodeError) in
    try V5.Properties.append(id, number, to: &out)
  }) ?? []
}

/// A property that is text or bytes, as it is written.
func prop(_ id: V5.PropertyID, _ text: String) -> [UInt8] { [id.rawValue] + prefixed(text) }

/// A user property, as it is written.
func prop(user name: String, _ value: String) -> [UInt8] {
  [V5.PropertyID.userProperty.rawValue] + prefixed(name) + prefixed(value)
}

/// A PUBLISH of 5.0.
func publishV5(
  _ payload: String, _ qos: QoS = .atMostOnce, id: UInt16 = 0, dup: Bool = false,
  retain: Bool = false, topic: String = "t", with properties: [UInt8] = []
) -> [UInt8] {
  let identifier = qos == .atMostOnce ? [] : [UInt8(id >> 8), UInt8(id & 0xFF)]
  let first = 0x30 | (dup ? 8 : 0) | qos.rawValue << 1 | (retain ? 1 : 0)
  return longPacket(first, prefixed(topic) + identifier + sized(properties) + utf8(payload))
}

/// PUBACK, PUBREC, PUBREL, PUBCOMP with a reason code.
func answerV5(
  _ first: UInt8, _ id: UInt16, _ code: UInt8, _ properties: [UInt8] = []
) -> [UInt8] {
  let body = [UInt8(id >> 8), UInt8(id & 0xFF), code]
  return packet(first, properties.isEmpty ? body : body + sized(properties))
}

func connectAckV5(
  sessionPresent: Bool = false, _ code: UInt8 = 0, _ properties: [UInt8] = []
) -> [UInt8] {
  longPacket(0x20, [sessionPresent ? 1 : 0, code] + sized(properties))
}

extension Bench {
  /// With aliases, three of each side.
  static var sizesV5: ClientSession.Sizes {
    var sizes = Bench.sizes
    sizes.outboundAliases = 3
    sizes.inboundAliases = 3
    sizes.aliasTopicBytes = 16
    return sizes
  }

  /// A session of 5.0 that has not been opened.
  static func newV5(
    _ properties: [UInt8] = [], sizes: ClientSession.Sizes = Bench.sizesV5,
    cleanSession: Bool = true, keepAlive: UInt16 = 60,
    _ configure: (inout ConnectOptions) -> Void = { _ in }
  ) -> Bench {
    let bench = Bench(sizes, level: .v50, cleanSession: cleanSession, keepAlive: keepAlive)
    bench.connectProperties = properties
    configure(&bench.options)
    return bench
  }

  /// A session of 5.0 that is online.
  static func onlineV5(
    _ properties: [UInt8] = [], connack: [UInt8] = [],
    sizes: ClientSession.Sizes = Bench.sizesV5, cleanSession: Bool = true, keepAlive: UInt16 = 60,
    _ configure: (inout ConnectOptions) -> Void = { _ in }
  ) -> Bench {
    let bench = newV5(
      properties, sizes: sizes, cleanSession: cleanSession, keepAlive: keepAlive, configure)
    bench.open()
    _ = bench.output()
    bench.tell(connectAckV5(0, connack))
    return bench
  }

  /// The transport goes and comes back, to a server of 5.0.
  @discardableResult
  func reconnectV5(sessionPresent: Bool, connack: [UInt8] = []) -> [String] {
    session.closed()
    open()
    _ = output()
    return tell(connectAckV5(sessionPresent: sessionPresent, 0, connack))
  }

  /// Brings bytes and says what comes of them.
  @discardableResult
  func tell(_ bytes: [UInt8]) -> [String] {
    bring(bytes)
    return events()
  }

  /// All events there are, in words.
  func events() -> [String] {
    var words: [String] = []
    while let event = session.nextEvent(at: now) { words.append(inWords(event)) }
    return words
  }

  /// One event, in words; its packet stays lent.
  func event() -> String? { session.nextEvent(at: now).map(inWords) }

  func inWords(_ event: SessionEvent) -> String {
    switch event {
    case .connected(let isPresent, let properties):
      return "connected\(isPresent ? " present" : "")" + inWords(properties)
    case .refused(let refusal, let properties):
      return "refused \(hex(refusal.code))" + inWords(properties)
    case .message(let message): return "message " + inWords(message)
    case .largeMessage(let message, let bytes): return "large \(bytes) " + inWords(message)
    case .payloadPiece(let piece, let isLast):
      return "piece \(piece.count)\(isLast ? " last" : "")"
    case .acknowledged(let answered): return "acknowledged " + inWords(answered)
    case .received(let answered): return "received " + inWords(answered)
    case .subscribed(let granted): return "subscribed " + inWords(granted)
    case .unsubscribed(let granted): return "unsubscribed " + inWords(granted)
    case .authenticate(let step):
      return "authenticate \(hex(step.reason.rawValue))" + inWords(step.properties)
    case .disconnected(let disconnect):
      return "disconnected \(hex(disconnect.reason.rawValue))" + inWords(disconnect.properties)
    case .skipped(let bytes): return "skipped \(bytes)"
    case .failed(.malformed(let error)): return "failed malformed \(error)"
    case .failed(let fault): return "failed \(fault)"
    }
  }

  private func inWords(_ message: IncomingMessage) -> String {
    let text = session.withMessage(message) { topic, payload in
      "\(string(topic)) '\(string(payload))'"
    }
    return text + (message.packetID == 0 ? "" : " \(message.packetID)")
      + (message.retain ? " retain" : "") + (message.dup ? " dup" : "")
      + inWords(message.properties)
  }

  private func inWords(_ answered: Answered) -> String {
    "\(answered.token) \(hex(answered.code))" + inWords(answered.properties)
  }

  private func inWords(_ granted: Granted) -> String {
    let codes = session.withPacket { bytes in
      (0..<granted.codes.count).map { hex(bytes[granted.codes][$0]) }
    }
    return "\(granted.packetID) [\(codes.joined(separator: " "))]" + inWords(granted.properties)
  }

  private func inWords(_ properties: V5.Properties) -> String {
    guard !properties.isEmpty else { return "" }
    return session.withPacket { bytes in
      var words = ""
      var walk = properties.walk
      while let property = walk.next(in: bytes) {
        switch property.id.form {
        case .pair:
          words += " \(string(bytes[property.name])):\(string(bytes[property.text]))"
        case .text, .topicName, .binary: words += " \(property.id)=\(string(bytes[property.text]))"
        default: words += " \(property.id)=\(property.number)"
        }
      }
      return words
    }
  }

  /// Publishes with all that a test may want to say; the token is the payload's first byte.
  @discardableResult
  func send(
    _ payload: String, _ qos: QoS = .atMostOnce, topic: String = "t", retain: Bool = false,
    with properties: [UInt8] = []
  ) throws(PublishError) -> UInt16 {
    let topic = utf8(topic)
    let bytes = utf8(payload)
    return try session.publish(
      topic: topic.span, properties: properties.span, payload: bytes.span, qos: qos,
      retain: retain, token: UInt32(bytes.first ?? 0))
  }

  func enqueue(_ payload: String, _ qos: QoS) throws(PublishError) -> UInt16 {
    try session.enqueue(qos, token: UInt32(utf8(payload)[0]))
  }

  func acknowledge(
    _ packetID: UInt16, _ reason: V5.PublishReason = .success
  ) throws(AcknowledgeError) {
    try session.acknowledge(packetID, reason)
  }

  func authenticate(_ properties: [UInt8]) throws(RequestError) {
    try session.authenticate(properties: properties.span)
  }

  func disconnect(
    _ reason: V5.DisconnectReason, _ properties: [UInt8] = []
  ) throws(RequestError) {
    try session.disconnect(reason: reason, properties: properties.span)
  }

  func withdraw(_ token: UInt32) -> Bool { session.withdraw(token: token) }
  var serverLimits: ServerLimits { session.serverLimits }
}

func hex(_ byte: UInt8) -> String { "0x" + String(byte, radix: 16) }

private func string(_ bytes: Span<UInt8>) -> String {
  var text = ""
  for index in bytes.indices { text.unicodeScalars.append(Unicode.Scalar(bytes[index])) }
  return text
}

extension Bench {
  /// Several filters in one SUBSCRIBE, each with its options as they are written.
  @discardableResult
  func subscribe(
    list: [(filter: String, options: UInt8)], _ properties: [UInt8] = []
  ) throws(RequestError) -> UInt16 {
    let filters = list.flatMap { prefixed($0.filter) + [$0.options] }
    return try session.subscribe(filters: filters.span, properties: properties.span)
  }

  /// Several filters in one UNSUBSCRIBE.
  @discardableResult
  func unsubscribe(
    list: [String], _ properties: [UInt8] = []
  ) throws(RequestError) -> UInt16 {
    let filters = list.flatMap { prefixed($0) }
    return try session.unsubscribe(filters: filters.span, properties: properties.span)
  }
}
