import ArgumentParser
import Core
import Device
import Foundation
import Linux
import Profile

/// `sandpiper-lab demo`
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Run a device profile on a simulated board against a broker in here.",
    discussion: """
      Starts the device program, sandpiper, and shows what it publishes: as a table in a terminal, \
      else as lines. Control-C stops it in order. Everything is real but the board: while it \
      runs, any MQTT client can connect to the port shown, and "sandpiper set" moves a simulated \
      point.

      Exit status: 0 in order, 6 wrong profile, else that of the device program.
      """)

  @Argument(help: Shelf.profileHelp)
  var profile: String

  @Option(help: "The port of the broker, on 127.0.0.1; 0 for any that is free.")
  var port: UInt16 = 0

  @Option(name: .customLong("for"), help: "Stop in order after so many seconds.")
  var seconds: UInt32?

  @Option(help: "The seed of the simulated board's chance, to see the same again.")
  var seed: UInt64?

  @Option(help: "The device program [the one beside this program, else on the PATH].")
  var agent: String?

  @Flag(help: "Print lines, in a terminal too.")
  var plain = false

  func run() throws {
    let profile = try Shelf.path(ofProfile: profile)
    guard let program = DeviceProcess.find(agent) else {
      throw Self.failure(
        agent.map { "\($0) cannot be executed" }
          ?? "no program sandpiper beside this one or on the PATH: name it with --agent")
    }
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("sandpiper-demo-\(getpid())").path
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: false,
        attributes: [.posixPermissions: 0o700])
    } catch {
      throw Self.failure("no folder for the control socket: \(error.localizedDescription)")
    }
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let byHand = try Shelf.profile(profile).firstByHand.map {
      "\nby hand: \(URL(fileURLWithPath: program).path) set \(folder)/control \($0)"
    }
    try run(program, profile, control: folder + "/control", byHand: byHand ?? "")
  }

  private func run(_ program: String, _ profile: String, control: String, byHand: String) throws {
    let server: BrokerServer
    do {
      server = try BrokerServer(at: .loopback(port: port))
    } catch let fault as BrokerServer.Unserved {
      throw Self.failure("cannot serve at 127.0.0.1 port \(port): \(fault.error.text)")
    }
    var arguments = [
      "run", "--simulate", "--broker", "mqtt://127.0.0.1:\(server.port)", "--control", control,
    ]
    if let seed { arguments += ["--seed", String(seed)] }
    guard let device = DeviceProcess(program, arguments + [profile]) else {
      throw Self.failure("cannot start \(program)")
    }
    let title = """
      \(profile) on a simulated board; Control-C ends
      broker:  127.0.0.1:\(server.port), for example mosquitto_sub -p \(server.port) -v -t '#'\(byHand)
      """
    var demo = Demo(
      server: server, device: device,
      screen: DemoScreen(title: title, isLive: Terminal.isInteractive && !plain, at: Clock.now()))
    let status = try demo.run(for: seconds.map { .seconds(Int64($0)) })
    guard status == 0 else { throw ExitCode(status) }
  }

  private static func failure(_ text: String, code: Int32 = 1) -> ExitCode {
    Terminal.complain("sandpiper-lab: \(text)")
    return ExitCode(code)
  }
}

extension Configuration {
  /// A point that can be set by hand and what to, a line before anything that is measured; nil where there are
  /// outputs only.
  fileprivate var firstByHand: String? {
    let settable = points.filter { $0.kind != .output }
    let point = settable.first { $0.kind == .input } ?? settable.first
    return point.map { string($0.name) + " 1" }
  }
}
