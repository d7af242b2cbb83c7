import CGPIO
import CLinux
import Core
import Device
import JSON
import Linux

/// A GPIO chip as the kernel describes it.
public struct ChipDescription: BitwiseCopyable, Sendable {
  /// The kernel's name, such as `gpiochip0`. The number changes between kernels.
  public var name: KernelName
  /// The label, which stays: what a profile names.
  public var label: KernelName
  /// How many lines it has.
  public var lineCount: Int
}

/// A value that the kernel measures, as a profile would name it.
public struct SensorDescription: BitwiseCopyable, Sendable {
  /// The kernel interface.
  public var source: SensorSource
  /// The device; see `SensorSource`.
  public var device: FixedText<64>
  /// The channel; empty where the source has none.
  public var channel: FixedText<64>

  /// A sensor as a profile names it.
  public init(source: SensorSource, device: FixedText<64>, channel: FixedText<64>) {
    self.source = source
    self.device = device
    self.channel = channel
  }

  /// The UCUM code of its value's unit; empty where it has none.
  public var unit: StaticString {
    switch source {
    case .thermal, .oneWire: "Cel"
    case .hwmon, .iio: SensorUnit(source, channel).code
    case .simulated: ""
    }
  }

  /// Appends what a profile says to name this sensor: `"thermal": "cpu-thermal"`,
  /// `"w1": "28-00000a1b2c3d"`, `"hwmon": {"device": "rpi_volt", "channel": "in0"}`.
  public func writeSnippet(into out: inout OutputSpan<UInt8>) {
    switch source {
    case .thermal: out.put("\"thermal\": ")
    case .hwmon: out.put("\"hwmon\": {\"device\": ")
    case .oneWire: out.put("\"w1\": ")
    case .iio: out.put("\"iio\": {\"device\": ")
    case .simulated: out.put("\"simulated\": true")
    }
    guard source != .simulated else { return }
    device.withBytes { out.append(jsonString: $0) }
    guard source == .hwmon || source == .iio else { return }
    out.put(", \"channel\": ")
    channel.withBytes { out.append(jsonString: $0) }
    out.put("}")
  }

  /// The most bytes that this takes: two names, each byte of which may have to be written as six.
  public static var snippetBytesMax: Int { 832 }
}

/// What there is on this board, for a person who writes a profile. Allocates while it lists.
public enum Inventory {
  /// Calls `chip` for each GPIO chip, followed by `line` for each of its lines, by offset; `failed`
  /// for a device file that cannot be opened, and why.
  public static func forEachLine(
    chip: (ChipDescription) -> Void, line: (LineDescription) -> Void,
    failed: (_ device: FixedText<32>, _ error: SystemError) -> Void
  ) {
    for number in 0..<Chip.numberLimit {
      do throws(SystemError) {
        let found = try Chip.open(number)
        defer { found.close() }
        chip(ChipDescription(name: found.name, label: found.label, lineCount: found.lineCount))
        for offset in 0..<found.lineCount { line(try found.describe(offset)) }
      } catch {
        if error.code != ENOENT { failed(Chip.devicePath(number), error) }
      }
    }
  }

  /// Calls `body` for each value below `sysfs` that the board can read: thermal zones, hwmon
  /// inputs, 1-wire thermometers, IIO channels. Reads none: one may never answer.
  public static func forEachSensor(
    sysfs: StaticString = "/sys", _ body: (SensorDescription) -> Void
  ) {
    withBytes(of: sysfs) { forEachSensor(sysfs: $0, body) }
  }

  /// As above, with a path that is not known when the program is built: for tests.
  public static func forEachSensor(sysfs: Span<UInt8>, _ body: (SensorDescription) -> Void) {
    let reader = SensorReader(root: FixedText(sysfs))
    for number in 0..<SensorReader.numberLimit {
      if let name = reader.name(of: number, source: .thermal) {
        body(SensorDescription(source: .thermal, device: name, channel: FixedText()))
      }
    }
    for number in 0..<SensorReader.numberLimit {
      forEachChannel(reader, .hwmon, number, body)
    }
    forEachOneWire(reader, body)
    for number in 0..<SensorReader.numberLimit {
      forEachChannel(reader, .iio, number, body)
    }
  }

  private static func forEachChannel(
    _ reader: SensorReader, _ source: SensorSource, _ number: Int,
    _ body: (SensorDescription) -> Void
  ) {
    guard let device = reader.name(of: number, source: source) else { return }
    var channels = SortedNames()
    let folder = reader.folder(source, number)
    folder.withBytes { path in
      guard var entries = try? Directory(path) else { return }
      while let name = entries.next({ FixedText<64>($0) }) {
        if source == .hwmon {
          if let channel = name.between("", "_input") { channels.insert(channel) }
        } else if let channel = name.between("in_", "_input") ?? name.between("in_", "_raw") {
          channels.insert(channel)
        }
      }
    }
    for index in 0..<channels.count {
      body(SensorDescription(source: source, device: device, channel: channels[index]))
    }
  }

  private static func forEachOneWire(
    _ reader: SensorReader, _ body: (SensorDescription) -> Void
  ) {
    var path = FixedText<192>()
    path.append(reader.root)
    path.append("/bus/w1/devices")
    var devices = SortedNames()
    path.withBytes { path in
      guard var entries = try? Directory(path) else { return }
      while let name = entries.next({ FixedText<64>($0) }) {
        // Thermometers by their family code: DS18S20, DS1822, DS18B20, DS1825, DS28EA00.
        let isThermometer =
          name.starts("10-") || name.starts("22-") || name.starts("28-") || name.starts("3b-")
          || name.starts("42-")
        if isThermometer { devices.insert(name) }
      }
    }
    for index in 0..<devices.count {
      body(SensorDescription(source: .oneWire, device: devices[index], channel: FixedText()))
    }
  }
}

/// Up to 64 names in order, each once.
private struct SortedNames {
  private var names = InlineArray<64, FixedText<64>>(repeating: FixedText())
  private(set) var count = 0

  subscript(index: Int) -> FixedText<64> { names[index] }

  mutating func insert(_ name: FixedText<64>) {
    var place = count
    while place > 0 && name.precedes(names[place - 1]) { place -= 1 }
    let isKnown = place > 0 && names[place - 1].equals(name)
    guard !isKnown && count < names.count else { return }
    for index in stride(from: count, to: place, by: -1) { names[index] = names[index - 1] }
    names[place] = name
    count += 1
  }
}

extension FixedText {
  fileprivate func starts(_ prefix: StaticString) -> Bool { between(prefix, "") != nil }

  /// What stands between `prefix` and `suffix`; nil when the text has not both.
  fileprivate func between(_ prefix: StaticString, _ suffix: StaticString) -> Self? {
    let start = prefix.utf8CodeUnitCount
    let end = count - suffix.utf8CodeUnitCount
    guard !isCut && start < end else { return nil }
    return withBytes { bytes in
      guard bytes.extracting(0..<start).equals(prefix),
        bytes.extracting(end..<count).equals(suffix)
      else { return nil }
      return Self(bytes.extracting(start..<end))
    }
  }

  /// Shorter before longer when they begin alike; else by bytes.
  fileprivate func precedes(_ other: Self) -> Bool {
    for index in 0..<min(count, other.count) where self[index] != other[index] {
      return self[index] < other[index]
    }
    return count < other.count
  }
}
