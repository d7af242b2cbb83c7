import Core
import Profile
import Scenarios

/// One world's life under faults, and what of the promises it has kept.
public struct Trial {
  /// The seed that all of it came from.
  public let seed: UInt64
  /// What was broken; empty when all was kept.
  public let violations: [String]
  /// What happened.
  public let counts: WorldCounts
  /// By point, states and events together.
  public let balance: [(made: Int, delivered: Int, lost: Int)]
  /// Messages that brought something for the second time.
  public let repeated: Int
  /// Messages with readings.
  public let messages: Int
  /// Stands for all that happened.
  public let digest: UInt64
  /// Bytes written to flash.
  public let flashBytes: Int
  /// What happened, line by line, where that was asked for.
  public let log: [String]

  /// Lets a world of this seed live for `length` through `happenings`, and then settle.
  public init(
    _ configuration: Configuration, link: LinkConditions, seed: UInt64, length: Interval,
    _ happenings: [Happening], sabotage: Sabotage? = nil, logs: Bool = false
  ) {
    self.seed = seed
    let world = World(configuration, link: link, seed: seed, sabotage: sabotage, logs: logs)
    var play = Play(happenings)
    play.run(world, for: length)
    world.settle()
    violations = world.violations
    counts = world.counts
    balance = world.sums
    (repeated, messages) = world.messageCounts
    digest = world.digest
    flashBytes = world.flash.bytesWritten
    log = world.lines
  }
}

extension World {
  var violations: [String] { ledger.violations }
  var messageCounts: (repeated: Int, all: Int) { (ledger.repeated, ledger.messages) }
  var digest: UInt64 { log.digest }
  var lines: [String] { log.lines }
}
