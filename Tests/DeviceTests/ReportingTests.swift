import Core
import Device
import Testing

/// When a point is published.
@Suite struct ReportingTests {
  @Test func firstReadingIsPublishedAtOnce() {
    let bench = DeviceBench(.input("door"), .sensor("air"), .counter("rain"))
    #expect(bench.said() == [])
    bench.level(true)
    bench.sample(21.4, point: 1)
    bench.level(true, point: 2)
    #expect(bench.said() == ["state/door true #1", "state/air 21.4 #1", "state/rain 0.0 #1"])
  }

  @Test func onlyAChangeIsPublished() {
    let bench = DeviceBench(.input("door"))
    for level in [false, false, true, true, false] { bench.edge(level) }
    bench.level(false)
    #expect(bench.said() == ["state/door true #1", "state/door false #2"])
  }

  @Test func changesWithinTheMinimumWait() {
    let bench = DeviceBench(.sensor("air") { $0.report.minimum = .seconds(10) })
    bench.sample(20)
    #expect(bench.said() == ["state/air 20.0 #1"])
    for value in [21.0, 22, 23] {
      bench.pass(.seconds(2))
      bench.sample(value)
    }
    #expect(bench.said() == [])
    #expect(bench.deadline == .boot + .seconds(10))
    bench.pass(.milliseconds(3_999))
    #expect(bench.said() == [])
    bench.pass(.milliseconds(1))
    let messages = bench.messages()
    #expect(messages.map(\.line) == ["state/air 23.0 #2"])
    #expect(messages.first?.members?.t == "2026-11-23T04:50:06.000Z", "when it was read")
  }

  @Test func valueThatReturnsWithinTheMinimumIsNoChange() {
    let bench = DeviceBench(.input("door") { $0.report.minimum = .seconds(10) })
    bench.level(false)
    #expect(bench.said() == ["state/door false #1"])
    bench.pass(.seconds(1))
    bench.edge(true)
    bench.pass(.seconds(1))
    bench.edge(false)
    #expect(bench.deadline == .never)
    bench.pass(.seconds(100))
    #expect(bench.said() == [])
  }

  @Test func changeAfterTheMinimumIsPublishedAtOnce() {
    let bench = DeviceBench(.sensor("air") { $0.report.minimum = .seconds(10) })
    bench.sample(20)
    bench.pass(.seconds(10))
    bench.sample(21)
    #expect(bench.said() == ["state/air 20.0 #1", "state/air 21.0 #2"])
  }

  @Test func valueIsRepeatedAfterTheMaximum() {
    let bench = DeviceBench(
      .input("door") { $0.report.maximum = .seconds(60) },
      .sensor("air") { $0.report.maximum = .seconds(60) })
    bench.level(true)
    bench.sample(20, point: 1)
    _ = bench.said()
    #expect(bench.deadline == .boot + .seconds(60))
    bench.pass(.seconds(60))
    let messages = bench.messages()
    #expect(messages.map(\.line) == ["state/door true #2", "state/air 20.0 #2"])
    #expect(messages.first?.members?.t == "2026-11-23T04:51:00.000Z", "a line is as it is now")
    #expect(messages.last?.members?.t == "2026-11-23T04:50:00.000Z", "a sensor as it was read")
    bench.pass(.seconds(59))
    #expect(bench.said() == [])
    bench.pass(.seconds(1))
    #expect(bench.said().count == 2)
  }

  @Test func changeStartsTheMaximumAnew() {
    let bench = DeviceBench(.input("door") { $0.report.maximum = .seconds(60) })
    bench.level(true)
    bench.pass(.seconds(50))
    bench.edge(false)
    #expect(bench.deadline == .boot + .seconds(110))
  }

  @Test func withoutAMaximumNothingIsRepeated() {
    let bench = DeviceBench(.input("door"))
    bench.level(true)
    #expect(bench.said().count == 1 && bench.deadline == .never)
    bench.pass(.seconds(1_000_000))
    #expect(bench.said() == [])
  }

  /// The change is counted from what was published, so a slow drift does not go unsaid.
  @Test func driftIsPublishedOnceItIsWorthIt() {
    let bench = DeviceBench(.sensor("air") { $0.report.delta = 0.5 })
    for value in [20, 20.25, 20.375, 20.5, 20.75, 20.25, 20] { bench.sample(value) }
    #expect(
      bench.said() == ["state/air 20.0 #1", "state/air 20.5 #2", "state/air 20.0 #3"])
  }

  @Test func scaleAndOffsetMakeThePublishedValue() {
    let bench = DeviceBench(
      .sensor("level") {
        $0.scale = 2.5
        $0.offset = -10
      })
    bench.sample(8)
    #expect(bench.said() == ["state/level 10.0 #1"])
  }

  // MARK: Quality

  @Test func faultIsPublishedOnceAndRecoveryToo() {
    let bench = DeviceBench(.sensor("air"))
    bench.sample(20)
    bench.fail(.timedOut)
    bench.fail(.timedOut)
    bench.fail(.missing)
    bench.sample(20)
    #expect(
      bench.said() == [
        "state/air 20.0 #1", "state/air null timed-out #2", "state/air null missing #3",
        "state/air 20.0 #4",
      ])
  }

  @Test func valueOutsideItsRangeIsPublishedAsBad() {
    let bench = DeviceBench(
      .sensor("air") {
        $0.sensor.low = -40
        $0.sensor.high = 85
      })
    for value in [85, 85.125, 90, -40, -40.5] { bench.sample(value) }
    #expect(
      bench.said() == [
        "state/air 85.0 #1", "state/air 85.125 out-of-range #2", "state/air 90.0 out-of-range #3",
        "state/air -40.0 #4", "state/air -40.5 out-of-range #5",
      ])
  }

  @Test func valueThatIsNoNumberIsPublishedAsBad() {
    let bench = DeviceBench(.sensor("air"))
    bench.sample(.nan)
    bench.sample(.infinity)
    bench.sample(20)
    #expect(bench.said().first == "state/air null out-of-range #1")
    bench.sample(20)
    #expect(bench.said() == [])
  }

  @Test func badQualityIsRepeatedAfterTheMaximum() {
    let bench = DeviceBench(.sensor("air") { $0.report.maximum = .seconds(60) })
    bench.fail(.missing)
    bench.pass(.seconds(60))
    #expect(bench.said() == ["state/air null missing #1", "state/air null missing #2"])
  }

  @Test(arguments: [false, true])
  func levelAsItWasBeforeAFaultIsGoodAgain(byEdge: Bool) {
    let bench = DeviceBench(.input("door"))
    bench.level(true)
    bench.fail(.missing)
    if byEdge { bench.edge(true) } else { bench.level(true) }
    #expect(
      bench.said() == ["state/door true #1", "state/door null missing #2", "state/door true #3"])
    bench.level(true)
    #expect(bench.said() == [])
  }

  @Test func counterGoesOnAfterAFault() {
    let bench = DeviceBench(.counter("rain"))
    bench.level(false)
    for level in [true, false, true] { bench.edge(level) }
    bench.fail(.unreadable)
    bench.level(true)
    bench.fail(.unreadable)
    bench.level(false)
    bench.edge(true)
    #expect(
      bench.said() == [
        "state/rain 0.0 #1", "state/rain 1.0 #2", "state/rain 2.0 #3",
        "state/rain null unreadable #4", "state/rain 2.0 #5", "state/rain null unreadable #6",
        "state/rain 2.0 #7", "state/rain 3.0 #8",
      ])
  }

  // MARK: Sequence numbers, connections, losses

  @Test func statesAndEventsOfEachPointAreNumberedApart() {
    let bench = DeviceBench(.input("door") { $0.report.event = true }, .input("window"))
    bench.level(false)
    bench.level(false, point: 1)
    for level in [true, false] { bench.edge(level) }
    bench.edge(true, point: 1)
    #expect(
      bench.said() == [
        "state/door false #1", "state/window false #1", "state/door true #2", "event/door true #1",
        "state/door false #3", "event/door false #2", "state/window true #2",
      ])
  }

  @Test func eventsAreSaidEvenWhileStatesWait() {
    let bench = DeviceBench(
      .input("door") {
        $0.report.event = true
        $0.report.minimum = .seconds(60)
      })
    bench.level(false)
    for level in [true, false, true] {
      bench.pass(.seconds(1))
      bench.edge(level)
    }
    #expect(
      bench.said() == [
        "state/door false #1", "event/door true #1", "event/door false #2", "event/door true #3",
      ])
    bench.pass(.seconds(60))
    #expect(bench.said() == ["state/door true #2"])
  }

  @Test func newConnectionIsToldAllThatIsKnown() {
    let bench = DeviceBench(.input("door"), .sensor("air"), .sensor("soil"))
    bench.level(true)
    bench.sample(20, point: 1)
    _ = bench.said()
    bench.pass(.seconds(30))
    bench.connectionOpened()
    #expect(bench.said() == ["state/door true #2", "state/air 20.0 #2"], "and nothing of the soil")
  }

  @Test func droppedReadingsAreCountedByPoint() {
    let bench = DeviceBench(.sensor("air"), .sensor("soil"), outboxBytes: 320)
    for value in 0..<6 { bench.sample(Double(value)) }
    for value in 0..<7 { bench.sample(Double(value), point: 1) }
    // 13 readings of 32 bytes each, of which 9 find room.
    #expect(bench.dropped(0) == 4 && bench.dropped(1) == 0 && bench.droppedInAll == 4)
    #expect(bench.said().first == "state/air 4.0 #5")
  }

  @Test func edgesThatTheKernelLostAreCounted() {
    let bench = DeviceBench(.counter("rain"))
    bench.points.handle(.edgesLost(point: 0, count: 17), at: bench.moment, outbox: &bench.outbox)
    bench.points.handle(.edgesLost(point: 0, count: 3), at: bench.moment, outbox: &bench.outbox)
    #expect(bench.edgesLost == 20 && bench.said() == [])
  }
}
