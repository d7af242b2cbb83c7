import Core
import Device
import Testing

/// What outputs are driven to, and when.
@Suite struct OutputTests {
  @Test func startStateIsDrivenFirstAndPublished() {
    let bench = DeviceBench(.output("pump"), .output("fan") { $0.output.start = true })
    #expect(bench.isDriving)
    #expect(bench.driven() == ["pump false", "fan true"])
    #expect(!bench.isDriving)
    #expect(bench.said() == ["state/pump false #1", "state/fan true #1"])
    #expect(bench.driven() == [])
  }

  @Test func levelThatReadsBackIsPublished() {
    let bench = DeviceBench(.output("pump") { $0.output.start = true })
    bench.readBack = { _ in false }
    #expect(bench.driven() == ["pump true"])
    #expect(bench.said() == ["state/pump false #1"])
  }

  @Test func lineThatCannotBeDrivenIsOfBadQuality() {
    let bench = DeviceBench(.output("pump"))
    bench.readBack = { _ in nil }
    #expect(bench.driven() == ["pump false"])
    #expect(bench.said() == ["state/pump null unreadable #1"])
  }

  @Test func stopStatesAreDriven() {
    let bench = DeviceBench(
      .output("pump") { $0.output.start = true }, .output("fan") { $0.output.stop = true },
      .output("light") { $0.output.stop = nil })
    _ = bench.driven()
    bench.points.stopOutputs()
    #expect(bench.driven() == ["pump false", "fan true"], "and the light stays as it is")
  }

  @Test func orderOfCommandsIsTheLastOnesLevel() {
    let bench = DeviceBench(.output("pump"))
    _ = bench.driven()
    for payload in ["on", "off", "on"] { #expect(bench.command(payload) == "done \(payload)") }
    #expect(bench.driven() == ["pump true", "pump false", "pump true"])
  }

  // MARK: Taken over from the run before

  @Test func outputThatWasTakenOverStaysAsItIs() {
    let bench = DeviceBench(.output("pump"))
    bench.points.takeOver(point: 0, level: true, revertsAt: .never)
    #expect(bench.driven() == ["pump true"])
    #expect(bench.said() == ["state/pump true #1"])
    #expect(bench.deadline == .never)
  }

  @Test func timeThatWasRunningForAnOutputGoesOn() {
    let bench = DeviceBench(.output("pump"))
    bench.points.takeOver(point: 0, level: true, revertsAt: .boot + .seconds(20))
    #expect(bench.driven() == ["pump true"])
    #expect(bench.points.revertsAt(0) == .boot + .seconds(20))
    bench.pass(.seconds(20))
    #expect(bench.driven() == ["pump false"])
    #expect(bench.points.revertsAt(0) == .never)
  }

  @Test func timeThatIsOverMeanwhileEndsAtOnce() {
    let bench = DeviceBench(.output("pump"))
    bench.now = .boot + .seconds(30)
    bench.points.takeOver(point: 0, level: true, revertsAt: .boot + .seconds(20))
    bench.pass(.zero)
    #expect(bench.driven() == ["pump false"])
  }

  @Test func lostStateCountsFromTheLossThatTheRunBeforeHasSeen() {
    let bench = DeviceBench(lostPump)
    _ = bench.driven()
    bench.pass(.seconds(100))
    bench.points.linkFound()
    bench.points.linkLost(at: bench.now)
    bench.points.takeOver(linkLostSince: bench.now - .seconds(25))
    #expect(bench.deadline == bench.now + .seconds(5))
    bench.points.linkFound()
    bench.points.takeOver(linkLostSince: bench.now - .seconds(25))
    #expect(bench.deadline == .never, "there is a link")
  }

  // MARK: The link is lost

  @Test func lostStateAppliesAfterItsTime() {
    let bench = DeviceBench(lostPump)
    _ = bench.driven()
    bench.points.linkFound()
    bench.pass(.seconds(1_000))
    #expect(bench.driven() == [] && bench.deadline == .never)
    bench.points.linkLost(at: bench.now)
    #expect(bench.deadline == bench.now + .seconds(30))
    bench.pass(.milliseconds(29_999))
    #expect(bench.driven() == [])
    bench.pass(.milliseconds(1))
    #expect(bench.driven() == ["pump true"])
    bench.pass(.seconds(1_000))
    #expect(bench.driven() == [], "once")
  }

  @Test func linkThatReturnsInTimeChangesNothing() {
    let bench = DeviceBench(lostPump)
    _ = bench.driven()
    bench.points.linkLost(at: bench.now)
    bench.pass(.seconds(29))
    bench.points.linkFound()
    #expect(bench.deadline == .never)
    bench.pass(.seconds(60))
    #expect(bench.driven() == [])
    bench.points.linkLost(at: bench.now)
    bench.pass(.seconds(30))
    #expect(bench.driven() == ["pump true"], "each loss has its own time")
  }

  /// Attempts that fail are no new loss.
  @Test func timeOfALossIsCountedFromItsBeginning() {
    let bench = DeviceBench(lostPump)
    _ = bench.driven()
    bench.points.linkFound()
    for _ in 0..<3 {
      bench.points.linkLost(at: bench.now)
      bench.pass(.seconds(10))
    }
    #expect(bench.driven() == ["pump true"])
  }

  @Test func linkThatNeverCameIsALossSinceTheStart() {
    let bench = DeviceBench(lostPump)
    _ = bench.driven()
    bench.pass(.seconds(30))
    #expect(bench.driven() == ["pump true"])
  }

  @Test func withoutALostStateTheOutputIsHeld() {
    let bench = DeviceBench(.output("pump") { $0.output.lostAfter = .seconds(30) })
    _ = bench.driven()
    bench.points.linkLost(at: bench.now)
    #expect(bench.deadline == .never)
  }

  // MARK: For a while

  @Test func commandForAWhileEndsByItself() {
    let bench = DeviceBench(.output("pump"))
    #expect(bench.command(#"{"v":true,"for":"5m"}"#) == "done on")
    #expect(bench.deadline == .boot + .seconds(300))
    bench.pass(.seconds(299))
    #expect(bench.driven() == ["pump false", "pump true"])
    _ = bench.said()
    bench.pass(.seconds(1))
    #expect(bench.driven() == ["pump false"])
    #expect(bench.said() == ["state/pump false #3"])
    #expect(bench.deadline == .never)
  }

  @Test func itEndsInTheStartState() {
    let bench = DeviceBench(.output("valve") { $0.output.start = true })
    #expect(bench.command(#"{"v":false,"for":"2s"}"#) == "done off")
    _ = bench.driven()
    bench.pass(.seconds(2))
    #expect(bench.driven() == ["valve true"])
  }

  @Test func nextCommandTakesTheTimeOff() {
    let bench = DeviceBench(.output("pump"))
    #expect(bench.command(#"{"v":true,"for":"5m"}"#) == "done on")
    bench.pass(.seconds(100))
    #expect(bench.command("on") == "done on")
    _ = bench.driven()
    bench.pass(.seconds(1_000))
    #expect(bench.driven() == [])
  }

  @Test func nextTimeReplacesTheOneBefore() {
    let bench = DeviceBench(.output("pump"))
    #expect(bench.command(#"{"v":true,"for":"5m"}"#) == "done on")
    bench.pass(.seconds(200))
    #expect(bench.command(#"{"v":true,"for":"5m"}"#) == "done on")
    #expect(bench.deadline == .boot + .seconds(500))
  }

  @Test func lostStateTakesTheTimeOff() {
    let bench = DeviceBench(lostPump)
    #expect(bench.command(#"{"v":false,"for":"5m"}"#) == "done off")
    bench.points.linkLost(at: bench.now)
    _ = bench.driven()
    bench.pass(.seconds(1_000))
    #expect(bench.driven() == ["pump true"])
  }

  @Test func refusedCommandLeavesTheTimeAsItIs() {
    let bench = DeviceBench(.output("pump"))
    #expect(bench.command(#"{"v":true,"for":"5m"}"#) == "done on")
    #expect(bench.command("perhaps") == "refused malformed")
    #expect(bench.deadline == .boot + .seconds(300))
  }

  @Test func lineThatCouldNotBeDrivenHasNothingToEnd() {
    let bench = DeviceBench(.output("pump"))
    _ = bench.driven()
    bench.readBack = { _ in nil }
    #expect(bench.command(#"{"v":true,"for":"5m"}"#) == "failed off")
    #expect(bench.deadline == .never)
  }

  private var lostPump: TestPoint {
    .output("pump") {
      $0.output.lost = true
      $0.output.lostAfter = .seconds(30)
    }
  }
}
