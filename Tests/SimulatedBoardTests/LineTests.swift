import Core
import Device
import SimulatedBoard
import Testing

/// Contacts that switch and bounce, meters that pulse.
@Suite struct LineTests {
  private func bench(
    _ kind: PointKind = .input, seed: UInt64 = 1, bounce: Interval = .zero, randomness: Double = 0
  ) -> BoardBench {
    BoardBench(
      seed: seed,
      (
        kind,
        {
          $1.on = .seconds(2)
          $1.off = .seconds(3)
          $1.randomness = randomness
          $1.bounce = bounce
        }
      ))
  }

  private func resting(_ kind: PointKind, bounce: Interval = .zero) -> BoardBench {
    BoardBench((kind, { $1.bounce = bounce }))
  }

  @Test func exactSwitchingHasItsPeriod() {
    let edges = bench().run(.seconds(15)).dropFirst()
    #expect(edges.map { ($0.at - .boot).seconds } == [3, 5, 8, 10, 13, 15])
    #expect(edges.map(\.edge) == [true, false, true, false, true, false])
  }

  @Test func randomSwitchingHasItsMeans() {
    let edges = bench(randomness: 1).run(.seconds(20_000)).dropFirst()
    #expect(edges.count > 7_400 && edges.count < 8_600)
    let pairs = zip(edges, edges.dropFirst())
    let on = pairs.filter { $0.0.edge == true }.map { ($0.1.at - $0.0.at).milliseconds }
    let mean = on.reduce(0, +) / Int64(on.count)
    #expect(mean > 1_850 && mean < 2_150)
    #expect(zip(edges, edges.dropFirst()).allSatisfy { $0.edge != $1.edge })
  }

  @Test(arguments: 1...10 as ClosedRange<UInt64>)
  func bouncingContactSettlesInTime(seed: UInt64) {
    let bounce = Interval.milliseconds(8)
    let edges = bench(seed: seed, bounce: bounce).run(.seconds(100)).dropFirst()
    var changes = 0
    var rest = edges[...]
    while let first = rest.first {
      let burst = rest.prefix { $0.at - first.at < .milliseconds(500) }
      #expect(burst.count >= 3 && burst.count % 2 == 1, "it bounces, and ends where it meant to")
      #expect(burst.allSatisfy { $0.at - first.at <= bounce })
      #expect(burst.last?.edge == first.edge)
      changes += 1
      rest = rest.dropFirst(burst.count)
    }
    #expect(changes >= 38 && changes <= 40)
  }

  // MARK: By hand

  @Test func heldInputStaysUntilItIsGivenBack() {
    let bench = bench()
    _ = bench.run(.seconds(1))
    #expect(bench.hold(1))
    let events = bench.run(.seconds(100))
    #expect(events.map(\.edge) == [true] && events.first?.at == .boot + .seconds(1))
    #expect(bench.deadline == .never)
    #expect(bench.hold(0))
    #expect(bench.run(.seconds(100)).map(\.edge) == [false])
    #expect(bench.hold(nil))
    #expect(bench.run(.seconds(10)).map(\.edge) == [true, false, true, false])
  }

  @Test func holdingWhatIsSoAlreadyIsNoEdge() {
    let bench = bench()
    _ = bench.poll()
    bench.hold(0)
    #expect(bench.run(.seconds(100)) == [])
    #expect(bench.hold(0) && bench.run(.seconds(1)) == [])
  }

  @Test(arguments: 0...9)
  func inputThatIsHeldWhileItBouncesEndsWhereItIsHeld(edges: Int) {
    for value in [0.0, 1] {
      let bench = bench(bounce: .milliseconds(20))
      _ = bench.run(.seconds(2))
      var level = false
      for _ in 0..<edges {
        bench.now = bench.deadline
        for event in bench.poll() { level = event.edge ?? level }
      }
      bench.hold(value)
      for event in bench.run(.seconds(60)) { level = event.edge ?? level }
      #expect(level == (value == 1) && bench.deadline == .never)
    }
  }

  @Test func inputThatIsGivenBackWhileItBouncesSettles() {
    let bench = bench(bounce: .milliseconds(20))
    _ = bench.run(.seconds(1))
    bench.hold(1)
    #expect(bench.poll().map(\.edge) == [true])
    bench.now = bench.deadline
    #expect(bench.poll().map(\.edge) == [false])
    bench.hold(nil)
    var level = false
    for event in bench.run(.milliseconds(1_500)) { level = event.edge ?? level }
    #expect(level)
  }

  @Test(arguments: [1, 2, 10])
  func counterTakesSoManyPulses(count: Int) {
    let bench = resting(.counter)
    _ = bench.poll()
    #expect(bench.hold(Double(count)))
    let edges = bench.run(.seconds(60))
    #expect(edges.filter { $0.edge == true }.count == count)
    #expect(edges.last?.edge == false && bench.deadline == .never)
  }

  @Test func pulsesAddUp() {
    let bench = resting(.counter)
    _ = bench.poll()
    bench.hold(3)
    let first = bench.run(.milliseconds(120))
    bench.hold(2)
    let edges = first + bench.run(.seconds(10))
    #expect(edges.filter { $0.edge == true }.count == 5 && edges.last?.edge == false)
  }

  @Test func pulsesOfACounterThatIsOnAreWhole() {
    let bench = bench(.counter)
    _ = bench.run(.milliseconds(3_500))
    bench.hold(3)
    let edges = bench.run(.seconds(1))
    #expect(edges.map(\.edge) == [false, true, false, true, false, true, false])
  }

  @Test func pulsesByHandHaveABound() {
    let bench = resting(.counter)
    _ = bench.poll()
    for _ in 0..<50_000 { #expect(bench.hold(100_000)) }
    #expect(bench.run(.milliseconds(70)).count == 2)
  }

  @Test func counterIsNotHeld() {
    let bench = resting(.counter)
    _ = bench.poll()
    #expect(!bench.hold(nil))
    for value in [0, -5, Double.nan] { bench.hold(value) }
    #expect(bench.run(.seconds(10)) == [], "no pulse is none")
  }
}
