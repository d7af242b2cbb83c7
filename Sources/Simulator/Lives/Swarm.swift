import Core
import Dispatch
import Foundation
import Profile
import Scenarios
import Synchronization

/// Many worlds, one for each seed, on all cores.
public struct Swarm: Sendable {
  private let configuration: Configuration
  private let seeds: Range<UInt64>
  private let length: Interval
  private let faults: ChanceOfFaults
  private let links: [LinkConditions]
  private let sabotage: Sabotage?

  /// What became of a swarm.
  public struct Outcome: Sendable {
    /// Lives that have come to their end.
    public var lives = 0
    /// Those of them that kept every promise.
    public var good = 0
    /// The first that did not, by its seed.
    public var failed: (seed: UInt64, violations: [String])?
    /// Readings that were made, over all lives.
    public var made = 0
    /// Those of them that were heard, once or more often.
    public var delivered = 0
    /// Those of them that were given up by the profile's own rules, and counted.
    public var lost = 0
    /// The rest: what was in memory when the power or the process ended, what has rotted, what still waits.
    public var rest: Int { max(0, made - delivered - lost) }
    /// What happened, over all lives.
    public var counts = WorldCounts()
    /// Messages with readings.
    public var messages = 0
    /// Those of them that brought something for the second time.
    public var repeated = 0
    /// Stands for all that happened in all lives, in whatever order they came to their ends.
    public var digest: UInt64 = 0

    /// All in a few lines.
    public func summary(days: Int, seconds: Double) -> String {
      let rate = Double(lives * days) * 86_400 / max(seconds, 0.001)
      return """
        \(lives) lives of \(days) day\(days == 1 ? "" : "s") in \(Int(seconds.rounded(.up))) s: \(Int(rate)) times real time
        \(counts.faults) faults, \(counts.losses) connections lost, \(counts.runs) runs of the agent
        \(made) readings made, \(delivered) delivered, \(lost) given up and counted, \(rest) taken by power cuts \
        and rot, or still waiting
        \(messages) messages, \(repeated) came twice
        \(failed.map { "seed \($0.seed) broke a promise:" } ?? "every promise was kept")
        """
    }

    mutating func add(_ trial: Trial) {
      for sums in trial.balance {
        made += sums.made
        delivered += sums.delivered
        lost += sums.lost
      }
      lives += 1
      counts.add(trial.counts)
      messages += trial.messages
      repeated += trial.repeated
      digest &+= trial.digest &* (2 &* trial.seed &+ 1)
      if trial.violations.isEmpty {
        good += 1
      } else if failed.map({ trial.seed < $0.seed }) ?? true {
        failed = (trial.seed, trial.violations)
      }
    }
  }

  /// A swarm of these seeds, which have these links in turn.
  public init(
    configuration: Configuration, seeds: Range<UInt64>, length: Interval, faults: ChanceOfFaults,
    links: [LinkConditions], sabotage: Sabotage? = nil
  ) {
    precondition(!links.isEmpty, "there is no life without a link")
    self.sabotage = sabotage
    (self.configuration, self.seeds, self.length) = (configuration, seeds, length)
    (self.faults, self.links) = (faults, links)
  }

  /// The life of one seed.
  public func trial(of seed: UInt64, logs: Bool = false) -> Trial {
    trial(of: seed, happenings(of: seed), logs: logs)
  }

  private func trial(of seed: UInt64, _ happenings: [Happening], logs: Bool = false) -> Trial {
    Trial(
      configuration, link: links[Int(seed % UInt64(links.count))], seed: seed, length: length,
      happenings, sabotage: sabotage, logs: logs)
  }

  /// The life of a seed that breaks a promise, with none but the faults that it takes: at most `tries` lives
  /// are tried for that.
  public func shrunk(_ seed: UInt64, tries: Int = 300) -> Scenario {
    var shrinker = Shrinker(tries: tries) { !trial(of: seed, $0).violations.isEmpty }
    var scenario = Scenario()
    scenario.seed = seed
    scenario.length = length
    scenario.happenings = shrinker.shrink(happenings(of: seed))
    return scenario
  }

  private func happenings(of seed: UInt64) -> [Happening] {
    var chaos = Chaos(faults, seed: seed ^ 0x5A4D)
    return chaos.happenings(within: length, configuration)
  }

  /// Lets all live. After a failure those that were begun come to their end, and no more begin. `progress`
  /// hears after each how many there were, on any thread, one call at a time.
  public func run(_ progress: @Sendable (Int) -> Void = { _ in }) -> Outcome {
    let state = Mutex((next: seeds.lowerBound, outcome: Outcome()))
    DispatchQueue.concurrentPerform(iterations: ProcessInfo.processInfo.activeProcessorCount) { _ in
      while let seed = state.withLock({ state -> UInt64? in
        guard state.outcome.failed == nil, state.next < seeds.upperBound else { return nil }
        defer { state.next += 1 }
        return state.next
      }) {
        let trial = trial(of: seed)
        state.withLock { state in
          state.outcome.add(trial)
          progress(state.outcome.lives)
        }
      }
    }
    return state.withLock { $0.outcome }
  }
}
