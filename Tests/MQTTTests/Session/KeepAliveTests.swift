import Core
import MQTT
import Testing

@Suite struct KeepAliveTests {
  @Test func unansweredPingFailsTheSession() {
    let bench = Bench.online(keepAlive: 60, replyTimeout: .seconds(5))
    #expect(bench.deadline == .boot + .seconds(60))
    #expect(bench.next(after: .milliseconds(59_999)) == nil)
    #expect(bench.output() == [])
    #expect(bench.next(after: .milliseconds(1)) == nil)
    #expect(bench.output() == [0xC0, 0])
    #expect(bench.deadline == .boot + .seconds(65))
    #expect(bench.next(after: .seconds(5)) == .failed(.pingTimedOut))
    #expect(bench.deadline == .never)
  }

  @Test func answeredPingStartsAnew() {
    let bench = Bench.online(keepAlive: 60, replyTimeout: .seconds(5))
    #expect(bench.next(after: .seconds(60)) == nil)
    #expect(bench.output() == [0xC0, 0])
    bench.now = bench.now + .seconds(2)
    #expect(bench.receive([0xD0, 0]) == nil)
    #expect(bench.deadline == .boot + .seconds(120))
    #expect(bench.counters.pings == 1)
  }

  /// What is sent satisfies the server, but says nothing about whether the server is there.
  @Test func pingUnderOneWayLoadOut() throws {
    let bench = Bench.online(keepAlive: 60, replyTimeout: .seconds(5))
    for _ in 0..<5 {
      bench.now = bench.now + .seconds(10)
      _ = try bench.publish("a", .atMostOnce)
      _ = bench.output()
      #expect(bench.next() == nil)
    }
    #expect(bench.next(after: .seconds(10)) == nil)
    #expect(bench.output() == [0xC0, 0])
  }

  /// Messages come, nothing is sent: the server would miss us.
  @Test func pingUnderOneWayLoadIn() {
    let bench = Bench.online(keepAlive: 60, replyTimeout: .seconds(5))
    for _ in 0..<5 {
      bench.now = bench.now + .seconds(10)
      #expect(bench.text(bench.receive(publishBytes("x", .atMostOnce))) == "t x")
      #expect(bench.next() == nil)
    }
    bench.now = bench.now + .seconds(10)
    #expect(bench.text(bench.receive(publishBytes("x", .atMostOnce))) == "t x")
    #expect(bench.next() == nil)
    #expect(bench.output() == [0xC0, 0])
    // Any byte is a sign of life, so a PINGRESP behind a long message does not end a live link.
    bench.now = bench.now + .seconds(4)
    #expect(bench.receive([0x30]) == nil)
    #expect(bench.next(after: .seconds(2)) == nil)
  }

  @Test func trafficBothWaysNeedsNoPing() throws {
    let bench = Bench.online(keepAlive: 10, replyTimeout: .seconds(5))
    for _ in 0..<100 {
      bench.now = bench.now + .seconds(9)
      let id = try bench.publish("a", .atLeastOnce)
      _ = bench.output()
      #expect(bench.receive(answer(0x40, id)) == .acknowledged(token: 0x61))
    }
    #expect(bench.counters.pings == 0)
  }

  /// A socket that takes nothing does not stop the clock.
  @Test func pingThatCannotBeSentTimesOutToo() throws {
    let bench = Bench.online(keepAlive: 60, replyTimeout: .seconds(5))
    while (try? bench.publish("a", .atMostOnce)) != nil {}
    #expect(bench.next(after: .seconds(60)) == nil)
    #expect(bench.next(after: .seconds(5)) == .failed(.pingTimedOut))
  }

  @Test func onePingWaitsInTheOutputAtMost() {
    let bench = Bench.online(keepAlive: 10, replyTimeout: .seconds(5))
    for _ in 0..<20 {
      bench.now = bench.now + .seconds(4)
      #expect(bench.receive(publishBytes("x", .atMostOnce)) != nil)
      #expect(bench.next() == nil)
    }
    #expect(bench.output() == [0xC0, 0])
  }

  /// For each keep-alive and moment of death: noticed within 1.5 keep-alives of the last byte.
  @Test(arguments: [1, 2, 5, 10, 60, 65_535] as [UInt16])
  func deadLinkIsNoticedInTime(keepAlive: UInt16) throws {
    for tenths in 0...20 as ClosedRange<Int64> {
      let bench = Bench.online(keepAlive: keepAlive, replyTimeout: .seconds(10))
      let second = Interval.seconds(Int64(keepAlive))
      // We send on; the last byte comes some time after the connection.
      bench.now = bench.now + second * tenths / 10
      let event = bench.receive([0xD0, 0])
      #expect(event == nil)
      _ = bench.output()
      let lastByte = bench.now
      var fault: Heard?
      while fault == nil {
        try #require(bench.deadline < .never)
        bench.now = max(bench.now, bench.deadline)
        fault = bench.next()
        _ = bench.output()
      }
      #expect(fault == .failed(.pingTimedOut))
      #expect(bench.now <= lastByte + second * 3 / 2)
    }
  }

  @Test func zeroSwitchesSupervisionOff() {
    let bench = Bench.online(keepAlive: 0)
    #expect(bench.deadline == .never)
    #expect(bench.next(after: .seconds(1_000_000)) == nil)
    #expect(bench.output() == [])
  }

  @Test func bytesThatArriveWithTheDeadlineCount() {
    let bench = Bench.online(keepAlive: 60, replyTimeout: .seconds(5))
    #expect(bench.next(after: .seconds(60)) == nil)
    _ = bench.output()
    bench.now = bench.now + .seconds(5)
    #expect(bench.receive([0xD0, 0]) == nil)
    #expect(bench.isOnline)
  }
}
