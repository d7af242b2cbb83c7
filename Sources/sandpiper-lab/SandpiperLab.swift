import ArgumentParser

/// The workbench: a broker of its own, and a device's whole world in one command.
@main
struct SandpiperLab: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sandpiper-lab",
    abstract: "The workbench of Sandpiper: try a device profile without board and broker.",
    version: "0.1.0",
    subcommands: [
      DemoCommand.self, BrokerCommand.self, ClientCommand.self, PubCommand.self, SubCommand.self,
      RunCommand.self, SimulateCommand.self, SwarmCommand.self, FleetCommand.self,
      CareCommand.self,
    ])

  /// The version, as the line protocol's first line says it.
  static var versionText: StaticString { "0.1.0" }
}
