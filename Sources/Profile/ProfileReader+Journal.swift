import Core
import Device
import JSON
import Uplink

/// What the agent may take of the board, and where readings wait that have to survive a power cut.
extension ProfileReader {
  mutating func readBudget(_ root: inout ObjectReader) {
    guard var budget = root.object("budget", &problems) else { return }
    configuration.memoryBudgetOffset = budget.offset
    if let memory = budget.size("memory", &problems, from: 1024, to: 1 << 30) {
      configuration.memoryBudget = memory
    }
    if let flash = budget.size("flashPerDay", &problems, from: 256 << 10, to: 1 << 30) {
      configuration.uplink.flashPerDay = flash
    }
    budget.finish(&problems)
  }

  mutating func readJournal(_ root: inout ObjectReader) {
    guard var journal = root.object("journal", &problems) else { return }
    let id = configuration.string(configuration.device.id)
    var file = [UInt8]((id + ".journal").utf8)
    if let given = journal.shortString("file", &problems, longest: 900) { file = given.bytes }
    configuration.uplink.journalFile = configuration.intern(file)
    configuration.uplink.journalBytes =
      journal.size("size", &problems, from: 32 << 10, to: 1 << 30) ?? 1 << 20
    let day = Interval.seconds(86_400)
    if let after = journal.duration("after", &problems, to: day, example: "60s") {
      configuration.uplink.spillAfter = after
    }
    if let every = journal.duration("every", &problems, from: .seconds(1), to: day, example: "30s")
    {
      configuration.uplink.spillEvery = every
    }
    configuration.flashEndurance = journal.expect(
      "endurance", "what the medium bears in all, such as \"30TB\" or \"500GB\"", &problems
    ) { node in
      guard case .string(let text) = node.value else { return nil }
      return Self.endurance(text)
    }
    journal.finish(&problems)
  }

  /// Bytes, of "30TB" or "500GB" as data sheets have it.
  private static func endurance(_ text: [UInt8]) -> Double? {
    guard text.count > 2, text.last == UInt8(ascii: "B") else { return nil }
    let factor: Double
    switch text[text.count - 2] {
    case UInt8(ascii: "G"): factor = 1e9
    case UInt8(ascii: "T"): factor = 1e12
    default: return nil
    }
    let digits = Array(text.dropLast(2))
    guard let number = Double(parsing: digits.span), number > 0, number < 1e6 else { return nil }
    return number * factor
  }
}
