import Agent
import Broker
import Core
import Device
import Journal
import MQTT
import Profile
import SimulatedBoard
import TestSupport
import Testing
import Uplink

/// An agent, its simulated board, a broker, the network between them, and the clocks of all.
///
/// Time passes only in `run`, from deadline to deadline. The agent is driven as the program's loop
/// drives it. Every run sees to it that no deadline stands still: that would be a busy loop.
final class World {
  var agent: DeviceAgent<MemoryStorage>
  var board: VirtualBoard
  var broker: MessageBroker
  var network = Network()
  /// What the journal lies on; no bytes when the profile has none.
  let flash: MemoryBytes
  private(set) var now = Instant.boot + .seconds(100)
  /// The wall clock's time at boot, and what the kernel says of it. 2026-11-23T04:00:00Z.
  var wallAtBoot: Int64 = 1_795_406_400_000
  var quality = TimeQuality.synced
  /// Outputs whose line reads back so, whatever it is driven to; nil: it cannot be driven.
  var stuck: [Int: Bool?] = [:]
  /// What attempts at a broker of the profile's list meet, where it is not what the network says. All
  /// that accept are doors to the one broker.
  var doors: [Int: Network.Answer] = [:]

  /// What the broker heard, in order.
  private(set) var heard: [Heard] = []
  /// Why the broker's clients went.
  private(set) var partings: [Parting] = []
  /// What the agent had for its log.
  private(set) var notices: [Notice] = []
  /// When the agent asked for a transport.
  private(set) var attempts: [Instant] = []
  /// The brokers that they were at, as places in the profile's list.
  private(set) var attempted: [Int] = []
  /// How the outputs were driven.
  private(set) var drives: [Switching] = []
  /// What remote care had the rim do, and what it answers.
  var care = CareRim()
  /// How often the agent's loop has turned.
  private(set) var turns = 0

  let configuration: Configuration
  private var isBusy = false
  /// When the transport that is being opened, and gets no answer, is given up.
  private var dialEndsAt = Instant.never

  /// An output that was driven.
  struct Switching: Equatable {
    var point: String
    var level: Bool
    var at: Instant
  }

  /// A world with a fresh agent for `profile`, not yet connected.
  init(
    _ profile: String, seed: UInt64 = 1, limits: BrokerLimits = BrokerLimits(),
    care start: CareStart = .withRecord
  ) throws {
    let reading = ProfileReader.read(utf8(profile))
    let problems = reading.problems.map { "\($0.pointer) \($0.message)" }
    configuration = try #require(reading.configuration, "\(problems)")
    let beginning = Moment(
      instant: now, wall: WallTime(milliseconds: wallAtBoot + now.nanoseconds / 1_000_000),
      quality: quality)
    flash = MemoryBytes(configuration.uplink.journalBytes)
    if configuration.uplink.journalBytes > 0 {
      var storage = MemoryStorage(memory: flash)
      _ = try RecordRing.format(&storage, id: seed)
    }
    agent = Self.makeAgent(
      configuration, boot: UInt8(ascii: "a"), lastSession: 0, seed: seed, flash, at: beginning)
    _ = agent.openJournal()
    agent.beginCare(start, at: beginning)
    board = Self.makeBoard(configuration, seed: seed, at: now)
    broker = MessageBroker(limits: limits, isObserved: true)
  }

  /// A world whose agent is online, greeted, and has nothing more to say for now.
  static func online(_ profile: String, seed: UInt64 = 1) throws -> World {
    let world = try World(profile, seed: seed)
    world.run(.seconds(4))
    try #require(world.isOnline && world.unacknowledged == 0)
    return world
  }

  /// Another run of the agent, on a board that was booted anew when `boot` is another. What
  /// the run before had under way is gone; its transport breaks if it is there still.
  func restart(boot: UInt8 = UInt8(ascii: "a"), lastSession: UInt64 = 0, seed: UInt64 = 2) {
    cut()
    agent = Self.makeAgent(
      configuration, boot: boot, lastSession: lastSession, seed: seed, flash, at: moment)
    _ = agent.openJournal()
    board = Self.makeBoard(configuration, seed: seed, at: now)
  }

  private static func makeAgent(
    _ configuration: Configuration, boot: UInt8, lastSession: UInt64, seed: UInt64,
    _ flash: MemoryBytes, at moment: Moment
  ) -> DeviceAgent<MemoryStorage> {
    var bootID = InlineArray<36, UInt8>(repeating: 0)
    for index in bootID.indices { bootID[index] = boot }
    var arena = testArena()
    return DeviceAgent(
      AgentSpecs(
        device: configuration.device, uplink: configuration.uplink, care: configuration.care),
      points: configuration.points.span, texts: configuration.texts.span, boardDebounces: false,
      identity: Identity(version: "1.2", bootID: bootID, lastSession: lastSession, seed: seed),
      medium: MemoryStorage(memory: flash), at: moment, arena: &arena)
  }

  private static func makeBoard(
    _ configuration: Configuration, seed: UInt64, at now: Instant
  ) -> VirtualBoard {
    var arena = testArena()
    return VirtualBoard(
      points: configuration.points.span, simulations: configuration.simulations.span, seed: seed,
      start: now, arena: &arena)
  }

  /// All clocks, now.
  var moment: Moment {
    Moment(
      instant: now, wall: WallTime(milliseconds: wallAtBoot + now.nanoseconds / 1_000_000),
      quality: quality)
  }

  // Swift Testing's macros take copyable values only, hence these.
  var isOnline: Bool { agent.link.isOnline }
  var isStopped: Bool { agent.isStopped }
  var unacknowledged: Int { agent.link.outbox.unacknowledged }
  var timeFloor: WallTime? { agent.link.backlog.timeFloor }
  var dropped: Int { Int(agent.link.outbox.losses.total.dropped) }
  var agentDeadline: Instant { agent.deadline }

  // MARK: Time

  /// Lets `interval` pass, from deadline to deadline.
  func run(_ interval: Interval) {
    let end = now + interval
    turn()
    while deadline <= end {
      now = max(now, deadline)
      turn()
    }
    now = end
    turn()
  }

  /// Lets time pass until something holds, at most `longest`; false when that was not enough.
  @discardableResult
  func run(atMost longest: Interval, until holds: (World) -> Bool) -> Bool {
    let end = now + longest
    turn()
    while !holds(self) {
      guard deadline <= end else { return false }
      now = max(now, deadline)
      turn()
    }
    return true
  }

  private var deadline: Instant {
    // The program leaves once the agent has stopped.
    if isStopped { return min(broker.deadline, network.deadline) }
    return min(
      min(agent.deadline, min(board.deadline, dialEndsAt)),
      min(broker.deadline, network.deadline))
  }

  /// Does everything that is due now, until nobody has anything more to say.
  func turn() {
    turns += 1
    let moment = moment
    if dialEndsAt <= now {
      dialEndsAt = .never
      agent.link.failed(.timedOut(.connect), at: now)
    }
    board.poll(at: now) { event in agent.handle(event, at: moment) }
    var rounds = 0
    var isMoving = true
    while isMoving {
      advance()
      isMoving = send()
      serveBroker()
      isMoving = deliver() || isMoving
      rounds += 1
      guard rounds < 10_000 else {
        Issue.record("no end at \(now)")
        break
      }
    }
    listen()
    if !isStopped, agent.deadline <= now || board.deadline <= now {
      if !isBusy { Issue.record("a busy loop at \(now)") }
      isBusy = true
      now = now + .milliseconds(1)
    }
  }

  // MARK: The agent's rim

  private func advance() {
    agent.advance(at: moment)
    while let action = agent.nextAction() {
      switch action {
      case .drive(let drive): carryOut(drive)
      case .link(let action): carryOut(action)
      case .care(let action): care.carryOut(action, &agent, at: moment)
      }
      agent.advance(at: moment)
    }
    while let notice = agent.nextNotice() { notices.append(notice) }
  }

  private func carryOut(_ drive: Points.Drive) {
    let name = configuration.string(configuration.points[drive.point].name)
    drives.append(Switching(point: name, level: drive.level, at: now))
    let readBack = board.drive(point: drive.point, to: drive.level, at: now)
    agent.driven(point: drive.point, readBack: stuck[drive.point] ?? readBack, at: moment)
  }

  private func carryOut(_ action: LinkAction) {
    switch action {
    case .open:
      attempts.append(now)
      attempted.append(agent.link.broker)
      network.close(&broker, at: now)
      switch doors[agent.link.broker] ?? network.answer {
      case .accepts:
        network.open(&broker, at: now)
        agent.opened(password: nil, at: moment)
      case .refuses: agent.link.failed(.connectFailed(code: 111), at: now)
      case .isSilent: dialEndsAt = now + configuration.uplink.dial.connectTimeout
      }
    case .close:
      dialEndsAt = .never
      network.close(&broker, at: now)
    }
  }

  private func send() -> Bool {
    var count = 0
    agent.withOutput(at: now) { bytes in
      count = network.send(array(bytes), at: now)
      return count
    }
    return count > 0
  }

  private func deliver() -> Bool {
    var hasMoved = false
    while agent.hasInputRoom, network.hasArrived(at: now) {
      agent.receive(at: now) { out in
        for byte in network.take(out.freeCapacity, at: now) { out.append(byte) }
      }
      hasMoved = true
    }
    if network.hasEnded(at: now) {
      advance()
      network.cut(&broker, at: now)
      agent.link.failed(.closedByPeer, at: now)
      hasMoved = true
    }
    return hasMoved
  }

  // MARK: The broker's rim

  private func serveBroker() {
    network.serve(&broker, at: now)
    listen()
  }

  private func listen() {
    for event in broker.takeEvents() {
      switch event {
      case .published(let client, let message, let isWill):
        let topic = String(decoding: message.topic, as: UTF8.self)
        let isOwn = topic.hasPrefix(Self.prefix)
        heard.append(
          Heard(
            at: now, client: String(decoding: client, as: UTF8.self),
            topic: isOwn ? String(topic.dropFirst(Self.prefix.count)) : topic,
            payload: String(decoding: message.payload, as: UTF8.self),
            isRetained: message.retain, qos: message.qos.rawValue, isWill: isWill))
      case .disconnected(_, let reason): partings.append(reason)
      case .connected, .refused, .sessionEnded, .subscribed, .dropped, .expired, .notRetained:
        break
      }
    }
  }

  /// What all of the device's topics begin with.
  static let prefix = "sandpiper/dev/"

  /// The transport breaks, noticed at both ends at once; what is on its way is lost.
  func cut() {
    guard network.isOpen else { return }
    network.cut(&broker, at: now)
    agent.link.failed(.broken(code: 104), at: now)
    turn()
  }

  /// Forgets what was heard so far.
  func forget() {
    heard = []
    drives = []
    notices = []
    attempts = []
    attempted = []
    partings = []
  }
}
