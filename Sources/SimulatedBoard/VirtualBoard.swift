import Core
import Device

/// A board that is not there: contacts switch and bounce, meters pulse, sensors drift, all from one
/// seed, as the profile's `simulate` describes them.
///
/// The same seed gives the same events, however often it is polled: each point draws from a chance of
/// its own. A poll reports at most `eventsMax` events; what is left follows with the next, for which
/// `deadline` lies in the past.
public struct VirtualBoard: ~Copyable, Board {
  /// The most events that one poll reports.
  public static var eventsMax: Int { 1024 }

  private var specs: Table<PointSpec>
  private var simulations: Table<SimulationSpec>
  private var points: Table<SimulatedPoint>
  /// See `Board`.
  public private(set) var deadline = Instant.never

  /// A board at rest. `simulations` has one entry for each of `points`.
  public init(
    points specs: Span<PointSpec>, simulations: Span<SimulationSpec>, seed: UInt64,
    start: Instant, arena: inout Arena
  ) {
    precondition(specs.count == simulations.count)
    let count = specs.count
    let blank = PointSpec(name: .empty, kind: .input)
    self.specs = arena.table("simulated board: points", count: count, filledWith: blank)
    self.simulations = arena.table(
      "simulated board: behaviour", count: count, filledWith: SimulationSpec())
    points = arena.table("simulated board: state", count: count, filledWith: SimulatedPoint())
    guard !arena.isMeasuring else { return }
    var chance = Generator(seed: seed)
    for index in 0..<count {
      self.specs[index] = specs[index]
      self.simulations[index] = simulations[index]
      points[index] = SimulatedPoint(
        specs[index], simulations[index], seed: chance.next(), start: start)
    }
    plan()
  }

  /// Finds out when something happens next.
  private mutating func plan() {
    deadline = .never
    for index in 0..<points.count {
      deadline = min(deadline, points[index].deadline)
    }
  }

  /// See `Board`.
  public mutating func poll(at now: Instant, _ report: (BoardEvent) -> Void) {
    var left = Self.eventsMax
    var earliest = Instant.never
    for index in 0..<points.count {
      if points[index].deadline <= now { poll(index, upTo: now, &left, report) }
      earliest = min(earliest, points[index].deadline)
    }
    deadline = earliest
  }

  private mutating func poll(
    _ index: Int, upTo now: Instant, _ left: inout Int, _ report: (BoardEvent) -> Void
  ) {
    let spec = specs[index]
    let simulation = simulations[index]
    while left > 0, points[index].deadline <= now {
      let event = points.update(index) { $0.next(index, spec, simulation, upTo: now) }
      left -= 1
      if let event { report(event) }
    }
  }

  /// See `Board`.
  public mutating func drive(point: Int, to level: Bool, at now: Instant) -> Bool? {
    points.update(point) { $0.drive(to: level) }
    return points[point].level
  }

  /// See `Board`.
  public mutating func override(point: Int, with value: Double?, at now: Instant) -> Bool {
    let spec = specs[point]
    let simulation = simulations[point]
    guard spec.kind != .output else { return false }
    if spec.kind == .counter && value == nil { return false }
    points.update(point) { $0.hold(value, spec, simulation, at: now) }
    plan()
    return true
  }

  /// Makes a point fail, or with nil work again.
  public mutating func fail(point: Int, with fault: PointFault?, at now: Instant) {
    let spec = specs[point]
    points.update(point) { $0.fail(fault, spec, at: now) }
    plan()
  }
}
