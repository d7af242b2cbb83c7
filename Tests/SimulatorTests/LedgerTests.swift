import Core
import Testing

@testable import Simulator

/// What was heard is held against what was made: order, repetitions, and what is missing.
@Suite struct LedgerTests {
  private let start = Instant.boot + .seconds(1_000)

  @Test func aReadingOfARunThatThereWasNotIsNoticed() {
    var ledger = Ledger(points: [Array("pump".utf8)], durable: [false], inflight: 16)
    ledger.connectionOpened()
    let history = Array(#"{"readings":[{"p":"pump","v":1,"seq":1,"run":0}]}"#.utf8)
    ledger.take(
      topic: Array("history".utf8).span, payload: history, run: 1, runs: [9: 1], at: start)
    #expect(ledger.violations == ["a reading of run 0, which there was not"])
  }

  /// A ledger, and what it hears of a device in its first run.
  private struct Listener {
    var ledger = Ledger(points: [Array("pump".utf8)], durable: [false], inflight: 16)

    init() { ledger.connectionOpened() }

    mutating func hear(_ topic: String, _ payload: String) {
      ledger.take(
        topic: Array(topic.utf8).span, payload: Array(payload.utf8), run: 1, runs: [:],
        at: .boot)
    }
  }

  @Test func readingsAreInOrderWithinEachStream() {
    var listener = Listener()
    listener.hear("state/pump", #"{"v":true,"seq":1}"#)
    listener.hear("state/pump", #"{"v":true,"seq":5}"#)
    listener.hear("event/pump", #"{"v":true,"seq":1}"#)
    listener.hear("history", #"{"readings":[{"p":"pump","seq":2},{"p":"pump","seq":3}]}"#)
    #expect(listener.ledger.violations.isEmpty && listener.ledger.delivered == [5])
    listener.hear("state/pump", #"{"v":true,"seq":4}"#)
    #expect(listener.ledger.violations.count == 1)
    listener.hear("state/pump", #"{"v":true}"#)
    #expect(listener.ledger.violations.count == 2)
  }

  @Test func whatWasGivenUpMayComeBehindLaterOnesOnceThatIsForgotten() {
    var listener = Listener()
    let later = #"{"readings":[{"p":"pump","seq":1},{"p":"pump","seq":4}]}"#
    let givenUp = #"{"readings":[{"p":"pump","seq":2}]}"#
    listener.hear("history", later)
    listener.ledger.forgotten(since: .boot, at: start, run: 1, givenUp: [1])
    listener.ledger.connectionOpened()
    listener.hear("history", givenUp)
    listener.hear("history", later)
    #expect(listener.ledger.violations.isEmpty && listener.ledger.delivered == [3])
    listener.hear("history", #"{"readings":[{"p":"pump","seq":3}]}"#)
    #expect(listener.ledger.violations.count == 1)
  }

  @Test func whatWasOvertakenMayFollowOnceAndIsInOrderItself() {
    var listener = Listener()
    listener.hear("history", #"{"readings":[{"p":"pump","seq":1},{"p":"pump","seq":8}]}"#)
    listener.ledger.overtaken()
    listener.hear("history", #"{"readings":[{"p":"pump","seq":9},{"p":"pump","seq":2}]}"#)
    listener.hear("history", #"{"readings":[{"p":"pump","seq":4}]}"#)
    #expect(listener.ledger.violations.isEmpty)
    listener.hear("history", #"{"readings":[{"p":"pump","seq":3}]}"#)
    #expect(listener.ledger.violations.count == 1)
    listener.ledger.overtaken()
    listener.ledger.caughtUp()
    listener.hear("history", #"{"readings":[{"p":"pump","seq":10},{"p":"pump","seq":7}]}"#)
    #expect(listener.ledger.violations.count == 2)
  }

  @Test func whatWasNeverHeardIsKnownByRunAndSeries() {
    var listener = Listener()
    listener.hear("history", #"{"readings":[{"p":"pump","seq":1},{"p":"pump","seq":4,"n":2}]}"#)
    let ledger = listener.ledger
    #expect(ledger.unheard(run: 1, series: 0, 1..<5) == 1)
    #expect(ledger.unheard(run: 1, series: 0, 3..<8) == 3)
    #expect(ledger.unheard(run: 1, series: 1, 1..<5) == 4)
    #expect(ledger.unheard(run: 2, series: 0, 1..<1) == 0)
  }

  @Test func whatWentOutLiveIsNoPartOfAReadingThatWasMergedAroundIt() {
    var listener = Listener()
    func expect(delivered: Int) {
      #expect(listener.ledger.delivered == [delivered])
      #expect(listener.ledger.unheard(run: 1, series: 0, 1..<9) == 1)
    }
    listener.hear("state/pump", #"{"v":1,"seq":5}"#)
    listener.hear("state/pump", #"{"v":1,"seq":6}"#)
    listener.hear("history", #"{"readings":[{"p":"pump","seq":1},{"p":"pump","seq":8,"n":4}]}"#)
    // 3, 4, 7 and 8.
    expect(delivered: 7)
    listener.hear("history", #"{"readings":[{"p":"pump","seq":9,"n":3}]}"#)
    expect(delivered: 8)
  }
}
