import Core
import Device

/// A course of faults: what happens to a device, and when.
public struct Scenario: Equatable, Sendable {
  /// What it is called, as text.
  public var title: [UInt8] = []
  /// The link that it is meant for, by name; empty where any will do.
  public var link: [UInt8] = []
  /// The hardware that it is meant for, by name; empty where any will do.
  public var hardware: [UInt8] = []
  /// The seed that it is meant for; nil where any will do.
  public var seed: UInt64?
  /// How long it goes on; zero where it does not say.
  public var length = Interval.zero
  /// What happens when.
  public var happenings: [Happening] = []
  /// What happens by chance.
  public var chance: ChanceOfFaults?

  /// Nothing happens.
  public init() {}

  /// The most that can be played.
  public static var countMax: Int { 1_000_000 }

  /// How much happens within `length`, chance included as it mostly is.
  public func count(within length: Interval) -> Int {
    var count = chance.map { $0.perDay * Int(length.seconds) / 86_400 } ?? 0
    for happening in happenings where happening.at < length {
      guard happening.every > .zero else {
        count += 1
        continue
      }
      count += 1 + Int((length - happening.at).nanoseconds / happening.every.nanoseconds)
    }
    return count
  }

  /// What happens within `length`, in order of time, each as often as it does; chance apart.
  public func happenings(within length: Interval) -> [Happening] {
    var all: [Happening] = []
    for happening in happenings {
      var next = happening
      next.every = .zero
      while next.at < length {
        all.append(next)
        guard happening.every > .zero else { break }
        next.at = next.at + happening.every
      }
    }
    // In the order of the file where they are of one time: the sort is stable.
    all.sort { $0.at < $1.at }
    return all
  }
}

/// Faults at random.
public struct ChanceOfFaults: Equatable, Sendable {
  /// About how many a day; 1 to 10,000.
  public var perDay: Int
  /// Which; empty for all.
  public var only: [Fault]

  /// About so many a day, of these kinds or of all.
  public init(perDay: Int = 60, only: [Fault] = []) { (self.perDay, self.only) = (perDay, only) }
}

/// A fault at a time. Each kind of fault looks at its own details only.
public struct Happening: Equatable, Sendable {
  /// When, counted from the beginning.
  public var at = Interval.zero
  /// How long it lasts; zero for what ends at once, or for good.
  public var length = Interval.zero
  /// How often it comes again; zero for once.
  public var every = Interval.zero
  /// What.
  public var fault: Fault

  /// Which broker, as the profile lists them, from 1 on; nil for all of them. For faults that are
  /// `isAtBroker`.
  public var broker: Int?
  /// The point's name. Empty: all for `break`, the first that can for others.
  public var point: [UInt8] = []
  /// How a point fails.
  public var pointFault = PointFault.missing
  /// What a point is held at.
  public var value = 0.0
  /// How many changes of a line, bits, or sectors: none for all sectors.
  public var count = 0
  /// How long each byte takes in addition; how long answers take; after how long an idle connection is
  /// forgotten, or any thrown out; by how much the clock is wrong, which may be negative.
  public var by = Interval.zero
  /// Bytes a second, of both directions.
  public var rate = 0
  /// True when the broker forgets all that it knew.
  public var forgets = false
  /// How the broker refuses.
  public var refusal = Refusal.busy
  /// What is published, and where beneath the device's own topics.
  public var topic: [UInt8] = []
  /// What is published.
  public var payload: [UInt8] = []
  /// True for a retained message.
  public var retain = false

  /// How a broker refuses who connects.
  public enum Refusal: UInt8, BitwiseCopyable, CaseIterable, Sendable {
    /// It can't just now.
    case busy
    /// Name or password are wrong.
    case badCredentials
    /// The device may not.
    case notAuthorized

    /// How scenarios spell it.
    public var word: StaticString {
      switch self {
      case .busy: "busy"
      case .badCredentials: "bad-credentials"
      case .notAuthorized: "not-authorized"
      }
    }
  }

  /// How a point may fail.
  public static var pointFaults: [PointFault] { [.missing, .timedOut, .unreadable] }

  /// How scenarios spell the way a point fails.
  public static func word(for fault: PointFault) -> StaticString {
    switch fault {
    case .missing: "missing"
    case .timedOut: "timeout"
    case .unreadable, .outOfRange: "unreadable"
    }
  }

  /// A fault at a time.
  public init(_ fault: Fault, at: Interval = .zero, for length: Interval = .zero) {
    (self.fault, self.at, self.length) = (fault, at, length)
  }
}
