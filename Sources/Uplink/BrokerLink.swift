import Core
import Dialing
import MQTT

/// The connection to the broker: when to connect, what to send next, what is settled.
///
/// | state      | waits for                                  | then                                  |
/// |------------|--------------------------------------------|---------------------------------------|
/// | waiting    | the end of the back-off                    | have a way to the broker opened       |
/// | dialing    | that way; its deadlines are the rim's      | send CONNECT, or wait again           |
/// | opening    | CONNACK (the session's deadline)           | online, or wait again                 |
/// | online     | a fault, or `disconnect`                   | wait again, or closing                |
/// | closing    | the broker to close after DISCONNECT       | stopped                               |
/// | returning  | the same                                   | wait, for the first of several brokers |
/// | stopped    | nothing                                    |                                       |
///
/// Every loss, whatever its cause, goes through `lose`, and so through the back-off; no publish
/// bypasses it.
public struct BrokerLink<Medium: Storage & ~Copyable>: ~Copyable {
  /// How the connection is kept.
  public let spec: UplinkSpec
  /// The protocol state of the present session.
  public var session: ClientSession
  /// What is unacknowledged, in memory.
  public var outbox: Outbox
  /// What is unacknowledged, in the journal: older than what is in memory.
  public internal(set) var backlog: Backlog<Medium>
  /// Merges readings where room gets short.
  var merger: Merger
  /// How much the journal may write.
  var flash: FlashBudget
  /// When the last byte came over a connection that was lost.
  public private(set) var heardAt = Instant.boot
  /// The end is near: what waits is kept, whatever the link does.
  var keepsAll = false
  /// When what had to wait for a link goes from memory to the journal; a link that comes and goes does not put
  /// it off.
  var spillAt: Instant
  /// When it is noted in the journal how far it is drained.
  var marksAt = Instant.never
  /// When a medium that has failed may be tried again.
  var retryAt = Instant.boot
  /// Counts since start.
  public internal(set) var counters = LinkCounters()
  var state: LinkState
  var topic: Table<UInt8>
  var payload: Table<UInt8>
  /// Which version the broker is asked for.
  var versions: VersionChoice
  private var retry: RetryPolicy
  /// Which of several brokers is asked.
  var choice: BrokerChoice
  /// Where a broker has sent us, whether the present attempt goes there, and whether the next one does
  /// because we were told just now.
  var redirection: Redirection?
  var isAtReference = false
  var isPlaceNew = false
  /// References followed in a row.
  var hops: UInt8 = 0
  /// No records leave: the link is about to go back to the first broker.
  var holdsRecords = false
  /// No records leave until nothing is under way: memory is short, and the rest goes to the journal.
  var waitsToSpill = false
  /// This connection has been told once that it is time to go back.
  var hasBegunReturn = false
  private var chance: Generator
  var action: LinkAction?
  private var event: LinkEvent?
  /// When the broker must have answered something of all that it owes an answer to.
  var answerBy = Instant.never
  var packsUnderWay = InlineArray<64, Bool>(repeating: false)
  /// How much of a backlog may be under way.
  public internal(set) var window: SendWindow

  /// When records leave.
  var batch: BatchWindow
  /// How long the link may be idle, and what of that the present connection has told so far.
  var probe: KeepAliveProbe
  var idleSeen = Interval.zero

  private let pinned = Pinned()

  /// Which message the broker may be closing the connection for.
  var probation = Probation()

  /// The longest topic, in bytes: base, id, kind and point name at their longest.
  public static var topicBytesMax: Int { 256 }

  /// A link that makes its first attempt within the first back-off, in memory from `arena`.
  ///
  /// Records are of `series` series.
  public init(
    _ spec: UplinkSpec, series: Int, medium: consuming Medium, seed: UInt64, start: Instant,
    arena: inout Arena
  ) {
    self.spec = spec
    spillAt = start + spec.spillAfter
    backlog = Backlog(
      medium, isWanted: spec.journalBytes > 0, inflight: spec.inflight, arena: &arena)
    versions = spec.version
    session = ClientSession(Self.sizes(spec), arena: &arena)
    outbox = Outbox(
      bytes: spec.outboxBytes, inflight: spec.inflight, series: series, arena: &arena)
    merger = Merger(series: series, arena: &arena)
    flash = FlashBudget(bytesPerDay: spec.flashPerDay, at: start)
    // Packets from the outbox, then those from the journal.
    window = SendWindow(
      packetCount: spec.journalBytes > 0 ? 2 * spec.inflight : spec.inflight,
      bytesMax: spec.inflight * spec.packetBytes, arena: &arena)
    topic = arena.table("topic under construction", count: Self.topicBytesMax, filledWith: 0)
    payload = arena.table(
      "payload under construction", count: spec.packetBytes, filledWith: 0)
    retry = RetryPolicy(spec)
    choice = BrokerChoice(count: spec.dial.brokerCount, returnAfter: spec.returnAfter)
    chance = Generator(seed: seed)
    state = .waiting(until: start + chance.interval(below: spec.backoffMinimum))
    batch = BatchWindow(every: spec.batchEvery, at: start, &chance)
    probe = KeepAliveProbe(from: spec.probeFrom, to: spec.keepAlive)
    outbox.urgent = spec.urgent
  }

  /// Messages at QoS 2 that may be under way from the broker: nobody needs to send any.
  static var receivedMax: Int { 16 }

  private static func sizes(_ spec: UplinkSpec) -> ClientSession.Sizes {
    var sizes = ClientSession.Sizes(
      sendBytes: 2 * spec.packetBytes, receiveBytes: spec.packetBytes,
      inflight: spec.inflight + directMax, received: receivedMax, requests: 8)
    if spec.version.wanted == .v50 { sizes.outboundAliases = 16 }
    return sizes
  }

  /// True while the broker has a session with us.
  public var isOnline: Bool {
    if case .online = state { true } else { false }
  }

  /// True once DISCONNECT is written: nothing follows the session's present output.
  public var isClosing: Bool {
    switch state {
    case .closing, .returning: true
    case .waiting, .dialing, .opening, .online, .stopped: false
    }
  }

  /// True when nothing more will happen.
  public var isStopped: Bool {
    if case .stopped = state { true } else { false }
  }

  /// What the ends of connections and attempts say together.
  public var standing: LinkStanding { retry.standing }

  /// The earliest moment at which `deadlineReached` has something to do.
  public var deadline: Instant {
    switch state {
    case .waiting(let until), .closing(let until), .returning(let until): min(until, keepAt)
    case .opening: min(session.deadline, keepAt)
    case .online:
      min(min(session.deadline, answerBy), min(min(keepAt, returnAt), batch.deadline))
    case .dialing: keepAt
    case .stopped: keepsAll ? keepAt : .never
    }
  }

  /// What the rim has to do next, once.
  public mutating func nextAction() -> LinkAction? {
    defer { action = nil }
    return action
  }

  // MARK: What has happened

  /// The next thing that happened, one at a time.
  public mutating func nextEvent(
    _ renderer: borrowing some MessageRenderer & ~Copyable, at now: Instant
  ) -> LinkEvent? {
    if let event {
      self.event = nil
      return event
    }
    switch state {
    case .opening, .online: break
    case .closing, .returning:
      // Whatever still comes is read, so that the end behind it can be.
      while let event = session.nextEvent(at: now) {
        if case .acknowledged(let answered) = event { settle(answered, renderer, at: now) }
      }
      return takeEvent()
    case .waiting, .dialing, .stopped: return nil
    }
    while let event = session.nextEvent(at: now) {
      switch event {
      case .acknowledged, .subscribed, .unsubscribed:
        answerBy = .never
        probation.hasHeard = true
        retry.acknowledged()
      default: break
      }
      switch event {
      case .connected(let sessionPresent, _):
        if let refusal = unfitness {
          lose(.refused(refusal), at: now)
          break
        }
        state = .online(since: now)
        versions.accepted()
        retry.accepted()
        answerBy = .never
        holdsRecords = false
        hasBegunReturn = false
        (probation.hasHeard, probation.hasAsked) = (false, false)
        beginEconomy(at: now)
        counters.connections &+= 1
        outbox.connectionOpened(resuming: sessionPresent)
        backlog.connectionOpened()
        outbox.hasLeftToJournal = false
        window.connectionOpened()
        if outbox.nextHistorical() == nil { spillAt = .never }
        if !sessionPresent { packsUnderWay = InlineArray(repeating: false) }
        return .online(sessionPresent: sessionPresent)
      case .refused(let refusal, let properties):
        heed(refusal.code, properties)
        lose(.refused(refusal), at: now)
      case .disconnected(let disconnect):
        heed(disconnect.reason.rawValue, disconnect.properties)
        lose(.disconnected(disconnect.reason), at: now)
      case .failed(let fault): lose(.session(fault), at: now)
      case .message(let message): return .message(message)
      case .acknowledged(let answered):
        let token = answered.token
        if token >= Self.directTokens {
          return .acknowledged(tag: token - Self.directTokens, isTaken: answered.code < 0x80)
        }
        settle(answered, renderer, at: now)
      case .subscribed(let granted):
        let code = session.withPacket { bytes in bytes[granted.codes][0] }
        return .subscribed(packetID: granted.packetID, accepted: code < 0x80)
      case .skipped(let packetBytes): return .skipped(packetBytes: packetBytes)
      case .largeMessage(let message, let bytes):
        return .largeMessage(message, payloadBytes: bytes)
      case .payloadPiece(let piece, let isLast): return .payloadPiece(piece, isLast: isLast)
      // No authentication was asked for.
      case .unsubscribed, .received, .authenticate: break
      }
      if self.event != nil { return takeEvent() }
    }
    followProbe()
    listenForTest()
    watchAnswers(at: now)
    return nil
  }

  private mutating func takeEvent() -> LinkEvent? {
    defer { event = nil }
    return event
  }

  /// The one way out of every state that has, or wants, a connection.
  mutating func lose(_ fault: LinkFault, at now: Instant) {
    // A lower version is asked of the same broker, and is no refusal of who we are.
    var asksLower = false
    if case .opening = state { asksLower = versions.ended(VersionChoice.Outcome(fault)) }
    var wasOnline = true
    var wait = Backoff.floor
    if isPlaceNew { wait = wait + chance.interval(below: spec.backoffMinimum) }
    switch state {
    case .online where isPlaceNew: break
    case .online(let since):
      hops = 0
      choice.lost(wasStable: retry.isStable(now - since))
      wait = retry.lost(fault, after: now - since, &chance)
    case .returning: break
    case .waiting, .dialing, .opening, .closing, .stopped:
      wasOnline = false
      counters.attemptsFailed &+= 1
      if !asksLower, !isPlaceNew {
        hops = 0
        turnFromReference()
        wait = retry.attemptFailed(fault, atOnce: choice.attemptFailed(fault), &chance)
      }
    }
    if wasOnline {
      suspect(fault)
      if !spec.persistentSession {
        outbox.connectionLost()
        packsUnderWay = InlineArray(repeating: false)
      }
      backlog.connectionLost()
      spillAt = min(spillAt, now + spec.spillAfter)
    }
    if fault.isPermanent && !asksLower { counters.refusals &+= 1 }
    holdsRecords = false
    if wasOnline {
      heardAt = session.lastReceived
      endProbe(fault)
    }
    session.closed()
    action = .close
    state = .waiting(until: now + wait)
    event = wasOnline ? .lost(fault) : .attemptFailed(fault, wait: wait)
  }

  mutating func stop() {
    session.closed()
    action = .close
    state = .stopped
    event = .stopped
  }
}

extension VersionChoice.Outcome {
  /// What an attempt that ended so says of the version.
  public init(_ fault: LinkFault) {
    switch fault {
    case .refused(let refusal): self = refusal.isUnsupportedVersion ? .refused : .failed
    case .dial, .session(.malformed), .session(.protocolViolation): self = .unanswered
    case .passwordUnreadable, .disconnected, .session, .unanswered, .closedByUs, .returned:
      self = .failed
    }
  }
}
