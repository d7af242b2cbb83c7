import Core
import Device
import JSON
import LinuxBoard
import Profile

/// The kernel's sensors, read once: those of the profile, or all that there are.
enum SensorExamination {
  static func perform(_ configuration: Configuration?, _ report: inout Report) {
    if let configuration, !configuration.points.contains(where: { $0.kind == .sensor }) { return }
    var found: [SensorDescription] = []
    Inventory.forEachSensor { found.append($0) }
    if let configuration {
      for point in configuration.points where point.kind == .sensor {
        if point.sensor.source != .simulated { examine(point, configuration, found, &report) }
      }
      tellOfSimulated(configuration, &report)
    } else if found.isEmpty {
      report.fine(.sensors, "the kernel shows no sensor")
    } else {
      for sensor in found { report.fine(.sensors, text(sensor)) }
    }
  }

  private static func examine(
    _ point: PointSpec, _ configuration: Configuration, _ found: [SensorDescription],
    _ report: inout Report
  ) {
    let name = configuration.words(point.name)
    let device = configuration.words(point.sensor.device)
    let channel = configuration.words(point.sensor.channel)
    var wanted = SensorDescription(
      source: point.sensor.source, device: FixedText(device.bytes.span),
      channel: FixedText(channel.bytes.span), value: nil)
    var isThere = false
    for sensor in found
    where sensor.source == wanted.source && sensor.device.equals(wanted.device)
      && sensor.channel.equals(wanted.channel)
    {
      isThere = true
      wanted.value = sensor.value
    }
    guard isThere else {
      report.broken(
        .sensors, "point \"\(name)\": this board has no \(snippet(wanted))",
        fix:
          "`sandpiper lines` lists the sensors; is it wired, and its driver loaded (\(driver(wanted)))?"
      )
      return
    }
    guard let value = wanted.value else {
      report.broken(
        .sensors, "point \"\(name)\": \(text(wanted))",
        fix: "see its wiring, and `dmesg` for what its driver says")
      return
    }
    let published = value * point.scale + point.offset
    guard published < point.sensor.low || published > point.sensor.high else {
      return report.fine(.sensors, "point \"\(name)\": \(text(wanted))")
    }
    report.worthKnowing(
      .sensors, "point \"\(name)\": \(text(wanted)), which is out of the profile's range",
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
    Words(upTo: 256) { out in sensor.writeSnippet(into: &out) }
  }

  private static func text(_ sensor: SensorDescription) -> Words {
    guard let value = sensor.value else { return "\(snippet(sensor)) cannot be read" }
    let digits = Words(upTo: 40) { out in out.append(fixed: value, decimals: 3) }
    return "\(snippet(sensor)) says \(digits) \(literal: sensor.unit)"
  }
}
