import Core
import Device
import Profile
import Uplink

/// What was made on the device, over all its runs; what its own rules have given up and counted; and what
/// ends of power or process may have cost.
struct Balance {
  /// Readings made, and given up, in runs that are over, by point.
  private(set) var made: [Int]
  private(set) var lost: [Int]
  /// The same by what was the cause.
  private var causesOfLost: [Causes]
  /// Readings that were in memory only, as far as the profile allows it, when a run ended; or on a medium
  /// that has rotted.
  private(set) var mayBeLost: [Int]
  /// Of each run that is over: which it was, and by series the numbers of the readings that have to have been
  /// heard, or given up, whatever came: those behind were in memory only, as above, and those before may
  /// have rotted.
  private(set) var kept: [(run: Int, numbers: [Range<UInt32>])] = []
  /// The last readings of the present run that may have rotted, by series.
  private var rotten: [UInt32]
  /// How long a reading may be in memory only: until a dead link is noticed, and then until it is spilled.
  let inMemoryMax: Interval
  /// Points whose readings have to be durable before they are sent: these are synced at once.
  private let isDurable: [Bool]
  private var recent: [(at: Instant, made: [UInt32])] = []
  /// When all that was older could be kept last: flash that works, or, where there is none, an empty
  /// outbox.
  private(set) var keptAt = Instant.boot
  /// When it could not be kept last.
  private var failedAt: Instant?

  /// Readings that were under way when connections were lost: they may be given up, and counted, although
  /// the broker has got them.
  private(set) var mayCountTwice = 0
  private var underWay = 0

  /// So many moments are remembered, a second apart.
  private static var recentMax: Int { 4 * 3_600 }

  init(_ configuration: Configuration) {
    let spec = configuration.uplink
    made = [Int](repeating: 0, count: configuration.points.count)
    (lost, mayBeLost) = (made, made)
    rotten = [UInt32](repeating: 0, count: 2 * made.count)
    causesOfLost = [Causes](repeating: Causes(), count: made.count)
    inMemoryMax =
      spec.keepAlive * 3 / 2 + spec.replyTimeout + spec.spillAfter + spec.spillEvery + .seconds(5)
    isDurable = configuration.points.map { $0.keep.durability == .always }
  }

  /// A run begins.
  mutating func begin() {
    recent = []
    for series in rotten.indices { rotten[series] = 0 }
  }

  /// A run goes on.
  mutating func note(_ device: SimulatedDevice, at now: Instant) {
    guard recent.last.map({ now - $0.at >= .seconds(1) }) ?? true else { return }
    recent.append((now, device.madeBySeries))
    if recent.count > 2 * Self.recentMax { recent.removeFirst(recent.count - Self.recentMax) }
    if device.keepsWhatItHas { keptAt = now } else { failedAt = now }
  }

  /// At every turn.
  mutating func noteUnderWay(_ link: borrowing BrokerLink<FlashStorage>) {
    if !link.isOnline { mayCountTwice += underWay }
    underWay = 0
    guard link.isOnline else { return }
    underWay = link.backlog.recordsUnderWay + link.outbox.recordsUnderWay
  }

  /// What this run had made at that time, by series; nil when that is not remembered.
  private func made(before limit: Instant) -> [UInt32]? { recent.last { $0.at <= limit }?.made }

  /// The numbers that the present run had made at that time and that cannot have rotted, by series.
  func sound(before limit: Instant) -> [Range<UInt32>] {
    numbers(upTo: made(before: limit) ?? rotten)
  }

  private func numbers(upTo last: [UInt32]) -> [Range<UInt32>] {
    zip(rotten, last).map { rotten, last in rotten + 1..<max(rotten, last) + 1 }
  }

  /// The medium has rotted: what was made and is not delivered may have been there, of the present run and of
  /// all before.
  mutating func forgive(
    _ sums: [(made: Int, delivered: Int, lost: Int)], _ device: SimulatedDevice?
  ) {
    for (point, sum) in sums.enumerated() { mayBeLost[point] += max(0, sum.made - sum.delivered) }
    kept = []
    if let device { rotten = device.madeBySeries }
  }

  /// By point, how many readings of runs that are over were given up, but not because they were too old.
  var givenUp: [Int] { causesOfLost.map(\.dropped) }

  /// What was given up of a point, over all runs.
  func causes(of point: Int, _ present: SimulatedDevice?) -> Causes {
    var causes = causesOfLost[point]
    if let present { causes += present.causes(of: point) }
    return causes
  }

  /// How long a point's readings may be in memory only: what has to be durable, and could not be for want of a
  /// medium that works, waits like anything else.
  private func inMemory(_ point: Int, at now: Instant) -> Interval {
    let isSynced = isDurable[point] && failedAt.map { now - $0 > inMemoryMax } ?? true
    return isSynced ? .seconds(5) : inMemoryMax
  }

  /// A run ends: `hard`, without a chance to keep what is in memory, or in order.
  mutating func end(_ device: SimulatedDevice, hard: Bool, at now: Instant) {
    // Without a journal, or with one that can't be written, an end in order can only say in the log how
    // much was in memory.
    (mayCountTwice, underWay) = (mayCountTwice + underWay, 0)
    let isMemoryLost = hard || !device.canKeep
    var last = device.madeBySeries
    for (point, count) in device.made.enumerated() {
      made[point] += Int(count)
      lost[point] += device.lost(point)
      causesOfLost[point] += device.causes(of: point)
      guard isMemoryLost else { continue }
      let before = made(before: min(now, keptAt) - inMemory(point, at: now))
      for series in [2 * point, 2 * point + 1] {
        mayBeLost[point] += Int(last[series] - (before?[series] ?? 0))
        last[series] = before?[series] ?? 0
      }
    }
    kept.append((device.run, numbers(upTo: last)))
  }
}

/// Readings given up, by what was the cause.
struct Causes {
  var dropped = 0
  var expired = 0
  var replaced = 0

  var all: Int { dropped + expired + replaced }

  static func += (a: inout Causes, b: Causes) {
    a.dropped += b.dropped
    a.expired += b.expired
    a.replaced += b.replaced
  }
}

extension SimulatedDevice {
  /// How many readings each point has had in this run, states and events together.
  var made: [UInt32] {
    (0..<agent.points.pointCount).map { index in
      agent.points.stateCount(index) + agent.points.eventCount(index)
    }
  }

  /// The same by series: of each point its states, then its events.
  var madeBySeries: [UInt32] {
    (0..<2 * agent.points.pointCount).map { series in
      series % 2 == 0
        ? agent.points.stateCount(series / 2) : agent.points.eventCount(series / 2)
    }
  }

  /// What was given up of a point in this run, by what was the cause.
  func causes(of point: Int) -> Causes {
    var sum = Causes()
    for events in [false, true] {
      let losses = agent.link.outbox.losses.losses(series: point, events: events)
      sum.dropped += Int(losses.dropped)
      sum.expired += Int(losses.expired)
      sum.replaced += Int(losses.replaced)
    }
    return sum
  }

  /// How many of a point's were given up in this run, and counted.
  func lost(_ point: Int) -> Int { causes(of: point).all }

  /// True while there is a journal that can be written.
  var canKeep: Bool {
    flash.byteCount > 0 && flash.fault == nil && agent.link.backlog.fault == nil
  }

  /// True while what is in memory has a place to go, or there is nothing. With a budget for flash it may
  /// have to wait for that.
  var keepsWhatItHas: Bool {
    flash.byteCount > 0 && agent.link.spec.flashPerDay == 0
      ? canKeep : agent.link.outbox.unacknowledged == 0
  }
}

extension World {
  /// For each point what was made, delivered, and given up by a policy that counts.
  public var sums: [(made: Int, delivered: Int, lost: Int)] {
    let present = device?.made ?? [UInt32](repeating: 0, count: balance.made.count)
    return present.indices.map { point in
      (
        balance.made[point] + Int(present[point]), ledger.delivered[point],
        balance.lost[point] + (device?.lost(point) ?? 0)
      )
    }
  }
}
