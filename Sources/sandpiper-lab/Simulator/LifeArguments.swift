import ArgumentParser
import Core
import Profile
import Scenarios
import Simulator

/// What a simulated life is made of, as commands take it.
struct LifeArguments: ParsableArguments {
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

  /// The life of a profile's device; ends the program where one of the files is wrong, or the device does not
  /// fit its board.
  func simulation(
    _ configuration: Configuration, profile: String, ownsBroker: Bool = true
  ) throws -> Simulation {
    let scenario =
      try scenario.map { try Shelf.scenario($0, for: configuration, ownsBroker: ownsBroker) }
      ?? Scenario()
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
    let objections = simulation.objections
    for objection in objections { Terminal.complain("sandpiper-lab: \(profile): \(objection)") }
    guard objections.isEmpty else { throw ExitCode(6) }
    return simulation
  }

  private static func length(_ text: String) throws -> Interval {
    let bytes = Array(text.utf8)
    guard let length = Interval(parsing: bytes.span), length >= .seconds(1),
      length <= .seconds(3_660 * 86_400)
    else { throw ValidationError("--for: expected a length such as 12h or 30d, up to 3660d") }
    return length
  }

  /// The options that lead to the same life, the seed apart.
  var words: [String] {
    let options = [
      ("--hardware", hardware), ("--link", link), ("--scenario", scenario), ("--for", length),
    ]
    return options.flatMap { name, value in value.map { [name, $0] } ?? [] }
  }
}
