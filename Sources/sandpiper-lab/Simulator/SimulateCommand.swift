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
      The same agent as on a board, with a board, a flash, a link and brokers that are simulated, \
      thousands of times faster than life. A scenario says what goes wrong, and when. Ends with 0 when \
      every promise was kept, with 1 when one was not, and with 6 for a profile, scenario, link or \
      hardware that is wrong or does not fit.

      Links: \(Shelf.names(of: "links").joined(separator: ", ")).
      Hardware: \(Shelf.names(of: "hardware").joined(separator: ", ")).
      Scenarios: \(Shelf.names(of: "scenarios").joined(separator: ", ")).
      """)

  @Argument(help: Shelf.profileHelp)
  var profile: String

  @OptionGroup var parts: LifeArguments

  @Option(help: ArgumentHelp("Write a report with plots, one HTML page.", valueName: "file"))
  var report: String?

  @Flag(help: "Print all that happened, a line for each event, to standard output.")
  var log = false

  @Flag(name: .customLong("dry-run"), help: "Say what would be simulated, and stop.")
  var isDryRun = false

  func run() throws {
    let simulation = try parts.simulation(try Shelf.profile(profile), profile: profile)
    if isDryRun {
      Terminal.print(
        "would simulate \(profile) for \(simulation.length.inWords) on \(simulation.link.name), "
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
    if !course.violations.isEmpty {
      Terminal.print("found by \(Checkout.program)")
      throw ExitCode(1)
    }
  }

  /// What is there stays until the page takes its place.
  private static func canWrite(_ path: String) -> Bool {
    let files = FileManager.default
    if files.fileExists(atPath: path) { return files.isWritableFile(atPath: path) }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    return files.isWritableFile(atPath: folder)
  }

  /// What repeats this life, without what it is written to.
  private func command(_ course: Course) -> [String] {
    ["sandpiper-lab", "simulate", profile] + parts.words + ["--seed", "\(course.setting.seed)"]
  }

  private func write(_ course: Course, to path: String) throws {
    do {
      let report = CourseReport(course, command: command(course))
      try ReportFile.write(report.html, to: path)
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
