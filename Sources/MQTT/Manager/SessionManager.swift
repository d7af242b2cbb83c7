import Core

/// A client that keeps its connection: connects, connects again after a loss with growing waits,
/// keeps what is to be published until the server has it, and restores subscriptions.
///
/// As `ClientSession`, which it is built on, it knows no clock and no socket. It wants a transport by
/// `nextAction`, and is told what became of it.
///
/// | state | waits for | then |
/// |---|---|---|
/// | `idle` | `connect` | `opening` |
/// | `waiting` | the end of the back-off | `opening` |
/// | `opening` | `opened` or `transportFailed` | `connecting`, or the end |
/// | `connecting` | CONNACK | `online`, or the end |
/// | `online` | a loss, or `disconnect` | the end, or `draining` |
/// | `draining` | acknowledgements of what was published, or its deadline | `leaving` |
/// | `leaving` | the server to close after DISCONNECT, or a deadline | the end |
/// | `flushing` | a last DISCONNECT to leave, or a deadline | the end |
///
/// The end, whatever its cause, is told once by `.ended` and leads to `waiting`, or to `idle` when the
/// owner has asked for it or wants no reconnection. `idle` is the only state without a deadline.
///
/// The owner's loop: carry out `nextAction`; bring bytes by `receive`; take `nextEvent` until nil;
/// send what `withOutput` lends; sleep until `deadline`.
public struct SessionManager: ~Copyable {
  enum State: BitwiseCopyable, Equatable {
    case idle
    case waiting(until: Instant)
    case opening
    case connecting
    case online(since: Instant)
    case draining(until: Instant)
    case leaving(until: Instant)
    case flushing(ConnectionEnd, until: Instant)
  }

  /// What the owner has to do.
  public enum Action: BitwiseCopyable, Equatable, Sendable {
    /// Drop any transport and open one; answer with `opened` or `transportFailed`.
    case open
    /// Drop the transport. No answer.
    case close
  }

  /// How the connection is kept. Changes count from the next attempt on.
  public var options: ManagerOptions {
    didSet {
      if options.connect.level != oldValue.connect.level
        || options.fallsBack != oldValue.fallsBack
      {
        versions = options.versions
      }
      if !options.hasBackoff(of: oldValue) { backoff = options.backoff }
    }
  }
  /// The most messages at QoS 1 and 2 that are under way at once, whatever the server takes; 1 is the
  /// least. Counts for what is sent from now on.
  public var windowMax: Int {
    get { session.windowMax }
    set { session.windowMax = newValue }
  }
  /// The protocol state.
  public internal(set) var session: ClientSession
  /// What is not acknowledged.
  public internal(set) var store: MessageStore
  var identity: IdentityStore
  var book: SubscriptionBook
  var marks: UnsentMarks
  var drops: DropQueue
  var state = State.idle
  var versions: VersionChoice
  var action: Action?
  /// The end, or what comes after it. Only `nextEvent` and what ends a connection set it, never
  /// while there is one.
  var pending: ManagerEvent?
  /// The end that was told, to be carried out at the next step.
  var ending: ConnectionEnd?
  /// True when nothing can be sent or received any more.
  var isTransportGone = true
  var backoff: Backoff
  var chance: Generator
  /// The owner wants a connection.
  public internal(set) var isWanted = false
  /// The next attempt begins as soon as this connection has ended.
  var connectsNext = false
  /// The connection that has ended was never accepted.
  var endedConnecting = false
  /// What DISCONNECT is to say.
  var leaveReason = V5.DisconnectReason.normalDisconnection
  /// Grows with each connection: what an alias belongs to.
  var connection: UInt32 = 0
  /// The earliest moment at which a message in the store expires; found anew when it has come.
  var expiryDue = Instant.never
  /// Connections, one after the other, that were lost before they were stable: from three on another
  /// client may have the same identifier.
  public internal(set) var shortConnections: UInt32 = 0
  /// Connections that a server has accepted.
  public internal(set) var connectionCount: UInt32 = 0
  /// Messages that were dropped.
  public internal(set) var droppedCount: UInt32 = 0

  /// A manager that wants no connection yet. `seed` is what the jitter is drawn from.
  public init(
    _ options: ManagerOptions, sizes: ManagerSizes, seed: UInt64, arena: inout Arena
  ) {
    self.options = options
    versions = options.versions
    backoff = options.backoff
    chance = Generator(seed: seed)
    session = ClientSession(sizes.session, arena: &arena)
    store = MessageStore(
      messages: sizes.session.inflight, bytes: sizes.storeBytes, arena: &arena)
    identity = IdentityStore(bytes: sizes.identityBytes, arena: &arena)
    book = SubscriptionBook(
      count: sizes.subscriptions, entryBytesMax: sizes.subscriptionBytes, arena: &arena)
    marks = UnsentMarks(count: sizes.unsentMarks, arena: &arena)
    drops = DropQueue(count: sizes.session.inflight, arena: &arena)
  }

  /// Says who connects, from the next attempt on; to be called before `connect`, and before any
  /// attempt for which credentials have changed. False, and nothing is changed, when
  /// `ManagerSizes.identityBytes` are too few.
  public mutating func identify(_ wanted: borrowing ConnectIdentity) -> Bool {
    identity.set(wanted)
  }

  /// Draws the jitter from another seed from now on.
  public mutating func reseed(_ seed: UInt64) { chance = Generator(seed: seed) }

  /// True while the server has accepted the connection and it has not come to its end.
  public var isOnline: Bool {
    switch state {
    case .online, .draining: session.isOnline
    default: false
    }
  }

  /// True while DISCONNECT is on its way: when there is no output any more, the transport can be told
  /// that nothing follows.
  public var isClosing: Bool {
    switch state {
    case .leaving, .flushing: true
    case .idle, .waiting, .opening, .connecting, .online, .draining: false
    }
  }

  /// True when nothing happens before `connect`.
  public var isIdle: Bool {
    state == .idle && ending == nil && pending == nil && drops.isEmpty && !book.hasFailed
  }

  /// True while there is a connection, or an attempt at one, that does not come to its end.
  public var isUnderWay: Bool {
    switch state {
    case .opening, .connecting, .online: ending == nil
    case .idle, .waiting, .draining, .leaving, .flushing: false
    }
  }

  /// True when DISCONNECT has left, or waits to: nothing is written behind it, so the transport can be
  /// told to close once `hasOutput` is false.
  public var isLeaving: Bool {
    if case .leaving = state { return true }
    return false
  }

  /// What DISCONNECT has said, or is to say; nil before 5.0, where it says nothing.
  public var leavingReason: V5.DisconnectReason? {
    protocolLevel.isV5 ? leaveReason : nil
  }

  /// The version of the present or the next connection.
  public var protocolLevel: ProtocolLevel { versions.level }

  /// When `nextEvent` is to be called even if nothing has happened.
  public var deadline: Instant {
    if ending != nil || pending != nil || !drops.isEmpty || book.hasFailed { return .boot }
    let own: Instant
    switch state {
    case .idle, .opening: own = .never
    case .waiting(let until), .leaving(let until), .flushing(_, let until): own = until
    case .connecting, .online: own = session.deadline
    case .draining(let until): own = min(until, session.deadline)
    }
    return min(own, expiryDue)
  }

  /// What the owner has to do next, once.
  public mutating func nextAction() -> Action? {
    defer { action = nil }
    return action
  }

  // MARK: Wishes

  /// Wants a connection: an attempt begins at once, whatever back-off was waited for, or when the
  /// connection that comes to its end has done so. Does nothing while there is a connection or an
  /// attempt.
  public mutating func connect() {
    isWanted = true
    guard ending == nil else { return connectsNext = true }
    switch state {
    case .idle, .waiting: beginAttempt()
    case .draining, .leaving, .flushing: connectsNext = true
    case .opening, .connecting, .online: break
    }
  }

  /// Wants no connection any more: what was published is acknowledged first, for up to `drain`; then
  /// DISCONNECT is sent and the server closes. `.ended` follows, with `.asked` if nothing comes in
  /// between. What is left in the store stays there. Without a connection there is nothing to drain.
  public mutating func disconnect(
    drain: Interval = .zero, reason: V5.DisconnectReason = .normalDisconnection, at now: Instant
  ) {
    isWanted = false
    connectsNext = false
    leaveReason = reason
    guard ending == nil else { return }
    switch state {
    case .idle, .draining, .leaving, .flushing: break
    case .waiting: stopWaiting(.asked)
    case .opening, .connecting: end(.asked, at: now)
    case .online:
      state = .draining(until: now + drain)
      drainOn(at: now)
    }
  }

  /// Leaves at once with DISCONNECT, its reason and properties (5.0 section 3.14). Throws, and stays,
  /// when they may not be.
  public mutating func disconnect(
    reason: V5.DisconnectReason, properties: Span<UInt8>, at now: Instant
  ) throws(RequestError) {
    guard case .online = state, ending == nil else {
      return disconnect(reason: reason, at: now)
    }
    try session.disconnect(reason: reason, properties: properties)
    isWanted = false
    leaveReason = reason
    state = .leaving(until: now + options.closeTimeout)
  }

  /// Drops the connection without DISCONNECT: the server publishes the will. `.ended(.aborted)`
  /// follows if there was a connection, an attempt, or a wait for one.
  public mutating func abort(at now: Instant) {
    isWanted = false
    connectsNext = false
    guard ending == nil else { return }
    switch state {
    case .idle: break
    case .waiting: stopWaiting(.aborted)
    case .flushing: ending = .aborted
    case .opening, .connecting, .online, .draining, .leaving: end(.aborted, at: now)
    }
  }

  private mutating func stopWaiting(_ cause: ConnectionEnd) {
    state = .idle
    pending = .ended(cause, wasOnline: false, properties: V5.Properties(noneAt: 0))
  }

  // MARK: The transport

  /// The transport is open: CONNECT is written.
  public mutating func opened(at now: Instant) {
    guard case .opening = state else { return }
    var options = options.forSession
    options.level = protocolLevel
    isTransportGone = false
    state = .connecting
    do throws(EncodeError) {
      try identity.open(&session, options, at: now)
    } catch {
      end(.unopenable(error), at: now)
    }
  }

  /// The transport did not open, has failed, or was closed by the server. What it brought before is
  /// still taken.
  public mutating func transportFailed(at now: Instant) {
    switch state {
    case .idle, .waiting: return
    case .opening: end(.transport, at: now)
    case .connecting, .online, .draining, .leaving, .flushing: isTransportGone = true
    }
  }

  /// Bytes that `receive` has room for.
  public var receiveCapacity: Int { takesBytes ? session.receiveCapacity : 0 }

  /// Takes what the transport has brought.
  public mutating func receive(at now: Instant, _ fill: (inout OutputSpan<UInt8>) -> Void) {
    guard takesBytes else { return }
    session.receive(at: now, fill)
  }

  /// True when `withOutput` has something to lend.
  public var hasOutput: Bool { takesBytes && session.hasOutput }

  /// Lends what is to be sent; `body` says how many of the bytes the transport took.
  public mutating func withOutput(at now: Instant, _ body: (Span<UInt8>) -> Int) {
    guard takesBytes else { return }
    session.withOutput(at: now, body)
  }

  private var takesBytes: Bool {
    switch state {
    case .connecting, .online, .draining, .leaving, .flushing: !isTransportGone
    case .idle, .waiting, .opening: false
    }
  }

  mutating func beginAttempt() {
    state = .opening
    action = .open
  }
}
