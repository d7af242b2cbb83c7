import Core
import Profile

/// A board, as far as an agent meets its limits: what it has, and what each thing costs there.
///
/// Energy is worked out by a plain model: the processor takes `sleepWatts` while the board has power, and
/// `busyWatts` instead while it works: `wakeTime` each time that something is due, `messageTime` for each
/// message with readings, `syncTime` for each sync of the flash. The radio takes `radioWatts` in addition
/// while it is on: from each packet on for the link's `radioTail`.
public struct Hardware: Sendable {
  /// What it is called.
  public var title = ""
  /// The link that it mostly has, by name; empty for any.
  public var link = ""
  /// Bytes of memory that an agent can have; 0 where nothing bounds it.
  public var memoryBytes = 0
  /// Bytes of flash that a journal can have; 0 where nothing bounds it.
  public var flashBytes = 0
  /// Bytes that the flash writes at once.
  public var sectorBytes = 4096
  /// Bytes that the flash bears to be written in all; 0 when that is not known.
  public var endurance = 0.0
  /// How often each of its sectors bears to be written, of flash that does not spread its wear by itself; 0
  /// when that is not known, or it does.
  public var cycles = 0
  /// How long a sync takes.
  public var syncTime = Interval.milliseconds(20)
  /// How long the processor works each time that something is due.
  public var wakeTime = Interval.zero
  /// How long it works for a message with readings.
  public var messageTime = Interval.zero
  /// What the board takes while it sleeps; nil for all three where nothing is known.
  public var sleepWatts: Double?
  /// What it takes while it works.
  public var busyWatts = 0.0
  /// What the radio takes in addition.
  public var radioWatts = 0.0

  /// A board without limits, of which nothing is known.
  public init() {}

  /// What of a profile this board can't give; empty when it can give all.
  public func objections(to configuration: Configuration, planned: Int) -> [String] {
    var objections: [String] = []
    if memoryBytes > 0, planned > memoryBytes {
      objections.append(
        "\(title) has \(memoryBytes) bytes of memory for an agent, and this one takes \(planned): "
          + "make uplink.outbox or uplink.packet smaller")
    }
    if flashBytes > 0, configuration.uplink.journalBytes > flashBytes {
      objections.append(
        "\(title) has \(flashBytes) bytes of flash for a journal, and journal.size is "
          + "\(configuration.uplink.journalBytes)")
    }
    return objections
  }
}
