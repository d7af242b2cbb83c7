import Core
import Uplink

/// What a point is. The order of cases is not part of any format.
public enum PointKind: UInt8, BitwiseCopyable, Sendable {
  /// A line that is read: on or off.
  case input
  /// A line whose edges are counted.
  case counter
  /// A value that the kernel measures.
  case sensor
  /// A line that is driven.
  case output
}

/// The pull resistor of a line (libgpiod: bias).
public enum Bias: UInt8, BitwiseCopyable, Sendable {
  /// Leave it as the hardware or the device tree has set it.
  case asIs, disabled, pullUp, pullDown
}

/// How an output is driven (libgpiod: drive).
public enum Drive: UInt8, BitwiseCopyable, Sendable {
  /// Both levels actively, or one level only.
  case pushPull, openDrain, openSource
}

/// Which edges a counter counts, seen as logical levels (after active-low).
public enum Edge: UInt8, BitwiseCopyable, Sendable {
  /// Inactive to active, active to inactive, or each of them.
  case rising, falling, both
}

/// One GPIO line, named in a way that survives a new kernel: by line name, or by chip label and
/// offset.
public struct LineSpec: BitwiseCopyable, Sendable {
  /// The line's name, such as `GPIO17`; empty when chip and offset say which.
  public var name = Text.empty
  /// The chip's label, such as `pinctrl-bcm2835`; may also narrow down a name.
  public var chip = Text.empty
  /// The line's offset in its chip; -1 when the name says which.
  public var offset: Int32 = -1
  /// The pull resistor.
  public var bias = Bias.asIs
  /// True when the low level means "on".
  public var activeLow = false
  /// A level counts once it has held this long; zero for at once.
  public var debounce = Interval.zero
  /// The edges that a counter counts.
  public var edge = Edge.rising
  /// How an output is driven.
  public var drive = Drive.pushPull

  /// A line of which nothing is said yet.
  public init() {}
}

/// Where the kernel shows a measured value.
public enum SensorSource: UInt8, BitwiseCopyable, Sendable {
  /// `/sys/class/thermal/thermal_zone*`: `device` is the zone's type. Milli-degrees Celsius.
  case thermal
  /// `/sys/class/hwmon/hwmon*`: `device` is its name, `channel` the input (`temp1`, `in0`).
  case hwmon
  /// `/sys/bus/w1/devices/<device>/temperature`. Milli-degrees Celsius.
  case oneWire
  /// `/sys/bus/iio/devices/iio:device*`: `device` is its name, `channel` the channel (`temp`).
  case iio
  /// A value that only a simulated board has; refused on a real one.
  case simulated
}

/// One measured value.
public struct SensorSpec: BitwiseCopyable, Sendable {
  /// The kernel interface.
  public var source = SensorSource.thermal
  /// The device: a zone type, an hwmon or IIO name, a 1-wire identifier.
  public var device = Text.empty
  /// The channel of hwmon and IIO devices.
  public var channel = Text.empty
  /// How often the value is read.
  public var every = Interval.seconds(10)
  /// Readings outside `low...high` (after scale and offset) are of bad quality.
  public var low = -Double.greatestFiniteMagnitude
  /// See `low`.
  public var high = Double.greatestFiniteMagnitude

  /// A sensor of which nothing is said yet.
  public init() {}
}

/// When a point is published.
public struct ReportSpec: BitwiseCopyable, Sendable {
  /// A change smaller than this is not worth a message (sensors and counters); 0: any change.
  public var delta = 0.0
  /// At most one message in this time; later changes wait. Zero: each at once.
  public var minimum = Interval.zero
  /// At least one message in this time, changed or not. Zero: none without a change.
  public var maximum = Interval.seconds(600)
  /// Also say each change on the event topic (inputs only).
  public var event = false

  /// On every change, and every ten minutes.
  public init() {}
}

/// How an output behaves when nobody commands it.
public struct OutputSpec: BitwiseCopyable, Sendable {
  /// The state that the line is requested with, so that nothing switches at start.
  public var start = false
  /// The state before an orderly stop; nil leaves it as it is.
  public var stop: Bool? = false
  /// The state once the link has been lost for `lostAfter`; nil leaves it as it is.
  public var lost: Bool?
  /// How long the link has to be lost for `lost` to apply.
  public var lostAfter = Interval.zero

  /// Off at start and at stop, held while the link is lost.
  public init() {}
}

/// How a point's readings are kept while they wait. Its events are always of the class `event`.
public struct KeepSpec: BitwiseCopyable, Sendable {
  /// See `RecordClass`: telemetry, event, counter or state.
  public var recordClass: RecordClass
  /// See `Durability`.
  public var durability = Durability.spill
  /// A reading that has waited for so long is not worth sending; nil for any time.
  public var expiry: Interval?

  /// Readings of a class, kept over a long loss of the link, for any time.
  public init(_ recordClass: RecordClass) { self.recordClass = recordClass }

  /// What suits a point of a kind: of a line each change matters, of a sensor the course, of a counter the
  /// sum.
  public init(usualFor kind: PointKind) {
    switch kind {
    case .input, .output: self.init(.event)
    case .counter: self.init(.counter)
    case .sensor: self.init(.telemetry)
    }
  }
}

/// One point of the device, as the profile describes it.
public struct PointSpec: BitwiseCopyable, Sendable {
  /// The name, which is also the last level of its topics.
  public var name: Text
  /// What it is.
  public var kind: PointKind
  /// The unit's UCUM code; empty for none.
  public var unit = Text.empty
  /// The line of an input, counter or output.
  public var line = LineSpec()
  /// The source of a sensor.
  public var sensor = SensorSpec()
  /// Published value = measured value × scale + offset (counters: count × scale + offset).
  public var scale = 1.0
  /// See `scale`.
  public var offset = 0.0
  /// Decimals published, 0 to 9.
  public var decimals: UInt8 = 3
  /// When it is published.
  public var report = ReportSpec()
  /// The states of an output.
  public var output = OutputSpec()
  /// How its readings are kept while they wait.
  public var keep: KeepSpec

  /// A point of which only name and kind are said.
  public init(name: Text, kind: PointKind) {
    self.name = name
    self.kind = kind
    keep = KeepSpec(usualFor: kind)
  }
}

/// The device as a whole.
public struct DeviceSpec: BitwiseCopyable, Sendable {
  /// The device's identifier: client identifier, and the second level of all topics.
  public var id: Text
  /// The first level, or levels, of all topics.
  public var base: Text
  /// The profile file's hash (FNV-1a, 64 bits): says which profile a device runs.
  public var profileHash: UInt64 = 0
  /// How often the agent publishes its own health; zero for never.
  public var diagnosticsEvery = Interval.seconds(60)

  /// A device of which only the names are said.
  public init(id: Text, base: Text) {
    self.id = id
    self.base = base
  }
}
