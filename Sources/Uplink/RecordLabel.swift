/// How a record is treated while it waits: what may take its place, and what goes first.
public enum RecordClass: UInt8, BitwiseCopyable, Sendable {
  /// A measured value. When room gets short, neighbours are merged to minimum, mean and maximum.
  case telemetry = 1
  /// Something that happened. All are kept, in order; the oldest goes first, and all together take at
  /// most half of the room.
  case event = 2
  /// A sum that only grows. When room gets short, neighbours are merged to the latest, which loses nothing
  /// but when it grew.
  case counter = 3
  /// How something is: a later one that waits takes the place of an earlier one at once.
  case state = 4
  /// What the agent itself has to say.
  case note = 5
  /// The answer to what others have asked. There may not be so many that they push readings out.
  case answer = 6

  /// The class in one word, as profiles and reports have it.
  public var word: StaticString {
    switch self {
    case .telemetry: "telemetry"
    case .event: "event"
    case .counter: "counter"
    case .state: "state"
    case .note: "note"
    case .answer: "answer"
    }
  }

  /// True when neighbours can be merged.
  var isThinned: Bool { self == .telemetry || self == .counter }
}

/// Some of the classes.
public struct RecordClasses: BitwiseCopyable, Equatable, Sendable {
  private var bits: UInt8 = 0

  /// None.
  public init() {}

  /// One, and another.
  public init(_ first: RecordClass, _ second: RecordClass) {
    insert(first)
    insert(second)
  }

  /// One more.
  public mutating func insert(_ recordClass: RecordClass) { bits |= Self.bit(recordClass) }

  /// True when `recordClass` is one of them.
  public func contains(_ recordClass: RecordClass) -> Bool { bits & Self.bit(recordClass) != 0 }

  private static func bit(_ recordClass: RecordClass) -> UInt8 { 1 &<< recordClass.rawValue }
}

/// What a record outlives.
public enum Durability: UInt8, BitwiseCopyable, Sendable {
  /// A long loss of the link, an orderly stop, short memory: then it goes to the journal.
  case spill = 0
  /// Nothing but a loss of the link: it never goes to the journal.
  case memory = 1
  /// All: it is in the journal before it is sent.
  case always = 2
}

/// What is said on the outside of a record: all that the uplink knows of it.
public struct RecordLabel: BitwiseCopyable, Equatable, Sendable {
  /// See `RecordClass`.
  public var recordClass: RecordClass
  /// What it belongs to: records of one series and class follow one another. 0xFFFF for none.
  public var series: UInt16
  /// See `Durability`.
  public var durability: Durability

  /// A label.
  public init(_ recordClass: RecordClass, series: UInt16, durability: Durability = .spill) {
    self.recordClass = recordClass
    self.series = series
    self.durability = durability
  }

  /// Of no series: what the agent says of itself, or answers.
  public init(_ recordClass: RecordClass) {
    self.init(recordClass, series: 0xFFFF, durability: .memory)
  }
}
