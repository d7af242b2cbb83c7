import CLinux
import Core
import Fleet
import Linux

/// A fleet from its beginning to its end, and what a person sees of it meanwhile.
final class FleetRun {
  /// How long an orderly stop may take.
  private static let stopLimit = Interval.seconds(60)
  private static let interval = (live: Interval.seconds(1), plain: Interval.seconds(5))

  private let fleet: Fleet
  private let isLive = Terminal.isInteractive
  private let startedAt = Clock.now()
  private var endsAt: Instant
  private var stopsBy = Instant.never
  private let residentBefore = Memory.residentKiB ?? 0
  /// Memory for each device, in KiB, when most of them had begun.
  private var memory: (devices: Int, kibibytes: Double)?
  private var shownAt: Instant
  private var shown = FleetFigures()
  private var rows = 0

  init(_ fleet: Fleet, for length: Interval?) {
    self.fleet = fleet
    shownAt = startedAt
    endsAt = startedAt + (length ?? Interval(nanoseconds: .max))
  }

  /// Runs until all devices have stopped. The exit status.
  func run() -> Int32 {
    let interval = isLive ? Self.interval.live : Self.interval.plain
    var status: Int32 = 0
    Terminal.print(
      "\(fleet.plan.deviceCount.grouped) devices, \(fleet.plan.id(of: 1)) to "
        + "\(fleet.plan.id(of: fleet.plan.deviceCount)); Ctrl-C stops them in order")
    while !fleet.isStopped {
      let signals = fleet.turn(until: min(shownAt + interval, min(endsAt, stopsBy)))
      let now = Clock.now()
      for signal in signals where signal != .hangUp {
        guard stopsBy == .never else { return end(status: 130) }
        stop(at: now)
      }
      if now >= endsAt, stopsBy == .never { stop(at: now) }
      if now >= stopsBy {
        status = 1
        break
      }
      if now >= shownAt + interval { show(at: now) }
    }
    return end(status: status)
  }

  private func stop(at now: Instant) {
    measureMemory(fleet.census())
    fleet.stop()
    stopsBy = now + Self.stopLimit
  }

  private func measureMemory(_ census: FleetCensus) {
    let begun = census.waiting + census.connecting + census.online
    guard begun > 0, begun >= memory?.devices ?? 0, let resident = Memory.residentKiB else {
      return
    }
    memory = (begun, Double(resident - residentBefore) / Double(begun))
  }

  private func show(at now: Instant) {
    let census = fleet.census()
    measureMemory(census)
    let figures = FleetFigures(fleet.meter)
    let recent = fleet.meter.takeRecent()
    let seconds = max(0.001, Double((now - shownAt).milliseconds) / 1_000)
    let view = FleetView(
      census: census, meter: fleet.meter, rates: figures.rates(since: shown, seconds),
      recent: recent, elapsed: now - startedAt, kibibytes: memory?.kibibytes)
    (shown, shownAt) = (figures, now)
    guard isLive else { return Terminal.print(view.line) }
    let lines = view.block
    let back = rows > 0 ? "\u{1b}[\(rows)A" : ""
    Terminal.show(
      back + lines.map { $0.prefix(Terminal.size.columns) + "\u{1b}[K\n" }.joined())
    rows = lines.count
  }

  private func end(status: Int32) -> Int32 {
    let summary = FleetSummary(
      census: fleet.census(), meter: fleet.meter, elapsed: Clock.now() - startedAt,
      processor: .nanoseconds(clinux_processor_time()), plannedBytes: fleet.plan.deviceBytes,
      memory: memory?.kibibytes, devices: fleet.plan.deviceCount, isInOrder: fleet.isStopped)
    Terminal.print(summary.text)
    return status
  }
}

/// Counts at one moment, for rates between two.
struct FleetFigures {
  var sessions = 0
  var publishes = 0
  var acknowledgements = 0

  init() {}

  init(_ meter: FleetMeter) {
    (sessions, publishes, acknowledgements) =
      (meter.sessions, meter.publishes, meter.acknowledgements)
  }

  /// What came since, each second.
  func rates(since before: FleetFigures, _ seconds: Double) -> FleetFigures {
    func rate(_ now: Int, _ then: Int) -> Int { Int((Double(now - then) / seconds).rounded()) }
    var rates = FleetFigures()
    rates.sessions = rate(sessions, before.sessions)
    rates.publishes = rate(publishes, before.publishes)
    rates.acknowledgements = rate(acknowledgements, before.acknowledgements)
    return rates
  }
}
