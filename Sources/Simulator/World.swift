import Agent
import Broker
import Core
import Device
import Journal
import Profile
import Uplink

/// One device, its board and flash, the way to its broker, and the broker, in virtual time.
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
  var way: Way
  var broker: MessageBroker
  /// The broker takes connections.
  var isBrokerUp = true
  var ledger: Ledger
  var truth: Truth
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
  /// What was made, and lost.
  var balance: Balance
  var stuckTurns = 0
  let sabotage: Sabotage?
  /// 2026-01-01T00:00:00Z, at the world's beginning.
  static var wallAtStart: Int64 { 1_767_225_600_000 }

  /// A world for a profile, without its journal's file: a flash of the same size takes its place.
  public init(
    _ configuration: Configuration, link: LinkConditions, seed: UInt64, sabotage: Sabotage? = nil,
    logs: Bool = false
  ) {
    self.configuration = configuration
    self.sabotage = sabotage
    chance = Generator(seed: seed)
    flash = SimulatedFlash(
      bytes: configuration.uplink.journalBytes,
      sectorBytes: chance.next(below: 2) == 0 ? 512 : 4096)
    if case .lyingFlash = sabotage { flash.lies = true }
    way = Way(link, seed: chance.next())
    broker = MessageBroker(isObserved: true)
    let names = configuration.points.map { Array(configuration.string($0.name).utf8) }
    ledger = Ledger(points: names, inflight: configuration.uplink.inflight)
    watches = Watches(configuration)
    truth = Truth(keepAlive: configuration.uplink.keepAlive)
    log = EventLog(isKept: logs)
    balance = Balance(configuration)
    if flash.byteCount > 0 {
      var storage = FlashStorage(flash: flash)
      do { _ = try RecordRing.format(&storage, id: chance.next()) } catch {
        preconditionFailure("a new flash takes a journal")
      }
    }
    powerOn()
  }

  // MARK: Time

  /// Lets time pass up to `end`.
  public func run(until end: Instant) {
    turn()
    while let next = deadline, next <= end {
      now = max(now, next)
      turn()
    }
    now = max(now, end)
    turn()
  }

  var deadline: Instant? {
    var next = min(way.deadline(reads: device?.agent.hasInputRoom ?? false), broker.deadline)
    if let device { next = min(next, device.deadline) }
    if let dialing { next = min(next, dialing.at) }
    return next == .never ? nil : next
  }

  /// Does everything that is due now, until nobody has anything more to say.
  func turn() {
    counts.turns += 1
    if let device { device.flash.now = device.moment(at: now).instant }
    if let dialing, dialing.at <= now { endDialing(dialing.answer) }
    if let device {
      let moment = device.moment(at: now)
      device.board.poll(at: moment.instant) { event in device.agent.handle(event, at: moment) }
    }
    var rounds = 0
    var isMoving = true
    while isMoving {
      advance()
      isMoving = send()
      way.serve(&broker, at: now)
      listen()
      isMoving = deliver() || isMoving
      rounds += 1
      if rounds > 10_000 {
        ledger.complain("no end of talking at \(now.nanoseconds)")
        break
      }
    }
    lookForBusyLoop()
    if let device { balance.note(device, at: now) }
    watch()
    if let device, device.agent.isStopped { processEnded() }
  }

  func lookForBusyLoop() {
    guard let device, !device.agent.isStopped, device.deadline <= now else {
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
