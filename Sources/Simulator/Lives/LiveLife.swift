import Agent
import Core
import Profile
import Scenarios

/// A simulated device that lives in real time, with a broker that is somebody else's.
///
/// It is the same world as in virtual time: board, flash, clock, process and way, and what happens to them. Only
/// its clock is kept outside, by who calls `turn`, and its way leads to `FarBroker`. What that or other
/// clients would have to do is not played (`Fault.isBeyondDevice`), and nobody judges what the broker hears.
///
/// | phase    | until                                        | then                              |
/// |----------|----------------------------------------------|-----------------------------------|
/// | playing  | the scenario's length is over, or `stop`     | all faults are over: calming      |
/// | calming  | the device is online, or can't wait any more | the agent is told to stop         |
/// | stopping | the agent has stopped                        | over                              |
public final class LiveLife {
  private enum Phase { case playing, calming, stopping, over }

  private let world: World
  private var play: Play
  private let start: Instant
  private let length: Interval
  private let tell: (String) -> Void
  private var phase = Phase.playing
  private var calmBy = Instant.never
  /// True when the device was online when it was told to stop, and was not lost since.
  private var isLeaving = false

  /// A life that begins now. `wallAtStart` is the time of day, in milliseconds since 1970; `tell` hears what
  /// happens, line by line.
  public init(
    _ simulation: Simulation, to broker: any FarBroker, wallAtStart: Int64,
    tell: @escaping (String) -> Void
  ) {
    // A world begins a second after its clock does.
    world = World(
      simulation.configuration, link: simulation.link.conditions, hardware: simulation.hardware,
      seed: simulation.seed, wallAtStart: wallAtStart - 1_000)
    play = Play(simulation.happenings.filter { !$0.fault.isBeyondDevice })
    (start, length, self.tell) = (world.now, simulation.length, tell)
    world.site.way.far = broker
    world.onNotice = { [unowned self] notice in hear(notice) }
  }

  /// True once it is at its end.
  public var isOver: Bool { phase == .over }

  /// True when, at the end, the broker has been told that the device goes.
  public var hasTakenLeave: Bool { isOver && isLeaving }

  /// When something is due next, counted from the beginning.
  public var deadline: Interval {
    let cue = phase == .playing ? min(play.nextAt ?? length, length) : length
    let own = phase == .playing ? start + cue : calmBy
    return min(world.deadline, own) - start
  }

  /// Does what is due, so much time after the beginning.
  public func turn(at elapsed: Interval) {
    while phase == .playing, let at = play.nextAt, at <= elapsed, at < length {
      world.live(at: start + at)
      let cue = play.playNext(in: world)
      tell(cue.isEnd ? cue.happening.endText : cue.happening.text)
    }
    world.live(at: start + elapsed)
    if phase == .playing, elapsed >= length {
      tell("the scenario is over")
      calm(until: world.now + world.reconnectingMax)
    }
    if phase == .calming, world.isWellConnected || world.now >= calmBy { leave() }
    if phase == .stopping, world.device == nil { phase = .over }
  }

  /// Somebody wants it to end: all faults are over, and the agent is told to stop. One that is not online
  /// is not waited for.
  public func stop() {
    guard phase == .playing || phase == .calming else { return }
    calm(until: world.now)
  }

  private func calm(until: Instant) {
    (phase, calmBy) = (.calming, until)
    world.calm()
  }

  private func leave() {
    (phase, calmBy, isLeaving) = (.stopping, .never, world.isWellConnected)
    world.mustRestart = false
    world.stop(.asked)
  }

  private func hear(_ notice: Notice) {
    if case .lost = notice { isLeaving = false }
    tell(notice.text)
  }
}

extension World {
  /// Time has passed up to `now`, by a clock outside: all that is due is done at once, as a program does it
  /// that has slept.
  func live(at now: Instant) {
    self.now = max(self.now, now)
    takeAnswer()
    turn()
  }
}
