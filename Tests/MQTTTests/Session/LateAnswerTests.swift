import Core
import MQTT
import Testing

/// A server that owes an answer and says nothing, on links that are dead, and on links that are slow.
@Suite struct LateAnswerTests {
  private static let ping: [UInt8] = [0xC0, 0]

  private func bench(
    keepAlive: UInt16 = 60, reply: Interval = .seconds(10), connackAfter: Interval = .zero,
    sendBytes: Int = 512, change: (inout ConnectOptions) -> Void = { _ in }
  ) -> Bench {
    let sizes = ClientSession.Sizes(
      sendBytes: sendBytes, receiveBytes: 256, inflight: 4, received: 3, requests: 2)
    let bench = Bench(sizes, keepAlive: keepAlive, replyTimeout: reply)
    bench.options.watchesAnswers = true
    change(&bench.options)
    bench.open()
    _ = bench.output()
    bench.now = bench.now + connackAfter
    #expect(bench.receive([0x20, 2, 0, 0]) == .connected(sessionPresent: false))
    return bench
  }

  /// Lets time pass from deadline to deadline until the session fails; returns how long that took.
  private func timeToFail(_ bench: Bench, _ expected: SessionFault = .pingTimedOut) -> Interval {
    let start = bench.now
    for _ in 0..<100 {
      bench.now = max(bench.now, bench.deadline)
      if let event = bench.next() {
        #expect(event == .failed(expected))
        return bench.now - start
      }
      _ = bench.output()
    }
    Issue.record("it goes on")
    return .zero
  }

  // MARK: Dead

  @Test func lateAnswerBringsThePingForward() throws {
    let bench = bench()
    _ = try bench.publish("a", .atLeastOnce)
    _ = bench.output()
    #expect(bench.deadline == bench.now + .seconds(3))
    #expect(bench.next(after: .milliseconds(2_999)) == nil && bench.output() == [])
    #expect(bench.next(after: .milliseconds(1)) == nil && bench.output() == Self.ping)
    #expect(bench.next(after: .milliseconds(9_999)) == nil && bench.output() == [])
    #expect(bench.next(after: .milliseconds(1)) == .failed(.pingTimedOut))
  }

  /// With keep-alive 60, a message each second, and whenever in between the link dies.
  @Test func deadLinkUnderTrafficIsNoticedWithinFifteenSeconds() throws {
    for tenths in 0..<10 as Range<Int64> {
      let bench = bench()
      for _ in 0..<20 {
        let id = try bench.publish("a", .atLeastOnce)
        _ = bench.output()
        bench.now = bench.now + .milliseconds(50)
        #expect(bench.receive(answer(0x40, id)) == .acknowledged(token: 0x61))
        #expect(bench.next(after: .milliseconds(950)) == nil)
      }
      // From here on nothing comes, and messages go on as long as there is a window.
      let died = bench.now
      bench.now = died + .milliseconds(100) * tenths
      var fault: Heard?
      while fault == nil {
        _ = try? bench.publish("a", .atLeastOnce)
        _ = bench.output()
        let second = bench.now + .seconds(1)
        while fault == nil, bench.deadline <= second {
          bench.now = max(bench.now, bench.deadline)
          fault = bench.next()
          _ = bench.output()
        }
        if fault == nil { bench.now = second }
      }
      #expect(fault == .failed(.pingTimedOut))
      #expect(bench.now - died <= .seconds(15))
    }
  }

  @Test func subscriptionWithoutAnAnswerIsLateToo() throws {
    let bench = bench()
    _ = try bench.subscribe("a", .atLeastOnce)
    _ = bench.output()
    #expect(timeToFail(bench) == .seconds(13))
  }

  /// Half a keep-alive bounds the wait behind a ping, early or not.
  @Test func shortKeepAliveIsNotMadeLonger() throws {
    let bench = bench(keepAlive: 2)
    _ = try bench.publish("a", .atLeastOnce)
    _ = bench.output()
    #expect(timeToFail(bench) == .seconds(3))
  }

  // MARK: Alive

  @Test func anyByteIsLife() throws {
    let bench = bench()
    _ = try bench.publish("a", .atLeastOnce)
    _ = bench.output()
    for _ in 0..<19 {
      #expect(bench.next(after: .milliseconds(2_999)) == nil)
      #expect(bench.receive([0xD0, 0]) == nil)
    }
    #expect(bench.output() == [] && bench.counters.pings == 0)
  }

  @Test func nothingOwedNothingLate() throws {
    let bench = bench()
    let id = try bench.publish("a", .atLeastOnce)
    _ = bench.output()
    #expect(bench.receive(answer(0x40, id)) == .acknowledged(token: 0x61))
    #expect(bench.next() == nil)
    _ = try bench.publish("b", .atMostOnce)
    _ = bench.output()
    #expect(bench.next(after: .seconds(59)) == nil && bench.output() == [])
  }

  @Test func anAnsweredPingKeepsALinkWhoseAnswersAreLate() throws {
    let bench = bench()
    _ = try bench.publish("a", .atLeastOnce)
    _ = bench.output()
    for _ in 0..<20 {
      bench.now = bench.deadline
      #expect(bench.next() == nil && bench.output() == Self.ping)
      #expect(bench.receive([0xD0, 0]) == nil)
    }
    #expect(bench.isOnline && bench.counters.messagesResent == 0, "and nothing is sent twice")
  }

  @Test func patienceGrowsWithTheRoundTripsAsMeasured() throws {
    // CONNACK took 2 s: 2 s and four times 1 s.
    let bench = bench(connackAfter: .seconds(2))
    let id = try bench.publish("a", .atLeastOnce)
    _ = bench.output()
    #expect(bench.deadline == bench.now + .seconds(6))
    bench.now = bench.now + .seconds(2)
    _ = bench.receive(answer(0x40, id))
    #expect(bench.next() == nil)
    for _ in 0..<4 {
      let id = try bench.publish("b", .atLeastOnce)
      _ = bench.output()
      bench.now = bench.now + .seconds(2)
      _ = bench.receive(answer(0x40, id))
      #expect(bench.next() == nil)
    }
    _ = try bench.publish("c", .atLeastOnce)
    _ = bench.output()
    #expect(bench.deadline < bench.now + .seconds(5), "they have been steady since")
  }

  @Test func patienceNeverExceedsTheReplyTimeout() throws {
    let bench = bench(reply: .seconds(4), connackAfter: .milliseconds(3_900))
    _ = try bench.publish("a", .atLeastOnce)
    _ = bench.output()
    #expect(bench.deadline == bench.now + .seconds(4))
  }

  /// Karn's rule: the answer to a repeated message says nothing about the round trip.
  @Test func answersToRepeatedMessagesAreNotMeasured() throws {
    let bench = bench { $0.cleanSession = false }
    let id = try bench.publish("a", .atLeastOnce)
    _ = bench.output()
    #expect(bench.reconnect(sessionPresent: true) == .connected(sessionPresent: true))
    #expect(bench.resendAll() == [0x61])
    _ = bench.output()
    bench.now = bench.now + .milliseconds(2_900)
    #expect(bench.receive(answer(0x40, id)) == .acknowledged(token: 0x61))
    #expect(bench.next() == nil)
    _ = try bench.publish("b", .atLeastOnce)
    _ = bench.output()
    #expect(bench.deadline == bench.now + .seconds(3), "as CONNACK has it")
  }

  @Test func clockStartsWhenTheLastByteHasLeft() throws {
    let bench = bench()
    _ = try bench.publish("a", .atLeastOnce)
    for _ in 0..<5 {
      bench.now = bench.now + .seconds(2)
      bench.session.withOutput(at: bench.now) { _ in 1 }
      #expect(bench.next() == nil)
      #expect(bench.deadline > bench.now + .seconds(10), "the keep-alive's")
    }
    _ = bench.output()
    #expect(bench.deadline == bench.now + .seconds(3))
  }

  @Test func withoutAKeepAliveNothingIsSupervised() throws {
    let bench = bench(keepAlive: 0)
    _ = try bench.publish("a", .atLeastOnce)
    _ = bench.output()
    #expect(bench.deadline == .never)
  }

  @Test func whoDoesNotWantItHasOnlyTheKeepAlive() throws {
    let bench = bench { $0.watchesAnswers = false }
    _ = try bench.publish("a", .atLeastOnce)
    _ = bench.output()
    #expect(bench.deadline == bench.now + .seconds(60))
  }

  // MARK: Slow

  /// 64 KiB at 1,200 bytes a second: most of a minute without a word from the other side.
  @Test func aLargeMessageThatCrawlsIsNotTakenForDeath() throws {
    let bench = bench(sendBytes: 4_096)
    _ = try bench.publish(String(repeating: "x", count: 4_000), .atLeastOnce)
    _ = bench.output()
    var left = 64_000
    var acknowledged: UInt64 = 100
    bench.session.delivered(acknowledged, pending: left, at: bench.now)
    while left > 0 {
      bench.now = bench.now + .seconds(1)
      acknowledged += UInt64(min(left, 1_200))
      left -= min(left, 1_200)
      bench.session.delivered(acknowledged, pending: left, at: bench.now)
      #expect(bench.next() == nil)
      _ = bench.output()
    }
    #expect(bench.counters.pings <= 1, "the keep-alive's at most")
    // All of it is across, and the answer has its time.
    #expect(timeToFail(bench) >= .seconds(9))
  }

  @Test func whatDoesNotMoveIsDead() throws {
    let bench = bench()
    _ = try bench.publish("a", .atLeastOnce)
    _ = bench.output()
    bench.session.delivered(1, pending: 8, at: bench.now)
    let died = bench.now
    #expect(timeToFail(bench) <= .seconds(15))
    #expect(bench.now - died >= .seconds(13))
  }

  /// A broker that hangs: its system acknowledges each byte.
  @Test func bytesThatComeAcrossAreNoLifeOfTheServer() throws {
    let bench = bench()
    let died = bench.now
    var acknowledged: UInt64 = 0
    var fault: Heard?
    while fault == nil {
      _ = try? bench.publish("a", .atLeastOnce)
      let sent = bench.output().count
      bench.session.delivered(acknowledged, pending: sent, at: bench.now)
      acknowledged += UInt64(sent)
      bench.now = bench.now + .milliseconds(500)
      bench.session.delivered(acknowledged, pending: 0, at: bench.now)
      fault = bench.next()
    }
    #expect(fault == .failed(.pingTimedOut) && bench.now - died <= .seconds(15))
  }

  // MARK: A socket that takes nothing

  @Test func outputThatNobodyTakesEndsTheSessionWithAFaultOfItsOwn() throws {
    let bench = bench { options in
      options.writeTimeout = .seconds(20)
      options.keepAlive = 3_600
    }
    _ = try bench.publish("a", .atMostOnce)
    let start = bench.now
    bench.session.withOutput(at: bench.now) { _ in 0 }
    #expect(timeToFailStuck(bench) == .failed(.writeTimedOut))
    #expect(bench.now - start == .seconds(20))
  }

  @Test func eachByteTakenBuysTimeForTheNext() throws {
    let bench = bench { options in
      options.writeTimeout = .seconds(20)
      options.keepAlive = 3_600
    }
    _ = try bench.publish("abc", .atMostOnce)
    for _ in 0..<5 {
      bench.session.withOutput(at: bench.now) { _ in 1 }
      #expect(bench.next(after: .milliseconds(19_999)) == nil)
    }
    #expect(bench.next(after: .milliseconds(1)) == .failed(.writeTimedOut))
  }

  @Test func aFullSocketThatEmptiesIsNotStuck() throws {
    let bench = bench { options in
      options.writeTimeout = .seconds(20)
      options.keepAlive = 3_600
    }
    _ = try bench.publish("a", .atMostOnce)
    bench.session.withOutput(at: bench.now) { _ in 0 }
    for second in 1...100 as ClosedRange<UInt64> {
      bench.session.delivered(second * 1_200, pending: 87_000, at: bench.now)
      #expect(bench.next(after: .seconds(1)) == nil)
    }
    #expect(timeToFailStuck(bench) == .failed(.writeTimedOut))
  }

  @Test func emptyOutputIsNeverStuck() throws {
    let bench = bench { $0.writeTimeout = .seconds(5) }
    _ = try bench.publish("a", .atMostOnce)
    bench.session.withOutput(at: bench.now) { _ in 0 }
    _ = bench.output()
    #expect(bench.deadline == bench.now + .seconds(60))
  }

  private func timeToFailStuck(_ bench: Bench) -> Heard? {
    for _ in 0..<100 {
      bench.now = max(bench.now, bench.deadline)
      if let event = bench.next() { return event }
    }
    return nil
  }
}
