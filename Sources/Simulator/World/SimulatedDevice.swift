import Agent
import Core
import Device
import Journal
import Profile
import SimulatedBoard
import Uplink

/// One run of the agent, with its board and its clocks, from a start to the end of the process or of the
/// power.
@safe public final class SimulatedDevice {
  /// The agent, the same as on a board.
  public var agent: DeviceAgent<FlashStorage>
  var board: VirtualBoard
  let flash: SimulatedFlash
  private let memory: UnsafeMutableRawBufferPointer
  /// When the board was booted, in the world's time: its monotonic clock counts from there.
  private let bootedAt: Instant
  /// The time of day at the world's beginning, in milliseconds since 1970, as this board's clock has it.
  var wallAtStart: Int64
  var quality: TimeQuality
  /// The number of this run, from 1 on; and, where there is a journal, its number there.
  let run: Int
  let journalRun: UInt32

  init(
    _ configuration: Configuration, boot: Int, bootedAt: Instant, run: Int, lastSession: UInt64,
    seed: UInt64, wallAtStart: Int64, quality: TimeQuality, flash: SimulatedFlash, at now: Instant
  ) {
    (self.run, self.flash) = (run, flash)
    (self.bootedAt, self.wallAtStart, self.quality) = (bootedAt, wallAtStart, quality)
    var bootID = InlineArray<36, UInt8>(repeating: UInt8(ascii: "0"))
    var rest = boot
    for index in 0..<8 {
      bootID[index] = UInt8(ascii: "a") + UInt8(rest % 16)
      rest /= 16
    }
    let moment = Self.moment(at: now, bootedAt, wallAtStart, quality)
    flash.now = moment.instant
    // Measured first, and then exactly so much: what the plan does not name does not exist.
    var plan = Arena()
    _ = Self.agent(configuration, bootID, lastSession, seed, flash, at: moment, &plan)
    _ = Self.board(configuration, seed, at: moment.instant, &plan)
    unsafe memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: plan.used, alignment: Arena.alignment)
    var arena = unsafe Arena(over: memory)
    agent = Self.agent(configuration, bootID, lastSession, seed, flash, at: moment, &arena)
    board = Self.board(configuration, seed, at: moment.instant, &arena)
    _ = agent.openJournal()
    journalRun = (agent.link.backlog.runBefore?.run ?? 0) &+ 1
  }

  /// Bytes of memory that such a device takes, all at its start.
  public static func planned(_ configuration: Configuration) -> Int {
    var plan = Arena()
    let moment = Self.moment(at: .boot, .boot, 0, .none)
    _ = agent(
      configuration, InlineArray(repeating: 0), 0, 0, SimulatedFlash(bytes: 0), at: moment, &plan)
    _ = board(configuration, 0, at: .boot, &plan)
    return plan.used
  }

  deinit { unsafe memory.deallocate() }

  private static func agent(
    _ configuration: Configuration, _ bootID: InlineArray<36, UInt8>, _ lastSession: UInt64,
    _ seed: UInt64, _ flash: SimulatedFlash, at moment: Moment, _ arena: inout Arena
  ) -> DeviceAgent<FlashStorage> {
    DeviceAgent(
      AgentSpecs(device: configuration.device, uplink: configuration.uplink),
      points: configuration.points.span, texts: configuration.texts.span, boardDebounces: false,
      identity: Identity(
        version: "simulated", bootID: bootID, lastSession: lastSession, seed: seed),
      medium: FlashStorage(flash: flash), at: moment, arena: &arena)
  }

  private static func board(
    _ configuration: Configuration, _ seed: UInt64, at now: Instant, _ arena: inout Arena
  ) -> VirtualBoard {
    VirtualBoard(
      points: configuration.points.span, simulations: configuration.simulations.span, seed: seed,
      start: now, arena: &arena)
  }

  private static func moment(
    at now: Instant, _ bootedAt: Instant, _ wallAtStart: Int64, _ quality: TimeQuality
  ) -> Moment {
    Moment(
      instant: .boot + (now - bootedAt),
      wall: WallTime(milliseconds: wallAtStart + now.nanoseconds / 1_000_000), quality: quality)
  }

  /// The device's clocks at the world's time `now`.
  func moment(at now: Instant) -> Moment { Self.moment(at: now, bootedAt, wallAtStart, quality) }

  /// A deadline of the device's in the world's time.
  private func worldTime(_ deadline: Instant) -> Instant {
    deadline == .never ? .never : bootedAt + (deadline - .boot)
  }

  /// When the agent last heard of its broker, in the world's time.
  var heardAt: Instant { worldTime(agent.link.heardAt) }

  /// When its board has something to report, in the world's time.
  var boardDeadline: Instant { worldTime(board.deadline) }

  /// When a point has something to do.
  var pointsDeadline: Instant { worldTime(agent.points.deadline) }

  /// When the rest of the agent, or its flash, has something to do.
  var agentDeadline: Instant { worldTime(min(agent.deadlineWithoutPoints, flash.deadline)) }

  /// Takes in what the board reports up to `now`; true when a record has come of it.
  func pollBoard(at now: Instant) -> Bool {
    let moment = moment(at: now)
    guard board.deadline <= moment.instant else { return false }
    let before = agent.link.outbox.appendCount
    board.poll(at: moment.instant) { event in agent.handle(event, at: moment) }
    return agent.link.outbox.appendCount != before
  }

  /// Lets the points do what is due at `now`; true when a record has come of it, or an output is to be driven.
  func pollPoints(at now: Instant) -> Bool {
    let before = agent.link.outbox.appendCount
    agent.pointsDeadlineReached(at: moment(at: now))
    return agent.link.outbox.appendCount != before || agent.points.isDriving
  }
}
