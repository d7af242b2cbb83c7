import Core
import Device
import SimulatedBoard
import Testing

/// The board as a whole: seeds, deadlines, faults.
@Suite struct VirtualBoardTests {
  private func bench(seed: UInt64) -> BoardBench {
    BoardBench(
      seed: seed,
      (
        .input,
        {
          $1.on = .seconds(3)
          $1.off = .seconds(5)
          $1.randomness = 1
          $1.bounce = .milliseconds(4)
        }
      ),
      (
        .sensor,
        {
          $0.sensor.every = .seconds(2)
          $1.wave = .walk
          $1.amplitude = 3
          $1.noise = 0.5
        }
      ),
      (
        .counter,
        {
          $1.on = .milliseconds(200)
          $1.off = .seconds(1)
          $1.randomness = 0.5
        }
      ),
      (.output, { _, _ in }))
  }

  @Test func sameSeedGivesTheSameEvents() {
    let events = bench(seed: 7).run(.seconds(100))
    #expect(events.count > 200)
    #expect(bench(seed: 7).run(.seconds(100)) == events)
    #expect(bench(seed: 8).run(.seconds(100)) != events)
  }

  @Test(arguments: [1, 17, 999, 10_000, 60_000] as [Int64])
  func eventsDoNotDependOnThePolls(milliseconds: Int64) {
    let events = bench(seed: 7).run(.seconds(100))
    let others = bench(seed: 7).run(.seconds(100), every: .milliseconds(milliseconds))
    for point in 0..<4 {
      #expect(others.filter { $0.point == point } == events.filter { $0.point == point })
    }
  }

  @Test func pointsDoNotDependOnEachOther() {
    let events = bench(seed: 7).run(.seconds(100))
    let held = bench(seed: 7)
    held.hold(1)
    let others = held.run(.seconds(100))
    #expect(others.filter { $0.point == 0 } != events.filter { $0.point == 0 })
    #expect(others.filter { $0.point > 0 } == events.filter { $0.point > 0 })
  }

  @Test func eventComesAtItsDeadline() {
    let bench = bench(seed: 3)
    for _ in 0..<500 {
      bench.now = bench.deadline
      let events = bench.poll()
      #expect(!events.isEmpty && events.allSatisfy { $0.at == bench.now })
      #expect(bench.deadline > bench.now)
    }
  }

  /// Polled at any time, an event comes with the first poll that can know of it.
  @Test(arguments: 1...5 as ClosedRange<UInt64>)
  func eventIsLateByLessThanOnePoll(seed: UInt64) {
    var chance = Generator(seed: seed)
    let bench = bench(seed: seed)
    _ = bench.poll()
    for _ in 0..<300 {
      let before = bench.now
      bench.now = before + chance.interval(below: .seconds(3)) + .nanoseconds(1)
      let deadline = bench.deadline
      let events = bench.poll()
      #expect(events.allSatisfy { $0.at > before && $0.at <= bench.now })
      #expect(events.isEmpty == (deadline > bench.now), "the deadline was neither early nor late")
      #expect(bench.deadline > bench.now)
    }
  }

  @Test func linesSayTheirLevelFirst() {
    let events = bench(seed: 1).poll()
    #expect(
      events.map(\.point) == [0, 1, 2] && events[0].what == .level(false)
        && events[2].what == .level(false), "and the output says nothing by itself")
  }

  @Test func boardAtRestHasNoDeadline() {
    let bench = BoardBench((.input, { _, _ in }), (.counter, { _, _ in }), (.output, { _, _ in }))
    #expect(bench.poll().count == 2)
    #expect(bench.deadline == .never)
  }

  @Test func onePollReportsNoMoreThanItSays() {
    let bench = BoardBench(
      (
        .counter,
        {
          $1.on = .milliseconds(1)
          $1.off = .milliseconds(1)
        }
      ))
    bench.now = .boot + .seconds(2)
    #expect(bench.poll().count == VirtualBoard.eventsMax)
    #expect(bench.deadline <= bench.now)
    let rest = bench.poll()
    #expect(rest.count > 900 && bench.deadline > bench.now)
  }

  @Test func sensorThatNobodyAskedForADayDoesNotCatchUp() {
    let bench = BoardBench((.sensor, { spec, _ in spec.sensor.every = .seconds(1) }))
    _ = bench.poll()
    bench.now = .boot + .seconds(86_400)
    #expect(bench.poll().count <= 102)
    #expect(bench.deadline == bench.now + .seconds(1))
  }

  // MARK: Outputs

  @Test func drivenOutputReadsBack() {
    let bench = BoardBench((.output, { spec, _ in spec.output.start = true }))
    for level in [true, false, false, true] { #expect(bench.drive(level) == level) }
    #expect(!bench.hold(1), "only by driving")
    #expect(bench.poll() == [])
  }

  // MARK: Faults

  @Test func failingSensorFailsAtOnceAndAtEachReading() {
    let bench = BoardBench((.sensor, { spec, _ in spec.sensor.every = .seconds(10) }))
    #expect(bench.run(.seconds(1)).map(\.value) == [20])
    bench.fail(.timedOut)
    #expect(bench.deadline <= bench.now)
    #expect(bench.poll().map(\.what) == [.failed(.timedOut)])
    #expect(bench.run(.seconds(10)).map(\.what) == [.failed(.timedOut)])
    bench.fail(nil)
    #expect(bench.run(.seconds(10)).map(\.value) == [20])
  }

  @Test func lineThatWorksAgainSaysItsLevel() {
    let bench = BoardBench(
      (
        .input,
        {
          $1.on = .seconds(1)
          $1.off = .seconds(1)
        }
      ))
    _ = bench.poll()
    bench.fail(.missing)
    let failed = bench.run(.milliseconds(3_500))
    #expect(failed.map(\.what) == [.failed(.missing)], "and no edge")
    bench.fail(nil)
    let events = bench.run(.seconds(1))
    #expect(events.map(\.what) == [.level(true), .edge(false)])
    #expect(events[0].at == .boot + .milliseconds(3_500))
  }
}
