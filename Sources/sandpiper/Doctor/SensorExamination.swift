import Core
import Device
import JSON
import LinuxBoard
import Profile

/// The kernel's sensors, read once: those of the profile, or all that there are.
enum SensorExamination {
  static func perform(_ configuration: Configuration?, _ report: inout Report) {
    if let configuration {
      let taken = SensorReadings(configuration)
      for index in taken.points.indices {
        examine(taken.points[index], taken.readings[index], configuration, &report)
      }
      return tellOfSimulated(configuration, &report)
    }
    let sensors = BoardSensor.all()
    for sensor in sensors {
      if sensor.isHanging {
        report.worthKnowing(.sensors, hanging(sensor.description), fix: wiring)
      } else {
        report.fine(.sensors, text(sensor.description, sensor.value))
      }
    }
    if sensors.isEmpty { report.fine(.sensors, "the kernel shows no sensor") }
  }

  private static func examine(
    _ point: PointSpec, _ reading: SensorReadings.Reading, _ configuration: Configuration,
    _ report: inout Report
  ) {
    let name = configuration.words(point.name)
    let device = configuration.words(point.sensor.device)
    let channel = configuration.words(point.sensor.channel)
    let sensor = SensorDescription(
      source: point.sensor.source, device: FixedText(device.bytes.span),
      channel: FixedText(channel.bytes.span))
    var read: Double?
    switch reading {
    case .value(let value): read = value
    case .fault(.missing):
      return report.broken(
        .sensors, "point \"\(name)\": this board has no \(snippet(sensor))",
        fix:
          "`sandpiper lines` lists the sensors; is it wired, and its driver loaded (\(driver(sensor)))?"
      )
    case .fault(.timedOut):
      return report.broken(
        .sensors, "point \"\(name)\": \(hanging(sensor))",
        fix: "\(wiring); the others are read meanwhile")
    case .fault: break
    }
    guard let value = read else {
      return report.broken(
        .sensors, "point \"\(name)\": \(text(sensor, nil))", fix: wiring)
    }
    let published = value * point.scale + point.offset
    guard published < point.sensor.low || published > point.sensor.high else {
      return report.fine(.sensors, "point \"\(name)\": \(text(sensor, value))")
    }
    report.worthKnowing(
      .sensors, "point \"\(name)\": \(text(sensor, value)), which is out of the profile's range",
      fix: "see its wiring, or the point's range, scale and offset")
  }

  private static func tellOfSimulated(_ configuration: Configuration, _ report: inout Report) {
    var names = NameList()
    for point in configuration.points
    where point.kind == .sensor && point.sensor.source == .simulated {
      names.append(configuration.words(point.name))
    }
    guard !names.isEmpty else { return }
    report.broken(
      .sensors, "simulated sensors work only with run --simulate: \(names.words)",
      fix: "name sensors of this board: `sandpiper lines` lists them")
  }

  private static func driver(_ sensor: SensorDescription) -> Words {
    sensor.source == .oneWire ? "dtoverlay=w1-gpio, modprobe w1-therm" : "dtoverlay=, modprobe"
  }

  private static func snippet(_ sensor: SensorDescription) -> Words {
    Words(upTo: SensorDescription.snippetBytesMax) { out in sensor.writeSnippet(into: &out) }
  }

  private static var wiring: Words { "see its wiring, and `dmesg` for what its driver says" }

  private static func hanging(_ sensor: SensorDescription) -> Words {
    "\(snippet(sensor)) does not answer within 5 s"
  }

  private static func text(_ sensor: SensorDescription, _ value: Double?) -> Words {
    guard let value else { return "\(snippet(sensor)) cannot be read" }
    let digits = Words(upTo: 40) { out in out.append(fixed: value, decimals: 3) }
    return "\(snippet(sensor)) says \(digits) \(literal: sensor.unit)"
  }
}
