import Core
import JSON
import Linux
import LinuxBoard

/// `sandpiper lines`: what there is on this board, as a profile would name it.
enum LinesCommand {
  static func perform() -> Exit {
    guard Arguments.count == 2 else {
      Console.complain("usage: sandpiper lines")
      return .usage
    }
    let chips = listLines()
    let sensors = listSensors()
    if chips == 0 {
      Console.complain("sandpiper: no GPIO chip (/dev/gpiochip*) is there to be opened")
    }
    return chips + sensors > 0 ? .fine : .failure
  }

  private static func listLines() -> Int {
    var count = 0
    Inventory.forEachLine(
      chip: { chip in
        count += 1
        let label = text(chip.label)
        Console.print("chip \"\(label)\" (\(text(chip.name)) today), \(chip.lineCount) lines")
      },
      line: { line in
        let name = line.name.isEmpty ? "-" : text(line.name)
        var row = Console.right("\(line.offset)", 5) + "  " + Console.left(name, 24)
        row += line.isOutput ? "  output" : "  input "
        if line.isActiveLow { row += "  active-low" }
        if line.isUsed {
          row += line.consumer.isEmpty ? "  in use" : "  used by " + text(line.consumer)
        }
        Console.print(row)
      },
      failed: { device, error in
        Console.complain("\(text(device)): \(reason(error))")
      })
    return count
  }

  private static func listSensors() -> Int {
    let sensors = BoardSensor.all()
    if !sensors.isEmpty { Console.print("sensors, as a profile names them") }
    for sensor in sensors {
      let snippet = [UInt8](capacity: SensorDescription.snippetBytesMax) { out in
        sensor.description.writeSnippet(into: &out)
      }
      var row = "  " + String(decoding: snippet, as: UTF8.self)
      if let value = sensor.value {
        row += "   now " + rounded(value) + " \(sensor.description.unit)"
      } else {
        row += sensor.isHanging ? "   does not answer" : "   cannot be read now"
      }
      Console.print(row)
    }
    return sensors.count
  }

  /// The value with three decimals.
  private static func rounded(_ value: Double) -> String {
    let digits = [UInt8](capacity: 40) { out in out.append(fixed: value, decimals: 3) }
    return String(decoding: digits, as: UTF8.self)
  }

  private static func text<let capacity: Int>(_ text: FixedText<capacity>) -> String {
    let bytes = [UInt8](capacity: capacity) { out in text.write(into: &out) }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func reason(_ error: SystemError) -> String {
    let bytes = [UInt8](capacity: 256) { out in error.describe(into: &out) }
    return String(decoding: bytes, as: UTF8.self)
  }
}
