import Core
import Device
import TestSupport

@testable import Linux
@testable import LinuxBoard

/// Points and their texts, built one by one.
struct PointList {
  var points: [PointSpec] = []
  var texts: [UInt8] = [0]

  mutating func text(_ string: String) -> Text {
    guard !string.isEmpty else { return .empty }
    defer { texts += Array(string.utf8) }
    return Text(offset: UInt32(texts.count), count: UInt32(string.utf8.count))
  }

  mutating func sensor(
    _ source: SensorSource, device: String, channel: String = "",
    every: Interval = .milliseconds(20)
  ) {
    var point = PointSpec(name: text("sensor\(points.count)"), kind: .sensor)
    point.sensor.source = source
    point.sensor.device = text(device)
    point.sensor.channel = text(channel)
    point.sensor.every = every
    points.append(point)
  }

  mutating func line(_ name: String, kind: PointKind = .input) {
    var point = PointSpec(name: text("line\(points.count)"), kind: kind)
    point.line.name = text(name)
    points.append(point)
  }
}

/// What a board with these points reports, until `done` or for five seconds.
func events(
  _ list: PointList, sysfs: String, timeout: Interval = .seconds(5),
  until done: ([BoardEvent]) -> Bool
) throws -> [BoardEvent] {
  var arena = testArena()
  let texts = TextPool(copying: list.texts.span, arena: &arena)
  var board = GPIOBoard(points: list.points.span, arena: &arena, sensorTimeout: timeout)
  try bytes(sysfs) { sysfs throws(BoardError) in
    try board.open(points: list.points.span, texts: texts, sysfs: sysfs)
  }
  var loop = try EventLoop()
  var descriptors: [Int32] = []
  board.forEachDescriptor { descriptors.append($0) }
  for descriptor in descriptors { try loop.add(descriptor, token: 0, read: true, write: false) }
  let limit = Clock.now() + .seconds(5)
  var events: [BoardEvent] = []
  while !done(events) && Clock.now() < limit {
    loop.wait(until: min(board.deadline, limit), at: Clock.now()) { _ in }
    board.poll(at: Clock.now()) { events.append($0) }
  }
  return events
}

extension BoardEvent {
  var point: Int {
    switch self {
    case .edge(let point, _, _), .level(let point, _, _), .edgesLost(let point, _),
      .sample(let point, _, _), .failed(let point, _, _):
      point
    }
  }

  var sample: Double? { if case .sample(_, let value, _) = self { value } else { nil } }

  var fault: PointFault? { if case .failed(_, let fault, _) = self { fault } else { nil } }
}

extension [BoardEvent] {
  /// The first value of each point that has one.
  func firstSample(of point: Int) -> Double? {
    first { $0.point == point && $0.sample != nil }?.sample
  }

  func firstFault(of point: Int) -> PointFault? {
    first { $0.point == point && $0.fault != nil }?.fault
  }

  func count(of point: Int) -> Int { filter { $0.point == point }.count }
}
