import Core
import Foundation
import Linux
import Simulator

/// A life in real time from its beginning to its end, line by line.
final class LiveRun {
  /// A loop that has nothing to do looks around all the same.
  private static let sleepMax = Interval.seconds(60)

  private let simulation: Simulation
  private let signals: Signals
  private let broker: OutsideBroker
  private let startedAt = Clock.now()

  /// Takes over the signals of the process, for which there may be no other thread yet.
  init(_ simulation: Simulation) throws(SystemError) {
    self.simulation = simulation
    let signals = try Signals()
    broker = try OutsideBroker(simulation.configuration, signals: signals.descriptor)
    self.signals = signals
  }

  /// Lives it. The exit status.
  func run() -> Int32 {
    let configuration = simulation.configuration
    let title = simulation.scenario.title.text
    say(
      "\(configuration.string(configuration.device.id)) on a simulated board, for "
        + "\(simulation.length.inWords), over \(simulation.link.name)"
        + (title.isEmpty ? "" : ": \(title)") + "; seed \(simulation.seed)")
    let wall = Clock.moment().wall
    let life = LiveLife(
      simulation, to: broker, wallAtStart: wall.milliseconds, tell: { [self] line in say(line) })
    var isAsked = false
    while true {
      life.turn(at: Clock.now() - startedAt)
      broker.flush()
      if life.isOver { break }
      let deadline = min(startedAt + life.deadline, Clock.now() + Self.sleepMax)
      guard broker.wait(until: deadline) else { continue }
      while let signal = signals.take() {
        guard signal != .hangUp else { continue }
        if isAsked { return 130 }
        isAsked = true
        life.stop()
      }
    }
    // The last word is on its way.
    while broker.isClosing { _ = broker.wait(until: Clock.now() + .seconds(1)) }
    if !life.hasTakenLeave { say("the broker was not told that the device goes") }
    return life.hasTakenLeave || isAsked ? 0 : 1
  }

  private func say(_ line: String) {
    let seconds = (Clock.now() - startedAt).inSeconds
    Terminal.print(String(format: "%9.3f  ", seconds) + line)
  }
}
