import Device

/// The units that a profile may name: codes of UCUM (the Unified Code for Units of Measure), those
/// that boards measure in; any annotation in braces, such as `{rpm}`, is a unit too.
enum Unit {
  static let codes: [StaticString] = [
    "1", "%", "Cel", "K", "[degF]", "V", "mV", "uV", "A", "mA", "uA", "W", "mW", "kW", "V.A", "W.h",
    "kW.h", "J", "kJ", "Ohm", "kOhm", "F", "C", "T", "Hz", "kHz", "MHz", "Pa", "hPa", "kPa", "MPa",
    "bar", "mbar", "L", "mL", "m3", "L/min", "L/h", "L/s", "m3/h", "m", "cm", "mm", "um", "km",
    "m/s", "km/h", "m/s2", "mm/h", "g", "kg", "mg", "t", "s", "ms", "us", "min", "h", "d",
    "lx", "lm", "cd", "W/m2", "[ppm]", "[ppb]", "[pH]", "uS/cm", "mS/cm", "g/m3", "ug/m3", "mg/m3",
    "g/L", "mg/L", "deg", "rad", "deg/s", "rad/s", "dB", "B", "N", "kN", "N.m", "u", "mol", "mol/L",
    "Gy", "Sv", "uSv/h", "Bq",
  ]

  /// What people write instead.
  private static let aliases: [(StaticString, StaticString)] = [
    ("°C", "Cel"), ("C°", "Cel"), ("celsius", "Cel"), ("degC", "Cel"), ("ºC", "Cel"),
    ("°F", "[degF]"), ("fahrenheit", "[degF]"), ("kelvin", "K"), ("l", "L"), ("liter", "L"),
    ("litre", "L"), ("m³", "m3"), ("volt", "V"), ("ampere", "A"), ("watt", "W"), ("percent", "%"),
    ("%RH", "%"), ("ppm", "[ppm]"), ("ppb", "[ppb]"), ("pH", "[pH]"), ("rpm", "{rpm}"),
    ("lux", "lx"), ("count", "{count}"), ("µS/cm", "uS/cm"), ("Ω", "Ohm"), ("l/min", "L/min"),
    ("VA", "V.A"), ("Wh", "W.h"), ("kWh", "kW.h"), ("Nm", "N.m"), ("m³/h", "m3/h"), ("sec", "s"),
    ("hour", "h"), ("day", "d"), ("°", "deg"),
  ]

  static func isKnown(_ unit: [UInt8]) -> Bool {
    if unit.count > 2, unit.first == UInt8(ascii: "{"), unit.last == UInt8(ascii: "}") {
      return unit.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }
    return codes.contains { bytes($0) == unit }
  }

  static func suggestion(for unit: [UInt8]) -> String {
    for (alias, code) in aliases where Suggestion.distance(unit, bytes(alias)) == 0 {
      return "; did you mean \"" + spelled(code) + "\"?"
    }
    return Suggestion.text(for: unit, among: codes)
  }

  /// The unit that the kernel's interface measures in; nil when any will do.
  static func measured(_ source: SensorSource, channel: [UInt8]) -> StaticString? {
    func begins(_ prefix: StaticString) -> Bool { channel.starts(with: bytes(prefix)) }
    switch source {
    case .thermal, .oneWire: return "Cel"
    case .hwmon:
      // Documentation/hwmon/sysfs-interface.rst, brought to the base unit.
      if begins("temp") { return "Cel" }
      if begins("in") { return "V" }
      if begins("curr") { return "A" }
      if begins("power") { return "W" }
      if begins("energy") { return "J" }
      if begins("humidity") { return "%" }
      return begins("fan") ? "{rpm}" : nil
    case .iio:
      // Documentation/ABI/testing/sysfs-bus-iio, brought to the unit that people use.
      if begins("temp") { return "Cel" }
      if begins("humidityrelative") { return "%" }
      if begins("pressure") { return "kPa" }
      if begins("illuminance") { return "lx" }
      if begins("voltage") { return "V" }
      return begins("current") ? "A" : nil
    case .simulated: return nil
    }
  }
}
