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
/// | `online` | messages pass both ways | a fault, DISCONNECT of either side |
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
    /// Bytes received; the largest packet that can be handed over in one piece. At least 64.
    public var receiveBytes: Int
    /// Messages at QoS 1 and 2 sent, or to be sent, and not acknowledged. Up to 65,000.
    public var inflight: Int
    /// Messages at QoS 2 received and not released, and those that wait for an acknowledgement by
    /// hand.
    public var received: Int
    /// SUBSCRIBE and UNSUBSCRIBE sent and not answered. Up to 500.
    public var requests: Int
    /// Topics that aliases of ours can stand for (5.0); 0 for no aliases.
    public var outboundAliases = 0
    /// Topics that aliases of the server can stand for: the highest Topic Alias Maximum that CONNECT
    /// may announce.
    public var inboundAliases = 0
    /// Bytes of the longest topic that an alias can stand for.
    public var aliasTopicBytes = 128

    /// Sizes of the buffers and tables, without aliases.
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

  enum State: UInt8, BitwiseCopyable {
    case closed
    case connecting
    case online
    case leaving
    case ended
  }

  /// Whose turn it is in an authentication (5.0 section 4.12): the server asks, the client answers.
  enum Authentication: BitwiseCopyable {
    case none
    case awaitsServer
    case awaitsOwner
  }

  /// Bytes of the send buffer that messages and requests leave to acknowledgements, PINGREQ and
  /// DISCONNECT, so that a full buffer does not silence the session.
  public static var sendReserve: Int { 32 }

  var state = State.closed
  /// When CONNACK, or the next step of an authentication, has to be there.
  var connectBy = Instant.never
  var options = ConnectOptions(
    level: .v311, cleanSession: true, keepAlive: 0, replyTimeout: .zero)
  var output: ByteQueue
  var input: ByteQueue
  var inflight: PacketRing<OutgoingEntry>
  var received: PacketRing<IncomingEntry>
  var requests: PacketRing<RequestEntry>
  var ids = PacketIDs()
  /// Messages `0..<sentCount` of `inflight` were sent over this connection.
  var sentCount = 0
  var outbound: TopicAliases
  var inbound: TopicAliases
  var keepAlive = KeepAlive(seconds: 0, replyTimeout: .zero, at: .boot)
  /// Whether answers are late, where the owner wants that watched.
  var answers = AnswerWatch()
  /// Since when the transport has taken nothing of what waits; `never` while nothing waits.
  var stalledSince = Instant.never
  /// Bytes of `output` up to the end of a PINGREQ that still waits there; 0 for none.
  var unsentPing = 0
  /// The packet that the owner is looking at; its bytes are the first of `input`.
  var lent: Lent?
  /// The message that is larger than `input`.
  var large: LargeMessage?
  /// How the packet at the front of `input` comes along; nil when none has begun.
  var progress: PacketProgress?
  var own = OwnLimits()
  var authentication = Authentication.none
  /// What the server allows over the present connection.
  public internal(set) var serverLimits = ServerLimits(keepAlive: 0) {
    didSet { forbiddenFlags = serverLimits.forbiddenFlags }
  }
  /// Those of `serverLimits`, at hand for each message.
  private(set) var forbiddenFlags: UInt8 = 0
  /// What the server has said of a session present, also in 3.1 where that means nothing.
  public internal(set) var hasSaidPresent = false
  /// The most messages of ours that are to be under way at once, whatever the server takes; 1 is the
  /// least.
  public var windowMax = Int.max
  /// What was counted so far.
  public internal(set) var counters = SessionCounters()
  private let pinned = Pinned()

  /// A session without a transport, in memory from `arena`.
  public init(_ sizes: Sizes, arena: inout Arena) {
    precondition(sizes.sendBytes >= 128 && sizes.receiveBytes >= 64)
    precondition(sizes.inflight > 0 && sizes.received > 0 && sizes.requests > 0)
    precondition(sizes.inflight <= 65_000 && sizes.requests <= 500, "an identifier is always free")
    precondition(sizes.outboundAliases <= 65_535 && sizes.inboundAliases <= 65_535)
    output = ByteQueue("MQTT send buffer", capacity: sizes.sendBytes, arena: &arena)
    input = ByteQueue("MQTT receive buffer", capacity: sizes.receiveBytes, arena: &arena)
    inflight = PacketRing(
      "MQTT messages in flight", capacity: sizes.inflight, none: .none, arena: &arena)
    received = PacketRing(
      "MQTT QoS 2 messages received", capacity: sizes.received, none: .none, arena: &arena)
    requests = PacketRing("MQTT requests", capacity: sizes.requests, none: .none, arena: &arena)
    outbound = TopicAliases(
      "MQTT topic aliases of ours", capacity: sizes.outboundAliases,
      topicBytesMax: sizes.aliasTopicBytes, arena: &arena)
    inbound = TopicAliases(
      "MQTT topic aliases of the server", capacity: sizes.inboundAliases,
      topicBytesMax: sizes.aliasTopicBytes, arena: &arena)
  }

  /// The transport is open: writes CONNECT. Throws when CONNECT cannot be written, which is for
  /// good; the session stays closed then.
  ///
  /// `properties`, for 5.0 only, are as `V5.Properties.append` has written them; none is added. What
  /// they announce the session holds the server to: a Receive Maximum of at most `Sizes.received`, a
  /// Topic Alias Maximum of at most `Sizes.inboundAliases`, a Maximum Packet Size; larger ones are
  /// `invalidProperties`. With a clean session, what was under way is forgotten here.
  public mutating func open(
    _ options: ConnectOptions, clientID: Span<UInt8>, will: Will? = nil,
    userName: Span<UInt8>? = nil, password: Span<UInt8>? = nil,
    properties: Span<UInt8> = Span(), at now: Instant
  ) throws(EncodeError) {
    precondition(state == .closed, "a session has one transport at a time")
    var own = OwnLimits()
    if options.level.isV5 {
      own = try OwnLimits(written: properties)
      guard own.topicAliasMaximum <= inbound.capacity else { throw .invalidProperties }
      guard own.receiveMaximum <= received.capacity || own.receiveMaximum == 65_535 else {
        throw .invalidProperties
      }
    } else {
      guard properties.isEmpty, will?.properties.isEmpty ?? true else { throw .invalidProperties }
    }
    try output.append { (out) throws(EncodeError) in
      if options.level.isV5 {
        try V5.Connect.encode(
          cleanStart: options.cleanSession, keepAlive: options.keepAlive, properties: properties,
          clientID: clientID, will: will, userName: userName, password: password, into: &out)
      } else {
        try Connect.encode(
          level: options.level, cleanSession: options.cleanSession, keepAlive: options.keepAlive,
          clientID: clientID, will: will, userName: userName, password: password, into: &out)
      }
      // DISCONNECT may follow at any time.
      guard out.freeCapacity >= BarePacket.size else { throw .bufferFull }
    }
    self.options = options
    self.own = own
    serverLimits = ServerLimits(keepAlive: options.keepAlive)
    authentication = own.method == nil ? .none : .awaitsServer
    // Who acknowledged by hand before, and does not now, will not answer what is left of it.
    leaveReceivedBehind()
    if options.cleanSession { forget() }
    state = .connecting
    connectBy = now + options.replyTimeout
    answers = AnswerWatch()
    watch(0)
  }

  /// True between CONNACK and the end: messages can be published.
  public var isOnline: Bool { state == .online }

  /// The version of the present connection, or of the one before.
  public var level: ProtocolLevel { options.level }

  /// Messages at QoS 1 and 2 that were taken and not acknowledged.
  public var inflightCount: Int { inflight.count }

  /// True when one more message at QoS 1 or 2 cannot be taken.
  var isFull: Bool { inflight.isFull }

  /// True while the server owes an answer to a message, a SUBSCRIBE or an UNSUBSCRIBE.
  public var awaitsAnswer: Bool { inflight.count > 0 || requests.count > 0 }

  /// True when nothing that was sent over this connection waits for its answer.
  public var isAnswered: Bool { sentCount == 0 && requests.count == 0 }

  /// When the last byte came from the server, for as long as the session is online.
  public var lastReceived: Instant { keepAlive.receivedAt }

  /// When `nextEvent` is to be called even if nothing was received.
  public var deadline: Instant {
    switch state {
    case .connecting: min(connectBy, progress?.deadline ?? .never)
    case .online:
      min(min(keepAlive.deadline, progress?.deadline ?? .never), min(lateAt, stalledBy))
    case .closed, .leaving, .ended: .never
    }
  }

  /// Bytes that wait to be sent.
  public var outputCount: Int { output.count }

  /// True when `withOutput` has something to lend.
  public var hasOutput: Bool { output.count > 0 }

  /// Lends what is to be sent; `body` says how many of the bytes the transport took.
  public mutating func withOutput(at now: Instant, _ body: (Span<UInt8>) -> Int) {
    guard hasOutput else { return }
    let count = output.withBytes { bytes in body(bytes) }
    guard count > 0 else {
      if stalledSince == .never { stalledSince = now }
      return
    }
    output.consume(count)
    stalledSince = output.count > 0 ? now : .never
    unsentPing = max(0, unsentPing - count)
    counters.bytesSent &+= UInt64(wide: count)
    keepAlive.sent(at: now)
    if options.watchesAnswers { answers.left(upTo: counters.bytesSent, at: now) }
  }

  /// Forgets all messages under way, in both directions: the state that MQTT calls the session
  /// (section 3.1.2.4). Those that were never sent are not of it, and stay. Identifiers go on from
  /// where they are; a message that begins anew keeps its own, which the server knows no more.
  mutating func forget() {
    var index = 0
    while index < inflight.count {
      if inflight[index].stage == .waiting {
        index += 1
      } else if options.requeuesLostMessages {
        inflight[index].stage = .waiting
        index += 1
      } else {
        inflight.remove(at: index)
      }
    }
    received.removeAll()
    sentCount = 0
  }

  /// Appends a small packet for which there is room and in which nothing can be wrong.
  mutating func write(_ encode: (inout OutputSpan<UInt8>) throws(EncodeError) -> Void) {
    do throws(EncodeError) {
      try output.append(upTo: Self.sendReserve, encode)
    } catch {
      preconditionFailure("room was kept for it")
    }
  }
}
