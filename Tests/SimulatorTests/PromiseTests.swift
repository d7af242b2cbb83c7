import Broker
import Core
import Dialing
import MQTT
import Profile
import Testing
import Uplink

@testable import Simulator

/// Each promise can be broken, and is found out then.
@Suite struct PromiseTests {
  private let start = Instant.boot + .seconds(1_000)

  private func configuration(_ more: String = "", pump: String = "") throws -> Configuration {
    let text = """
      {"device": {"id": "d"}, "broker": {"url": "mqtt://localhost", "keepAlive": "30s"}, \(more)
       "points": {"pump": {"kind": "output", "line": "GPIO23"\(pump)}}}
      """
    let reading = ProfileReader.read(Array(text.utf8))
    return try #require(reading.configuration, "\(reading.problems.map(\.message))")
  }

  // MARK: What comes twice

  private func doubt(heard count: Int, hasDurable: Bool = false) -> Doubt {
    var doubt = Doubt(inflight: 4, hasDurable: hasDurable)
    doubt.connectionOpened()
    for second in 1...count { doubt.heard(at: start + .seconds(Int64(second))) }
    return doubt
  }

  @Test func whatWasUnderWayMayComeTwiceAndNothingElse() {
    var doubt = doubt(heard: 10)
    doubt.connectionOpened()
    doubt.heard(at: start + .seconds(60))
    for _ in 0..<10 { #expect(doubt.complaint(ofRepeating: 7) == nil) }
    #expect(doubt.complaint(ofRepeating: 6) != nil)
  }

  @Test func aJournalOfWhatHasToBeDurableForgetsAWindowMore() {
    var doubt = doubt(heard: 10, hasDurable: true)
    doubt.connectionOpened()
    for _ in 0..<4 { #expect(doubt.complaint(ofRepeating: 6) == nil) }
    #expect(doubt.complaint(ofRepeating: 6) != nil)
  }

  @Test func nothingComesTwiceOverOneConnection() {
    var doubt = doubt(heard: 10)
    #expect(doubt.complaint(ofRepeating: 10) != nil)
  }

  /// Times are remembered of every eighth message: of the 25th, here.
  @Test func whatAPowerCutMadeForgottenMayComeTwice() {
    var doubt = doubt(heard: 40)
    doubt.forgotten(since: start + .seconds(30), at: start + .seconds(41))
    doubt.connectionOpened()
    for number: UInt32 in 25...40 { #expect(doubt.complaint(ofRepeating: number) == nil) }
    #expect(doubt.complaint(ofRepeating: 24) != nil)
  }

  @Test func anOrderlyEndForgetsNothing() {
    var doubt = doubt(heard: 40)
    doubt.forgotten(since: start + .seconds(41), at: start + .seconds(41))
    doubt.connectionOpened()
    #expect(doubt.complaint(ofRepeating: 36) != nil)
  }

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
    listener.ledger.forgotten(since: .boot, at: start, givenUp: [1])
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

  @Test func allHasToSettleOnceFaultsStop() throws {
    for isBrokerUp in [true, false] {
      let world = World(try configuration(), link: LinkConditions(), seed: 1)
      world.sites[0].isUp = isBrokerUp
      world.run(until: world.now + world.settlingMax)
      world.judge()
      #expect(world.violations.isEmpty == isBrokerUp)
    }
  }

  // MARK: Attempts and connections

  private func attempts(every pause: Interval, count: Int) -> String? {
    var watch = AttemptWatch(UplinkSpec(dial: DialSpec(Endpoint(.tcp, host: .empty))))
    var complaint: String?
    for number in 0..<count {
      let now = start + pause * Int64(number)
      watch.attempted(at: now)
      complaint = complaint ?? watch.check(isOnline: false, at: now)
    }
    return complaint
  }

  @Test func attemptsThatFollowTooFastAreAStorm() {
    #expect(attempts(every: .seconds(1), count: 40) != nil)
    #expect(attempts(every: .seconds(1), count: 10) == nil)
    #expect(attempts(every: .seconds(60), count: 40) == nil)
  }

  @Test func onlyAStableConnectionMakesAttemptsStartAfresh() {
    let spec = UplinkSpec(dial: DialSpec(Endpoint(.tcp, host: .empty)))
    for (online, isStorm) in [(Interval.seconds(59), true), (.seconds(60), false)] {
      var watch = AttemptWatch(spec)
      var complaints = 0
      var now = start
      for number in 0..<24 {
        watch.attempted(at: now)
        if number == 12 {
          complaints += watch.check(isOnline: true, at: now) == nil ? 0 : 1
          now = now + online
        }
        now = now + .milliseconds(100)
        complaints += watch.check(isOnline: false, at: now) == nil ? 0 : 1
      }
      #expect((complaints > 0) == isStorm)
    }
  }

  @Test func aDeadConnectionHasToBeNoticed() {
    var watch = SilenceWatch(UplinkSpec(dial: DialSpec(Endpoint(.tcp, host: .empty))))
    #expect(watch.check(believes: true, isWhole: false, at: start) == nil)
    #expect(watch.check(believes: true, isWhole: false, at: start + .seconds(92)) == nil)
    #expect(watch.check(believes: true, isWhole: false, at: start + .seconds(93)) != nil)
    #expect(watch.check(believes: true, isWhole: true, at: start + .seconds(94)) == nil)
  }

  // MARK: The status

  private func status(_ state: String, _ session: Int) -> [UInt8] {
    Array(#"{"state":"\#(state)","session":\#(session)}"#.utf8)
  }

  @Test func statusHasToBecomeTrue() {
    var truth = Truth(keepAlive: .seconds(30))
    truth.opened(session: 7)
    #expect(truth.heard(status("online", 7), isWill: false) == nil)
    truth.forged(status("lost", 6))
    #expect(truth.check(isOnline: true, isHeard: true, session: 7, at: start) == nil)
    #expect(truth.check(isOnline: true, isHeard: true, session: 7, at: start + .seconds(61)) != nil)
    truth.forged(status("online", 7))
    #expect(truth.check(isOnline: true, isHeard: true, session: 7, at: start + .seconds(61)) == nil)
    #expect(
      truth.check(isOnline: false, isHeard: false, session: 7, at: start + .seconds(62)) == nil)
    #expect(
      truth.check(isOnline: false, isHeard: false, session: 7, at: start + .seconds(128)) != nil)
  }

  @Test func ofADeviceThatIsDeafTheStatusMaySayEither() {
    var truth = Truth(keepAlive: .seconds(30))
    truth.opened(session: 7)
    func check(_ state: String, session: Int, isHeard: Bool, after seconds: Int64) -> String? {
      truth.forged(status(state, session))
      return truth.check(
        isOnline: false, isHeard: isHeard, session: 7, at: start + .seconds(seconds))
    }
    #expect(check("online", session: 7, isHeard: true, after: 0) == nil)
    #expect(check("lost", session: 7, isHeard: true, after: 200) == nil)
    #expect(check("online", session: 7, isHeard: true, after: 400) == nil)
    #expect(check("online", session: 7, isHeard: false, after: 401) == nil)
    #expect(check("online", session: 7, isHeard: false, after: 466) == nil)
    #expect(check("online", session: 7, isHeard: false, after: 467) != nil)
  }

  @Test func statusAndWillSpeakOfTheirOwnSession() {
    var truth = Truth(keepAlive: .seconds(30))
    truth.opened(session: 7)
    #expect(truth.heard(status("online", 6), isWill: false) != nil)
    #expect(truth.heard(status("lost", 6), isWill: true) == nil)
    #expect(truth.heard(status("lost", 6), isWill: true) != nil)
    #expect(truth.heard(status("lost", 8), isWill: true) != nil)
    #expect(truth.heard(status("lost", 7), isWill: true) == nil)
  }

  @Test func whatHoldsIsRetainedAndWhatHasPassedIsNot() {
    func mistake(_ topic: String, _ qos: QoS, _ retain: Bool) -> String? {
      let message = Message(topic: Array(topic.utf8), payload: [], qos: qos, retain: retain)
      return Form.mistake(in: message, topic: message.topic.span)
    }
    #expect(mistake("status", .atLeastOnce, true) == nil)
    #expect(mistake("status", .atLeastOnce, false) != nil)
    #expect(mistake("state/pump", .atMostOnce, true) != nil)
    #expect(mistake("history", .atLeastOnce, true) != nil)
    #expect(mistake("diag", .atMostOnce, true) == nil)
  }

  // MARK: Outputs

  /// What is said when an output is driven on, `times`, after a command that `payload` and `retain` describe.
  private func drive(
    _ times: Int, after payload: String?, more: String = ""
  ) throws -> String? {
    var watch = OutputWatch(try configuration(more))
    watch.runBegan(at: start)
    watch.drove(0, to: false)
    if let payload { watch.asked("cmd/pump", payload) }
    for _ in 0..<times { watch.drove(0, to: true) }
    return watch.check(isRunning: true, isOnline: true, connections: 1, at: start)
  }

  @Test func anOutputIsDrivenOnceForEachCommandThatIsOne() throws {
    #expect(try drive(1, after: "true") == nil)
    #expect(try drive(2, after: "true") != nil)
    #expect(try drive(1, after: nil) != nil)
    #expect(try drive(1, after: #"{"v":"#) != nil)
  }

  @Test func anOutputTakesItsStateForALostLink() throws {
    let lost = #", "lost": {"after": "2m", "state": true}"#
    for (isDriven, isGood) in [(true, true), (false, false)] {
      var watch = OutputWatch(try configuration(pump: lost))
      var complaints = 0
      watch.runBegan(at: start)
      watch.drove(0, to: false)
      for second in Int64(0)...130 {
        if second == 120, isDriven { watch.drove(0, to: true) }
        let complaint = watch.check(
          isRunning: true, isOnline: false, connections: 0, at: start + .seconds(second))
        complaints += complaint == nil ? 0 : 1
      }
      #expect((complaints == 0) == isGood)
    }
  }

  // MARK: Flash

  @Test func aDayWritesNoMoreFlashThanItsBudget() throws {
    let spec = try configuration(#""budget": {"flashPerDay": "256KiB"},"#).uplink
    for (pause, isGood) in [(Int64(1_500), true), (1_000, false)] {
      var watch = FlashWatch(spec)
      watch.runBegan()
      var complaints = 0
      for block in 0..<200 {
        let now = start + .seconds(pause * Int64(block))
        complaints += watch.check(block, at: now) == nil ? 0 : 1
      }
      #expect((complaints == 0) == isGood)
    }
  }
}
