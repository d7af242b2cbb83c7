import Core
import Device
import SimulatedBoard
import TestSupport

/// A simulated board and a clock, for one test. Points have no names.
final class BoardBench {
  typealias Change = (inout PointSpec, inout SimulationSpec) -> Void

  var board: VirtualBoard
  var now = Instant.boot

  init(seed: UInt64 = 1, _ points: (PointKind, Change)...) {
    var specs: [PointSpec] = []
    var simulations: [SimulationSpec] = []
    for (kind, change) in points {
      var spec = PointSpec(name: .empty, kind: kind)
      var simulation = SimulationSpec()
      change(&spec, &simulation)
      specs.append(spec)
      simulations.append(simulation)
    }
    var arena = testArena()
    board = VirtualBoard(
      points: specs.span, simulations: simulations.span, seed: seed, start: .boot, arena: &arena)
  }

  /// Polls once, now.
  func poll() -> [Seen] {
    var events: [Seen] = []
    board.poll(at: now) { events.append(Seen($0)) }
    return events
  }

  /// Polls at each deadline of the next `interval`, and at its end.
  func run(_ interval: Interval) -> [Seen] {
    let end = now + interval
    var events: [Seen] = []
    while deadline <= end {
      now = max(now, deadline)
      events += poll()
    }
    now = end
    return events + poll()
  }

  /// Polls every `step` of the next `interval`.
  func run(_ interval: Interval, every step: Interval) -> [Seen] {
    let end = now + interval
    var events: [Seen] = []
    while now < end {
      now = min(now + step, end)
      events += poll()
    }
    return events
  }

  var deadline: Instant { board.deadline }

  @discardableResult
  func hold(_ value: Double?, point: Int = 0) -> Bool {
    board.override(point: point, with: value, at: now)
  }

  func fail(_ fault: PointFault?, point: Int = 0) { board.fail(point: point, with: fault, at: now) }

  func drive(_ level: Bool, point: Int = 0) -> Bool? {
    board.drive(point: point, to: level, at: now)
  }
}

/// An event of the board that can be compared.
struct Seen: Equatable {
  enum What: Equatable {
    case edge(Bool)
    case level(Bool)
    case lost(Int)
    case sample(Double)
    case failed(PointFault)
  }

  var point: Int
  var what: What
  var at: Instant

  init(_ event: BoardEvent) {
    switch event {
    case .edge(let point, let level, let at):
      (self.point, what, self.at) = (point, .edge(level), at)
    case .level(let point, let level, let at):
      (self.point, what, self.at) = (point, .level(level), at)
    case .edgesLost(let point, let count): (self.point, what, at) = (point, .lost(count), .boot)
    case .sample(let point, let value, let at):
      (self.point, what, self.at) = (point, .sample(value), at)
    case .failed(let point, let fault, let at):
      (self.point, what, self.at) = (point, .failed(fault), at)
    }
  }

  /// The level that an edge leads to; nil for other events.
  var edge: Bool? { if case .edge(let level) = what { level } else { nil } }

  /// The value of a sample; nil for other events.
  var value: Double? { if case .sample(let value) = what { value } else { nil } }
}
