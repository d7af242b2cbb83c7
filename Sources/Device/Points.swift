import Core
import Uplink

/// The points of the device: what the board reports becomes readings in the outbox, and commands
/// become levels for the board to drive.
///
/// Owns each point's state and the rule by which it is reported. Board events, commands and time go
/// in; readings go to the outbox that is lent with each call, and `nextDrive` says what to switch.
public struct Points: ~Copyable {
  /// The device as the profile describes it.
  public let spec: DeviceSpec
  /// The profile's strings.
  public let texts: TextPool
  var points: Table<PointSpec>
  var states: Table<PointState>
  /// True when lines come already debounced (libgpiod 2.x lets the kernel do it).
  private let boardDebounces: Bool
  /// Since when there has been no link; nil while there is one.
  public internal(set) var lostSince: Instant?
  var pacing = Pacing.usual
  /// The earliest moment at which `deadlineReached` has something to do. It is asked for more often than
  /// a point changes: who changes one calls `plan`.
  public internal(set) var deadline = Instant.never
  /// The command whose output is being driven.
  var openCommand: Command?
  /// Edges that the kernel dropped because its buffer was full.
  public private(set) var edgesLost: UInt32 = 0
  private let pinned = Pinned()

  /// A device whose outputs rest and of whose inputs nothing is known, without a link since `start`.
  public init(
    _ spec: DeviceSpec, points: Span<PointSpec>, texts: Span<UInt8>, boardDebounces: Bool,
    start: Instant, arena: inout Arena
  ) {
    self.spec = spec
    self.boardDebounces = boardDebounces
    self.texts = TextPool(copying: texts, arena: &arena)
    let blank = PointSpec(name: .empty, kind: .input)
    self.points = arena.table("points of the profile", count: points.count, filledWith: blank)
    states = arena.table("points as they are", count: points.count, filledWith: PointState())
    lostSince = start
    guard !arena.isMeasuring else { return }
    for index in 0..<points.count {
      self.points[index] = points[index]
      if points[index].kind == .output {
        states[index].wanted = points[index].output.start
        states[index].mustDrive = true
      }
    }
    planAll()
  }

  /// How many points there are.
  public var pointCount: Int { points.count }

  /// How many states of a point were made since the start: the number of the last one.
  public func stateCount(_ index: Int) -> UInt32 { states[index].stateSequence }

  /// How many events of a point were made since the start.
  public func eventCount(_ index: Int) -> UInt32 { states[index].eventSequence }

  // MARK: What the board says

  /// Takes in what the board reports.
  public mutating func handle(
    _ event: BoardEvent, at moment: Moment, outbox: inout Outbox
  ) {
    switch event {
    case .edge(let point, let level, let at):
      edge(point, level, at: at, moment, &outbox)
      plan(point)
    case .level(let point, let level, let at):
      if states[point].levelKnown {
        edge(point, level, at: at, moment, &outbox)
      } else {
        firstLevel(point, level, at: at, moment, &outbox)
      }
      plan(point)
    case .edgesLost(_, let count):
      edgesLost &+= UInt32(truncatingIfNeeded: count)
    case .sample(let point, let value, let at):
      let spec = points[point]
      let published = value * spec.scale + spec.offset
      let inRange = published >= spec.sensor.low && published <= spec.sensor.high
      learn(point, published, inRange ? .good : .outOfRange, at: at, moment, &outbox)
      plan(point)
    case .failed(let point, let fault, let at):
      states[point].candidateSince = .never
      learn(point, states[point].value, Quality(fault), at: at, moment, &outbox)
      plan(point)
    }
  }

  private mutating func firstLevel(
    _ point: Int, _ level: Bool, at: Instant, _ moment: Moment, _ outbox: inout Outbox
  ) {
    states[point].level = level
    states[point].levelKnown = true
    let spec = points[point]
    let value = spec.kind == .counter ? spec.offset : (level ? 1 : 0)
    learn(point, value, .good, at: at, moment, &outbox)
  }

  /// A level counts once it has held for the debounce time; it counts from the edge that began it.
  private mutating func edge(
    _ point: Int, _ level: Bool, at: Instant, _ moment: Moment, _ outbox: inout Outbox
  ) {
    settle(point, upTo: at, moment, &outbox)
    guard level != states[point].level else {
      states[point].candidateSince = .never
      recovered(point, at: at, moment, &outbox)
      return
    }
    states[point].candidate = level
    states[point].candidateSince = at
    if boardDebounces || points[point].line.debounce == .zero {
      settled(point, level, at: at, moment, &outbox)
    }
  }

  mutating func settle(
    _ point: Int, upTo now: Instant, _ moment: Moment, _ outbox: inout Outbox
  ) {
    guard settleAt(point) <= now else { return }
    let (level, since) = (states[point].candidate, states[point].candidateSince)
    settled(point, level, at: since, moment, &outbox)
  }

  private mutating func settled(
    _ point: Int, _ level: Bool, at: Instant, _ moment: Moment, _ outbox: inout Outbox
  ) {
    let spec = points[point]
    states[point].candidateSince = .never
    states[point].level = level
    states[point].levelKnown = true
    switch spec.kind {
    case .counter:
      guard spec.line.edge == .both || (spec.line.edge == .rising) == level else {
        return recovered(point, at: at, moment, &outbox)
      }
      states[point].count += 1
      let value = Double(states[point].count) * spec.scale + spec.offset
      learn(point, value, .good, at: at, moment, &outbox)
    case .input, .sensor, .output:
      learn(point, level ? 1 : 0, .good, at: at, moment, &outbox)
      if spec.report.event { push(.event, point, at: at, &outbox) }
    }
  }

  /// A line that had failed can be read again, and its value is what it was before.
  private mutating func recovered(
    _ point: Int, at: Instant, _ moment: Moment, _ outbox: inout Outbox
  ) {
    guard states[point].known, states[point].quality != .good else { return }
    learn(point, states[point].value, .good, at: at, moment, &outbox)
  }

  // MARK: Reporting

  /// The point's value is now known to be `value`, read at `at`; reports it if the rule says so.
  mutating func learn(
    _ point: Int, _ value: Double, _ quality: Quality, at: Instant, _ moment: Moment,
    _ outbox: inout Outbox
  ) {
    let spec = points[point]
    states.update(point) { state in
      state.value = value
      state.quality = quality
      state.readAt = at
      state.known = true
      state.pending = state.differs(spec)
    }
    reportIfDue(point, at: moment.instant, &outbox)
  }

  mutating func reportIfDue(
    _ point: Int, at now: Instant, _ outbox: inout Outbox
  ) {
    guard reportAt(point) <= now else { return }
    let isNew = states[point].pending || points[point].kind == .sensor
    let read = isNew ? states[point].readAt : now
    report(point, read: read, at: now, &outbox)
  }

  /// Puts the point's value into the outbox, as read at `read`.
  mutating func report(
    _ point: Int, read: Instant, at now: Instant, _ outbox: inout Outbox
  ) {
    states.update(point) { state in
      state.pending = false
      state.everReported = true
      state.reportedValue = state.value
      state.reportedQuality = state.quality
      state.reportedAt = now
    }
    push(.state, point, at: read, &outbox)
  }

  private mutating func push(
    _ kind: RecordKind, _ point: Int, at: Instant, _ outbox: inout Outbox
  ) {
    states.update(point) { state in
      if kind == .event { state.eventSequence &+= 1 } else { state.stateSequence &+= 1 }
    }
    let state = states[point]
    let record = ReadingRecord(
      kind: kind, point: point, quality: state.quality,
      sequence: kind == .event ? state.eventSequence : state.stateSequence, instant: at,
      value: state.value)
    let keep = points[point].keep
    let label = RecordLabel(
      kind == .event ? .event : keep.recordClass, series: UInt16(truncatingIfNeeded: point),
      durability: keep.durability)
    append(label, bodyBytes: ReadingRecord.size, to: &outbox) { out in record.encode(into: &out) }
  }

  /// Appends to the outbox.
  mutating func append(
    _ label: RecordLabel, bodyBytes: Int, to outbox: inout Outbox,
    fill: (inout OutputSpan<UInt8>) -> Void
  ) {
    let fits = outbox.append(label, bodyBytes: bodyBytes) { out in fill(&out) }
    precondition(fits, "the plan gives the outbox room for any record")
  }

  /// A connection has opened: every point says anew what it is.
  public mutating func reportAll(at moment: Moment, outbox: inout Outbox) {
    for index in 0..<points.count where states[index].known {
      let read = points[index].kind == .sensor ? states[index].readAt : moment.instant
      report(index, read: read, at: moment.instant, &outbox)
    }
    planAll()
  }

  /// The agent stops: what is known and waits for its turn is said now, and so is what comes from here
  /// on.
  public mutating func hurry(at moment: Moment, outbox: inout Outbox) {
    pacing = .atOnce
    for index in 0..<points.count { reportIfDue(index, at: moment.instant, &outbox) }
    planAll()
  }

  /// Nothing is reported any more: the last word is said.
  public mutating func fallSilent() {
    pacing = .over
    planAll()
  }

  /// The name of point `index`.
  public func name(_ index: Int) -> Text { points[index].name }

  /// How the readings of point `index` are kept.
  public func keep(_ index: Int) -> KeepSpec { points[index].keep }
}
