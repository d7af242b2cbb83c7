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

  /// How long a world lives on once all faults are over.
  static var peace: Interval { .seconds(3_600) }

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

  /// Says what of the promises was not kept, once all has settled.
  func judge() {
    let points = configuration.points.map { configuration.string($0.name) }
    if let device {
      if !device.agent.link.isOnline { complain("not online an hour after the last fault") }
      let waiting = device.agent.link.outbox.unacknowledged
      // What was read in the last moment may be under way, or wait for the next batch.
      if configuration.uplink.batchEvery == .zero, waiting > 2 * points.count {
        complain("\(waiting) records still wait")
      }
      if let fault = device.agent.link.backlog.fault {
        complain("the journal still fails: \(fault)")
      }
    }
    for (point, sum) in sums.enumerated() {
      let missing = sum.made - sum.delivered - sum.lost
      // What was read last may be under way, or wait for the next batch.
      if missing > balance.mayBeLost[point] + underWayMax(point) {
        complain(
          "\(points[point]): \(sum.made) made, \(sum.delivered) delivered, \(sum.lost) given up "
            + "and counted, \(balance.mayBeLost[point]) at most lost with the memory: \(missing) are missing"
        )
      }
      if sum.delivered > sum.made { complain("\(points[point]): more delivered than made") }
    }
    let window = 2 * configuration.uplink.inflight
    if ledger.repeated > window * (counts.losses + counts.runs) {
      complain("\(ledger.repeated) messages came twice over \(counts.losses) losses")
    }
  }

  /// How many readings of a point may be on their way at a quiet time.
  private func underWayMax(_ point: Int) -> Int {
    let limit = now - configuration.uplink.batchEvery - .seconds(60)
    let before = balance.made(before: limit)
    return device.map { Int($0.made[point] - (before?[point] ?? 0)) } ?? 0
  }

  private func complain(_ text: String) { ledger.complain(text) }
}
