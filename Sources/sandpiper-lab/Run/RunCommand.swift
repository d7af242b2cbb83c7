import ArgumentParser
import Core
import Linux
import Profile
import Scenarios
import Simulator

/// `sandpiper-lab run`
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Let a simulated device live in real time, against a real broker.",
    discussion: """
      The world is that of "simulate", with the same board, flash, clock, process and way, and the same \
      scenarios; only time is real, and the way leads on to the profile's broker, or another. So what the \
      link does comes on top of what the network does. The journal lies on a simulated flash and ends \
      with the program. What the broker or another client would have to do (restart, reject, take-over, \
      publish) is not played; a line says so for each.

      Prints what happens, with the seconds since the start. At the scenario's end, with Ctrl-C and with \
      SIGTERM all faults are over and the agent stops in order; a second Ctrl-C ends at once. Ends with 0 \
      in order, with 1 when the broker could not be told that the device goes at the scenario's end, \
      and with 6 for a profile, scenario, link or hardware that is wrong or does not fit.

      "sandpiper run PROFILE --simulate --scenario FILE" is the same.
      """)

  @Argument(help: Shelf.profileHelp)
  var profile: String

  @Option(help: ArgumentHelp("The broker, instead of the profile's.", valueName: "url"))
  var broker: String?

  @OptionGroup var parts: LifeArguments

  @Flag(help: .hidden)
  var simulate = false

  func validate() throws {
    if let broker, let fault = ProfileReader.fault(ofBrokerURL: Array(broker.utf8)) {
      throw ValidationError("--broker: \(fault)")
    }
  }

  func run() throws {
    let configuration = try Shelf.profile(profile, brokerURL: broker)
    let simulation = try parts.simulation(configuration, profile: profile, ownsBroker: false)
    do {
      let status = try LiveRun(simulation).run()
      if status != 0 { throw ExitCode(status) }
    } catch let error as SystemError {
      Terminal.complain("sandpiper-lab: \(error.text)")
      throw ExitCode(1)
    }
  }
}
