import Core
import MQTT

/// A session and its owner, who does anything that the session allows, against a `LegalServer` over a
/// link that delivers in any pieces and breaks at any time. What must hold is checked as it goes:
///
/// - each token is acknowledged at most once, and in the end all are;
/// - a message at QoS 2 is handed over once while the session lasts, and whole, unless it was refused;
/// - DUP marks what was sent over an earlier connection, and nothing else;
/// - no call traps, and no fault is found where there is none.
final class LegalOwner {
  struct Stored {
    var serial: Int
    var qos: QoS
    var size: Int
    var packetID: UInt16
    /// The connection over which it was first sent; nil when it waits.
    var sentOver: Int?
  }

  let server: LegalServer
  let choose: (Int) -> Int
  var session: ClientSession
  var now = Instant.boot
  var problems: [String] = []
  var store: [Stored] = []
  var serialCount = 0
  var connection = 0
  private var isClean = true
  private var wasClean = false
  var method: [UInt8] = []
  private var toServer: [UInt8] = []
  private var toClient: [UInt8] = []
  var handedOver: Set<Int> = []
  var deferred: [(id: UInt16, serial: Int)] = []
  private var options = ConnectOptions(
    level: .v50, cleanSession: true, keepAlive: 10, replyTimeout: .seconds(5))
  /// A large message that is coming: its number, identifier and the bytes still to come.
  private var large: (serial: Int?, id: UInt16, qos: QoS, rest: Int)?
  var isAsked = false

  init(arena: inout Arena, choose: @escaping (Int) -> Int) {
    var sizes = ClientSession.Sizes(
      sendBytes: 160, receiveBytes: 96, inflight: 4, received: 4, requests: 2)
    sizes.outboundAliases = 2
    sizes.inboundAliases = 2
    sizes.aliasTopicBytes = 8
    session = ClientSession(sizes, arena: &arena)
    server = LegalServer(choose: choose)
    self.choose = choose
    open()
  }

  func fail(_ text: String) { problems.append(text) }

  /// One step of anybody.
  func step() {
    switch choose(20) {
    case 0..<3: publish()
    case 3: enqueue()
    case 4, 5: resendSome()
    case 6: acknowledge()
    case 7: ask()
    case 8: authenticate()
    case 9: withdraw()
    case 10, 11: server.tick()
    case 12..<14: carry(all: false)
    case 14..<18: takeEvents(upTo: choose(4) + 1)
    case 18: now = now + .milliseconds(Int64(choose(1_500)))
    default:
      switch choose(12) {
      case 0: breakLink()
      case 1:
        session.disconnect()
        carry(all: true)
        breakLink()
      case 2: session.messageHandled()
      default: carry(all: true)
      }
    }
  }

  /// From now on nothing breaks, and all that is owed is done.
  func calmDown() {
    server.isCalm = true
    for _ in 0..<400 where !isAtRest {
      carry(all: true)
      takeEvents(upTo: 100)
      while !deferred.isEmpty { acknowledge() }
      if isAsked { authenticate() }
      resendSome()
      server.tick()
      now = now + .milliseconds(100)
    }
    if !isAtRest {
      fail("left: \(store) \(server.underWay) and \(session.inflightCount) under way")
    }
  }

  private var isAtRest: Bool {
    store.isEmpty && session.inflightCount == 0 && server.underWay.isEmpty && session.isOnline
  }

  private func open() {
    connection += 1
    isClean = wasClean || choose(8) == 0
    var list: [UInt8] = [0x11, 0, 0, 1, 0, 0x21, 0, UInt8(choose(4) + 1)]
    let aliases = choose(3)
    if aliases > 0 { list += [0x22, 0, UInt8(aliases)] }
    if choose(2) == 0 { list += [0x27, 0, 0, 0, UInt8(70 + choose(60))] }
    method = choose(3) == 0 ? [0x15, 0, 1, 0x6D] : []
    list += method
    options.cleanSession = isClean
    options.acknowledgesByHand = choose(2) == 0
    options.assignsAliases = choose(2) == 0
    options.largeMessages = choose(2) == 0 ? .stream : .skip
    let id: [UInt8] = [0x63]
    do throws(EncodeError) {
      try session.open(options, clientID: id.span, properties: list.span, at: now)
    } catch { fail("CONNECT was refused: \(error)") }
    if isClean { forget() }
    wasClean = isClean
  }

  /// The session has forgotten what was sent: it is published anew, under new numbers.
  private func forget() {
    store.removeAll { $0.sentOver != nil }
    handedOver = []
    deferred = []
  }

  private func breakLink() {
    session.closed()
    server.closed()
    toServer = []
    toClient = []
    large = nil
    isAsked = false
    if choose(12) == 0 { server.forget() }
    open()
  }

  /// Carries bytes both ways.
  private func carry(all: Bool) {
    session.withOutput(at: now) { bytes in
      let count = all ? bytes.count : choose(bytes.count + 1)
      for index in 0..<count { toServer.append(bytes[index]) }
      return count
    }
    let sent = all ? toServer.count : choose(toServer.count + 1)
    server.receive(Array(toServer[..<sent]))
    toServer.removeFirst(sent)
    check()
    toClient += server.outbox
    server.outbox = []
    let room = min(toClient.count, session.receiveCapacity)
    let count = all ? room : choose(room + 1)
    session.receive(at: now) { out in for byte in toClient[..<count] { out.append(byte) } }
    toClient.removeFirst(count)
  }

  private func check() {
    for (serial, dup) in server.arrived {
      guard let stored = store.first(where: { $0.serial == serial }) else { continue }
      if dup != ((stored.sentOver ?? connection) < connection) { fail("DUP \(dup) of \(serial)") }
    }
    problems += server.problems
    server.problems = []
  }

  private func takeEvents(upTo limit: Int) {
    for _ in 0..<limit {
      guard let event = session.nextEvent(at: now) else { return }
      take(event)
    }
  }

  private func take(_ event: SessionEvent) {
    switch event {
    case .connected(let isPresent, _):
      wasClean = false
      if !isPresent { forget() }
    case .message(let message):
      if let serial = serial(of: message) { handedOver(serial, message.packetID, message.qos) }
    case .largeMessage(let message, let bytes):
      _ = session.withMessage(message) { topic, _ in topic.count }
      large = (nil, message.packetID, message.qos, bytes)
    case .payloadPiece(let piece, let isLast): takePiece(piece, isLast: isLast)
    case .acknowledged(let answered):
      guard let index = store.firstIndex(where: { $0.serial == Int(answered.token) }) else {
        return fail("token \(answered.token) once more")
      }
      if store[index].sentOver == nil { fail("an answer to what was not sent") }
      store.remove(at: index)
    case .authenticate(let step): isAsked = step.reason == .continueAuthentication
    case .refused, .disconnected, .failed(.pingTimedOut), .failed(.connectTimedOut),
      .failed(.packetTimedOut):
      breakLink()
    case .failed(let fault):
      fail("failed: \(fault)")
      breakLink()
    case .received, .subscribed, .unsubscribed, .skipped: break
    }
  }

  private func serial(of message: IncomingMessage) -> Int? {
    let (topic, head) = session.withMessage(message) { topic, payload in
      (Self.array(topic), payload.count < 3 ? [] : Self.array(payload.extracting(0..<3)))
    }
    guard head.count == 3, topic == LegalServer.topics[Int(head[2])] else {
      fail("a message that nobody sent")
      return nil
    }
    return Int(head[0]) << 8 | Int(head[1])
  }

  private static func array(_ bytes: Span<UInt8>) -> [UInt8] {
    bytes.indices.map { bytes[$0] }
  }

  private func takePiece(_ piece: Field, isLast: Bool) {
    guard var message = large else { return fail("a piece of nothing") }
    let bytes = session.withPacket { bytes in Self.array(bytes[piece]) }
    if message.serial == nil { message.serial = Int(bytes[0]) }
    message.rest -= bytes.count
    if isLast != (message.rest == 0) { fail("\(message.rest) bytes to come") }
    large = isLast ? nil : message
    if isLast, let serial = message.serial {
      // The first piece may be one byte, hence a number of its own.
      handedOver(1 << 20 | Int(message.id) << 8 | serial, message.id, message.qos)
    }
  }

  private func handedOver(_ serial: Int, _ id: UInt16, _ qos: QoS) {
    if qos == .exactlyOnce && !handedOver.insert(serial).inserted {
      fail("message \(serial) was handed over twice")
    }
    if options.acknowledgesByHand && qos != .atMostOnce { deferred.append((id, serial)) }
  }
}
