import Core
import MQTT
import Testing

/// "Try 5.0, fall back to 3.1.1, then to 3.1", remembered for the next connection.
@Suite struct FallbackTests {
  private func bench() -> ManagerBench {
    let bench = ManagerBench(level: .v50) { $0.fallsBack = true }
    bench.manager.connect()
    return bench
  }

  /// The level in the CONNECT of the next attempt, which gets `answer`; closed without one.
  private func attempt(_ bench: ManagerBench, _ answer: [UInt8]?) -> UInt8? {
    bench.awaitAttempt()
    bench.manager.opened(at: bench.now)
    bench.turn()
    let sent = bench.output()
    if let answer { bench.receive(answer) } else { bench.lose() }
    guard let start = sent.firstIndex(of: UInt8(ascii: "M")) else { return nil }
    return sent[start + Int(sent[start - 1])]
  }

  @Test func refusedLevelIsTheReasonForTheOneBefore() {
    let bench = bench()
    #expect(attempt(bench, [0x20, 2, 0, 1]) == 5, "as a server of 3.1.1 says it")
    #expect(attempt(bench, [0x20, 2, 0, 1]) == 4)
    #expect(attempt(bench, [0x20, 2, 0, 0]) == 3)
    #expect(bench.isOnline && bench.level == .v31)
    bench.lose()
    #expect(attempt(bench, [0x20, 2, 0, 0]) == 3, "remembered")
  }

  @Test func refusalInTheWordsOf5LeadsTo311() {
    let bench = bench()
    #expect(attempt(bench, [0x20, 3, 0, 0x84, 0]) == 5)
    #expect(attempt(bench, [0x20, 2, 0, 0]) == 4)
  }

  @Test func fallingBackIsToldAndWaitsForNoBackoff() {
    let bench = bench()
    bench.awaitAttempt()
    bench.manager.opened(at: bench.now)
    bench.turn()
    bench.output()
    let told = bench.receive([0x20, 2, 0, 1])
    #expect(
      told == [
        .ended(.refused(.returnCode(.unacceptableProtocolVersion)), wasOnline: false),
        .fallingBack(.v311),
      ])
    #expect(bench.deadline == bench.now + Backoff.floor)
  }

  /// The refusal counts even while CONNECT has not left whole.
  @Test func refusalBeforeConnectHasLeftCounts() {
    let bench = bench()
    bench.awaitAttempt()
    bench.manager.opened(at: bench.now)
    bench.turn()
    #expect(bench.receive([0x20, 2, 0, 1]).last == .fallingBack(.v311))
  }

  /// Some servers close the connection at a CONNECT of 5.0.
  @Test func closingAtConnectLeadsToOneTryOf311() {
    let bench = bench()
    #expect(attempt(bench, nil) == 5)
    #expect(attempt(bench, nil) == 4)
    #expect(attempt(bench, nil) == 5, "it was not the version")
    #expect(attempt(bench, [0x20, 2, 0, 0]) == 4)
    bench.lose()
    #expect(attempt(bench, [0x20, 2, 0, 0]) == 4, "this server has taken it")
  }

  @Test func unreachableServerDoesNotLowerTheLevel() {
    let bench = bench()
    for _ in 0..<5 {
      bench.awaitAttempt()
      bench.lose()
    }
    #expect(attempt(bench, [0x20, 3, 0, 0, 0]) == 5)
  }

  @Test func whoSpeaksNoneIsAskedForAllAgain() {
    let bench = bench()
    #expect((0..<4).map { _ in attempt(bench, [0x20, 2, 0, 1]) } == [5, 4, 3, 5])
    #expect(bench.waits.allSatisfy { $0 >= .seconds(60) })
  }

  @Test func withoutFallbackTheLevelStays() {
    let bench = ManagerBench(level: .v50)
    bench.manager.connect()
    #expect(attempt(bench, [0x20, 2, 0, 1]) == 5)
    #expect(attempt(bench, nil) == 5)
    #expect(attempt(bench, [0x20, 3, 0, 0, 0]) == 5)
  }

  /// Messages made for 5.0 go without their properties where the server has none.
  @Test func queuedPropertiesAreLeftOutBefore5() throws {
    let bench = bench()
    try bench.publish("x", tag: 1, properties: [0x01, 1])
    #expect(attempt(bench, [0x20, 2, 0, 1]) == 5)
    #expect(attempt(bench, [0x20, 2, 0, 0]) == 4)
    #expect(bench.output() == publishBytes("x", .atLeastOnce, id: 1))
  }
}
