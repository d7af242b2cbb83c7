import Core
import MQTT
import TestSupport

/// What the tests ask of an event: without where its packet's fields lie.
enum Heard: Equatable {
  case connected(sessionPresent: Bool)
  case refused(ConnectReturnCode)
  case message(IncomingMessage)
  case acknowledged(token: UInt32)
  case subscribed(packetID: UInt16, SubscribeReturnCode)
  case unsubscribed(packetID: UInt16)
  case skipped(packetBytes: Int)
  case failed(SessionFault)
  case other(SessionEvent)
}

/// A session, a clock, and both ends of its transport, for one test.
final class Bench {
  var session: ClientSession
  var now = Instant.boot
  var options: ConnectOptions
  /// Properties of CONNECT, as they are written.
  var connectProperties: [UInt8] = []

  static let sizes = ClientSession.Sizes(
    sendBytes: 512, receiveBytes: 256, inflight: 4, received: 3, requests: 2)

  /// A session that has not been opened.
  init(
    _ sizes: ClientSession.Sizes = Bench.sizes, level: ProtocolLevel = .v311,
    cleanSession: Bool = true, keepAlive: UInt16 = 60, replyTimeout: Interval = .seconds(5)
  ) {
    var arena = testArena()
    session = ClientSession(sizes, arena: &arena)
    options = ConnectOptions(
      level: level, cleanSession: cleanSession, keepAlive: keepAlive, replyTimeout: replyTimeout)
  }

  /// A session that is online.
  static func online(
    _ sizes: ClientSession.Sizes = Bench.sizes, level: ProtocolLevel = .v311,
    cleanSession: Bool = true, keepAlive: UInt16 = 60, replyTimeout: Interval = .seconds(5)
  ) -> Bench {
    let bench = Bench(
      sizes, level: level, cleanSession: cleanSession, keepAlive: keepAlive,
      replyTimeout: replyTimeout)
    bench.connect()
    return bench
  }

  /// Opens the session; what it wrote is left in the output.
  func open() {
    let clientID = utf8("c")
    let properties = connectProperties
    try? session.open(options, clientID: clientID.span, properties: properties.span, at: now)
  }

  /// Opens the session and answers CONNECT; returns the event.
  @discardableResult
  func connect(sessionPresent: Bool = false) -> Heard? {
    open()
    _ = output()
    return receive([0x20, 2, sessionPresent ? 1 : 0, 0])
  }

  /// The transport goes and comes back.
  @discardableResult
  func reconnect(sessionPresent: Bool) -> Heard? {
    session.closed()
    return connect(sessionPresent: sessionPresent)
  }

  /// Brings bytes and takes the first event that they lead to.
  @discardableResult
  func receive(_ bytes: [UInt8]) -> Heard? {
    bring(bytes)
    return next()
  }

  /// Brings bytes; whoever does not fit is a mistake of the test.
  func bring(_ bytes: [UInt8]) {
    session.receive(at: now) { out in
      for byte in bytes { out.append(byte) }
    }
  }

  func next() -> Heard? {
    guard let event = session.nextEvent(at: now) else { return nil }
    switch event {
    case .connected(let isPresent, _): return .connected(sessionPresent: isPresent)
    case .refused(.returnCode(let code), _): return .refused(code)
    case .message(let message): return .message(message)
    case .acknowledged(let answered): return .acknowledged(token: answered.token)
    case .subscribed(let granted):
      let code = session.withPacket { bytes in bytes[granted.codes][0] }
      return SubscribeReturnCode(rawValue: code).map {
        .subscribed(packetID: granted.packetID, $0)
      }
    case .unsubscribed(let granted): return .unsubscribed(packetID: granted.packetID)
    case .skipped(let bytes): return .skipped(packetBytes: bytes)
    case .failed(let fault): return .failed(fault)
    default: return .other(event)
    }
  }

  /// Lets `interval` pass and takes the next event.
  func next(after interval: Interval) -> Heard? {
    now = now + interval
    return next()
  }

  /// All that is to be sent, as a socket takes it.
  func output() -> [UInt8] {
    var sent: [UInt8] = []
    session.withOutput(at: now) { bytes in
      for index in bytes.indices { sent.append(bytes[index]) }
      return bytes.count
    }
    return sent
  }

  /// Publishes `payload` under "t"; the token is its first byte.
  func publish(_ payload: String, _ qos: QoS) throws(PublishError) -> UInt16 {
    let topic = utf8("t")
    let bytes = utf8(payload)
    return try session.publish(
      topic: topic.span, payload: bytes.span, qos: qos, retain: false,
      token: UInt32(bytes.first ?? 0))
  }

  /// Sends again what `nextResend` names: the payload is the token. Returns the tokens.
  func resendAll() -> [UInt32] {
    var tokens: [UInt32] = []
    let topic = utf8("t")
    while let message = session.nextResend() {
      let payload = [UInt8(message.token)]
      do throws(PublishError) {
        try session.resend(message, topic: topic.span, payload: payload.span, retain: false)
      } catch { return tokens }
      tokens.append(message.token)
    }
    return tokens
  }

  /// Topic and payload of a message event.
  func text(_ event: Heard?) -> String? {
    guard case .message(let message)? = event else { return nil }
    return session.withMessage(message) { topic, payload in
      var text = ""
      for index in topic.indices { text.unicodeScalars.append(Unicode.Scalar(topic[index])) }
      text += " "
      for index in payload.indices { text.unicodeScalars.append(Unicode.Scalar(payload[index])) }
      return text
    }
  }

  // Swift Testing's macros take copyable values only, hence these.
  var deadline: Instant { session.deadline }
  var isOnline: Bool { session.isOnline }
  var isResending: Bool { session.isResending }
  var inflightCount: Int { session.inflightCount }
  var receiveCapacity: Int { session.receiveCapacity }
  var hasOutput: Bool { session.hasOutput }
  var counters: SessionCounters { session.counters }
  func nextResend() -> Resend? { session.nextResend() }

  func subscribe(_ filter: String, _ qos: QoS) throws(RequestError) -> UInt16 {
    let bytes = utf8(filter)
    return try session.subscribe(filter: bytes.span, qos: qos)
  }

  func unsubscribe(_ filter: String) throws(RequestError) -> UInt16 {
    let bytes = utf8(filter)
    return try session.unsubscribe(filter: bytes.span)
  }
}

/// A packet that says nothing but an identifier.
func answer(_ first: UInt8, _ packetID: UInt16) -> [UInt8] {
  [first, 2, UInt8(packetID >> 8), UInt8(packetID & 0xFF)]
}

/// A PUBLISH under "t" as a server or client sends it.
func publishBytes(
  _ payload: String, _ qos: QoS, id: UInt16 = 0, dup: Bool = false
) -> [UInt8] {
  let identifier = qos == .atMostOnce ? [] : [UInt8(id >> 8), UInt8(id & 0xFF)]
  let first = 0x30 | (dup ? 8 : 0) | qos.rawValue << 1
  return packet(first, prefixed("t") + identifier + utf8(payload))
}
