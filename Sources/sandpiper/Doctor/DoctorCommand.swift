import Core
import Linux
import Profile

/// `sandpiper doctor [PROFILE]`: what is well with this machine, the profile and its brokers, what is worth
/// knowing, and what is broken, each with what to do. Changes nothing.
enum DoctorCommand {
  private enum Option {
    static let json: Int32 = 1
    static let offline: Int32 = 2
    static let state: Int32 = 3
    static let broker: Int32 = 4
  }

  private struct Settings {
    var isJSON = false
    var isOffline = false
    var state = ""
    var broker = ""
    /// Empty for the machine alone.
    var path = ""
  }

  static func perform() -> Exit {
    var settings = Settings()
    guard parse(&settings) else {
      Console.complain(
        "usage: sandpiper doctor [--json] [--offline] [--state DIR] [--broker URL] [PROFILE]")
      return .usage
    }
    // What libraries and modules of ours have to say is among the findings.
    Log.threshold = .error
    var report = Report(isJSON: settings.isJSON)
    var configuration: Configuration?
    if !settings.path.utf8.isEmpty {
      configuration = read(settings, &report)
      guard configuration != nil else {
        report.finish()
        return .badProfile
      }
    }
    if let configuration {
      MemoryExamination.perform(configuration, &report)
      UnitExamination.perform(
        configuration, profile: Words([UInt8](settings.path.utf8)), &report)
    }
    BoardExamination.perform(configuration, &report)
    ClockExamination.perform(configuration, &report)
    StorageExamination.perform(configuration, StateFolder(option: settings.state), &report)
    if let configuration, !settings.isOffline {
      BrokerExamination.perform(configuration, &report)
    }
    // Last, as one that hangs takes its time.
    SensorExamination.perform(configuration, &report)
    report.finish()
    return report.isGood ? .fine : .failure
  }

  /// The profile; nil, and all that is wrong told, when it is not to be used.
  private static func read(_ settings: Settings, _ report: inout Report) -> Configuration? {
    let file = ProfileFile(path: settings.path)
    let (configuration, remarks) = file.examine(brokerURL: settings.broker)
    for remark in remarks {
      report.add(
        Finding(
          level: remark.isWarning ? .worthKnowing : .broken, area: .profile,
          text: Words([UInt8](remark.text.utf8)),
          fix: "correct the file, or give the path of the right one"))
    }
    if let configuration {
      let path = Words([UInt8](settings.path.utf8))
      let count = configuration.points.count
      report.fine(.profile, "\(path): good (\(count) \(count == 1 ? "point" : "points"))")
    }
    return configuration
  }

  private static func parse(_ settings: inout Settings) -> Bool {
    var options = Options(after: 1)
    options.add("json", code: Option.json)
    options.add("offline", code: Option.offline)
    options.add("state", takesValue: true, code: Option.state)
    options.add("broker", takesValue: true, code: Option.broker)
    while let code = options.next() {
      let value = options.withValue { bytes in
        String(
          decoding: Words(upTo: bytes.count) { out in out.append(contentsOf: bytes) }.bytes,
          as: UTF8.self)
      }
      switch code {
      case Option.json: settings.isJSON = true
      case Option.offline: settings.isOffline = true
      case Option.state where !value.utf8.isEmpty: settings.state = value
      case Option.broker:
        if let fault = ProfileReader.fault(ofBrokerURL: [UInt8](value.utf8)) {
          Console.complain("sandpiper: --broker: " + fault)
          return false
        }
        settings.broker = value
      default: return false
      }
    }
    settings.path = Sandpiper.argument(options.firstOperand)
    return Arguments.count <= options.firstOperand + 1
  }
}
