import Agent
import CLinux
import Core
import Device
import Linux
import LinuxAgent
import LinuxBoard
import Profile
import Uplink

/// `sandpiper run PROFILE`
enum RunCommand {
  private enum Option {
    static let simulate: Int32 = 1
    static let broker: Int32 = 2
    static let control: Int32 = 3
    static let state: Int32 = 4
    static let seed: Int32 = 5
    static let log: Int32 = 6
    static let scenario: Int32 = 7
    static let status: Int32 = 8
  }

  private struct Settings {
    var isSimulated = false
    var hasScenario = false
    var broker = ""
    var control = ""
    var state = ""
    var status = ""
    var seed: UInt64?
    var path = ""
  }

  static func perform() -> Exit {
    var settings = Settings()
    guard parse(&settings) else { return .usage }
    if settings.hasScenario { return play() }
    Signals.hold()
    keepPromises()
    let state = StateFolder(option: settings.state)
    guard let installed = ProfileFile(path: settings.path).read(brokerURL: settings.broker)
    else { return giveUp() }
    let choice = ProfileChoice(
      installed, settings.path, state, brokerURL: settings.broker,
      isSimulated: settings.isSimulated)
    let (configuration, origin) = (choice.configuration, choice.origin)
    guard MemoryPlan(configuration, isSimulated: settings.isSimulated).fits(choice.path)
    else { return giveUp() }
    let end = run(choice, settings, state)
    if origin == .trial { end.rollBack(state.stem(of: configuration)) }
    return finish(end, wasOnTrial: origin == .trial)
  }

  /// The run before may have left outputs for which something is due.
  private static func keepPromises() {
    let count = HandedOutputs.keepPromises(at: Clock.now())
    guard count > 0 else { return }
    Log.write(.warning) { line in
      line.append(literal: "outputs for which something was due while no agent ran, driven now: ")
      line.append(decimal: Int64(wide: count))
    }
  }

  /// Nobody tries again with this profile: what the run before has left goes to its state for a stop.
  private static func giveUp() -> Exit {
    HandedOutputs.release()
    return .badProfile
  }

  /// What the launcher needs of a configuration.
  static func launch(
    _ configuration: Configuration, seed: UInt64, status: StatusPlace = .nowhere
  ) -> Launch {
    Launch(
      specs: AgentSpecs(
        device: configuration.device, uplink: configuration.uplink, care: configuration.care),
      version: Sandpiper.version, seed: seed, status: status)
  }

  // MARK: The command line

  private static func parse(_ settings: inout Settings) -> Bool {
    var options = Options(after: 1)
    options.add("simulate", code: Option.simulate)
    options.add("broker", takesValue: true, code: Option.broker)
    options.add("control", takesValue: true, code: Option.control)
    options.add("state", takesValue: true, code: Option.state)
    options.add("seed", takesValue: true, code: Option.seed)
    options.add("log", takesValue: true, code: Option.log)
    options.add("scenario", takesValue: true, code: Option.scenario)
    options.add("status", takesValue: true, code: Option.status)
    while let code = options.next() {
      let value = options.withValue { bytes in
        var copy: [UInt8] = []
        for index in bytes.indices { copy.append(bytes[index]) }
        return String(decoding: copy, as: UTF8.self)
      }
      if code != Option.simulate, value.utf8.isEmpty {
        return complain("an option's value is empty: is a variable not set?")
      }
      switch code {
      case Option.simulate: settings.isSimulated = true
      case Option.broker:
        if let fault = ProfileReader.fault(ofBrokerURL: [UInt8](value.utf8)) {
          return complain("--broker: " + fault)
        }
        settings.broker = value
      case Option.scenario: settings.hasScenario = true
      case Option.control: settings.control = value
      case Option.state: settings.state = value
      case Option.status: settings.status = value
      case Option.seed:
        guard let seed = UInt64(value) else { return complain("--seed takes a whole number") }
        settings.seed = seed
      case Option.log:
        guard let level = level(value) else {
          return complain("--log takes error, warning, notice, info or debug")
        }
        Log.threshold = level
      default: return false
      }
    }
    settings.path = Sandpiper.argument(options.firstOperand)
    guard Arguments.count == options.firstOperand + 1 else {
      return complain("usage: sandpiper run [OPTION]... PROFILE; see sandpiper --help")
    }
    if !settings.control.utf8.isEmpty && !settings.isSimulated {
      return complain("--control changes simulated points: it goes with --simulate")
    }
    if settings.hasScenario && !settings.isSimulated {
      return complain("--scenario happens to a simulated board: it goes with --simulate")
    }
    return true
  }

  /// The simulated world is the workbench's; its `run` takes the same arguments.
  private static func play() -> Exit {
    Process.execute("sandpiper-lab")
    Console.complain(
      "sandpiper: scenarios are played by sandpiper-lab, which is neither beside this program nor on "
        + "the PATH: build it with swift build -c release --product sandpiper-lab")
    return .failure
  }

  private static func complain(_ message: String) -> Bool {
    Console.complain("sandpiper: " + message)
    return false
  }

  private static func level(_ name: String) -> Log.Level? {
    switch name {
    case "error": .error
    case "warning": .warning
    case "notice": .notice
    case "info": .info
    case "debug": .debug
    default: nil
    }
  }

  // MARK: Running

  private static func run(
    _ choice: consuming ProfileChoice, _ settings: Settings, _ state: StateFolder
  ) -> LaunchEnd {
    let configuration = choice.configuration
    let launch = launch(
      configuration, seed: settings.seed ?? Chance.seed(), status: statusPlace(settings))
    let memory = MemoryPlan(configuration, isSimulated: settings.isSimulated).bytes
    let numbers = SessionNumbers(path: sessionFile(configuration, state).span)
    let journal = JournalFile.open(
      journalFile(configuration, state).span, bytes: configuration.uplink.journalBytes,
      id: Chance.seed())
    Log.write(.notice) { line in
      line.append(literal: "sandpiper ")
      line.append(literal: Sandpiper.version)
      line.append(literal: settings.isSimulated ? " on a simulated board, " : ", ")
      line.append(decimal: Int64(wide: configuration.points.count))
      line.append(literal: configuration.points.count == 1 ? " point, " : " points, ")
      line.append(decimal: Int64(wide: memory))
      line.append(literal: " bytes of memory")
    }
    choice.tell()
    let reloading = Reloading(choice, settings.path, state)
    let proposed = ProposedProfile(
      present: configuration, brokerURL: settings.broker, isSimulated: settings.isSimulated,
      state: state)
    let keeper = choice.takeKeeper()
    if settings.isSimulated {
      HandedOutputs.release()
      let control = [UInt8](settings.control.utf8)
      return Launcher.runSimulated(
        launch, points: configuration.points.span, simulations: configuration.simulations.span,
        texts: configuration.texts.span, controlPath: control.span, numbers: numbers,
        journal: journal, keeper: keeper, reload: { reloading.isPossible() },
        propose: { text, key in proposed.examine(text, signedBy: key) })
    }
    return Launcher.runOnBoard(
      launch, points: configuration.points.span, texts: configuration.texts.span,
      numbers: numbers, journal: journal, keeper: keeper, reload: { reloading.isPossible() },
      propose: { text, key in proposed.examine(text, signedBy: key) })
  }

  /// The socket of `--status`, else `status` in the folder that systemd gives; else none.
  private static func statusPlace(_ settings: Settings) -> StatusPlace {
    if !settings.status.utf8.isEmpty {
      return StatusPlace([UInt8](settings.status.utf8).span, isAskedFor: true)
    }
    let folder = Environment.folder(in: "RUNTIME_DIRECTORY")
    guard !folder.isEmpty else { return .nowhere }
    return StatusPlace((folder + [UInt8]("/status".utf8)).span, isAskedFor: false)
  }

  /// Where the session numbers of this device are kept; empty for nowhere.
  private static func sessionFile(_ configuration: Configuration, _ state: StateFolder) -> [UInt8] {
    guard let file = state.sessionFile(of: configuration) else {
      Log.write(.info, "no state directory: session numbers begin at 1 with each start (--state)")
      return []
    }
    return file
  }

  /// Where the journal is; empty for no journal.
  private static func journalFile(_ configuration: Configuration, _ state: StateFolder) -> [UInt8] {
    guard configuration.uplink.journalBytes > 0 else { return [] }
    guard let file = state.journalFile(of: configuration) else {
      Log.write(.error, "no journal: it lies in the state directory, and there is none (--state)")
      return []
    }
    return file
  }

  private static func finish(_ end: LaunchEnd, wasOnTrial: Bool) -> Exit {
    switch end {
    case .stopped: return .fine
    case .reload: return beginAnew()
    case .failed(let error):
      Log.write(.error) { line in line.append(error) }
      return wasOnTrial ? beginAnew() : .failure
    case .boardFailed, .statusFailed: return wasOnTrial ? beginAnew() : .failure
    }
  }

  private static func beginAnew() -> Exit {
    // What no board has taken over stays for the next.
    HandedDescriptors.handOnRest()
    let error = Process.executeAgain()
    Log.write(.error) { line in
      line.append(literal: "cannot begin anew: ")
      line.append(error)
    }
    return .failure
  }
}
