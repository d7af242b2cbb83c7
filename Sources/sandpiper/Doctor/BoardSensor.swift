import Core
import JSON
import LinuxBoard

/// A sensor that the kernel shows, and what it says now.
final class BoardSensor {
  let description: SensorDescription
  let reading: SensorReadings.Reading

  private init(_ description: SensorDescription, _ reading: SensorReadings.Reading) {
    (self.description, self.reading) = (description, reading)
  }

  /// All that there are. Slow ones take a second each, those that hang up to five.
  static func all() -> [BoardSensor] {
    var found: [SensorDescription] = []
    Inventory.forEachSensor { found.append($0) }
    let readings = SensorReadings(found).readings
    return found.indices.map { BoardSensor(found[$0], readings[$0]) }
  }

  /// What it reads; nil when it can't be read.
  var value: Double? {
    if case .value(let value) = reading { value } else { nil }
  }

  /// True when it has kept silent.
  var isHanging: Bool {
    if case .fault(.timedOut) = reading { true } else { false }
  }
}
