import CGPIO
import CLinux
import Core
import Device
import Linux

/// The lines and sensors of a real board, behind libgpiod and the kernel's sensor files.
///
/// Inputs of a chip share a line request (libgpiod 2) or have one each (1.6); every output has its
/// own. The requests' descriptors and the sensors' replies are gathered in one epoll set of the
/// board's own, so the program's loop watches one descriptor, and a poll looks only where
/// something happened. The lines are sorted by request:
///
///     requests   |     0     |  1  |  2  | ...        inputs first, then outputs
///     lines      | a | b | c |  d  |  e  | ...
///
/// A chip that goes away (an expander on USB) is a fault of its points, and is looked for again
/// every ten seconds.
@safe public struct GPIOBoard: ~Copyable, Board {
  /// A line of the profile, and what is known of it.
  struct Line: BitwiseCopyable {
    var point: Int
    var chip: Int
    var setting: cgpio_setting
    var request = -1
    /// The latest level that was reported, read or driven.
    var level = false
    /// How many edges the kernel has seen, as it counts them.
    var sequence: UInt32 = 0
    /// An edge arrived in the poll that goes on.
    var isTouched = false
    /// Edges were lost, so the level has to be read.
    var needsReading = false
    /// Of an output: its place in `held`; -1 for none.
    var place = -1
    /// Of an output: what the run that follows is to know.
    var output = OutputSpec()
    /// Of an output: when it goes back to its start state by itself.
    var revertsAt = Instant.never
    /// Of an output: it did not answer when it was read last.
    var isUnreadable = false
    /// Of an output: it was taken over from the run before.
    var isTakenOver = false
  }

  /// A chip in use.
  struct ChipSlot: BitwiseCopyable {
    // Nil while it is away.
    var chip: Chip?
    var label: KernelName
    var lineCount: Int
  }

  /// How often lines are read without being asked to: a level that changed unseen, or a chip that
  /// vanished in silence, is noticed after this time at the latest.
  static var checkEvery: Interval { .seconds(10) }

  var lines: Table<Line>
  var lineCount = 0
  var requests: Table<LineRequest>
  var requestCount = 0
  var chips: Table<ChipSlot>
  var chipCount = 0
  var loop: EventLoop?
  @safe var buffer: OpaquePointer?
  var sensors: SensorThread
  var held = HeldOutputs()
  let manager = ServiceManager()
  var openedAt = Instant.never
  var checkAt = Instant.never
  var isAnnounced = false

  /// The tables for `points`; no line is touched yet. `sensorTimeout` is how long the reading of a
  /// sensor may take before the point counts as timed out.
  public init(
    points: Span<PointSpec>, arena: inout Arena, sensorTimeout: Interval = .seconds(5)
  ) {
    var lineCount = 0
    for index in points.indices where points[index].kind != .sensor { lineCount += 1 }
    let line = Line(point: -1, chip: -1, setting: cgpio_setting())
    lines = arena.table("GPIO lines", count: lineCount, filledWith: line)
    requests = arena.table(
      "GPIO line requests", count: lineCount,
      filledWith: LineRequest(first: 0, count: 0))
    chips = arena.table(
      "GPIO chips", count: min(lineCount, 32),
      filledWith: ChipSlot(chip: nil, label: KernelName(), lineCount: 0))
    sensors = SensorThread(points: points, timeout: sensorTimeout, arena: &arena)
  }

  deinit {
    for index in 0..<requestCount { requests[index].release() }
    for index in 0..<chipCount { chips[index].chip?.close() }
    if let buffer = buffer { unsafe cgpio_buffer_free(buffer) }
  }

  /// True when the kernel debounces the inputs as the profile asks for it; otherwise every bounce
  /// is reported, and the agent has to.
  public static var debouncesInKernel: Bool { cgpio_debounces() }

  /// How many threads read sensors at most: one, and another for each that hangs.
  public static var sensorThreadsMax: Int { SensorThread.threadsMax }

  /// When lines are read next without an event; `.never` before `open`.
  public var deadline: Instant { isAnnounced ? checkAt : openedAt }

  /// Calls `body` with each descriptor that the program's loop has to watch for reading. They stay
  /// the same as long as the board is open.
  public func forEachDescriptor(_ body: (Int32) -> Void) {
    switch loop {
    case .some(let loop): body(loop.descriptor)
    case .none: break
    }
  }

  /// Drives an output and reads it back; nil when there is no such output, or its chip is away.
  public mutating func drive(point: Int, to level: Bool, at now: Instant) -> Bool? {
    for index in 0..<lineCount where lines[index].point == point && lines[index].setting.output {
      lines[index].level = level
      // What a chip that comes back starts with.
      lines[index].setting.level = level
      let line = lines[index]
      guard requests[line.request].isOpen else { return nil }
      // Should this be the program's last act, the next run takes the output back to its start state.
      held.setRevert(.boot, at: line.place)
      held.setLevel(level, at: line.place)
      let read = requests[line.request].drive(line.setting.offset, to: level)
      // The next poll finds out what happened, and says so.
      if read < 0 { checkAt = now }
      return read < 0 ? nil : read == 1
    }
    return nil
  }
}
