import Core
import Device
import Testing

/// Edges: what counts as one.
@Suite struct LineTests {
  @Test func levelCountsOnceItHasHeld() {
    let bench = DeviceBench(.input("door") { $0.line.debounce = .milliseconds(20) })
    bench.level(false)
    _ = bench.said()
    bench.edge(true)
    #expect(bench.deadline == .boot + .milliseconds(20))
    bench.pass(.microseconds(19_999))
    #expect(bench.said() == [])
    bench.pass(.microseconds(1))
    let messages = bench.messages()
    #expect(messages.map(\.line) == ["state/door true #2"])
    #expect(
      messages.first?.members?.t == "2026-11-23T04:50:00.000Z", "from the edge that began it")
    #expect(bench.deadline == .never)
  }

  @Test func glitchIsNothing() {
    let bench = DeviceBench(.input("door") { $0.line.debounce = .milliseconds(20) })
    bench.level(false)
    _ = bench.said()
    bench.edge(true)
    bench.pass(.milliseconds(19))
    bench.edge(false)
    #expect(bench.deadline == .never)
    bench.pass(.seconds(1))
    #expect(bench.said() == [])
  }

  @Test func levelOfALineThatWentDoesNotCount() {
    let bench = DeviceBench(.input("door") { $0.line.debounce = .milliseconds(20) })
    bench.level(false)
    bench.edge(true)
    bench.fail(.missing)
    bench.pass(.seconds(1))
    #expect(bench.said() == ["state/door false #1", "state/door null missing #2"])
  }

  @Test func bouncingContactIsOneChange() {
    let bench = DeviceBench(
      .input("button") {
        $0.line.debounce = .milliseconds(5)
        $0.report.event = true
      })
    bench.level(false)
    for level in [true, false, true, false, true, false, true] {
      bench.edge(level)
      bench.pass(.milliseconds(1))
    }
    bench.pass(.milliseconds(100))
    #expect(
      bench.said() == ["state/button false #1", "state/button true #2", "event/button true #1"])
  }

  /// The loop was late: the next edge says that the level before it had held.
  @Test func heldLevelCountsEvenIfTheNextEdgeIsSeenFirst() {
    let bench = DeviceBench(.input("door") { $0.line.debounce = .milliseconds(20) })
    bench.level(false)
    bench.edge(true)
    bench.now = bench.now + .milliseconds(30)
    bench.edge(false)
    bench.pass(.milliseconds(20))
    #expect(
      bench.said() == ["state/door false #1", "state/door true #2", "state/door false #3"])
  }

  @Test func boardThatDebouncesIsBelieved() {
    let bench = DeviceBench(
      .input("door") { $0.line.debounce = .milliseconds(20) }, boardDebounces: true)
    bench.level(false)
    bench.edge(true)
    #expect(bench.said() == ["state/door false #1", "state/door true #2"])
  }

  @Test(arguments: [(Edge.rising, 3.0), (.falling, 2), (.both, 5)])
  func counterCountsItsEdges(edge: Edge, count: Double) {
    let bench = DeviceBench(.counter("rain") { $0.line.edge = edge })
    bench.level(false)
    for level in [true, false, true, false, true] { bench.edge(level) }
    let last = bench.messages().last
    #expect(last?.members?.v == .number(count))
    #expect(last?.members?.seq == Int(count) + 1)
  }

  @Test func levelAtTheStartIsNotCounted() {
    let bench = DeviceBench(.counter("rain"))
    bench.level(true)
    #expect(bench.said() == ["state/rain 0.0 #1"])
  }

  /// Edges were lost, but at least one there was.
  @Test func levelThatDiffersIsAnEdge() {
    let bench = DeviceBench(.counter("rain"))
    bench.level(false)
    bench.level(true)
    #expect(bench.said() == ["state/rain 0.0 #1", "state/rain 1.0 #2"])
  }

  @Test func countIsScaled() {
    let bench = DeviceBench(
      .counter("rain") {
        $0.scale = 0.25
        $0.offset = 100
        $0.report.delta = 0.5
      })
    bench.level(false)
    for _ in 0..<4 {
      bench.edge(true)
      bench.edge(false)
    }
    #expect(bench.said() == ["state/rain 100.0 #1", "state/rain 100.5 #2", "state/rain 101.0 #3"])
  }

  @Test func countsOfABouncingMeterAreDebounced() {
    let bench = DeviceBench(.counter("rain") { $0.line.debounce = .milliseconds(10) })
    bench.level(false)
    for _ in 0..<3 {
      for level in [true, false, true] { bench.edge(level) }
      bench.pass(.milliseconds(50))
      for level in [false, true, false] { bench.edge(level) }
      bench.pass(.milliseconds(50))
    }
    #expect(bench.messages().last?.members?.v == .number(3))
  }
}
