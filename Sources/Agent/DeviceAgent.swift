import Core
import Device
import Journal
import MQTT
import Uplink

/// The whole agent as one state machine: points and broker link under one clock.
///
/// The rim reports what the board, the transport and the clock say, then calls `advance`, and carries
/// out what `nextAction` and `withOutput` hand it, until there is nothing more. It sleeps to `deadline`.
public struct DeviceAgent<Medium: Storage & ~Copyable>: ~Copyable {
  /// The points.
  public var points: Points
  /// The broker link.
  public var link: BrokerLink<Medium>
  var life: Life
  var care: Care
  var greeting: Greeting
  var notices: Notices
  var complaints = Complaints()
  var stopping = Stopping.no
  var returning = Returning.no
  /// The broker that the last notice was of.
  var brokerTold = 0
  /// Why the agent stops, once it was asked to.
  public internal(set) var stopReason: StopReason?
  /// The hash of the status that we published last: anything else on its topic is not our word.
  var ownStatus: UInt64 = 0
  /// Tells the status that we published last from those before it.
  var statusTag: UInt32 = 0
  var statusWaits = false
  /// The states of all points follow once the birth is acknowledged, and all else behind them.
  var owesStates = false
  var reassertAt = Instant.never
  var lastAssertion: Instant?
  /// True once a birth of this run was said: what came before it was another run's.
  var hasReported = false
  /// The time without a link that is to be reported with the next birth.
  var outage: Outage?
  /// When this run began.
  let startedAt: Instant
  /// The last loss of a link, if there was one, and why.
  var lostAt: Instant?
  var lostFault = LinkFault.closedByUs
  /// Why the last attempt has failed, if there was one since.
  var attemptFault: LinkFault?
  var droppedBefore: UInt32 = 0
  var diagnosticsAt = Instant.never
  /// The point whose losses the next health report begins with: where all are too many for one.
  var lossesFrom = 0
  var reassertions: UInt32 = 0
  /// What was said of the journal last.
  var journalFault: StorageFault?
  var unsendableTold: UInt32 = 0
  /// Until when no more of them is said.
  var unsendableRestsUntil = Instant.boot

  /// An agent at its start. `points` and `texts` are copied; memory comes from `arena`.
  public init(
    _ specs: AgentSpecs, points: Span<PointSpec>, texts: Span<UInt8>, boardDebounces: Bool,
    identity: Identity, medium: consuming Medium, at moment: Moment, arena: inout Arena
  ) {
    self.points = Points(
      specs.device, points: points, texts: texts, boardDebounces: boardDebounces,
      start: moment.instant, arena: &arena)
    link = BrokerLink(
      specs.uplink, series: points.count, medium: medium, seed: identity.seed,
      start: moment.instant, arena: &arena)
    care = Care(specs.care, self.points, arena: &arena)
    life = Life(identity, profileHash: specs.device.profileHash, at: moment)
    greeting = Greeting()
    notices = Notices()
    startedAt = moment.instant
    outage = Outage(link, heard: moment.instant, noticed: moment.instant)
  }

  /// The number of the present session.
  public var session: UInt64 { life.session }

  /// True when the agent has come to its end and the rim may leave.
  public var isStopped: Bool { isSilent && !link.isKeeping }

  /// True when nothing is left to happen but the end of a sync of the journal.
  public var isSilent: Bool { stopping.isOver && link.isStopped }

  /// Opens the journal, before anything else happens.
  public mutating func openJournal() -> JournalOpening {
    var boot: UInt64 = 0xCBF2_9CE4_8422_2325
    for index in life.identity.bootID.indices {
      boot = (boot ^ UInt64(wide: life.identity.bootID[index])) &* 0x100_0000_01B3
    }
    return link.openJournal(seed: life.identity.seed, boot: boot)
  }

  /// The earliest moment at which `advance` has something to do.
  public var deadline: Instant { min(points.deadline, deadlineWithoutPoints) }

  /// The same without what `Points.deadline` says.
  public var deadlineWithoutPoints: Instant {
    let life = min(greeting.deadline, min(reassertAt, diagnosticsAt))
    return min(min(link.deadline, care.deadline), min(life, stopping.deadline))
  }

  // MARK: What the rim reports

  /// Takes in what the board reports; nothing more once the agent stops, or the stop would wait for
  /// readings that never end.
  public mutating func handle(_ event: BoardEvent, at moment: Moment) {
    guard stopping.isRunning else { return }
    points.handle(event, at: moment, outbox: &link.outbox)
  }

  /// The transport is open.
  ///
  /// The greeting's strings come from the profile, except the password, which the rim reads anew for
  /// each attempt; nil for none.
  public mutating func opened(password: Span<UInt8>?, at moment: Moment) {
    life.newSession(at: moment)
    openSession(password: password, at: moment)
  }

  /// An output goes on as the run before has left it; see `Points.takeOver`.
  public mutating func takeOver(point: Int, level: Bool, revertsAt: Instant) {
    points.takeOver(point: point, level: level, revertsAt: revertsAt)
  }

  /// The run before has lost the link at `since`; see `Points.takeOver`.
  public mutating func takeOver(linkLostSince since: Instant) {
    points.takeOver(linkLostSince: since)
  }

  /// An output was driven; see `Points.driven`.
  public mutating func driven(point: Int, readBack: Bool?, at moment: Moment) {
    points.driven(point: point, readBack: readBack, at: moment, outbox: &link.outbox)
  }

  /// Lends free space for bytes that the socket has brought.
  public mutating func receive(at now: Instant, _ fill: (inout OutputSpan<UInt8>) -> Void) {
    link.session.receive(at: now, fill)
  }

  /// True while `receive` has room to lend. It has none when the broker reads no answers.
  public var hasInputRoom: Bool { link.session.receiveCapacity > 0 }

  /// True while `withOutput` has something to lend.
  public var hasOutput: Bool { link.session.hasOutput }

  /// Lends the bytes that wait to be sent; `send` returns how many the socket took.
  public mutating func withOutput(at now: Instant, _ send: (Span<UInt8>) -> Int) {
    link.session.withOutput(at: now, send)
  }

  /// The transport's bytes come across; see `ClientSession.delivered`.
  public mutating func delivered(_ acknowledged: UInt64, pending: Int, at now: Instant) {
    link.session.delivered(acknowledged, pending: pending, at: now)
  }

  // MARK: What to do

  /// Does everything that is due, and takes in everything that has been received.
  public mutating func advance(at moment: Moment) {
    link.deadlineReached(at: moment.instant)
    pointsDeadlineReached(at: moment)
    while !points.isDriving, care.step == nil,
      let event = link.nextEvent(points, at: moment.instant)
    {
      handle(event, at: moment)
    }
    advanceLife(at: moment)
    advanceCare(at: moment)
    link.keep(points, at: moment)
    if link.backlog.fault != journalFault {
      journalFault = link.backlog.fault
      notices.add(.journal(journalFault))
    }
    if link.counters.unsendable != unsendableTold, unsendableRestsUntil <= moment.instant {
      unsendableTold = link.counters.unsendable
      unsendableRestsUntil = moment.instant + .seconds(60)
      notices.add(.unsendable(link.counters.lastGivingUp, count: unsendableTold))
    }
    if greeting.isOver, stopping.letsRecordsOut {
      link.pump(points, onlyAgain: owesStates, at: moment)
    }
  }

  /// Does what is due at the points alone, of which `advance` is a part.
  public mutating func pointsDeadlineReached(at moment: Moment) {
    points.deadlineReached(at: moment, outbox: &link.outbox)
  }

  /// The next thing to do, or nil.
  public mutating func nextAction() -> AgentAction? {
    if let drive = points.nextDrive() { return .drive(drive) }
    if let action = link.nextAction() { return .link(action) }
    if let action = care.nextAction() { return .care(action) }
    return nil
  }

  /// The next line for the log, or nil.
  public mutating func nextNotice() -> Notice? { notices.next() }

  /// Adds a notice on the link, and before it which of the brokers it is of, when that is another than
  /// last time.
  mutating func tell(_ notice: Notice?) {
    guard let notice else { return }
    if link.broker != brokerTold {
      brokerTold = link.broker
      notices.add(.broker(link.broker))
    }
    notices.add(notice)
  }

  private mutating func handle(_ event: LinkEvent, at moment: Moment) {
    switch event {
    case .online: wentOnline(at: moment)
    case .message(let message): received(message, at: moment)
    case .largeMessage(let message, let payloadBytes):
      beginLarge(message, payloadBytes: payloadBytes, at: moment)
    case .payloadPiece(let piece, let isLast): takePiece(piece, isLast: isLast, at: moment)
    case .skipped where care.skips: care.skips = false
    case .skipped(let packetBytes):
      notices.add(.messageTooLarge(bytes: packetBytes))
      // It may have been the last word on our status topic.
      statusHeard(0, at: moment)
    case .subscribed(let packetID, let accepted):
      greeting.subscribed(packetID, at: moment.instant)
      if accepted, care.subscription == packetID {
        care.isSubscribed = true
        care.proved(at: moment.instant)
      }
      if !accepted { notices.add(.subscriptionRefused) }
    case .acknowledged(let tag, let isTaken):
      if isTaken { care.wasAcknowledged(tag) }
      statusAcknowledged(tag, isTaken: isTaken, at: moment)
    case .lost(let fault): wentOffline(fault, at: moment)
    case .attemptFailed(let fault, let wait):
      care.linkFault = fault.slug
      attemptFault = fault
      tell(
        complaints.notice(
          of: fault, link.standing, broker: link.broker, wait: wait, at: moment.instant))
      if link.nextReference != nil { notices.add(.sentOn) }
    case .stopped: notices.add(.stopped)
    }
  }
}
