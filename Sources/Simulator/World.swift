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
  public private(set) var now = Instant.boot + .seconds(1)
  /// The device while it has power and its process lives.
  public private(set) var device: SimulatedDevice?
  /// What its journal lies on.
  public let flash: SimulatedFlash
  var way: Way
  var broker: MessageBroker
  /// The broker takes connections.
  var isBrokerUp = true
  private(set) var ledger: Ledger
  private(set) var truth: Truth
  /// What happened, one line for each event, for those who compare.
  private(set) var log: EventLog
  /// Counts of what happened.
  public private(set) var counts = WorldCounts()

  private var chance: Generator
  private var runs: [UInt32: Int] = [:]
  private var run = 0
  private var boot = 0
  private var bootedAt = Instant.boot
  private var lastSession: UInt64 = 0
  /// The way that is being opened: what comes of it, and when.
  private var dialing: (answer: Way.Answer, at: Instant)?
  /// What was made, and lost, in runs that are over, by point.
  private var madeBefore: [Int]
  private var lostBefore: [Int]
  /// What ends of process or power may have cost.
  private(set) var mayBeLost: [Int]
  private var recent: [(at: Instant, made: [UInt32])] = []
  private var stuckTurns = 0
  private let sabotage: Sabotage?
  /// When the flash, as far as the agent knew, took what it was given; without one, when nothing waited.
  private var flashGoodAt = Instant.boot

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
    ledger = Ledger(points: names)
    truth = Truth(keepAlive: configuration.uplink.keepAlive)
    log = EventLog(isKept: logs)
    madeBefore = [Int](repeating: 0, count: names.count)
    lostBefore = madeBefore
    mayBeLost = madeBefore
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

  private var deadline: Instant? {
    var next = min(way.deadline(reads: device?.agent.hasInputRoom ?? false), broker.deadline)
    if let device { next = min(next, device.deadline) }
    if let dialing { next = min(next, dialing.at) }
    return next == .never ? nil : next
  }

  /// Does everything that is due now, until nobody has anything more to say.
  private func turn() {
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
    remember()
    watchTruth()
    if let device, device.agent.isStopped { processEnded() }
  }

  private func lookForBusyLoop() {
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

  // MARK: The agent's rim

  private func advance() {
    guard let device else { return }
    let moment = device.moment(at: now)
    device.agent.advance(at: moment)
    while let action = device.agent.nextAction() {
      switch action {
      case .drive(let drive):
        let level = device.board.drive(point: drive.point, to: drive.level, at: moment.instant)
        device.agent.driven(point: drive.point, readBack: level, at: moment)
      case .link(let action): carryOut(action, device, moment)
      }
      device.agent.advance(at: moment)
    }
    while let notice = device.agent.nextNotice() {
      log.add(now, "notice", "\(notice)")
      if case .lost = notice { counts.losses += 1 }
    }
  }

  private func carryOut(_ action: LinkAction, _ device: SimulatedDevice, _ moment: Moment) {
    switch action {
    case .open:
      counts.attempts += 1
      way.close(&broker, at: now)
      let roundTrip = way.link.latency * 2
      let answer = isBrokerUp || way.answer != .accepts ? way.answer : .refuses
      let dial = configuration.uplink.dial
      switch answer {
      case .accepts, .refuses: dialing = (answer, now + roundTrip)
      case .isSilent: dialing = (answer, now + dial.connectTimeout)
      case .nameUnknown: dialing = (answer, now + .seconds(5))
      }
    case .close:
      dialing = nil
      way.close(&broker, at: now)
    }
  }

  private func endDialing(_ answer: Way.Answer) {
    dialing = nil
    guard let device else { return }
    let moment = device.moment(at: now)
    switch answer {
    case .accepts where isBrokerUp && way.answer == .accepts:
      way.open(&broker, at: now)
      device.agent.opened(password: nil, at: moment)
    case .accepts, .refuses: device.agent.link.failed(.connectFailed(code: 111), at: moment.instant)
    case .isSilent: device.agent.link.failed(.timedOut(.connect), at: moment.instant)
    case .nameUnknown: device.agent.link.failed(.nameNotResolved(code: -2), at: moment.instant)
    }
  }

  private func send() -> Bool {
    guard let device else { return false }
    var count = 0
    device.agent.withOutput(at: device.moment(at: now).instant) { bytes in
      count = way.send(bytes.indices.map { bytes[$0] }, at: now)
      return count
    }
    return count > 0
  }

  private func deliver() -> Bool {
    guard let device else { return false }
    let instant = device.moment(at: now).instant
    var hasMoved = false
    while device.agent.hasInputRoom, way.hasArrived(at: now) {
      device.agent.receive(at: instant) { out in
        for byte in way.take(out.freeCapacity, at: now) { out.append(byte) }
      }
      hasMoved = true
    }
    if way.hasEnded(at: now) {
      advance()
      way.reset(&broker, at: now)
      device.agent.link.failed(.closedByPeer, at: instant)
      hasMoved = true
    }
    return hasMoved
  }

  // MARK: The broker's rim

  /// What all of the device's topics begin with.
  private var prefix: [UInt8] {
    Array(
      (configuration.string(configuration.device.base) + "/"
        + configuration.string(configuration.device.id) + "/").utf8)
  }

  private func listen() {
    for event in broker.takeEvents() {
      guard case .published(_, let message, let isWill) = event else { continue }
      guard message.topic.starts(with: prefix) else { continue }
      let topic = Array(message.topic.dropFirst(prefix.count))
      if isSabotaged(topic) { continue }
      log.add(
        now, String(decoding: topic, as: UTF8.self),
        String(decoding: message.payload, as: UTF8.self) + (isWill ? " (will)" : ""))
      counts.bytesHeard += message.payload.count
      if topic.elementsEqual("status".utf8) { truth.heard(message.payload) }
      ledger.take(topic: topic, payload: message.payload, run: run, runs: runs)
    }
  }

  /// True when nobody gets to hear this message.
  private func isSabotaged(_ topic: [UInt8]) -> Bool {
    switch sabotage {
    case nil, .lyingFlash: false
    case .losingBroker: chance.next(below: 100) == 0
    case .staleStatus: topic.elementsEqual("status".utf8) && chance.next(below: 10) == 0
    }
  }

  private func watchTruth() {
    let isOnline = device.map { $0.agent.link.isOnline && way.isWhole && isBrokerUp } ?? false
    if let complaint = truth.check(isOnline: isOnline, session: device?.agent.session, at: now) {
      ledger.complain(complaint)
    }
  }

  // MARK: Beginnings and ends

  /// The board gets power.
  func powerOn() {
    boot += 1
    bootedAt = now
    startProcess()
  }

  /// The agent's process starts.
  func startProcess() {
    guard device == nil else { return }
    run += 1
    counts.runs += 1
    let isSynced = chance.next(below: 4) > 0
    let device = SimulatedDevice(
      configuration, boot: boot, bootedAt: bootedAt, run: run, lastSession: lastSession,
      seed: chance.next(), wallAtStart: isSynced ? Self.wallAtStart : 0,
      quality: isSynced ? .synced : .none, flash: flash, at: now)
    self.device = device
    runs[device.journalRun] = run
    recent = []
    log.add(now, "run", "\(run), boot \(boot)")
  }

  /// The clock of a board is set at last.
  func setClock() {
    device?.wallAtStart = Self.wallAtStart
    device?.quality = .synced
  }

  /// The clock goes wrong by so much, and nobody knows.
  func stepClock(by milliseconds: Int64) { device?.wallAtStart += milliseconds }

  /// The power is cut.
  func powerOff() {
    guard let device else { return }
    countWhatMayBeLost(device)
    endRun(device)
    way.fallSilent(at: now)
    flash.cutPower(&chance)
    log.add(now, "power", "off")
  }

  /// The process is killed; the system closes its connection.
  func kill() {
    guard let device else { return }
    countWhatMayBeLost(device)
    endRun(device)
    way.close(&broker, at: now)
    flash.processDied()
    log.add(now, "process", "killed")
  }

  private func processEnded() {
    guard let device else { return }
    endRun(device)
    way.close(&broker, at: now)
    log.add(now, "process", "ended")
  }

  private func endRun(_ device: SimulatedDevice) {
    lastSession = max(lastSession, device.agent.session)
    for (point, count) in device.made.enumerated() { madeBefore[point] += Int(count) }
    for point in madeBefore.indices { lostBefore[point] += lost(point, device) }
    dialing = nil
    self.device = nil
  }

  private func lost(_ point: Int, _ device: SimulatedDevice) -> Int {
    var sum = 0
    for events in [false, true] {
      let losses = device.agent.link.outbox.losses.losses(series: point, events: events)
      sum += Int(losses.dropped) + Int(losses.expired) + Int(losses.replaced)
    }
    return sum
  }

  // MARK: The balance

  /// How long a reading may be in memory only: until a dead link is noticed, and then until it is spilled.
  private var inMemoryMax: Interval {
    let spec = configuration.uplink
    return spec.keepAlive * 3 / 2 + spec.replyTimeout + spec.spillAfter + spec.spillEvery
      + .seconds(5)
  }

  /// So many moments are remembered, a second apart.
  private static var recentMax: Int { 4 * 3_600 }

  private func remember() {
    guard let device, recent.last.map({ now - $0.at >= .seconds(1) }) ?? true else { return }
    recent.append((now, device.made))
    if recent.count > 2 * Self.recentMax { recent.removeFirst(recent.count - Self.recentMax) }
    let isKept =
      flash.byteCount > 0
      ? flash.fault == nil && device.agent.link.backlog.fault == nil
      : device.agent.link.outbox.unacknowledged == 0
    if isKept { flashGoodAt = now }
  }

  /// What this run had made at that time, by point; nil when that is not remembered.
  func made(before limit: Instant) -> [UInt32]? { recent.last { $0.at <= limit }?.made }

  private func countWhatMayBeLost(_ device: SimulatedDevice) {
    // What a failing flash does not take waits in memory too.
    let limit = min(now, flashGoodAt) - inMemoryMax
    let before = made(before: limit)
    for (point, count) in device.made.enumerated() {
      mayBeLost[point] += Int(count - (before?[point] ?? 0))
    }
  }

  /// For each point what was made, delivered, and given up by a policy that counts.
  public var balance: [(made: Int, delivered: Int, lost: Int)] {
    let made = device?.made ?? [UInt32](repeating: 0, count: madeBefore.count)
    return madeBefore.indices.map { point in
      (
        madeBefore[point] + Int(made[point]), ledger.delivered[point],
        lostBefore[point] + (device.map { lost(point, $0) } ?? 0)
      )
    }
  }

  /// The broker ends and starts again at once, with or without what it knew.
  func restartBroker(forgetting: Bool) {
    way.brokerEnds(&broker, at: now)
    if forgetting {
      broker = MessageBroker(isObserved: true)
      truth.forget()
    }
    log.add(now, "broker", forgetting ? "restarted, all forgotten" : "restarted")
  }

  func ledgerComplaint(_ text: String) { ledger.complain(text) }

  // MARK: What others do

  /// A fault is about to be brought about.
  func noteFault(_ name: String) {
    counts.faults += 1
    log.add(now, "fault", name)
  }

  /// The connection is reset, noticed at both ends at once.
  func resetConnection() {
    guard way.isOpen else { return }
    way.reset(&broker, at: now)
    if let device {
      device.agent.link.failed(.broken(code: 104), at: device.moment(at: now).instant)
    }
  }

  /// The agent is asked to begin anew.
  func stop() {
    guard let device else { return }
    device.agent.stop(.reload, at: device.moment(at: now))
    turn()
  }

  /// A point fails, or with nil works again.
  func fail(_ point: Int, _ fault: PointFault?) {
    guard let device else { return }
    device.board.fail(point: point, with: fault, at: device.moment(at: now).instant)
    turn()
  }

  /// A point is held by hand, or with nil given back.
  func hold(_ point: Int, _ value: Double?) {
    guard let device else { return }
    _ = device.board.override(point: point, with: value, at: device.moment(at: now).instant)
    turn()
  }

  /// Somebody else publishes on one of the device's topics.
  func publish(_ topic: String, _ payload: String, retain: Bool) {
    broker.publish(
      Message(
        topic: prefix + Array(topic.utf8), payload: Array(payload.utf8), qos: .atLeastOnce,
        retain: retain), at: now)
    if topic == "status" { truth.heard(Array(payload.utf8)) }
    turn()
  }
}
