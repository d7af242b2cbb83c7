import Agent
import Broker
import Core
import Device
import Journal
import Profile
import Scenarios
import Uplink

/// One device, its board and flash, and its brokers with the way to each, in virtual time.
///
/// The agent is the same as on a board, and is driven as the program's loop drives it; time passes only in
/// `run`, from one deadline to the next. One seed, one course of events.
public final class World {
  /// The profile.
  public let configuration: Configuration
  /// The world's clock.
  public internal(set) var now = Instant.boot + .seconds(1)
  /// The device while it has power and its process lives.
  public internal(set) var device: SimulatedDevice?
  /// What its journal lies on.
  public let flash: SimulatedFlash
  /// How the way is when nothing is wrong with it.
  let link: LinkConditions
  /// The brokers, as the profile lists them.
  let sites: [BrokerSite]
  /// Where the device is: the broker that it has dialled last, and before that the first.
  private(set) var site: BrokerSite
  /// The board has power.
  var hasPower = false
  /// The process that stops is to start again.
  var mustRestart = false
  /// A board that boots learns the time of day.
  var isClockKnown = true
  var ledger: Ledger
  var watches: Watches
  /// What happened, one line for each event, for those who compare.
  var log: EventLog
  /// Counts of what happened.
  public internal(set) var counts = WorldCounts()

  var chance: Generator
  var runs: [UInt32: Int] = [:]
  var run = 0
  var boot = 0
  var bootedAt = Instant.boot
  var lastSession: UInt64 = 0
  /// The way that is being opened: what comes of it, and when.
  var dialing: (answer: Way.Answer, at: Instant)?
  /// What the device logs in with; nil for none.
  var password: [UInt8]?
  /// What was made, and lost.
  var balance: Balance
  var stuckTurns = 0
  /// True while a broker's last word on the device is not true: each moment may be the one that is too long.
  var isInDoubt = false
  let sabotage: Sabotage?
  /// Writes down how it goes, where somebody wants to know.
  var recorder: Recorder? {
    didSet { ledger.wantsNews = recorder != nil }
  }
  /// What all of the device's topics begin with.
  let prefix: [UInt8]
  /// The time of day at the world's beginning, in milliseconds since 1970.
  let wallAtStart: Int64
  /// Hears what the agent has to say for the log.
  var onNotice: ((Notice) -> Void)?
  /// When each has something to do next, as of the last turn.
  private var agenda = Agenda()

  /// When each part of the world has something to do next, in the world's time.
  private struct Agenda {
    var board = Instant.never
    var points = Instant.never
    /// The agent apart from its points, and its flash.
    var agent = Instant.never
    var way = Instant.never
    var broker = Instant.never
    var dialing = Instant.never
    /// When it is noted what was made: with the first turn from then on.
    var noteAt = Instant.boot

    /// All but board and points.
    var others: Instant { min(agent, min(way, min(broker, dialing))) }
    var device: Instant { min(agent, min(board, points)) }
    var next: Instant { min(others, min(board, points)) }
  }
  /// 2026-01-01T00:00:00Z: the time of day at the beginning of a world for which nobody says another.
  public static var wallAtStart: Int64 { 1_767_225_600_000 }

  /// A world for a profile, without its journal's file: a flash of the same size takes its place.
  public init(
    _ configuration: Configuration, link: LinkConditions, hardware: Hardware? = nil, seed: UInt64,
    sabotage: Sabotage? = nil, logs: Bool = false, wallAtStart: Int64 = World.wallAtStart
  ) {
    (self.configuration, self.link, self.sabotage) = (configuration, link, sabotage)
    self.wallAtStart = wallAtStart
    chance = Generator(seed: seed)
    let usualSector = chance.next(below: 2) == 0 ? 512 : 4096
    flash = SimulatedFlash(
      bytes: configuration.uplink.journalBytes,
      sectorBytes: hardware?.sectorBytes ?? usualSector)
    if let hardware {
      flash.syncTime = hardware.syncTime
      let endurance = configuration.flashEndurance ?? hardware.endurance
      flash.bears(bytes: endurance, cycles: hardware.cycles)
    }
    if case .lyingFlash = sabotage { flash.lies = true }
    let (spec, count) = (configuration.uplink, configuration.uplink.dial.brokerCount)
    var sites: [BrokerSite] = []
    for number in 1...count {
      sites.append(
        BrokerSite(number, of: count, link, seed: chance.next(), keepAlive: spec.keepAlive))
    }
    (self.sites, site) = (sites, sites[0])
    let names = configuration.points.map { Array(configuration.string($0.name).utf8) }
    ledger = Ledger(
      points: names, durable: configuration.points.map { $0.keep.durability == .always },
      inflight: spec.inflight)
    watches = Watches(configuration)
    log = EventLog(isKept: logs)
    prefix = Array(
      (configuration.string(configuration.device.base) + "/"
        + configuration.string(configuration.device.id) + "/").utf8)
    balance = Balance(configuration)
    if flash.byteCount > 0 {
      var storage = FlashStorage(flash: flash)
      do { _ = try RecordRing.format(&storage, id: chance.next()) } catch {
        preconditionFailure("a new flash takes a journal")
      }
    }
    powerOn()
  }

  /// The device dials this broker from now on; its connection elsewhere is closed.
  func move(to index: Int) {
    // A broker beyond the world is wherever the device is.
    let far = site.way.far
    site.way.far = nil
    site = sites[index]
    site.way.far = far
  }

  // MARK: Time

  /// Lets time pass up to `end`.
  public func run(until end: Instant) {
    turn()
    while agenda.next <= end, agenda.next < .never {
      now = max(now, agenda.next)
      step()
    }
    now = max(now, end)
    turn()
  }

  /// When something is due next, as of the last turn.
  var deadline: Instant { agenda.next }

  /// Does what is due. Most of what a board reports, such as the bouncing of a contact, and much of what a
  /// point does at its time, concerns nobody but the point: no reading has come of it, nothing is to be
  /// driven, and all others are where they were.
  private func step() {
    guard let device, agenda.others > now, !isInDoubt else {
      return turn(asksAgent: min(agenda.device, agenda.dialing) <= now)
    }
    if device.pollBoard(at: now) { return turn() }
    agenda.points = device.pointsDeadline
    if agenda.points <= now {
      recorder?.timePassed(self)
      if device.pollPoints(at: now) { return turn() }
      agenda.points = device.pointsDeadline
    }
    agenda.board = device.boardDeadline
    counts.turns += 1
    if agenda.noteAt <= now { note(device) }
    if agenda.points <= now { turn() }
  }

  /// Does everything that is due now, until nobody has anything more to say. The agent is asked at once, or
  /// only if something arrives there.
  func turn(asksAgent: Bool = true) {
    counts.turns += 1
    recorder?.timePassed(self)
    if let device { device.flash.now = device.moment(at: now).instant }
    if let dialing, dialing.at <= now { endDialing(dialing.answer) }
    for site in sites where site.rivalReturns <= now { rivalConnects(at: site) }
    if let device { _ = device.pollBoard(at: now) }
    var rounds = 0
    var isMoving = true
    while isMoving {
      if asksAgent || rounds > 0 { advance() }
      isMoving = send()
      for site in sites where site.serve(at: now) { listen(at: site) }
      isMoving = deliver() || isMoving
      rounds += 1
      if rounds > 10_000 {
        ledger.complain("no end of talking at \(now.nanoseconds)")
        break
      }
    }
    for site in sites { site.lookAfterRival(at: now) }
    plan()
    lookForBusyLoop()
    if let device, agenda.noteAt <= now { note(device) }
    watch()
    recorder?.turned(self)
    if let device, device.agent.isStopped {
      processEnded()
      plan()
    }
  }

  /// True when something that the device waits for is due, as of the last turn. A contact's bouncing is not,
  /// which a board's kernel keeps to itself.
  var isDeviceDue: Bool { device != nil && (agenda.device <= now || site.way.hasArrived(at: now)) }

  /// A run has begun, of which nothing is noted yet.
  func noteSoon() { agenda.noteAt = now }

  private func note(_ device: SimulatedDevice) {
    balance.note(device, at: now)
    agenda.noteAt = now + .seconds(1)
  }

  /// When each has something to do next.
  private func plan() {
    agenda.board = device?.boardDeadline ?? .never
    agenda.points = device?.pointsDeadline ?? .never
    agenda.agent = device?.agentDeadline ?? .never
    // Nothing is on its way to a broker where the device is not.
    agenda.way = site.way.deadline(reads: device?.agent.hasInputRoom ?? false)
    agenda.dialing = dialing?.at ?? .never
    agenda.broker = .never
    for site in sites {
      agenda.broker = min(agenda.broker, site.broker.deadline)
      agenda.dialing = min(agenda.dialing, site.rivalReturns)
    }
  }

  private func lookForBusyLoop() {
    guard let device, !device.agent.isStopped, agenda.device <= now else {
      stuckTurns = 0
      return
    }
    stuckTurns += 1
    if stuckTurns > 3 {
      ledger.complain("a busy loop at \(now.nanoseconds)")
      now = now + .milliseconds(10)
    }
  }
}
