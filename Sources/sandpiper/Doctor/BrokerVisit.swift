import CLinux
import Core
import Dialing
import Linux
import MQTT
import Uplink

/// A connection to a broker, made step by step, each of which is waited for: what the agent's loop does,
/// by hand. No step takes longer than its deadline.
struct BrokerVisit: ~Copyable {
  private var loop: EventLoop
  private var transport: Transport
  /// The protocol state.
  var session: ClientSession
  /// Why the connection, or the attempt to make one, has come to its end; nil before.
  private(set) var end: LinkFault?
  /// Where the broker that has refused us sends devices (5.0, section 4.11); nil when it sends them nowhere.
  private(set) var sentTo: ServerReference?
  /// Where `dial` goes instead of to the broker, which has sent us there.
  var reference: ServerReference?
  /// The topic of which messages are counted.
  var countedTopic = Words()
  /// Messages on it that have come.
  private(set) var messageCount = 0
  /// True to send nothing more of what the session has to say.
  var isHolding = false
  private var fault: DialFault?
  private let kind: Endpoint.Kind

  /// Room for a CONNECT with a password, and for a window of short messages.
  private static var sendBytes: Int { 16 << 10 }
  /// Messages of ours that may be under way.
  static var windowMax: Int { 32 }
  /// The transport's tokens begin here; the loop watches nothing else.
  private static var firstToken: UInt32 { 0x0100_0000 }

  /// A visit to one of the brokers of `dial`, whose texts are places in `texts`.
  init(_ dial: DialSpec, texts: Span<UInt8>) throws(SystemError) {
    let seed = Chance.seed()
    let sizes = ClientSession.Sizes(
      sendBytes: Self.sendBytes, receiveBytes: 8 << 10, inflight: Self.windowMax, received: 16,
      requests: 8)
    var plan = Arena()
    _ = Transport(dial, texts: texts, seed: seed, firstToken: Self.firstToken, arena: &plan)
    _ = ClientSession(sizes, arena: &plan)
    guard let block = unsafe Memory.map(plan.used) else {
      throw SystemError(code: ENOMEM, doing: "mmap")
    }
    // Sound: the block is page-aligned and stays mapped until the program ends.
    var arena = unsafe Arena(over: block)
    let watch = try EventLoop()
    var way = Transport(
      dial, texts: texts, seed: seed, firstToken: Self.firstToken, arena: &arena)
    try way.attach(to: watch)
    loop = watch
    transport = way
    kind = dial.endpoint.kind
    session = ClientSession(sizes, arena: &arena)
  }

  // MARK: The steps

  /// Opens a way to a broker, or to the `reference`; false, and `end`, when there is none.
  @inline(never)
  mutating func dial(_ broker: Int) -> Bool {
    close()
    transport.turn(to: broker, sentTo: reference)
    var event = transport.open(at: Clock.now(), loop: loop)
    while event == nil {
      wait(until: transport.deadline)
      event = transport.step(at: Clock.now(), loop: loop)
    }
    if case .failed(let fault)? = event { end = .dial(fault) }
    return end == nil
  }

  /// Sends CONNECT, with a session that ends with the connection and without a will; false, and `end`, when
  /// the broker does not accept it.
  @inline(never)
  mutating func connect(
    as clientID: [UInt8], at level: ProtocolLevel, user: [UInt8], password: [UInt8],
    within timeout: Interval
  ) -> Bool {
    let now = Clock.now()
    let options = ConnectOptions(
      level: level, cleanSession: true, keepAlive: 60, replyTimeout: timeout)
    do throws(EncodeError) {
      try session.open(
        options, clientID: clientID.span, userName: user.isEmpty ? nil : user.span,
        password: user.isEmpty || password.isEmpty ? nil : password.span, at: now)
    } catch {
      preconditionFailure("the profile's strings fit into the send buffer")
    }
    while let event = nextEvent(by: now + timeout * 2) {
      if case .connected = event { return true }
    }
    return false
  }

  /// The next event of the session. Nil when none came by the deadline, and when the connection has come to
  /// its `end`.
  @inline(never)
  mutating func nextEvent(by deadline: Instant) -> SessionEvent? {
    while end == nil {
      let now = Clock.now()
      if let event = session.nextEvent(at: now) {
        switch event {
        case .refused(let refusal, let properties):
          end = .refused(refusal)
          heed(refusal, properties)
        case .disconnected(let disconnect): end = .disconnected(disconnect.reason)
        case .failed(let fault): end = .session(fault)
        case .message(let message):
          session.withMessage(message) { topic, _ in
            if topic.equals(countedTopic.bytes.span) { messageCount += 1 }
          }
          return event
        default: return event
        }
      } else if let fault {
        end = .dial(fault)
      } else {
        if !isHolding { Self.send(&session, over: &transport, at: now) }
        guard now < deadline else { return nil }
        transport.watch(reading: true, writing: session.hasOutput && !isHolding, loop: loop)
        wait(until: min(deadline, min(session.deadline, transport.deadline)))
        receive()
      }
    }
    return nil
  }

  @inline(never)
  private mutating func heed(_ refusal: ConnectRefusal, _ properties: V5.Properties) {
    guard case .reason(let reason) = refusal, reason == .useAnotherServer || reason == .serverMoved
    else { return }
    sentTo = session.withPacket { bytes in
      properties.text(.serverReference, in: bytes).flatMap {
        ServerReference(bytes[$0], kind: kind)
      }
    }
  }

  /// Sends all that the session has to say now, and from then on nothing: no answer of the broker's is looked
  /// at before. False when that does not come about.
  mutating func sendAndHold(within timeout: Interval) -> Bool {
    isHolding = true
    let deadline = Clock.now() + timeout
    while end == nil, fault == nil {
      Self.send(&session, over: &transport, at: Clock.now())
      guard session.hasOutput else { return true }
      guard Clock.now() < deadline else { return false }
      transport.watch(reading: true, writing: true, loop: loop)
      wait(until: min(deadline, transport.deadline))
      receive()
    }
    return false
  }

  /// Says DISCONNECT, waits a little for the broker to close, and closes.
  mutating func leave() {
    session.disconnect()
    let deadline = Clock.now() + .seconds(1)
    while nextEvent(by: deadline) != nil {}
    close()
  }

  /// Closes without a word, and forgets the connection.
  mutating func close() {
    session.closed()
    transport.close(loop: loop)
    (end, fault, sentTo, isHolding) = (nil, nil, nil, false)
  }

  /// Closes everything. (Left to the compiler, each place where a visit ends has all of this in it.)
  @inline(never)
  consuming func endForGood() {}

  // MARK: What is known of the way

  /// The address that was connected to.
  var peer: SocketAddress? { transport.peer }

  /// See `Transport`.
  var serverCertificateEnds: WallTime? { transport.serverCertificateEnds }

  /// See `Transport`.
  var ownCertificateEnds: WallTime? { transport.ownCertificateEnds }

  /// The version of TLS and the cipher suite; empty without TLS.
  var tls: Words { Words(upTo: 80) { out in transport.describeTLS(into: &out) } }

  // MARK: Bytes

  private mutating func wait(until deadline: Instant) {
    Self.wait(&loop, &transport, until: deadline)
  }

  private static func wait(
    _ loop: inout EventLoop, _ transport: inout Transport, until deadline: Instant
  ) {
    loop.wait(until: deadline, at: Clock.now()) { event in transport.note(event) }
  }

  private mutating func receive() {
    let now = Clock.now()
    if case .failed(let reason)? = transport.step(at: now, loop: loop) {
      fault = reason
    } else if transport.hasInput {
      fault = Self.receive(&session, from: &transport, at: now)
    }
  }

  private static func receive(
    _ session: inout ClientSession, from transport: inout Transport, at now: Instant
  ) -> DialFault? {
    var fault: DialFault?
    session.receive(at: now) { out in fault = transport.read(into: &out) }
    return fault
  }

  private static func send(
    _ session: inout ClientSession, over transport: inout Transport, at now: Instant
  ) {
    var count = 0
    repeat {
      session.withOutput(at: now) { bytes in
        count = transport.write(bytes)
        return count
      }
    } while count > 0 && session.hasOutput
  }
}
