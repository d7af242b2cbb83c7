import CGPIO
import CLinux
import Core
import Device
import Linux

/// Reads slow sensors beside the loop: a 1-wire conversion takes 750 ms, and a broken one may
/// never answer.
///
/// One thread reads each sensor at its own interval. It leaves what it has read in the sensor's
/// slot, newest last, and raises an eventfd. While it reads, a timer of the kernel runs, and wakes
/// the loop when the reading takes too long: the point has then timed out, and another thread
/// takes over the other sensors. The one that hangs comes back with its value at last, or never.
/// With `threadsMax` threads hanging no one is left to read, and all sensors have timed out.
///
/// Slots and state lie in the arena, which outlives any thread; a mutex guards both.
@safe struct SensorThread: ~Copyable {
  /// One sensor: what to read, when, and what came of it.
  struct Slot: BitwiseCopyable {
    var point: Int
    var address: SensorAddress
    var every: Interval
    var due = Instant.boot
    /// When the reading that goes on began; `.never` for none.
    var busySince = Instant.never
    /// The loop was told that it takes too long.
    var isOverdue = false
    /// The reading is one that the loop has not seen.
    var isFresh = false
    var reading = SensorReading.fault(.missing)
    var readAt = Instant.boot
    /// The latest good value, NaN for none.
    var lastValue = Double.nan
  }

  /// What threads and loop share besides the slots.
  @safe struct Shared: BitwiseCopyable {
    var mutex: clinux_mutex
    @safe var slots: UnsafeMutablePointer<Slot>?
    var count: Int
    var reader: SensorReader
    var timeout: Interval
    /// eventfd for the loop: there are fresh readings.
    var replies: Int32
    /// timerfd for the loop: a reading takes too long.
    var timer: Int32
    /// eventfd for the threads: stop.
    var stop: Int32
    var isStopping: Bool
    /// Counts the threads that were started: the latest one reads, earlier ones end when they
    /// come back from what they hang in.
    var turn: Int
    /// Threads that have not ended.
    var threads: Int
  }

  /// How many threads there may be: all but one of them hanging.
  static var threadsMax: Int { 4 }

  // A thread needs a few KiB; more is only address space.
  private static var stackBytes: Int { 128 * 1024 }

  private var slots: Table<Slot>
  private var state: Table<Shared>
  // Nil before the start.
  @safe private var shared: UnsafeMutablePointer<Shared>?
  private let timeout: Interval

  /// False while all threads hang.
  private(set) var hasReader = true
  /// Readable while there are readings that the loop has not seen.
  private(set) var replyDescriptor: Int32 = -1
  /// Readable when a reading takes too long.
  private(set) var timeoutDescriptor: Int32 = -1

  /// A slot for each sensor among `points`.
  init(points: Span<PointSpec>, timeout: Interval, arena: inout Arena) {
    var count = 0
    for index in points.indices where points[index].kind == .sensor { count += 1 }
    let address = SensorAddress(source: .thermal, device: FixedText(), channel: FixedText())
    slots = arena.table(
      "sensors", count: count, filledWith: Slot(point: -1, address: address, every: .zero))
    let nothing = unsafe Shared(
      mutex: clinux_mutex(), slots: nil, count: 0, reader: SensorReader(root: FixedText()),
      timeout: timeout, replies: -1, timer: -1, stop: -1, isStopping: false, turn: 0, threads: 0)
    state = arena.table("sensor thread", count: min(count, 1), filledWith: nothing)
    self.timeout = timeout
  }

  deinit {
    guard let shared = shared else { return }
    unsafe shared.lock()
    unsafe shared.pointee.isStopping = true
    clinux_event_raise(unsafe shared.pointee.stop)
    unsafe shared.closeIfLast()
    unsafe shared.unlock()
  }

  /// How many sensors there are.
  var count: Int { slots.count }

  /// Starts to read. Called once.
  mutating func start(
    points: Span<PointSpec>, texts: borrowing TextPool, sysfs: Span<UInt8>
  ) throws(SystemError) {
    var next = 0
    for index in points.indices where points[index].kind == .sensor {
      let spec = points[index].sensor
      slots[next] = Slot(
        point: index,
        address: SensorAddress(
          source: spec.source, device: texts.withBytes(of: spec.device) { FixedText($0) },
          channel: texts.withBytes(of: spec.channel) { FixedText($0) }),
        every: spec.every > .zero ? spec.every : .seconds(1))
      next += 1
    }
    // Sound: the tables lie in the arena, which no thread outlives, and are touched only through
    // these pointers from here on.
    let slots = unsafe self.slots.withMutableSpan { span in
      unsafe span.withUnsafeMutableBufferPointer { $0.baseAddress }
    }
    let state = unsafe self.state.withMutableSpan { span in
      unsafe span.withUnsafeMutableBufferPointer { $0.baseAddress }
    }
    guard let state = unsafe state else { return }
    unsafe clinux_mutex_init(&state.pointee.mutex)
    unsafe state.pointee.slots = slots
    unsafe state.pointee.count = count
    unsafe state.pointee.reader = SensorReader(root: FixedText(sysfs))
    unsafe state.pointee.replies = clinux_event_open()
    unsafe state.pointee.timer = clinux_timer_open()
    unsafe state.pointee.stop = clinux_event_open()
    unsafe shared = state
    unsafe replyDescriptor = state.pointee.replies
    unsafe timeoutDescriptor = state.pointee.timer
    guard unsafe state.pointee.stop >= 0, replyDescriptor >= 0, timeoutDescriptor >= 0 else {
      throw SystemError(code: EMFILE, doing: "eventfd")
    }
    guard startThread() else { throw SystemError(code: EAGAIN, doing: "pthread_create") }
  }

  /// Reports what has been read since the last call, and what takes too long.
  mutating func collect(at now: Instant, _ report: (BoardEvent) -> Void) {
    guard let shared = shared else { return }
    clinux_event_clear(replyDescriptor)
    clinux_event_clear(timeoutDescriptor)
    var hangs = false
    for index in 0..<count {
      // The lock is held for the copy only, not while the report is handled.
      unsafe shared.lock()
      let slot = unsafe shared.slot(index)
      let isLate = slot.busySince != .never && Clock.now() - slot.busySince >= timeout
      unsafe shared.update(index) { slot in
        slot.isFresh = false
        if isLate { slot.isOverdue = true }
      }
      unsafe shared.unlock()
      if slot.isFresh {
        hasReader = true
        let readAt = min(slot.readAt, now)
        switch slot.reading {
        case .value(let value): report(.sample(point: slot.point, value: value, at: readAt))
        case .fault(let fault): report(.failed(point: slot.point, fault: fault, at: readAt))
        }
      }
      if isLate && !slot.isOverdue {
        report(.failed(point: slot.point, fault: .timedOut, at: now))
        hangs = true
      }
    }
    if hangs && !startThread() { giveUp(at: now, report) }
  }

  /// Starts a thread that takes over from the one before; false when there may be no more.
  private func startThread() -> Bool {
    guard let shared = shared else { return false }
    unsafe shared.lock()
    let isFull = unsafe shared.pointee.threads == Self.threadsMax
    if !isFull { unsafe shared.pointee.threads += 1 }
    unsafe shared.unlock()
    guard !isFull else { return false }
    let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
      // Sound: the argument is the shared state, as passed below.
      unsafe argument?.assumingMemoryBound(to: Shared.self).serve()
      return nil
    }
    guard unsafe clinux_thread_start(body, shared, Self.stackBytes) != 0 else { return true }
    unsafe shared.lock()
    unsafe shared.pointee.threads -= 1
    unsafe shared.unlock()
    return false
  }

  /// No one is left to read: the sensors that wait have timed out too.
  private mutating func giveUp(at now: Instant, _ report: (BoardEvent) -> Void) {
    guard let shared = shared else { return }
    hasReader = false
    for index in 0..<count {
      unsafe shared.lock()
      let slot = unsafe shared.slot(index)
      unsafe shared.update(index) { slot in slot.isOverdue = true }
      unsafe shared.unlock()
      if !slot.isOverdue { report(.failed(point: slot.point, fault: .timedOut, at: now)) }
    }
  }
}
