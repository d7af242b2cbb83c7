import CGPIO
import CLinux
import Core
import Device
import Linux

/// Which value to read, as the profile says; and where it was found last.
struct SensorAddress: BitwiseCopyable {
  var source: SensorSource
  var device: FixedText<64>
  var channel: FixedText<64>
  /// The N of hwmonN, thermal_zoneN or iio:deviceN: changes with each boot, so it is looked for.
  var number = -1
}

/// What reading a sensor gave.
enum SensorReading: BitwiseCopyable {
  /// In the unit of the kernel interface's base: degrees Celsius, volts, ...
  case value(Double)
  case fault(PointFault)
}

/// Reads values from the kernel's files. Allocates nothing; may block as long as the sensor takes.
///
/// Units are those of the kernel's ABI documents (Documentation/ABI/testing/sysfs-class-hwmon,
/// sysfs-bus-iio, sysfs-class-thermal, w1/slaves/w1_therm) with the thousandths taken out: degrees
/// Celsius, volts, amperes, watts, percent of humidity. Pressure stays in kilopascals, fans in
/// revolutions a minute. See `SensorUnit`.
struct SensorReader: BitwiseCopyable {
  /// Where sysfs is.
  let root: FixedText<64>

  /// Reads the value, looking for its device first if need be.
  func read(_ address: inout SensorAddress) -> SensorReading {
    switch address.source {
    case .thermal, .hwmon, .iio:
      if address.number >= 0, let reading = readFound(address) { return reading }
      address.number = -1
      for number in 0..<Self.numberLimit where isNamed(number, address) {
        address.number = number
        if let reading = readFound(address) { return reading }
      }
      address.number = -1
      return .fault(.missing)
    case .oneWire: return readOneWire(address)
    case .simulated: return .fault(.missing)
    }
  }

  /// Numbers are looked for from 0 up to, but without, this one; holes are usual.
  static var numberLimit: Int { 256 }

  /// True when device `number` has the name that `address` asks for.
  private func isNamed(_ number: Int, _ address: SensorAddress) -> Bool {
    name(of: number, source: address.source)?.equals(address.device) ?? false
  }

  /// What the kernel calls device `number` of a kind; nil when there is none.
  func name(of number: Int, source: SensorSource) -> FixedText<64>? {
    var path = folder(source, number)
    path.append(source == .thermal ? "type" : "name")
    return try? text(path)
  }

  /// The folder of device `number`, with its last slash.
  func folder(_ source: SensorSource, _ number: Int) -> FixedText<192> {
    var path = FixedText<192>()
    path.append(root)
    switch source {
    case .thermal: path.append("/class/thermal/thermal_zone")
    case .hwmon: path.append("/class/hwmon/hwmon")
    case .iio: path.append("/bus/iio/devices/iio:device")
    case .oneWire, .simulated: path.append("/")
    }
    path.append(decimal: number)
    path.append("/")
    return path
  }

  /// The value of the device at `address.number`; nil when that device has no such channel.
  private func readFound(_ address: SensorAddress) -> SensorReading? {
    // The number may have gone to another device since it was found.
    guard isNamed(address.number, address) else { return nil }
    let folder = folder(address.source, address.number)
    do throws(SystemError) {
      switch address.source {
      case .thermal: return .value(try number(folder, "temp") / 1000)
      case .hwmon: return try readHwmon(folder, address.channel)
      case .iio: return .value(try readIIO(folder, address.channel))
      case .oneWire, .simulated: return nil
      }
    } catch {
      return error.code == ENOENT ? nil : .fault(Self.fault(error.code))
    }
  }

  private func readHwmon(
    _ folder: FixedText<192>, _ channel: FixedText<64>
  ) throws(SystemError) -> SensorReading {
    let value = try number(folder, "", channel, "_input")
    // "Input fault condition": the value means nothing.
    if let fault = try? number(folder, "", channel, "_fault"), fault != 0 {
      return .fault(.unreadable)
    }
    return .value(value / SensorUnit(.hwmon, channel).divisor)
  }

  /// (raw + offset) × scale, or the value that the driver has worked out itself. Offset and scale
  /// may be given for the channel or for all of its type.
  private func readIIO(
    _ folder: FixedText<192>, _ channel: FixedText<64>
  ) throws(SystemError) -> Double {
    let divisor = SensorUnit(.iio, channel).divisor
    if let processed = try optional(folder, channel, "_input") { return processed / divisor }
    let raw = try number(folder, "in_", channel, "_raw")
    let kind = SensorUnit.kind(of: channel)
    var offset = try optional(folder, channel, "_offset")
    if offset == nil { offset = try optional(folder, kind, "_offset") }
    var scale = try optional(folder, channel, "_scale")
    if scale == nil { scale = try optional(folder, kind, "_scale") }
    return (raw + (offset ?? 0)) * (scale ?? 1) / divisor
  }

  private func optional(
    _ folder: FixedText<192>, _ channel: FixedText<64>, _ suffix: StaticString
  ) throws(SystemError) -> Double? {
    do throws(SystemError) {
      return try number(folder, "in_", channel, suffix)
    } catch {
      if error.code == ENOENT { return nil }
      throw error
    }
  }

  private func readOneWire(_ address: SensorAddress) -> SensorReading {
    var path = FixedText<192>()
    path.append(root)
    path.append("/bus/w1/devices/")
    path.append(address.device)
    path.append("/temperature")
    do throws(SystemError) {
      return .value(try number(text(path)) / 1000)
    } catch {
      return .fault(Self.fault(error.code))
    }
  }

  // ---- files and numbers

  private func number(
    _ folder: FixedText<192>, _ prefix: StaticString, _ channel: FixedText<64> = FixedText(),
    _ suffix: StaticString = ""
  ) throws(SystemError) -> Double {
    var path = folder
    path.append(prefix)
    path.append(channel)
    path.append(suffix)
    return try number(text(path))
  }

  /// The first line of a file, without the end of line and spaces before it.
  func text(_ path: FixedText<192>) throws(SystemError) -> FixedText<64> {
    guard !path.isCut else { throw SystemError(code: ENAMETOOLONG, doing: "read") }
    var bytes = InlineArray<64, UInt8>(repeating: 0)
    var slots = bytes.mutableSpan
    let count = try unsafe slots.withUnsafeMutableBufferPointer { buffer throws(SystemError) in
      // Sound: the span covers the array, and does not leave this closure.
      var out = unsafe OutputSpan(buffer: buffer, initializedCount: 0)
      try path.withBytes { path throws(SystemError) in try File.read(path, into: &out) }
      return unsafe out.finalize(for: buffer)
    }
    var end = 0
    while end < count && bytes[end] != UInt8(ascii: "\n") { end += 1 }
    while end > 0 && bytes[end - 1] == UInt8(ascii: " ") { end -= 1 }
    return FixedText(bytes.span.extracting(0..<end))
  }

  /// A decimal number with or without a fraction, at most 18 digits; anything else is nonsense.
  private func number(_ text: FixedText<64>) throws(SystemError) -> Double {
    var digits: Int64 = 0
    var count = 0
    var divisor = 1.0
    var hasPoint = false
    let isNegative = !text.isEmpty && text[0] == UInt8(ascii: "-")
    for index in (isNegative ? 1 : 0)..<text.count {
      if text[index] == UInt8(ascii: ".") && !hasPoint && count > 0 {
        hasPoint = true
        continue
      }
      guard text[index] >= UInt8(ascii: "0") && text[index] <= UInt8(ascii: "9") && count < 18
      else { throw SystemError(code: EINVAL, doing: "read") }
      digits = digits * 10 + Int64(wide: Int(text[index] - UInt8(ascii: "0")))
      count += 1
      if hasPoint { divisor *= 10 }
    }
    guard count > 0 else { throw SystemError(code: EINVAL, doing: "read") }
    return Double(isNegative ? -digits : digits) / divisor
  }

  private static func fault(_ code: Int32) -> PointFault {
    switch code {
    case ENOENT, ENODEV, ENXIO: .missing
    case ETIMEDOUT, EAGAIN: .timedOut
    default: .unreadable
    }
  }
}
