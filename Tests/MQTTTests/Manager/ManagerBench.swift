import Core
import MQTT
import TestSupport

/// What the tests ask of an event: without where its packet's fields lie.
enum Told: Equatable {
  case connected(sessionPresent: Bool)
  case ended(ConnectionEnd, wasOnline: Bool)
  case retrying(attempt: UInt32)
  case fallingBack(ProtocolLevel)
  case message(String)
  case published(UInt64, code: UInt8)
  case dropped(UInt64, ManagerEvent.Dropped.Reason)
  case granted(UInt32, code: UInt8)
  case notAsked(UInt32, RequestError)
  case other
}

/// A manager, a clock and both ends of its transport, for one test.
final class ManagerBench {
  var manager: SessionManager
  var now = Instant.boot
  /// What was asked of the transport, in order.
  private(set) var actions: [SessionManager.Action] = []
  /// The waits that were told.
  private(set) var waits: [Interval] = []

  static let sizes: ManagerSizes = {
    var sizes = ManagerSizes(
      session: ClientSession.Sizes(
        sendBytes: 512, receiveBytes: 256, inflight: 4, received: 4, requests: 2),
      storeBytes: 256)
    sizes.unsentMarks = 4
    sizes.subscriptions = 3
    sizes.subscriptionBytes = 32
    sizes.identityBytes = 64
    return sizes
  }()

  /// A manager that wants nothing yet.
  init(
    _ sizes: ManagerSizes = ManagerBench.sizes, level: ProtocolLevel = .v311,
    cleanSession: Bool = true, seed: UInt64 = 1, _ adjust: (inout ManagerOptions) -> Void = { _ in }
  ) {
    var arena = testArena()
    var options = ManagerOptions(
      ConnectOptions(
        level: level, cleanSession: cleanSession, keepAlive: 60, replyTimeout: .seconds(5)))
    adjust(&options)
    manager = SessionManager(options, sizes: sizes, seed: seed, arena: &arena)
    let name = utf8("c")
    _ = manager.identify(ConnectIdentity(clientID: name.span))
  }

  /// A manager that is online.
  static func online(
    _ sizes: ManagerSizes = ManagerBench.sizes, level: ProtocolLevel = .v311,
    cleanSession: Bool = true, _ adjust: (inout ManagerOptions) -> Void = { _ in }
  ) -> ManagerBench {
    let bench = ManagerBench(sizes, level: level, cleanSession: cleanSession, adjust)
    bench.manager.connect()
    bench.accept()
    return bench
  }

  /// Carries out what is wanted and takes all events.
  @discardableResult
  func turn() -> [Told] {
    var told: [Told] = []
    while true {
      while let action = manager.nextAction() { actions.append(action) }
      guard let event = manager.nextEvent(at: now) else { break }
      told.append(translate(event))
    }
    while let action = manager.nextAction() { actions.append(action) }
    return told
  }

  /// Lets time pass up to the deadlines that come within `interval`, and the rest of it.
  @discardableResult
  func pass(_ interval: Interval) -> [Told] {
    let end = now + interval
    var told = turn()
    while manager.deadline <= end {
      let before = (now, manager.deadline)
      now = max(now, manager.deadline)
      told += turn()
      precondition((now, manager.deadline) != before, "a deadline that has come leads to something")
    }
    now = end
    return told + turn()
  }

  /// Waits for the next attempt, opens the transport and answers CONNECT.
  @discardableResult
  func accept(sessionPresent: Bool = false) -> [Told] {
    var told = awaitAttempt()
    manager.opened(at: now)
    told += turn()
    _ = output()
    return told + receive(connectAck(sessionPresent: sessionPresent))
  }

  func connectAck(sessionPresent: Bool = false) -> [UInt8] {
    let flags: UInt8 = sessionPresent ? 1 : 0
    return manager.protocolLevel == .v50 ? [0x20, 3, flags, 0, 0] : [0x20, 2, flags, 0]
  }

  /// Lets the back-off pass.
  @discardableResult
  func awaitAttempt() -> [Told] {
    var told = turn()
    for _ in 0..<100 where actions.last != .open {
      now = max(now, manager.deadline)
      told += turn()
    }
    return told
  }

  /// The server closes the connection.
  @discardableResult
  func lose() -> [Told] {
    manager.transportFailed(at: now)
    return turn()
  }

  /// Brings bytes and takes the events.
  @discardableResult
  func receive(_ bytes: [UInt8]) -> [Told] {
    bring(bytes)
    return turn()
  }

  func bring(_ bytes: [UInt8]) {
    manager.receive(at: now) { out in
      for byte in bytes { out.append(byte) }
    }
  }

  /// All that is to be sent, as a socket takes it.
  @discardableResult
  func output() -> [UInt8] {
    var sent: [UInt8] = []
    manager.withOutput(at: now) { bytes in
      sent += array(bytes)
      return bytes.count
    }
    return sent
  }

  /// The packets of 3.1.1 that are to be sent.
  func packets() -> [Packet] {
    var bytes = output()
    var packets: [Packet] = []
    while case .packet(let packet, let size) = decode(bytes, from: .client) {
      packets.append(packet)
      bytes.removeFirst(size)
    }
    return packets
  }

  /// Publishes `payload` under "t".
  @discardableResult
  func publish(
    _ payload: String, _ qos: QoS = .atLeastOnce, tag: UInt64, properties: [UInt8] = [],
    expiry: Interval? = nil, first: Bool = false
  ) throws(PublishError) -> Publication {
    let topic = utf8("t")
    let bytes = utf8(payload)
    return try manager.publish(
      OutgoingMessage(
        topic: topic.span, properties: properties.span, payload: bytes.span, qos: qos),
      tag: tag, expiry: expiry, first: first, at: now)
  }

  /// How `publish` is refused; nil when it is not.
  func publishError(_ payload: String, _ qos: QoS = .atLeastOnce, tag: UInt64) -> PublishError? {
    do throws(PublishError) {
      try publish(payload, qos, tag: tag)
      return nil
    } catch { return error }
  }

  func keep(_ filter: String, tag: UInt32) throws(RequestError) {
    let bytes = utf8(filter)
    try manager.keepSubscription(
      filter: bytes.span, options: V5.SubscriptionOptions(qos: .atLeastOnce), tag: tag, at: now)
  }

  private func translate(_ event: ManagerEvent) -> Told {
    switch event {
    case .connected(let isPresent, _): return .connected(sessionPresent: isPresent)
    case .ended(let cause, let wasOnline, _): return .ended(cause, wasOnline: wasOnline)
    case .retrying(let wait, let attempt):
      waits.append(wait)
      return .retrying(attempt: attempt)
    case .fallingBack(let level): return .fallingBack(level)
    case .message(let message):
      return .message(manager.withMessage(message) { _, payload in text(payload) })
    case .published(let published): return .published(published.tag, code: published.code)
    case .dropped(let dropped): return .dropped(dropped.tag, dropped.reason)
    case .granted(let tag, let granted):
      return .granted(tag, code: manager.withPacket { bytes in bytes[granted.codes][0] })
    case .notAsked(let tag, let error): return .notAsked(tag, error)
    default: return .other
    }
  }

  // Swift Testing's macros take copyable values only, hence these.
  var deadline: Instant { manager.deadline }
  var isOnline: Bool { manager.isOnline }
  var isIdle: Bool { manager.isIdle }
  var level: ProtocolLevel { manager.protocolLevel }
  var owed: Int { manager.store.count }
  var shortConnections: UInt32 { manager.shortConnections }
  var opens: Int { actions.filter { $0 == .open }.count }
}

/// The payloads of the messages among `packets`, with "!" behind those that have DUP.
func payloads(_ bytes: [UInt8]) -> [String] {
  var rest = bytes
  var payloads: [String] = []
  while case .packet(let packet, let size) = decode(rest, from: .client) {
    if case .publish(let publish) = packet {
      payloads.append(rest.text(publish.payload) + (publish.dup ? "!" : ""))
    }
    rest.removeFirst(size)
  }
  return payloads
}
