import ArgumentParser
import Core
import Dispatch
import Foundation
import Profile
import Scenarios
import Simulator

/// `sandpiper-lab swarm`
struct SwarmCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "swarm",
    abstract: "Let a device live in virtual time, again and again, under faults at random.",
    discussion: """
      Each seed is one life: the same agent as on a board, with links that break, brokers that \
      forget, power that is cut, clocks that are wrong, flash that fails. Afterwards all that was \
      read must have been delivered, or given up by the profile's own rules and counted. Stops at \
      the first seed that breaks a promise, prints the command that repeats it, and leaves the faults \
      that are enough for it as a scenario in broken-SEED.json. Ends with 0 when \
      all were kept, with 1 when one was not, and with 6 for a wrong profile.
      """)

  @Argument(help: Shelf.profileHelp)
  var profile: String

  @Option(help: "How many seeds.")
  var seeds = 100

  @Option(help: "The first of them.")
  var seed: UInt64 = 1

  @Option(help: ArgumentHelp("How many days each device lives under faults.", valueName: "days"))
  var days = 1

  @Option(help: ArgumentHelp("About how many faults a day.", valueName: "number"))
  var faults = 60

  @Option(
    help: ArgumentHelp(
      "The link, by name or by file; each seed another, of those without a trace, if none is named.",
      valueName: "name"))
  var link: String?

  @Flag(help: "Print all that happened to one seed, a line for each event.")
  var log = false

  @Flag(help: "Do not look which of the faults are enough to break the promise.")
  var unshrunk = false

  @Flag(help: "Print a number that stands for all that happened to all seeds.")
  var digest = false

  func validate() throws {
    guard seeds > 0, (1...3_660).contains(days), (1...10_000).contains(faults) else {
      throw ValidationError("--seeds from 1, --days 1 to 3660, --faults 1 to 10000")
    }
    guard days * faults <= Scenario.countMax else {
      throw ValidationError("--days times --faults: at most \(Scenario.countMax)")
    }
    // Scenarios, which a failure becomes, have whole numbers of 63 bits.
    guard seed <= UInt64(Int64.max) - UInt64(seeds) else {
      throw ValidationError("--seed is too large for so many --seeds")
    }
  }

  func run() throws {
    let configuration = try Shelf.profile(profile)
    // What changes by a trace does not by chance: it is for who asks for it.
    let names = try link.map { [$0] } ?? Shelf.links().filter { try Shelf.link($0).trace == nil }
    let links = try names.map { try Shelf.link($0) }
    let seeds = log ? 1 : seeds
    let swarm = Swarm(
      configuration: configuration, seeds: seed..<seed + UInt64(seeds),
      length: .seconds(Int64(days) * 86_400), faults: ChanceOfFaults(perDay: faults), links: links)
    if log {
      for line in swarm.trial(of: seed, logs: true).log { Terminal.print(line) }
    }
    let start = Date()
    let isLive = Terminal.isInteractive && !log
    let outcome = swarm.run { lives in
      if isLive { Terminal.show("\r\(lives) of \(seeds) lives\u{1B}[K") }
    }
    if isLive { Terminal.show("\r\u{1B}[K") }
    let seconds = -start.timeIntervalSinceNow
    Terminal.print(outcome.summary(days: days, seconds: seconds))
    if digest { Terminal.print("digest \(String(outcome.digest, radix: 16))") }
    guard let failed = outcome.failed else { return }
    for violation in failed.violations { Terminal.print("  " + violation) }
    if !log && !unshrunk {
      let name = names[Int(failed.seed % UInt64(names.count))]
      try keep(swarm.shrunk(failed.seed), link: name)
    }
    let chosen = link.map { " --link \($0)" } ?? ""
    Terminal.print(
      "repeat it: sandpiper-lab swarm \(profile) --seeds 1 --seed \(failed.seed) --days \(days) "
        + "--faults \(faults)\(chosen) --log")
    Terminal.print("found by \(Checkout.program)")
    throw ExitCode(1)
  }

  /// Writes down what it takes to break the promise.
  private func keep(_ scenario: Scenario, link: String) throws {
    let path = "broken-\(scenario.seed ?? 0).json"
    Terminal.print("\(scenario.happenings.count) faults are enough: \(path)")
    do {
      try scenario.json(link: link).write(toFile: path, atomically: true, encoding: .utf8)
    } catch {
      Terminal.complain("sandpiper-lab: \(path): \(error.localizedDescription)")
      return
    }
    Terminal.print("  sandpiper-lab simulate \(profile) --scenario \(path)")
  }
}
