import Core
import Linux
import LinuxBoard
import Profile

/// The lines and sensors that there are on this board.
struct BoardStock {
  /// A line, its chip's label, and who has it.
  final class Line {
    let chip: Words
    let name: Words
    let offset: Int
    let isUsed: Bool
    let consumer: Words

    init(chip: Words, _ line: LineDescription) {
      (self.chip, offset, isUsed) = (chip, line.offset, line.isUsed)
      (name, consumer) = (Words(line.name), Words(line.consumer))
    }
  }

  private(set) var lines: [Line] = []
  let sensors: [BoardSensor]
  /// Why a chip could not be looked at; empty when none was in the way.
  private(set) var obstacle = Words()
  /// True when there is a chip that may be opened.
  private(set) var hasChip = false

  /// Looks; requests nothing. See `BoardSensor` for how long that takes.
  init() {
    var (lines, obstacle): ([Line], Words) = ([], Words())
    var label = Words()
    var chips = 0
    Inventory.forEachLine(
      chip: { chip in
        label = Words(chip.label)
        chips += 1
      },
      line: { line in lines.append(Line(chip: label, line)) },
      failed: { device, error in obstacle = "\(Words(device)): \(SystemText.reason(error.code))" })
    (self.lines, self.obstacle) = (lines, obstacle)
    sensors = BoardSensor.all()
    hasChip = chips > 0
  }

  /// Lines that have a name of their own and that nobody uses.
  var free: [Line] { lines.filter { !$0.isUsed && hasOwnName($0) } }

  /// True when the line's name says which it is: it has one, and no other line has the same.
  func hasOwnName(_ line: Line) -> Bool {
    !line.name.isEmpty && lines.filter { $0.name.bytes == line.name.bytes }.count == 1
  }

  /// Why there is no line to choose from.
  var lackOfLines: Words {
    obstacle.isEmpty
      ? "this board has no GPIO chip (/dev/gpiochip*)"
      : "no GPIO chip may be opened (\(obstacle); sandpiper doctor says how to mend that)"
  }

  /// The line that a person has named, by its name or as CHIP:OFFSET; nil, and why, when there is none or it is
  /// not to be had.
  func line(_ text: Words, _ fault: inout Words) -> Line? {
    guard hasChip else {
      fault = "there are no lines: \(lackOfLines)"
      return nil
    }
    var found = lines.filter { $0.name.bytes == text.bytes }
    if found.isEmpty, let colon = text.bytes.lastIndex(of: UInt8(ascii: ":")) {
      let chip = [UInt8](text.bytes[..<colon])
      let offset = Words([UInt8](text.bytes[(colon + 1)...]))
      found = lines.filter { line in
        let number: Words = "\(line.offset)"
        return line.chip.bytes == chip && number.bytes == offset.bytes
      }
    }
    guard let line = found.first else {
      fault = "this board has no line \(text): sandpiper lines shows those that it has"
      return nil
    }
    guard found.count == 1 else {
      fault =
        "this board has several lines \(text): name it as CHIP:OFFSET, such as \(line.chip):\(line.offset)"
      return nil
    }
    guard !line.isUsed else {
      let who: Words = line.consumer.isEmpty ? "the kernel" : line.consumer
      fault = "line \(text) is used by \(who): take another, or end what uses it"
      return nil
    }
    return line
  }

  /// The sensor that a person has named as SOURCE:DEVICE or SOURCE:DEVICE/CHANNEL; nil, and why, when there is
  /// none.
  func sensor(_ text: Words, _ fault: inout Words) -> SensorDescription? {
    var names = NameList()
    for sensor in sensors {
      let name = Self.text(sensor.description)
      if name.bytes == text.bytes { return sensor.description }
      names.append(name)
    }
    fault =
      names.isEmpty
      ? "this board has no sensor \(text), and no other: the kernel shows none"
      : "this board has no sensor \(text); it has \(names.words)"
    return nil
  }

  /// A sensor as the command line names it: `thermal:cpu-thermal`, `w1:28-00000a1b2c3d`, `hwmon:rpi_volt/in0`.
  static func text(_ sensor: SensorDescription) -> Words {
    let device = Words(sensor.device)
    switch sensor.source {
    case .thermal: return "thermal:\(device)"
    case .oneWire: return "w1:\(device)"
    case .hwmon: return "hwmon:\(device)/\(Words(sensor.channel))"
    case .iio: return "iio:\(device)/\(Words(sensor.channel))"
    case .simulated: return "simulated"
    }
  }
}
