import Core
import Device
import SimulatedBoard
import Testing

/// Sensors that drift.
@Suite struct SensorTests {
  private func bench(
    _ wave: Wave, noise: Double = 0, _ change: @escaping BoardBench.Change = { _, _ in }
  ) -> BoardBench {
    BoardBench(
      (
        .sensor,
        {
          $0.sensor.every = .seconds(1)
          $1.wave = wave
          $1.mean = 20
          $1.amplitude = 4
          $1.period = .seconds(60)
          $1.noise = noise
          change(&$0, &$1)
        }
      ))
  }

  @Test(arguments: [Wave.sine, .triangle, .square])
  func waveReachesItsBoundsAndStaysWithin(wave: Wave) {
    let values = bench(wave).run(.seconds(600)).compactMap(\.value)
    #expect(values.count == 601)
    #expect(values.allSatisfy { $0 >= 15.999_999 && $0 <= 24.000_001 })
    #expect((values.max() ?? 0) > 23.999 && (values.min() ?? 0) < 16.001)
  }

  @Test(arguments: [Wave.sine, .triangle, .square])
  func waveRepeatsAfterItsPeriod(wave: Wave) {
    let values = bench(wave).run(.seconds(120)).compactMap(\.value)
    for second in 0...60 { #expect(abs(values[second] - values[second + 60]) < 1e-6) }
    #expect(values[15] > values[45], "high in the first half")
  }

  @Test func constantIsTheMean() {
    #expect(bench(.constant).run(.seconds(10)).allSatisfy { $0.value == 20 })
  }

  @Test func walkWandersButIsDrawnBack() {
    let values = bench(.walk).run(.seconds(5_000)).compactMap(\.value)
    #expect(values.allSatisfy { abs($0 - 20) < 6 * 4 })
    let mean = values.reduce(0, +) / Double(values.count)
    #expect(abs(mean - 20) < 2)
    let steps = zip(values, values.dropFirst()).map { abs($1 - $0) }
    #expect((steps.max() ?? 0) < 4 * 2.5, "in small steps")
    #expect(Set(values).count > 4_000)
  }

  @Test func noiseHasItsDeviation() {
    let values = bench(.constant, noise: 0.5).run(.seconds(4_000)).compactMap(\.value)
    let squares = values.map { ($0 - 20) * ($0 - 20) }.reduce(0, +)
    let variance = squares / Double(values.count)
    #expect(variance > 0.23 && variance < 0.27)
  }

  @Test func readingsComeAsOftenAsTheProfileSays() {
    let events = bench(.constant) { spec, _ in spec.sensor.every = .seconds(7) }.run(.seconds(35))
    #expect(events.map { ($0.at - .boot).seconds } == [0, 7, 14, 21, 28, 35])
  }

  /// The curve is in the published unit, a sample in the kernel's.
  @Test func scaleAndOffsetGiveBackTheCurve() {
    let bench = bench(.sine) { spec, _ in
      spec.scale = 0.5
      spec.offset = -3
    }
    let plain = self.bench(.sine).run(.seconds(60)).compactMap(\.value)
    let values = bench.run(.seconds(60)).compactMap(\.value)
    for (value, expected) in zip(values, plain) { #expect(abs(value * 0.5 - 3 - expected) < 1e-9) }
    #expect(values.count == plain.count)
  }

  // MARK: By hand

  @Test func heldValueIsReadAtOnceAndUntilItIsGivenBack() {
    let bench = bench(.sine)
    _ = bench.run(.milliseconds(1_500))
    #expect(bench.hold(99))
    #expect(bench.deadline == bench.now)
    #expect(bench.run(.seconds(3)).map(\.value) == [99, 99, 99, 99])
    #expect(bench.hold(nil))
    #expect(bench.run(.seconds(3)).allSatisfy { ($0.value ?? 99) < 25 })
  }

  @Test func heldValueIsInThePublishedUnit() {
    let bench = bench(.sine) { spec, _ in
      spec.scale = 2
      spec.offset = 1
    }
    bench.hold(21)
    #expect(bench.poll().map(\.value) == [10])
  }
}
