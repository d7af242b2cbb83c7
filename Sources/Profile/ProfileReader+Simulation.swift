import Core
import Device
import JSON
import SimulatedBoard

/// How points behave on a simulated board.
extension ProfileReader {
  mutating func readSimulation(
    _ point: PointSpec, _ object: inout ObjectReader
  ) -> SimulationSpec? {
    guard var reader = object.object("simulate", &problems) else { return nil }
    var simulation = SimulationSpec()
    switch point.kind {
    case .input, .counter:
      let example = "20s"
      simulation.on = reader.duration("on", &problems, example: example) ?? .seconds(10)
      simulation.off = reader.duration("off", &problems, example: example) ?? .seconds(10)
      simulation.bounce =
        reader.duration("bounce", &problems, to: .seconds(1), example: "5ms") ?? .zero
      simulation.randomness =
        reader.number("random", &problems, from: 0, to: 1, "a number from 0 to 1") ?? 0
    case .sensor:
      simulation.wave =
        reader.word(
          "wave", &problems,
          [
            "constant": Wave.constant, "sine": .sine, "triangle": .triangle,
            "square": .square, "walk": .walk,
          ]) ?? .constant
      simulation.mean = reader.number("mean", &problems) ?? 20
      simulation.amplitude = reader.number("amplitude", &problems) ?? 0
      simulation.period =
        reader.duration("period", &problems, from: .milliseconds(10), example: "1h")
        ?? .seconds(3600)
      simulation.noise =
        reader.number("noise", &problems, from: 0, "a number that is not below 0") ?? 0
    case .output:
      error(
        reader.offset, reader.pointer,
        "an output does as it is told: it has nothing to simulate")
    }
    reader.finish(&problems)
    return simulation
  }

  /// Life within seconds for a profile that says nothing.
  static func usualSimulation(_ point: PointSpec) -> SimulationSpec {
    var simulation = SimulationSpec()
    switch point.kind {
    case .input:
      simulation.on = .seconds(10)
      simulation.off = .seconds(10)
      simulation.randomness = 1
      simulation.bounce = min(.milliseconds(2), point.line.debounce / 4)
    case .counter:
      simulation.on = .milliseconds(200)
      simulation.off = .milliseconds(800)
      simulation.bounce = min(.milliseconds(2), point.line.debounce / 4)
    case .sensor:
      simulation.wave = .sine
      simulation.period = .seconds(600)
      simulation.mean = 20
      simulation.amplitude = 2
      simulation.noise = 0.05
      let low = point.sensor.low
      let high = point.sensor.high
      if low > -1e300, high < 1e300 {
        simulation.mean = (low + high) / 2
        simulation.amplitude = (high - low) / 10
        simulation.noise = (high - low) / 1000
      }
    case .output: break
    }
    return simulation
  }
}
