import Core
import MQTT
import TestSupport
import Testing
import Uplink

/// Records that leave together, every so often.
@Suite struct BatchWindowTests {
  @Test func windowOpensEverySoOften() {
    var chance = Generator(seed: 1)
    let start = Instant.boot
    var window = BatchWindow(every: .seconds(300), at: start, &chance)
    let first = window.deadline
    #expect(!window.isOpen && first < start + .seconds(300))
    let isEarly = window.step(at: first - .nanoseconds(1))
    #expect(!isEarly)
    let opened = window.step(at: first)
    #expect(opened && window.isOpen && window.deadline == .never)
    window.close(at: first + .seconds(2))
    #expect(!window.isOpen && window.deadline == first + .seconds(300))
  }

  @Test func firstOpeningIsLeftToChance() {
    var chance = Generator(seed: 1)
    let openings = (0..<50).map { _ in
      BatchWindow(every: .seconds(300), at: .boot, &chance).deadline
    }
    #expect(Set(openings).count == 50)
    #expect(openings.contains { $0 > .boot + .seconds(200) })
    #expect(openings.contains { $0 < .boot + .seconds(100) })
  }

  @Test func urgentOpensItAtOnceAndTheNextIsSoMuchLater() {
    var chance = Generator(seed: 1)
    var window = BatchWindow(every: .seconds(300), at: .boot, &chance)
    let now = Instant.boot + .milliseconds(1)
    window.open(at: now)
    #expect(window.isOpen)
    window.close(at: now)
    #expect(window.deadline == now + .seconds(300))
  }

  @Test func windowThatWasOpenForLongIsFollowedByARest() {
    var chance = Generator(seed: 1)
    var window = BatchWindow(every: .seconds(300), at: .boot, &chance)
    window.open(at: .boot)
    window.close(at: .boot + .seconds(1_000))
    #expect(window.deadline == .boot + .seconds(1_300))
  }

  @Test func withoutItAllLeavesAtOnce() {
    var chance = Generator(seed: 1)
    var window = BatchWindow(every: .zero, at: .boot, &chance)
    window.close(at: .boot)
    #expect(window.isOpen && window.deadline == .never)
  }

  // MARK: The link

  /// A link that is online and has nothing to say.
  private func bench(_ change: (inout UplinkSpec) -> Void = { _ in }) -> LinkBench {
    let bench = LinkBench.online { spec in
      spec.batchEvery = .seconds(60)
      spec.keepAlive = .seconds(600)
      change(&spec)
    }
    #expect(bench.sent() == [])
    return bench
  }

  @Test func recordsWaitForTheWindowAndLeaveTogether() {
    let bench = bench()
    let start = bench.now
    for step in 0..<3 {
      bench.now = start + .seconds(10 + Int64(step))
      bench.append("a")
      #expect(bench.sent() == [])
    }
    #expect(bench.deadline == start + .seconds(60))
    bench.pass()
    #expect(bench.sent().count == 3)
    bench.append("b")
    #expect(bench.sent() == [], "what comes afterwards waits, though nothing is acknowledged yet")
    for id in 1...3 as ClosedRange<UInt16> { bench.receive(acknowledgement(id)) }
    #expect(bench.sent() == [] && bench.deadline == start + .seconds(120))
    bench.pass()
    #expect(bench.sent().count == 1)
  }

  @Test func windowStaysOpenForWhatFindsNoPlaceAtOnce() {
    let bench = bench()
    for _ in 0..<6 { bench.append("a") }
    bench.pass()
    #expect(bench.sent().count == 4, "as many as may be under way")
    for id in 1...4 as ClosedRange<UInt16> { bench.receive(acknowledgement(id)) }
    #expect(bench.sent().count == 2)
  }

  @Test func windowOpensBeforeMemoryGetsShort() {
    let bench = bench()
    let record = String(repeating: "a", count: 92)
    for _ in 0..<5 {
      bench.append(record)
      #expect(bench.sent() == [])
    }
    bench.append(record)
    #expect(!bench.sent().isEmpty)
  }

  @Test func atTheEndNothingWaits() {
    let bench = bench()
    bench.append("a")
    #expect(bench.sent() == [])
    bench.link.endBatching()
    #expect(bench.sent().count == 1)
    bench.append("b")
    #expect(bench.sent().count == 1)
  }

  @Test func urgentRecordTakesAlongWhatWaits() {
    let bench = bench()
    bench.append("a")
    #expect(bench.sent() == [])
    bench.append("!b")
    #expect(bench.sent() == [])
    bench.appendEvent("c")
    #expect(bench.sent().count == 3)
  }

  @Test func whatIsUrgentIsTheProfilesToSay() {
    let bench = bench { spec in spec.urgent = RecordClasses() }
    bench.appendEvent("a")
    #expect(bench.sent() == [])
  }

  @Test func pingThatWouldComeBetweenTwoWindowsLeavesInTheOneBefore() {
    let bench = bench { spec in spec.keepAlive = .seconds(100) }
    let start = bench.now
    bench.pass()
    #expect(bench.now == start + .seconds(60) && bench.sent() == [.ping])
    bench.receive([0xD0, 0])
    #expect(bench.sent() == [] && bench.deadline == start + .seconds(120))
  }

  @Test func connectionOpensTheWindow() {
    let bench = bench()
    bench.append("a")
    #expect(bench.sent() == [])
    bench.reconnect(sessionPresent: false)
    #expect(bench.sent().count == 1)
  }
}
