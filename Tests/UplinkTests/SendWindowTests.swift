import Core
import TestSupport
import Testing
import Uplink

/// The window of the backlog against paths of every kind, in virtual time.
@Suite struct SendWindowTests {
  /// 128 kbit/s, 300 ms; and the same without the satellite.
  @Test(arguments: [300, 50] as [Int64], [0, 100, 300] as [Int64])
  func backlogTakesAllThatThePathCarriesAndLiveValuesPass(roundTrip: Int64, jitter: Int64) {
    let bench = PathBench(rate: 16_000, roundTrip: .milliseconds(roundTrip))
    bench.jitter = .milliseconds(jitter)
    bench.liveEvery = .milliseconds(250)
    #expect(bench.run(.seconds(5)) > 0.6)
    bench.measureAnew()
    #expect(bench.run(.seconds(60)) > 0.95)
    #expect(bench.slowestLive < .milliseconds(roundTrip / 2 + 700 + jitter / 4))
  }

  /// 9.6 kbit/s: a full pack is under way for a second and a half.
  @Test func slowPathHasShortPacksOneAfterTheOther() {
    let bench = PathBench(rate: 1_200, roundTrip: .milliseconds(300))
    bench.liveEvery = .seconds(1)
    bench.run(.seconds(15))
    bench.measureAnew()
    #expect(bench.run(.seconds(120)) > 0.85)
    #expect(bench.packsMost <= 2)
    #expect(bench.medianLive < .milliseconds(1_500))
    #expect(bench.slowestLive < .seconds(3))
  }

  /// A window that grew on them would begin a drain with seconds of data in front of a narrow place.
  @Test func liveValuesAloneNeverWidenTheWindow() {
    let bench = PathBench(rate: 16_000, roundTrip: .milliseconds(100))
    bench.liveEvery = .milliseconds(20)
    bench.hasBacklog = false
    bench.run(.seconds(60))
    #expect(bench.window.bytes == SendWindow.bytesAtFirst)
    #expect(bench.window.pathTime < .milliseconds(150), "but they tell how long the path is")
  }

  @Test func windowFollowsAPathThatBecomesSlower() {
    let bench = PathBench(rate: 50_000, roundTrip: .milliseconds(200))
    bench.liveEvery = .milliseconds(500)
    bench.run(.seconds(20))
    let wide = bench.window.bytes
    bench.rate = 5_000
    // What was under way takes its time.
    bench.run(.seconds(10))
    bench.measureAnew()
    #expect(bench.run(.seconds(30)) > 0.9)
    #expect(bench.window.bytes < wide / 2)
    #expect(bench.slowestLive < .milliseconds(1_200))
  }

  @Test func windowFollowsAPathThatBecomesFaster() {
    let bench = PathBench(rate: 2_000, roundTrip: .milliseconds(200))
    bench.run(.seconds(20))
    bench.rate = 20_000
    bench.run(.seconds(15))
    #expect(bench.run(.seconds(30)) > 0.95)
  }

  /// Else the whole of a longer way, by another satellite, would look like a queue for good.
  @Test func windowGetsOverAPathThatBecomesLonger() {
    let bench = PathBench(rate: 4_000, roundTrip: .milliseconds(100))
    bench.liveEvery = .seconds(2)
    bench.run(.seconds(10))
    bench.roundTrip = .milliseconds(1_300)
    bench.run(.seconds(60))
    #expect(bench.run(.seconds(60)) > 0.85)
  }

  @Test func onePackMayAlwaysGo() {
    var window = window(bytesMax: 4096)
    for number in 0..<8 { window.sent(number, bytes: 4096, isPack: false, at: .boot) }
    #expect(window.admitsPack() == true, "live values never lock the backlog out")
    window.sent(8, bytes: 100, isPack: true, at: .boot)
    #expect(window.admitsPack() == false)
    for number in 0..<8 { window.acknowledged(number, at: .boot + .seconds(60)) }
    #expect(window.admitsPack() == true)
  }

  @Test func windowStaysWithinItsBounds() {
    var window = window(bytesMax: 4096)
    var now = Instant.boot
    for _ in 0..<200 {
      window.sent(0, bytes: 4096, isPack: true, at: now)
      #expect(window.admitsPack() == false)
      now = now + .milliseconds(1)
      window.acknowledged(0, at: now)
    }
    #expect(window.bytes == 4096)
    for _ in 0..<200 {
      window.sent(0, bytes: 4096, isPack: true, at: now)
      window.sent(1, bytes: 4096, isPack: true, at: now)
      now = now + .seconds(3600)
      window.acknowledged(1, at: now)
      window.acknowledged(0, at: now)
    }
    #expect(window.bytes >= SendWindow.bytesMin)
    #expect(window.underWay == 0 && window.packCount == 0)
  }

  @Test func nothingIsLearntOfAPacketThatWasGivenUp() {
    var window = window(bytesMax: 4096)
    window.sent(3, bytes: 500, isPack: true, at: .boot)
    window.abandoned(3)
    window.acknowledged(3, at: .boot + .seconds(5))
    #expect(window.underWay == 0 && window.packCount == 0)
    #expect(window.pathTime > .seconds(1_000_000) && window.bytes == SendWindow.bytesAtFirst)
  }

  @Test func eachConnectionBeginsAnew() {
    let bench = PathBench(rate: 16_000, roundTrip: .milliseconds(300))
    bench.run(.seconds(10))
    #expect(bench.window.bytes > 4 * SendWindow.bytesAtFirst)
    bench.window.connectionOpened()
    #expect(bench.window.bytes == SendWindow.bytesAtFirst)
    #expect(bench.window.underWay == 0 && bench.window.packCount == 0)
  }

  /// A clock that stands still between sending and answer is no reason to trap.
  @Test func anAnswerMayTakeNoTimeAtAll() {
    var window = window(bytesMax: 4096)
    for _ in 0..<10 {
      window.sent(0, bytes: 4096, isPack: true, at: .boot)
      window.acknowledged(0, at: .boot)
    }
    #expect(window.pathTime == .zero && window.delay == .zero)
  }

  private func window(bytesMax: Int) -> SendWindow {
    var arena = testArena()
    return SendWindow(packetCount: 16, bytesMax: bytesMax, arena: &arena)
  }
}
