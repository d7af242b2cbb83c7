import ArgumentParser
import CLinux
import Core
import Fleet
import Foundation
import JSON
import Linux
import Profile

/// `sandpiper-lab fleet`
struct FleetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fleet",
    abstract: "Run thousands of devices of one profile against a broker, or through a storm.",
    discussion: """
      Each device is the same agent as on a board, on a simulated board of its own, with an \
      identifier of its own: the profile's and a number, such as greenhouse-00042. They keep \
      everything in memory: a journal in the profile is left out. They speak plain TCP (mqtt://). \
      Ctrl-C and SIGTERM stop all in order, within 60 seconds; a second one ends at once.

      With --virtual nothing is connected: virtual time shows what a broker sees when it has been \
      away and all devices come back, with this profile's back-off, with a fixed delay, and with \
      delays that double but are the same for all.

      devices/fleet.json is a profile of little memory for it. Ends with 0 in order, with 1 when the \
      broker cannot be reached or there are not enough descriptors, with 6 for a wrong profile.
      """)

  @Argument(help: Shelf.profileHelp)
  var profile: String

  @Option(help: "How many devices [10000, with --virtual 100000].")
  var devices: Int?

  @Option(help: ArgumentHelp("The broker, instead of the profile's.", valueName: "url"))
  var broker: String?

  @Option(help: ArgumentHelp("How many devices begin each second.", valueName: "number"))
  var ramp = 500

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("Stop in order after so long, such as 90s or 10m.", valueName: "length"))
  var length: String?

  @Option(help: "Where all chance comes from [another at each start; with --virtual 1].")
  var seed: UInt64?

  @Flag(help: "The storm after a broker's restart, in virtual time.")
  var virtual = false

  @Option(
    help: ArgumentHelp("With --virtual: connections a second that it takes.", valueName: "number"))
  var accepts = 1_000

  @Option(help: ArgumentHelp("With --virtual: how long the broker is away.", valueName: "length"))
  var away = "10s"

  @Option(
    help: "With --virtual: what becomes of connections that are too many, refuse or silence.")
  var overload = Storm.Overload.refuse

  @Option(help: ArgumentHelp("With --virtual: write the plot, one HTML page.", valueName: "file"))
  var report: String?

  func validate() throws {
    guard (1...1_000_000).contains(devices ?? 1) else {
      throw ValidationError("--devices: expected 1 to 1000000")
    }
    guard (1...1_000_000).contains(ramp), (1...1_000_000).contains(accepts) else {
      throw ValidationError("--ramp and --accepts: expected 1 to 1000000")
    }
    if let length { _ = try Self.interval(length, "--for", upTo: 365 * 86_400) }
    _ = try Self.interval(away, "--away", upTo: 3_600)
    if let broker, let fault = ProfileReader.fault(ofBrokerURL: Array(broker.utf8)) {
      throw ValidationError("--broker: \(fault)")
    }
    guard !virtual || (broker == nil && length == nil) else {
      throw ValidationError("--virtual meets no broker: leave out --broker and --for")
    }
    guard virtual || report == nil else { throw ValidationError("--report goes with --virtual") }
  }

  private static func interval(
    _ text: String, _ option: String, upTo seconds: Int64
  ) throws -> Interval {
    guard let interval = Interval(parsing: Array(text.utf8).span), interval >= .seconds(1),
      interval <= .seconds(seconds)
    else { throw ValidationError("\(option): expected a length such as 90s or 10m") }
    return interval
  }

  func run() throws {
    let configuration = try Shelf.profile(profile, brokerURL: broker)
    if virtual { return try runStorm(configuration) }
    let count = devices ?? 10_000
    guard
      let plan = FleetPlan(configuration, deviceCount: count, seed: seed ?? Chance.seed())
    else {
      throw Self.failure("device.id is too long for a number behind it: 64 bytes at the most")
    }
    try checkDescriptors(for: count)
    let addresses: [SocketAddress]
    do {
      addresses = try BrokerAddress.find(configuration)
    } catch {
      throw Self.failure(error.text)
    }
    do {
      let length = try length.map { try Self.interval($0, "--for", upTo: 365 * 86_400) }
      let fleet = try Fleet(plan, ramp: ramp, addresses: addresses, takesSignals: true)
      let status = FleetRun(fleet, for: length).run()
      if status != 0 { throw ExitCode(status) }
    } catch let error as SystemError {
      throw Self.failure(error.text)
    }
  }

  /// Each device takes a descriptor and a port; a message says what to do where there are too few.
  private func checkDescriptors(for count: Int) throws {
    let limit = Int(clinux_raise_descriptors())
    let needed = count + 16
    guard limit < 0 || limit >= needed else {
      throw Self.failure(
        "\(count) devices need \(needed) open descriptors, and \(limit) are allowed: raise the hard "
          + "limit (ulimit -Hn \(needed), LimitNOFILE= of a service), or take fewer --devices")
    }
    let file = "/proc/sys/net/ipv4/ip_local_port_range"
    let range =
      (try? String(contentsOfFile: file, encoding: .ascii))?
      .split(whereSeparator: \.isWhitespace).compactMap { Int($0) } ?? []
    guard range.count == 2, range[1] - range[0] + 1 < count else { return }
    throw Self.failure(
      "\(count) devices need as many ports, and there are \(range[1] - range[0] + 1): "
        + "sysctl net.ipv4.ip_local_port_range='1024 65535', or take fewer --devices")
  }

  private func runStorm(_ configuration: Configuration) throws {
    var storm = Storm()
    storm.deviceCount = devices ?? 100_000
    storm.away = try Self.interval(away, "--away", upTo: 3_600)
    storm.acceptsPerSecond = accepts
    storm.overload = overload
    storm.patience = configuration.uplink.dial.connectTimeout
    storm.seed = seed ?? 1
    let summary = StormSummary(storm, configuration.uplink)
    Terminal.print(summary.text)
    guard let report else { return }
    do {
      try ReportFile.write(summary.page(of: profile), to: report)
    } catch {
      throw Self.failure("\(report): \(error.localizedDescription)")
    }
    Terminal.print("report: \(report)")
  }

  private static func failure(_ text: String) -> ExitCode {
    Terminal.complain("sandpiper-lab: \(text)")
    return ExitCode(1)
  }
}

extension Storm.Overload: ExpressibleByArgument {}
