import Profile

/// The memory plan against the profile's budget, and against what the board has.
enum MemoryExamination {
  static func perform(_ configuration: Configuration, _ report: inout Report) {
    let bytes = MemoryPlan(configuration, isSimulated: false).bytes
    let budget = configuration.memoryBudget
    guard bytes <= budget else {
      report.broken(
        .memory, "the agent takes \(bytes) bytes, budget.memory is \(budget)",
        fix: """
          raise budget.memory to \(bytes), or make uplink.outbox or uplink.packet smaller; `sandpiper plan` \
          shows each part
          """)
      return
    }
    let text: Words = "the agent takes \(bytes) bytes of the \(budget) of budget.memory"
    guard let available, available < Int64(bytes) else { return report.fine(.memory, text) }
    report.broken(
      .memory, "\(text), but the board has only \(available) left",
      fix: "end other programs, or make uplink.outbox smaller")
  }

  /// Bytes that programs can still take without swapping (proc(5)).
  private static var available: Int64? {
    var bytes: Int64 = 0
    for byte in SystemText.value(of: "MemAvailable:", in: "/proc/meminfo").bytes
    where byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") {
      bytes = bytes &* 10 &+ Int64(byte - UInt8(ascii: "0"))
    }
    return bytes > 0 ? bytes &* 1024 : nil
  }
}
