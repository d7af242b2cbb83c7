import ArgumentParser
import Core
import Foundation
import JSON
import Profile
import Report
import Scenarios
import Simulator

/// `sandpiper-lab simulate`
struct SimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Let a device live in virtual time, and say what became of its readings.",
    discussion: """
      The same agent as on a board, with a board, a flash, a link and a broker that are simulated, \
      thousands of times faster than life. A scenario says what goes wrong, and when. Ends with 0 when \
      every promise was kept, with 1 when one was not, and with 6 for a profile, scenario, link or \
      hardware that is wrong or does not fit.

      Links: \(Shelf.names(of: "links").joined(separator: ", ")).
      Hardware: \(Shelf.names(of: "hardware").joined(separator: ", ")).
      Scenarios: \(Shelf.names(of: "scenarios").joined(separator: ", ")).
      """)

  @Argument(help: "The device profile.")
  var profile: String

  @Option(help: ArgumentHelp("The board's limits and costs: a name, or a file.", valueName: "name"))
  var hardware: String?

  @Option(
    help: ArgumentHelp(
      "The link to the broker: a name, or a file. Else the scenario's, the hardware's, or ethernet.",
      valueName: "name"))
  var link: String?

  @Option(
    help: ArgumentHelp("What goes wrong, and when: a name, or a file.", valueName: "name"))
  var scenario: String?

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp(
      "How long the device lives: such as 12h, 30d. Else the scenario's length, or a day.",
      valueName: "length"))
  var length: String?

  @Option(
    help: ArgumentHelp(
      "Where all chance comes from: one seed, one course of events. Else the scenario's, or 1.",
      valueName: "number"))
  var seed: UInt64?

  @Option(help: ArgumentHelp("Write a report with plots, one HTML page.", valueName: "file"))
  var report: String?

  @Flag(help: "Print all that happened, a line for each event, to standard output.")
  var log = false

  @Flag(name: .customLong("dry-run"), help: "Say what would be simulated, and stop.")
  var isDryRun = false

  func run() throws {
    let (simulation, linkName) = try prepared()
    let objections = simulation.objections
    for objection in objections { Terminal.complain("sandpiper-lab: \(profile): \(objection)") }
    guard objections.isEmpty else { throw ExitCode(6) }
    if isDryRun {
      Terminal.print(
        "would simulate \(profile) for \(simulation.length.inWords) on \(linkName), "
          + "\(simulation.happenings.count) faults, seed \(simulation.seed)")
      return
    }
    // A page that can't be written is told before the hours are lived.
    if let report, !Self.canWrite(report) {
      Terminal.complain("sandpiper-lab: \(report): can't be written")
      throw ExitCode(1)
    }
    let start = Date()
    let progress = Progress(isShown: Terminal.isInteractive && !log)
    let life = simulation.run(logs: log) { progress.show($0) }
    progress.clear()
    let seconds = -start.timeIntervalSinceNow
    for line in life.log { Terminal.print(line) }
    var course = life.course
    course.setting.profile = profile
    for line in CourseSummary(course, seconds: seconds, digest: life.digest).lines {
      Terminal.print(line)
    }
    if let report { try write(course, to: report) }
    if !course.violations.isEmpty { throw ExitCode(1) }
  }

  private func prepared() throws -> (Simulation, link: String) {
    let configuration = try Shelf.profile(profile)
    let scenario = try scenario.map { try Shelf.scenario($0, for: configuration) } ?? Scenario()
    let hardwareName = hardware ?? (scenario.hardware.isEmpty ? nil : scenario.hardware.text)
    let hardware = try hardwareName.map { try Shelf.hardware($0) }
    let name =
      link ?? (scenario.link.isEmpty ? nil : scenario.link.text)
      ?? hardware.flatMap { $0.link.isEmpty ? nil : $0.link } ?? "ethernet"
    var simulation = Simulation(configuration, link: (name, try Shelf.link(name)))
    simulation.hardware = hardware
    simulation.scenario = scenario
    simulation.seed = seed ?? scenario.seed ?? 1
    if scenario.length > .zero { simulation.length = scenario.length }
    if let length { simulation.length = try Self.length(length) }
    return (simulation, name)
  }

  /// What is there stays until the page takes its place.
  private static func canWrite(_ path: String) -> Bool {
    let files = FileManager.default
    if files.fileExists(atPath: path) { return files.isWritableFile(atPath: path) }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    return files.isWritableFile(atPath: folder)
  }

  private static func length(_ text: String) throws -> Interval {
    let bytes = Array(text.utf8)
    guard let length = Interval(parsing: bytes.span), length >= .seconds(1),
      length <= .seconds(3_660 * 86_400)
    else { throw ValidationError("--for: expected a length such as 12h or 30d, up to 3660d") }
    return length
  }

  /// What repeats this life, without what it is written to.
  private func command(_ course: Course) -> [String] {
    var words = ["sandpiper-lab", "simulate", profile]
    let options = [
      ("--hardware", hardware), ("--link", link), ("--scenario", scenario), ("--for", length),
    ]
    for (name, value) in options { words += value.map { [name, $0] } ?? [] }
    return words + ["--seed", "\(course.setting.seed)"]
  }

  private func write(_ course: Course, to path: String) throws {
    do {
      let report = CourseReport(course, command: command(course))
      try report.html.write(toFile: path, atomically: true, encoding: .utf8)
    } catch {
      Terminal.complain("sandpiper-lab: \(path): \(error.localizedDescription)")
      throw ExitCode(1)
    }
    Terminal.print("report      \(path)")
  }
}

/// How much of a long piece of work is done, on a line of its own.
final class Progress {
  private let isShown: Bool
  private var shown = -1

  init(isShown: Bool) { self.isShown = isShown }

  /// `part` of it is done, from 0 to 1.
  func show(_ part: Double) {
    let percent = Int(part * 100)
    guard isShown, percent != shown else { return }
    shown = percent
    Terminal.show("\r\(percent) %\u{1B}[K")
  }

  /// The line is wanted for something else.
  func clear() { if isShown { Terminal.show("\r\u{1B}[K") } }
}
