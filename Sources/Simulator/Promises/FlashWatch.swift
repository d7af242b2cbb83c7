import Core
import Uplink

/// Whether flash is spared as the profile says: in no 24 hours are more blocks of 4 KiB written than its
/// budget. A run of the agent knows nothing of what the one before has written, and begins with a quarter; its
/// stop in order may make room in all of the journal.
struct FlashWatch {
  private let budget: Int
  private let byRun: Int
  /// When how many blocks had been written, and how many runs had begun, in all.
  private var history: [(at: Instant, blocks: Int, runs: Int)] = []
  private var first = 0
  private var runs = 0
  private var hasComplained = false

  init(_ spec: UplinkSpec) {
    budget = spec.flashPerDay
    byRun = budget / 4 + spec.journalBytes
  }

  mutating func runBegan() { runs += 1 }

  /// A complaint when more was written than the budget; `blocks` is what was written, ever.
  mutating func check(_ blocks: Int, at now: Instant) -> String? {
    guard budget > 0, history.last?.blocks != blocks else { return nil }
    history.append((now, blocks, runs))
    while history[first].at < now - .seconds(86_400) { first += 1 }
    let bytes = (blocks - history[first].blocks) * 4096
    let most = budget + byRun * (runs - history[first].runs)
    guard bytes > most, !hasComplained else { return nil }
    hasComplained = true
    return
      "flash: \(bytes) bytes written within a day, in \(runs - history[first].runs + 1) runs; the budget is \(budget)"
  }
}
