import Core

/// What happened in a world, in order. Two runs with one seed have the same.
struct EventLog {
  private let isKept: Bool
  /// The lines, when they are kept.
  private(set) var lines: [String] = []
  /// Stands for all lines, whether they are kept or not.
  private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325

  init(isKept: Bool) { self.isKept = isKept }

  mutating func add(_ at: Instant, _ subject: String, _ text: String) {
    add(at, Array(subject.utf8).span, Array(text.utf8).span, "")
  }

  /// Adds a message: its topic, its payload, and what there is to say of it.
  mutating func add(
    _ at: Instant, _ topic: Span<UInt8>, _ payload: Span<UInt8>, _ remark: StaticString
  ) {
    take(UInt64(bitPattern: at.nanoseconds))
    take(topic)
    take(payload)
    take(UInt64(remark.utf8CodeUnitCount))
    guard isKept else { return }
    let milliseconds = at.nanoseconds / 1_000_000
    lines.append(
      "\(milliseconds / 1_000).\(milliseconds % 1_000) \(String(copying: topic)): "
        + String(copying: payload) + "\(remark)")
  }

  /// Takes the bytes and their number, eight at a time: a year has thousands of millions of them.
  private mutating func take(_ bytes: Span<UInt8>) {
    take(UInt64(bytes.count))
    var index = 0
    while bytes.count - index >= 8 {
      // Sound: eight bytes are there, and any bytes are a number.
      let word = unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
      take(UInt64(littleEndian: word))
      index += 8
    }
    var rest: UInt64 = 0
    while index < bytes.count {
      rest = rest << 8 | UInt64(bytes[index])
      index += 1
    }
    take(rest)
  }

  private mutating func take(_ word: UInt64) {
    let product = (digest ^ word) &* 0x9E37_79B9_7F4A_7C15
    digest = product ^ product >> 32
  }
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
