import Core
import TestSupport
import Uplink

/// A window, and a path in virtual time that it has to suit: a narrow place with room for any number of
/// packets in front of it, and a broker that answers each at once.
final class PathBench {
  var window: SendWindow
  var now = Instant.boot
  /// Bytes that the path carries in a second.
  var rate: Int64
  /// How long the path takes both ways together.
  var roundTrip: Interval
  /// How much longer an answer takes, drawn anew for each: up to this.
  var jitter = Interval.zero
  /// Live messages come so often; none while it is nil.
  var liveEvery: Interval?
  /// Whether there is a backlog.
  var hasBacklog = true

  /// Bytes that the path has carried to the broker.
  private(set) var carried = 0
  /// How long each live message took to the broker.
  private(set) var liveTimes: [Interval] = []
  /// The most packs that were under way at once.
  private(set) var packsMost = 0

  var slowestLive: Interval { liveTimes.max() ?? .zero }
  var medianLive: Interval { liveTimes.sorted()[liveTimes.count / 2] }

  static let packBytes = 1200
  static let liveBytes = 130
  private static let packetMax = 16

  private struct Packet {
    let number: Int
    let bytes: Int
    let isLive: Bool
    let sentAt: Instant
    let arrivesAt: Instant
    let answeredAt: Instant
  }

  private var underWay: [Packet] = []
  private var free = Array(0..<PathBench.packetMax)
  private var narrowFreeAt = Instant.boot
  private var nextLive = Instant.boot
  private var chance = Generator(seed: 5)

  init(rate: Int64, roundTrip: Interval, bytesMax: Int = 32_768) {
    self.rate = rate
    self.roundTrip = roundTrip
    var arena = testArena()
    window = SendWindow(packetCount: Self.packetMax, bytesMax: bytesMax, arena: &arena)
    window.connectionOpened()
  }

  /// Forgets what was measured so far.
  func measureAnew() { (carried, liveTimes, packsMost) = (0, [], 0) }

  /// Lets time pass, in steps of a millisecond. Returns how much of what the path could carry it has.
  @discardableResult
  func run(_ interval: Interval) -> Double {
    let (start, end) = (now, now + interval)
    let before = carried
    while now < end {
      answer()
      sendLive()
      sendPacks()
      now = now + .milliseconds(1)
    }
    return Double(carried - before) / (Double(rate) * Double((end - start).milliseconds) / 1000)
  }

  private func answer() {
    for packet in underWay where packet.answeredAt <= now {
      window.acknowledged(packet.number, at: now)
      free.append(packet.number)
      carried += packet.bytes
      if packet.isLive { liveTimes.append(packet.arrivesAt - packet.sentAt) }
    }
    underWay.removeAll { $0.answeredAt <= now }
  }

  private func sendLive() {
    guard let liveEvery, nextLive <= now else { return }
    nextLive = now + liveEvery
    send(Self.liveBytes, isLive: true)
  }

  private func sendPacks() {
    while hasBacklog, free.count > Self.packetMax / 4, window.admitsPack() {
      send(min(Self.packBytes, max(window.bytes, 230)), isLive: false)
      packsMost = max(packsMost, window.packCount)
    }
  }

  private func send(_ bytes: Int, isLive: Bool) {
    guard let number = free.popLast() else { return }
    window.sent(number, bytes: bytes, isPack: !isLive, at: now)
    narrowFreeAt =
      max(narrowFreeAt, now) + .nanoseconds(Int64(bytes) * 1_000_000_000 / rate)
    let late = jitter == .zero ? .zero : chance.interval(below: jitter)
    let arrival = narrowFreeAt + roundTrip / 2
    underWay.append(
      Packet(
        number: number, bytes: bytes, isLive: isLive, sentAt: now, arrivesAt: arrival,
        answeredAt: arrival + roundTrip / 2 + late))
  }
}
