import Core
import Device

/// One point of a simulated board: a function of time, of its own chance and of what was done to it
/// by hand. What other points do, and when it is asked, does not change what it does.
struct SimulatedPoint: BitwiseCopyable {
  private var chance: Generator
  private let start: Instant
  /// A line's level as it is now, bounce included, and where it will settle.
  private(set) var level = false
  private var settled = false
  private var bouncesLeft: UInt32 = 0
  /// When the line's level next changes by itself.
  private var edgeAt = Instant.never
  /// When the sensor is read next.
  private var sampleAt = Instant.never
  private var walk = 0.0
  /// When the line's level is to be said without an edge: at the start, and after a fault.
  private var levelAt = Instant.never
  private var held: Double?
  private var pulsesLeft: UInt32 = 0
  /// More pulses by hand than these, which take 28 hours, are not kept.
  private static var pulsesMax: UInt32 { 1_000_000 }
  private var fault: PointFault?
  private var faultIsNew = false
  /// The next thing that happens at this point; never, at an output.
  private(set) var deadline = Instant.never

  init() {
    chance = Generator(seed: 0)
    start = .boot
  }

  init(_ spec: PointSpec, _ simulation: SimulationSpec, seed: UInt64, start: Instant) {
    chance = Generator(seed: seed)
    self.start = start
    switch spec.kind {
    case .input, .counter:
      levelAt = start
      edgeAt = start + rest(simulation)
    case .sensor: sampleAt = start
    case .output: level = spec.output.start
    }
    plan()
  }

  private mutating func plan() {
    deadline = faultIsNew ? start : min(levelAt, min(edgeAt, sampleAt))
  }

  /// What happens next, if it happens up to `now`.
  mutating func next(
    _ point: Int, _ spec: PointSpec, _ simulation: SimulationSpec, upTo now: Instant
  ) -> BoardEvent? {
    defer { plan() }
    if faultIsNew, let fault {
      faultIsNew = false
      return .failed(point: point, fault: fault, at: now)
    }
    if levelAt <= now, levelAt <= edgeAt {
      let at = levelAt
      levelAt = .never
      return fault == nil ? .level(point: point, level: level, at: at) : nil
    }
    if edgeAt <= now {
      let at = edgeAt
      advanceEdge(simulation, at: at)
      return fault == nil ? .edge(point: point, level: level, at: at) : nil
    }
    if sampleAt <= now {
      let at = sampleAt
      // A sensor that nobody asked for a long time is read once, not once for each time missed.
      let every = max(spec.sensor.every, .milliseconds(1))
      let missed = (now - at).nanoseconds / every.nanoseconds
      sampleAt = at + every * (max(0, missed - 100) + 1)
      if let fault { return .failed(point: point, fault: fault, at: at) }
      let value = held ?? value(simulation, at: at)
      return .sample(point: point, value: (value - spec.offset) / spec.scale, at: at)
    }
    return nil
  }

  mutating func drive(to level: Bool) { self.level = level }

  // MARK: By hand

  mutating func hold(
    _ value: Double?, _ spec: PointSpec, _ simulation: SimulationSpec, at now: Instant
  ) {
    defer { plan() }
    switch spec.kind {
    case .sensor:
      held = value
      sampleAt = now
    case .counter:
      guard let value, value >= 1 else { return }
      // The pulse that is under way is one more.
      if pulsesLeft == 0 && settled { pulsesLeft = 1 }
      pulsesLeft = min(pulsesLeft + UInt32(min(value, 100_000)), Self.pulsesMax)
      edgeAt = now
    case .input:
      let wasHeld = held != nil
      held = value
      // A contact that bounces settles first.
      guard bouncesLeft == 0 else { return }
      if let value {
        edgeAt = (value != 0) == settled ? .never : now
      } else if wasHeld {
        edgeAt = now + rest(simulation)
      }
    case .output: break
    }
  }

  mutating func fail(_ fault: PointFault?, _ spec: PointSpec, at now: Instant) {
    if fault == nil, self.fault != nil, spec.kind == .input || spec.kind == .counter {
      levelAt = now
    }
    self.fault = fault
    faultIsNew = fault != nil && spec.kind != .output
    plan()
  }

  // MARK: Lines

  /// The least time between two edges of a contact that bounces.
  private static var bounceMin: Interval { .microseconds(10) }

  /// One edge at `at`, and when the next one comes.
  private mutating func advanceEdge(_ simulation: SimulationSpec, at: Instant) {
    level.toggle()
    if bouncesLeft > 0 {
      bouncesLeft -= 1
    } else {
      settled.toggle()
      if simulation.bounce > .zero {
        bouncesLeft = 2 * (1 + UInt32(truncatingIfNeeded: chance.next(below: 4)))
      }
    }
    guard bouncesLeft == 0 else {
      let share = simulation.bounce / 8
      edgeAt = at + max(chance.interval(below: share), Self.bounceMin)
      return
    }
    if pulsesLeft > 0 {
      if !settled { pulsesLeft -= 1 }
      edgeAt = pulsesLeft > 0 || settled ? at + .milliseconds(50) : at + rest(simulation)
    } else if let held {
      // Held while it bounced, it may yet have to change.
      edgeAt = (held != 0) == settled ? .never : at + Self.bounceMin
    } else {
      edgeAt = at + rest(simulation)
    }
  }

  /// How long the line stays as it is; `.never` long when nothing is to change by itself.
  private mutating func rest(_ simulation: SimulationSpec) -> Interval {
    let mean = settled ? simulation.on : simulation.off
    guard simulation.on > .zero, simulation.off > .zero else { return .nanoseconds(.max) }
    let drawn = Curve.hold(mean, randomness: simulation.randomness, &chance)
    return max(drawn, simulation.bounce + .milliseconds(1))
  }

  // MARK: Sensors

  private mutating func value(_ simulation: SimulationSpec, at: Instant) -> Double {
    let turns =
      Double((at - start).nanoseconds) / Double(max(1, simulation.period.nanoseconds))
    let shape: Double
    switch simulation.wave {
    case .constant: shape = 0
    case .sine: shape = Curve.sine(turns: turns)
    case .triangle: shape = Curve.triangle(turns: turns)
    case .square: shape = Curve.square(turns: turns)
    case .walk:
      walk = walk * 0.95 + Curve.normal(&chance) * 0.3
      shape = walk
    }
    return simulation.mean + simulation.amplitude * shape
      + simulation.noise * Curve.normal(&chance)
  }
}
