import Core
import Profile
import Scenarios

/// One life, from its beginning to its end, of which everything is written down.
public struct Simulation {
  /// The profile.
  public var configuration: Configuration
  /// The link, by its name and as it is.
  public var link: (name: String, conditions: LinkConditions)
  /// The hardware; nil for a board without limits.
  public var hardware: Hardware?
  /// What happens.
  public var scenario = Scenario()
  /// How long it goes on; then all faults are over, and what waits is delivered in peace.
  public var length = Interval.seconds(86_400)
  /// Where all chance comes from.
  public var seed: UInt64 = 1
  /// Breaks the world, so that promises can't be kept.
  public var sabotage: Sabotage?

  /// A day without any fault.
  public init(_ configuration: Configuration, link: (name: String, conditions: LinkConditions)) {
    (self.configuration, self.link) = (configuration, link)
  }

  /// What happens, chance included, in order of time.
  public var happenings: [Happening] {
    var all = scenario.happenings(within: length)
    if let faults = scenario.chance {
      var chaos = Chaos(faults, seed: seed ^ 0x5A4D)
      all += chaos.happenings(within: length, configuration)
      all.sort { $0.at < $1.at }
    }
    return all
  }

  /// Why this can't be simulated; empty when it can.
  public var objections: [String] {
    let planned = SimulatedDevice.planned(configuration)
    var objections = hardware?.objections(to: configuration, planned: planned) ?? []
    if planned > configuration.memoryBudget {
      objections.append(
        "the agent takes \(planned) bytes, and budget.memory is \(configuration.memoryBudget): "
          + "make uplink.outbox or uplink.packet smaller, or raise it")
    }
    let count = scenario.count(within: length)
    if count > Scenario.countMax {
      objections.append(
        "about \(count) faults, and at most \(Scenario.countMax) can be played: a shorter life, or fewer"
      )
    }
    return objections
  }

  /// Lives it. `progress` hears now and then which part of it is over, from 0 to 1.
  public func run(
    slices: Int = 720, logs: Bool = false, _ progress: (Double) -> Void = { _ in }
  ) -> (course: Course, digest: UInt64, log: [String]) {
    let world = World(
      configuration, link: link.conditions, hardware: hardware, seed: seed, sabotage: sabotage,
      logs: logs)
    let whole = length + world.settlingMax
    let recorder = Recorder(world, length: whole, slices: slices)
    world.recorder = recorder
    var play = Play(happenings)
    play.run(world, for: length) { gone in
      progress(gone.inSeconds / whole.inSeconds)
    }
    world.settle()
    var course = recorder.finish(world, hardware)
    course.setting.device = configuration.string(configuration.device.id)
    course.setting.hardware = hardware?.title ?? ""
    course.setting.link = link.name
    course.setting.scenario = String(decoding: scenario.title, as: UTF8.self)
    (course.setting.length, course.setting.seed) = (length, seed)
    return (course, world.digest, world.lines)
  }
}
