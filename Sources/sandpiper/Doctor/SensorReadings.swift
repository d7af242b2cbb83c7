import CLinux
import Core
import Device
import Linux
import LinuxBoard
import Profile

/// One reading of each sensor of a profile, or of the board, taken as the agent takes it: one that hangs holds
/// up nothing else, and is waited for no longer than there.
struct SensorReadings {
  enum Reading {
    /// Before the profile's scale and offset.
    case value(Double)
    case fault(PointFault)
  }

  /// The sensors as points, and what each said.
  private(set) var points: [PointSpec] = []
  private(set) var readings: [Reading] = []

  /// Of a profile's points that are sensors of the board.
  init(_ configuration: Configuration) {
    for point in configuration.points
    where point.kind == .sensor && point.sensor.source != .simulated {
      points.append(point)
    }
    read(configuration.texts)
  }

  /// Of these sensors, in their order.
  init(_ sensors: [SensorDescription]) {
    var texts: [UInt8] = []
    for sensor in sensors {
      var point = PointSpec(name: .empty, kind: .sensor)
      point.sensor.source = sensor.source
      point.sensor.device = Self.add(Words(sensor.device), to: &texts)
      point.sensor.channel = Self.add(Words(sensor.channel), to: &texts)
      points.append(point)
    }
    read(texts)
  }

  private static func add(_ name: Words, to texts: inout [UInt8]) -> Text {
    let start = texts.count
    texts += name.bytes
    return Text(start..<texts.count)
  }

  /// How long all of them together are waited for: as many as may hang, one after the other, and a second
  /// for each that is slow.
  private var patience: Interval { .seconds(21) + .seconds(1) * Int64(wide: points.count) }

  private mutating func read(_ texts: [UInt8]) {
    readings = [Reading](repeating: .fault(.timedOut), count: points.count)
    guard !points.isEmpty else { return }
    var plan = Arena()
    _ = GPIOBoard(points: points.span, arena: &plan)
    // Room for the texts, too, and for what the arena rounds up. A thread that hangs has it to the end.
    guard let block = unsafe Memory.map(plan.used + texts.count + 128) else { return }
    // Sound: the block is page-aligned, and is never given back.
    var arena = unsafe Arena(over: block)
    let pool = TextPool(copying: texts.span, arena: &arena)
    var board = GPIOBoard(points: points.span, arena: &arena)
    do throws(BoardError) {
      try board.open(points: points.span, texts: pool)
    } catch {
      return
    }
    listen(&board)
  }

  private mutating func listen(_ board: inout GPIOBoard) {
    var missing = points.count
    var isHeard = [Bool](repeating: false, count: points.count)
    let end = Clock.now() + patience
    while missing > 0, Clock.now() < end {
      board.forEachDescriptor { descriptor in
        _ = clinux_wait_readable(descriptor, Int32(clamping: (end - Clock.now()).milliseconds))
      }
      board.poll(at: Clock.now()) { event in
        let (point, reading): (Int, Reading)
        switch event {
        case .sample(let index, let value, _): (point, reading) = (index, .value(value))
        case .failed(let index, let fault, _): (point, reading) = (index, .fault(fault))
        case .edge, .level, .edgesLost: return
        }
        if !isHeard[point] { missing -= 1 }
        isHeard[point] = true
        readings[point] = reading
      }
    }
  }
}
