import Core

/// What happened in a world, in order. Two runs with one seed have the same.
struct EventLog {
  private let isKept: Bool
  /// The lines, when they are kept.
  private(set) var lines: [String] = []
  /// Stands for all lines, whether they are kept or not: FNV-1a over their bytes.
  private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325

  init(isKept: Bool) { self.isKept = isKept }

  mutating func add(_ at: Instant, _ subject: String, _ text: String) {
    for byte in subject.utf8 { take(byte) }
    for byte in text.utf8 { take(byte) }
    for shift in stride(from: Int64(0), to: 64, by: 8) {
      take(UInt8(truncatingIfNeeded: at.nanoseconds >> shift))
    }
    guard isKept else { return }
    let milliseconds = at.nanoseconds / 1_000_000
    lines.append("\(milliseconds / 1_000).\(milliseconds % 1_000) \(subject): \(text)")
  }

  private mutating func take(_ byte: UInt8) { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01B3 }
}

/// Counts of what happened in a world.
public struct WorldCounts: Sendable {
  /// How often the loop has turned.
  public var turns = 0
  /// Runs of the agent.
  public var runs = 0
  /// Attempts to connect.
  public var attempts = 0
  /// Connections lost.
  public var losses = 0
  /// Faults that were brought about.
  public var faults = 0
  /// Bytes of payloads that the broker has heard.
  public var bytesHeard = 0

  /// Adds those of another world.
  mutating func add(_ other: WorldCounts) {
    turns += other.turns
    runs += other.runs
    attempts += other.attempts
    losses += other.losses
    faults += other.faults
    bytesHeard += other.bytesHeard
  }
}
