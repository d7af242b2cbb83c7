import Core
import Device

/// What a channel of hwmon or IIO counts in, by the kernel's ABI documents
/// (Documentation/ABI/testing/sysfs-class-hwmon and sysfs-bus-iio).
struct SensorUnit {
  /// The kernel's number divided by this is in the unit.
  let divisor: Double
  /// The unit's UCUM code; empty where there is none.
  let code: StaticString

  private init(_ divisor: Double, _ code: StaticString) {
    self.divisor = divisor
    self.code = code
  }

  /// The unit of `channel`, such as `temp1`, `in0`, `voltage3`, `accel_x`.
  init(_ source: SensorSource, _ channel: FixedText<64>) {
    let kind = Self.kind(of: channel)
    self = source == .iio ? Self.iio(kind) : Self.hwmon(kind)
  }

  private static func hwmon(_ kind: FixedText<64>) -> SensorUnit {
    if kind.equals("temp") { return SensorUnit(1000, "Cel") }
    if kind.equals("in") { return SensorUnit(1000, "V") }
    if kind.equals("curr") { return SensorUnit(1000, "A") }
    if kind.equals("power") { return SensorUnit(1_000_000, "W") }
    if kind.equals("energy") { return SensorUnit(1_000_000, "J") }
    if kind.equals("humidity") { return SensorUnit(1000, "%") }
    if kind.equals("fan") { return SensorUnit(1, "{rpm}") }
    return SensorUnit(1, "")
  }

  private static func iio(_ kind: FixedText<64>) -> SensorUnit {
    if kind.equals("temp") { return SensorUnit(1000, "Cel") }
    if kind.equals("voltage") || kind.equals("altvoltage") { return SensorUnit(1000, "V") }
    if kind.equals("current") { return SensorUnit(1000, "A") }
    if kind.equals("power") { return SensorUnit(1000, "W") }
    if kind.equals("humidityrelative") { return SensorUnit(1000, "%") }
    if kind.equals("pressure") { return SensorUnit(1, "kPa") }
    if kind.equals("illuminance") { return SensorUnit(1, "lx") }
    if kind.equals("resistance") { return SensorUnit(1, "Ohm") }
    if kind.equals("concentration") { return SensorUnit(1, "%") }
    if kind.equals("energy") { return SensorUnit(1, "J") }
    if kind.equals("distance") { return SensorUnit(1, "m") }
    if kind.equals("accel") { return SensorUnit(1, "m/s2") }
    if kind.equals("anglvel") { return SensorUnit(1, "rad/s") }
    if kind.equals("magn") { return SensorUnit(1, "G") }
    if kind.equals("capacitance") { return SensorUnit(1, "nF") }
    return SensorUnit(1, "")
  }

  /// What comes before the channel's number or modifier: "voltage" of "voltage0", "accel" of
  /// "accel_x".
  static func kind(of channel: FixedText<64>) -> FixedText<64> {
    var end = 0
    while end < channel.count, channel[end] >= UInt8(ascii: "a"), channel[end] <= UInt8(ascii: "z")
    {
      end += 1
    }
    var kind = channel
    if !kind.isCut { kind.cut(to: end) }
    return kind
  }
}
