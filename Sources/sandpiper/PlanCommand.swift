import Core
import Linux
import LinuxAgent
import Profile
import Uplink

/// `sandpiper plan PROFILE`
enum PlanCommand {
  private enum Option {
    static let simulate: Int32 = 1
    static let dropIn: Int32 = 2
  }

  static func perform() -> Exit {
    var options = Options(after: 1)
    options.add("simulate", code: Option.simulate)
    options.add("drop-in", code: Option.dropIn)
    var isSimulated = false
    var isDropIn = false
    while let code = options.next() {
      switch code {
      case Option.simulate: isSimulated = true
      case Option.dropIn: isDropIn = true
      default: return .usage
      }
    }
    let path = Sandpiper.argument(options.firstOperand)
    guard Arguments.count == options.firstOperand + 1, !(isSimulated && isDropIn) else {
      Console.complain("usage: sandpiper plan [--simulate | --drop-in] PROFILE")
      return .usage
    }
    guard let configuration = ProfileFile(path: path).read() else { return .badProfile }
    let plan = MemoryPlan(configuration, isSimulated: isSimulated)
    if isDropIn {
      guard plan.fits(path) else { return .badProfile }
      Console.show(UnitDropIn(configuration, profile: Words([UInt8](path.utf8))).text)
      return .fine
    }
    plan.print(configuration)
    return plan.fits(path) ? .fine : .badProfile
  }
}

/// What a run takes of memory, worked out by building the agent without any.
struct MemoryPlan: ~Copyable {
  private let arena: Arena
  private let budget: Int

  init(_ configuration: Configuration, isSimulated: Bool) {
    let launch = RunCommand.launch(configuration, seed: 0)
    budget = configuration.memoryBudget
    if isSimulated {
      arena = Launcher.planSimulated(
        launch, points: configuration.points.span, simulations: configuration.simulations.span,
        texts: configuration.texts.span)
    } else {
      arena = Launcher.planOnBoard(
        launch, points: configuration.points.span, texts: configuration.texts.span)
    }
  }

  /// Bytes that the agent takes at start; after that it takes none.
  var bytes: Int { arena.used }

  func print(_ configuration: Configuration) {
    Console.print(row("what", "count", "bytes"))
    for index in 0..<arena.rowCount {
      let line = arena.row(index)
      guard line.bytes > 0 else { continue }
      Console.print(row("\(line.name)", "\(line.count)", "\(line.bytes)"))
    }
    Console.print(row("in all", "", "\(bytes)"))
    Console.print(row("budget.memory", "", "\(budget)"))
    let readings = configuration.uplink.outboxBytes / 32
    Console.print("The outbox holds \(readings) readings that the broker has not acknowledged.")
    let journal = configuration.uplink.journalBytes
    guard journal > 0 else { return }
    // Headers of blocks and records, and names of some length.
    Console.print("The journal, \(journal) bytes on flash, holds about \(journal / 54) more.")
    printWear(configuration)
  }

  /// What the journal writes at most, and how long flash bears that.
  private func printWear(_ configuration: Configuration) {
    let bytes = FlashWear(configuration).bytesPerDay
    Console.print(
      "While the link is down it writes at most about \(Self.rounded(bytes / 1e6)) MB a day, while it is "
        + "up nothing.")
    guard let endurance = configuration.flashEndurance else { return }
    let years = endurance / bytes / 365
    Console.print(
      "A medium that bears \(Self.rounded(endurance / 1e9)) GB lasts \(Self.rounded(years)) years of "
        + "nothing but outage.")
  }

  private static func rounded(_ value: Double) -> String {
    value < 10
      ? "\(Int(value)).\(Int(value * 10) % 10)" : value < 1e9 ? "\(Int(value))" : "over 1e9"
  }

  private func row(_ name: String, _ count: String, _ bytes: String) -> String {
    Console.left(name, 40) + Console.right(count, 8) + Console.right(bytes, 10)
  }

  /// True when the budget suffices; else says which rows are too large.
  func fits(_ path: String) -> Bool {
    guard bytes > budget else { return true }
    Console.complain(
      "\(path): error: /budget/memory: the agent takes \(bytes) bytes, the budget is \(budget)")
    let excess = bytes - budget
    for index in 0..<arena.rowCount {
      let line = arena.row(index)
      // A row that is a good part of what is too much is worth looking at.
      guard line.bytes * 4 >= excess || line.bytes * 10 >= bytes else { continue }
      Console.complain("  \(Console.right("\(line.bytes)", 9)) bytes: \(line.name)")
    }
    Console.complain("  make uplink.outbox or uplink.packet smaller, or raise budget.memory")
    return false
  }
}
