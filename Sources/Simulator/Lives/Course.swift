import Core

/// A simulated life as it went: what was asked for, what came of it, and how it went over time.
public struct Course: Sendable {
  /// What was simulated.
  public var setting = Setting()
  /// What came of it, in sum.
  public var sums = Sums()
  /// Each point's share, in the profile's order.
  public var points: [PointSums] = []
  /// Each broker's share, in the profile's order.
  public var brokers: [BrokerSums] = []
  /// The time in equal slices, from the beginning on.
  public var slices: [Slice] = []
  /// How long each slice is.
  public var sliceLength = Interval.seconds(60)
  /// Times without the broker, in order; the last may not have ended.
  public var outages: [Outage] = []
  /// What happened to the device, in order: faults, and that it is at another broker.
  public var incidents: [Incident] = []
  /// Promises that were broken; empty when all were kept.
  public var violations: [String] = []

  /// A life of which nothing is known yet.
  public init() {}

  /// What was simulated.
  public struct Setting: Sendable {
    /// The device's name in its profile.
    public var device = ""
    /// The profile's file.
    public var profile = ""
    /// The hardware by name, or empty where nothing was said of it.
    public var hardware = ""
    /// The link by name.
    public var link = ""
    /// The scenario by name, or empty for none.
    public var scenario = ""
    /// How long the life was.
    public var length = Interval.zero
    /// The seed that all chance came from.
    public var seed: UInt64 = 0

    /// Nothing.
    public init() {}
  }

  /// Readings of one point.
  public struct PointSums: Sendable {
    /// The point's name in its profile.
    public var name = ""
    /// Readings that were made.
    public var made = 0
    /// Those of them that came at once. A merged one counts as all those that it stands for.
    public var live = 0
    /// Those that came late, in the history after an outage.
    public var late = 0
    /// Given up by the profile's own rules, and counted, for want of room.
    public var dropped = 0
    /// Given up for their age.
    public var expired = 0
    /// Given up for a newer one of the same point.
    public var replaced = 0
    /// Those that were in memory only when power or process ended.
    public var cut = 0

    /// None.
    public init() {}
  }

  /// The time at one broker.
  public struct BrokerSums: Sendable {
    /// How often the device came online there.
    public var connections = 0
    /// How long it was, in all.
    public var online = Interval.zero
    /// Bytes to it, without what TCP, IP and TLS add.
    public var bytesUp = 0

    /// None.
    public init() {}
  }

  /// Sums over the whole life.
  public struct Sums: Sendable {
    /// Readings that came merged with others into minimum, mean and maximum.
    public var thinned = 0
    /// Messages with readings.
    public var messages = 0
    /// Those of them that came once more.
    public var repeated = 0
    /// Attempts to connect.
    public var attempts = 0
    /// Connections lost.
    public var losses = 0
    /// Runs of the agent.
    public var runs = 0
    /// Bytes to the broker, without what TCP, IP and TLS add.
    public var bytesUp = 0
    /// The same from it.
    public var bytesDown = 0
    /// Bytes written to flash, in whole sectors.
    public var flashBytes = 0
    /// How often it was synced.
    public var flashSyncs = 0
    /// Years until the flash is worn out at that rate; nil when nothing was written or nothing is known of
    /// it.
    public var flashYears: Double?
    /// How often the sector was written that was written most.
    public var flashSectorWrites = 0
    /// True when it bears no more writing, in a sector or in all.
    public var isFlashWorn = false
    /// How long the agent ran.
    public var running = Interval.zero
    /// How often the processor woke up for the agent, the bouncing of contacts apart.
    public var wakeUps = 0
    /// How long it worked.
    public var busy = Interval.zero
    /// How long the radio was on.
    public var radioOn = Interval.zero
    /// What that takes, in joules, by the hardware's model; nil without one.
    public var joules: Double?
    /// The time from a reading to the broker, of those that came live: half of them were no slower.
    public var latencyMedian = Interval.zero
    /// 99 in a hundred were no slower.
    public var latency99 = Interval.zero
    /// The slowest.
    public var latencyMax = Interval.zero
    /// Bytes of memory that the profile allows.
    public var memoryBudget = 0
    /// What the plan takes of it.
    public var memoryPlanned = 0
    /// What the hardware has; 0 where nothing was said of it.
    public var memoryOfHardware = 0
    /// Bytes of the outbox.
    public var outboxBytes = 0
    /// The most of it that was in use.
    public var outboxMost = 0
    /// Bytes of the journal.
    public var journalBytes = 0
    /// The most of it that was in use.
    public var journalMost = 0

    /// Nothing.
    public init() {}
  }

  /// What happened within one slice of time.
  public struct Slice: Sendable {
    /// The share of it in which the agent ran; 0 to 1.
    public var running: Float = 0
    /// The share of it in which it was online; 0 to 1.
    public var online: Float = 0
    /// The share in which the radio was on; 0 to 1.
    public var radio: Float = 0
    /// Readings made.
    public var made: Int32 = 0
    /// Come at once.
    public var live: Int32 = 0
    /// Come late.
    public var late: Int32 = 0
    /// Given up by rule.
    public var lost: Int32 = 0
    /// The most bytes that waited in memory.
    public var outboxMost: Int32 = 0
    /// The most bytes that waited in the journal.
    public var journalMost: Int32 = 0
    /// The time from a reading to the broker, of half of those that came live; zero when none did.
    public var latencyMedian = Interval.zero
    /// The slowest of them.
    public var latencyMax = Interval.zero
    /// Bytes to the broker.
    public var bytesUp: Int32 = 0
    /// Bytes from it.
    public var bytesDown: Int32 = 0
    /// Bytes written to flash.
    public var flashBytes: Int32 = 0

    /// Nothing.
    public init() {}
  }

  /// A time without the broker.
  public struct Outage: Sendable {
    /// When the agent last heard of the broker, or began without it.
    public var begin = Interval.zero
    /// When it noticed, counted from the life's beginning.
    public var noticed = Interval.zero
    /// When it was online again; nil when it never was.
    public var end: Interval?
    /// What the agent, or the world where the device had no power, says of it.
    public var reason = ""

    /// One of which nothing is known yet.
    public init() {}
  }

  /// Something that happened.
  public struct Incident: Sendable {
    /// What sort of thing.
    public enum Kind: Sendable, CaseIterable {
      case power, process, network, broker, board, flash, clock
    }

    /// When, counted from the life's beginning.
    public var at = Interval.zero
    /// How long it lasted; zero for a moment.
    public var length = Interval.zero
    /// What sort of thing.
    public var kind = Kind.network
    /// What it was, in a few words.
    public var text = ""

    /// Nothing.
    public init() {}
  }
}
