import Core

/// One client's MQTT session over any number of transports, one after the other.
///
/// No clock and no socket: bytes go in by `receive`, come out by `withOutput`; time enters with
/// each call; `deadline` says when to call again. All memory comes from the arena at `init`.
///
/// | state | what it means | ends by |
/// |---|---|---|
/// | `closed` | no transport | `open` writes CONNECT |
/// | `connecting` | CONNECT was written, CONNACK is awaited | CONNACK, `replyTimeout` |
/// | `online` | messages pass both ways | a fault, `disconnect` |
/// | `leaving` | DISCONNECT was written; acknowledgements are still taken | `closed` |
/// | `ended` | refused or failed, the owner was told; nothing is read any more | `closed` |
///
/// `closed`, called when the transport has gone, leads back from every state.
///
/// The owner's loop, for each turn: bring what the socket has by `receive`, take `nextEvent` until
/// nil, send what `withOutput` lends, sleep until `deadline` or the socket has something.
///
/// What the session does not hold is the messages: their one store is the owner's, which keeps a
/// QoS 1 or 2 message until `.acknowledged` with its token. The session holds identifiers, in
/// publishing order, for the time between two connections too. It never sends a message twice over
/// the same connection.
public struct ClientSession: ~Copyable {
  /// How much memory a session takes.
  public struct Sizes: BitwiseCopyable, Sendable {
    /// Bytes that wait to be sent; also bounds the largest packet, `ClientSession.sendReserve`
    /// bytes smaller. At least 128.
    public var sendBytes: Int
    /// Bytes received; the largest packet that can be handed over. At least 64.
    public var receiveBytes: Int
    /// Messages at QoS 1 and 2 sent and not acknowledged.
    public var inflight: Int
    /// Messages at QoS 2 received and not released.
    public var received: Int
    /// SUBSCRIBE and UNSUBSCRIBE sent and not answered.
    public var requests: Int

    /// Sizes of the buffers and tables.
    public init(
      sendBytes: Int, receiveBytes: Int, inflight: Int, received: Int, requests: Int
    ) {
      self.sendBytes = sendBytes
      self.receiveBytes = receiveBytes
      self.inflight = inflight
      self.received = received
      self.requests = requests
    }
  }

  enum State: BitwiseCopyable {
    case closed
    case connecting(until: Instant)
    case online
    case leaving
    case ended
  }

  /// Bytes of the send buffer that messages and requests leave to acknowledgements, PINGREQ and
  /// DISCONNECT, so that a full buffer does not silence the session.
  public static var sendReserve: Int { 32 }

  var state = State.closed
  var options = ConnectOptions(
    level: .v311, cleanSession: true, keepAlive: 0, replyTimeout: .zero)
  var output: ByteQueue
  var input: ByteQueue
  var inflight: InflightWindow
  var received: RequestTable
  var requests: RequestTable
  /// The identifier given last; 0 before the first.
  var lastPacketID: UInt16 = 0
  /// Messages `0..<resendIndex` of `inflight` were sent over this connection.
  var resendIndex = 0
  var keepAlive = KeepAlive(seconds: 0, replyTimeout: .zero, at: .boot)
  /// Bytes of `output` up to the end of a PINGREQ that still waits there; 0 for none.
  var unsentPing = 0
  /// The message that the owner is looking at; its bytes are the first of `input`.
  var lent: Lent?
  /// The packet that is passed over because it is larger than `input`.
  var skip: Skip?
  /// When the packet at the front of `input` began to come; `never` when none has begun.
  var packetSince = Instant.never
  /// When it must be whole.
  var packetBy = Instant.never
  /// What was counted so far.
  public internal(set) var counters = SessionCounters()

  /// A session without a transport, in memory from `arena`.
  public init(_ sizes: Sizes, arena: inout Arena) {
    precondition(sizes.sendBytes >= 128 && sizes.receiveBytes >= 64)
    precondition(sizes.inflight > 0 && sizes.received > 0 && sizes.requests > 0)
    precondition(sizes.inflight + sizes.requests < UInt16.max, "a free identifier is always found")
    output = ByteQueue("MQTT send buffer", capacity: sizes.sendBytes, arena: &arena)
    input = ByteQueue("MQTT receive buffer", capacity: sizes.receiveBytes, arena: &arena)
    inflight = InflightWindow(capacity: sizes.inflight, arena: &arena)
    received = RequestTable(
      "MQTT QoS 2 messages received", capacity: sizes.received, arena: &arena)
    requests = RequestTable("MQTT requests", capacity: sizes.requests, arena: &arena)
  }

  /// The transport is open: writes CONNECT. Throws when CONNECT cannot be written, which is for
  /// good; the session stays closed then.
  ///
  /// With a clean session, what was under way is forgotten here.
  public mutating func open(
    _ options: ConnectOptions, clientID: Span<UInt8>, will: Will? = nil,
    userName: Span<UInt8>? = nil, password: Span<UInt8>? = nil, at now: Instant
  ) throws(EncodeError) {
    guard case .closed = state else { preconditionFailure("one transport at a time") }
    try output.append { (out) throws(EncodeError) in
      try Connect.encode(
        level: options.level, cleanSession: options.cleanSession, keepAlive: options.keepAlive,
        clientID: clientID, will: will, userName: userName, password: password, into: &out)
      // DISCONNECT may follow at any time.
      guard out.freeCapacity >= BarePacket.size else { throw .bufferFull }
    }
    self.options = options
    if options.cleanSession { forget() }
    state = .connecting(until: now + options.replyTimeout)
  }

  /// The transport has gone. Messages under way stay for the next one; requests, and bytes that
  /// were not sent or not read, do not.
  public mutating func closed() {
    state = .closed
    output.removeAll()
    input.removeAll()
    requests.removeAll()
    unsentPing = 0
    lent = nil
    skip = nil
    packetCompleted()
  }

  /// Writes DISCONNECT: the server forgets the will. Close the transport once the output is sent.
  public mutating func disconnect() {
    switch state {
    case .connecting, .online:
      state = .leaving
      let level = options.level
      write { (out) throws(EncodeError) in
        try BarePacket.disconnect.encode(level: level, into: &out)
      }
    case .closed, .leaving, .ended: break
    }
  }

  /// True between CONNACK and the end: messages can be published.
  public var isOnline: Bool {
    if case .online = state { return true }
    return false
  }

  /// Messages at QoS 1 and 2 that were sent and not acknowledged.
  public var inflightCount: Int { inflight.count }

  /// True while the server owes an answer to a message, a SUBSCRIBE or an UNSUBSCRIBE.
  public var awaitsAnswer: Bool { inflight.count > 0 || requests.count > 0 }

  /// When `nextEvent` is to be called even if nothing was received.
  public var deadline: Instant {
    switch state {
    case .connecting(let until): until
    case .online: min(keepAlive.deadline, packetBy)
    case .closed, .leaving, .ended: .never
    }
  }

  /// True when `withOutput` has something to lend.
  public var hasOutput: Bool { output.count > 0 }

  /// Lends what is to be sent; `body` says how many of the bytes the transport took.
  public mutating func withOutput(at now: Instant, _ body: (Span<UInt8>) -> Int) {
    guard hasOutput else { return }
    let count = output.withBytes { bytes in body(bytes) }
    guard count > 0 else { return }
    output.consume(count)
    unsentPing = max(0, unsentPing - count)
    counters.bytesSent &+= UInt64(wide: count)
    keepAlive.sent(at: now)
  }

  /// No packet is under way from the server.
  mutating func packetCompleted() {
    packetSince = .never
    packetBy = .never
  }

  /// Forgets all messages under way, in both directions: the state that MQTT calls the session
  /// (section 3.1.2.4). Identifiers go on from where they are.
  mutating func forget() {
    inflight.removeAll()
    received.removeAll()
    resendIndex = 0
  }

  /// Appends a small packet for which there is room and in which nothing can be wrong.
  mutating func write(_ encode: (inout OutputSpan<UInt8>) throws(EncodeError) -> Void) {
    do throws(EncodeError) {
      try output.append(upTo: Acknowledgement.size, encode)
    } catch {
      preconditionFailure("room was kept for it")
    }
  }

  /// Reports `fault` and takes no part any more until the transport has gone.
  mutating func fail(_ fault: SessionFault) -> SessionEvent {
    state = .ended
    return .failed(fault)
  }
}
