import Core
import Device
import TestSupport
import Uplink

/// A point of a test's device.
struct TestPoint {
  var name: String
  var kind: PointKind
  var unit = ""
  var change: (inout PointSpec) -> Void

  static func input(
    _ name: String, _ change: @escaping (inout PointSpec) -> Void = { _ in }
  ) -> TestPoint { TestPoint(name: name, kind: .input, change: change) }

  static func counter(
    _ name: String, _ change: @escaping (inout PointSpec) -> Void = { _ in }
  ) -> TestPoint { TestPoint(name: name, kind: .counter, change: change) }

  static func sensor(
    _ name: String, unit: String = "", _ change: @escaping (inout PointSpec) -> Void = { _ in }
  ) -> TestPoint { TestPoint(name: name, kind: .sensor, unit: unit, change: change) }

  static func output(
    _ name: String, _ change: @escaping (inout PointSpec) -> Void = { _ in }
  ) -> TestPoint { TestPoint(name: name, kind: .output, change: change) }
}

/// The points of a device, an outbox and a clock, for one test. Time begins at
/// 2026-11-23T04:50:00Z; the device is `base/dev`.
final class DeviceBench {
  var points: Points
  var outbox: Outbox
  var now = Instant.boot
  var wallAtBoot: Int64 = 1_795_409_400_000
  var quality = TimeQuality.synced
  /// What the line of an output does: nil for as it is driven.
  var readBack: (Bool) -> Bool? = { $0 }
  /// What was driven, in order.
  private(set) var drives: [String] = []
  let names: [String]

  init(_ list: TestPoint..., boardDebounces: Bool = false, outboxBytes: Int = 16_384) {
    var pool = utf8("basedev")
    var specs: [PointSpec] = []
    func text(_ string: String) -> Text {
      defer { pool += utf8(string) }
      return Text(offset: UInt32(pool.count), count: UInt32(string.utf8.count))
    }
    for point in list {
      var spec = PointSpec(name: text(point.name), kind: point.kind)
      spec.unit = text(point.unit)
      spec.report.maximum = .zero
      spec.keep = KeepSpec(.telemetry)
      point.change(&spec)
      specs.append(spec)
    }
    names = list.map(\.name)
    let device = DeviceSpec(id: Text(offset: 4, count: 3), base: Text(offset: 0, count: 4))
    var arena = testArena()
    points = Points(
      device, points: specs.span, texts: pool.span, boardDebounces: boardDebounces,
      start: .boot, arena: &arena)
    outbox = Outbox(bytes: outboxBytes, inflight: 4, series: list.count, arena: &arena)
  }

  var moment: Moment {
    let wall = WallTime(milliseconds: wallAtBoot + (now - .boot).milliseconds)
    return Moment(instant: now, wall: wall, quality: quality)
  }

  // MARK: What happens

  func edge(_ level: Bool, point: Int = 0) {
    points.handle(.edge(point: point, level: level, at: now), at: moment, outbox: &outbox)
  }

  func level(_ level: Bool, point: Int = 0) {
    points.handle(.level(point: point, level: level, at: now), at: moment, outbox: &outbox)
  }

  func sample(_ value: Double, point: Int = 0) {
    points.handle(.sample(point: point, value: value, at: now), at: moment, outbox: &outbox)
  }

  func fail(_ fault: PointFault, point: Int = 0) {
    points.handle(.failed(point: point, fault: fault, at: now), at: moment, outbox: &outbox)
  }

  /// Lets `interval` pass with all that is due in it, each in its time.
  func pass(_ interval: Interval) {
    let end = now + interval
    while deadline <= end {
      now = max(now, deadline)
      points.deadlineReached(at: moment, outbox: &outbox)
      drive()
    }
    now = end
    points.deadlineReached(at: moment, outbox: &outbox)
    drive()
  }

  /// The board carries out what it is told to drive.
  func drive() {
    while let drive = points.nextDrive() {
      drives.append("\(names[drive.point]) \(drive.level)")
      points.driven(
        point: drive.point, readBack: readBack(drive.level), at: moment, outbox: &outbox)
    }
  }

  /// What was driven since the last call.
  func driven() -> [String] {
    drive()
    defer { drives = [] }
    return drives
  }

  func connectionOpened() { points.reportAll(at: moment, outbox: &outbox) }

  // MARK: What comes of it

  /// Takes the live messages that wait.
  func messages() -> [Message] {
    var messages: [Message] = []
    while let place = outbox.nextLive() {
      var topic: [UInt8] = []
      var isRetained = false
      let payload = written { payload in
        topic = written { topic in
          isRetained = outbox.withBody(place) { record in
            points.render(record, at: moment, topic: &topic, payload: &payload)
          }
        }
      }
      messages.append(Message(topic: topic, payload: payload, isRetained: isRetained))
      outbox.discard(place)
    }
    return messages
  }

  /// Takes the live messages that wait, each in a line.
  func said() -> [String] { messages().map(\.line) }

  /// All that waits as one pack of history.
  func pack() -> Message {
    outbox.connectionOpened(resuming: false)
    var topic: [UInt8] = []
    let payload = written(capacity: 65_536) { payload in
      topic = written { topic in points.beginPack(topic: &topic, payload: &payload) }
      var isFirst = true
      while let place = outbox.nextHistorical() {
        outbox.withBody(place) { record in
          points.appendToPack(record, isFirst: isFirst, at: moment, payload: &payload)
        }
        isFirst = false
        outbox.discard(place)
      }
      points.endPack(payload: &payload)
    }
    return Message(topic: topic, payload: payload, isRetained: false)
  }

  // Swift Testing's macros take copyable values only, hence these.
  var deadline: Instant { points.deadline }
  var isDriving: Bool { points.isDriving }
  var edgesLost: UInt32 { points.edgesLost }
  var resultsDropped: UInt32 { outbox.losses.answers }
  var droppedInAll: UInt32 { outbox.losses.total.dropped }
  func dropped(_ point: Int) -> UInt32 {
    outbox.losses.losses(series: point, events: false).dropped
      + outbox.losses.losses(series: point, events: true).dropped
  }
}
