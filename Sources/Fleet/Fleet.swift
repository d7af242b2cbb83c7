import Agent
import CLinux
import Core
import Linux
import Uplink

/// Thousands of devices in one process, on one loop, against a real broker.
///
/// Owns one block of memory, of which each device has exactly what its plan says. Devices begin one after
/// the other, and stop in order, no more than `stoppingMax` at a time, so that each has its answers
/// within its own deadlines.
@safe public final class Fleet {
  /// So many devices are on their way out at once.
  private static let stoppingMax = 500
  /// So many devices whose time has come are served before the loop looks at sockets again.
  private static let dueMax = 64
  private static let signalToken = UInt32.max - 1

  /// What its devices have in common.
  public let plan: FleetPlan
  private let surroundings: Surroundings
  private let memory: UnsafeMutableRawBufferPointer
  private var devices: [FleetDevice?] = []
  private var heap: DeadlineHeap
  private let startedAt: Instant
  /// Devices a second that begin.
  private let ramp: Int
  private let signals: Signals?
  private var ready: [EventLoop.Ready] = []
  /// The next device that is asked to stop; nil while none is to.
  private var nextToStop: Int?
  private var stoppingCount = 0
  /// Devices that have stopped.
  private var stoppedCount = 0
  /// What those leave behind.
  private var ended = FleetCensus()

  /// A fleet whose first device begins at once, and `ramp` of them each second. `addresses` are those of
  /// the profile's brokers. With `takesSignals` SIGINT and SIGTERM come out of `turn`, for which
  /// there may be no other thread yet.
  public init(
    _ plan: FleetPlan, ramp: Int, addresses: [SocketAddress], takesSignals: Bool
  ) throws(SystemError) {
    precondition(ramp > 0 && addresses.count == plan.configuration.uplink.dial.brokerCount)
    guard let block = unsafe Memory.map(plan.deviceCount * plan.deviceBytes) else {
      throw SystemError(code: ENOMEM, doing: "mmap")
    }
    unsafe memory = block
    self.plan = plan
    self.ramp = ramp
    let loop = try EventLoop()
    if takesSignals {
      let signals = try Signals()
      try loop.add(signals.descriptor, token: Self.signalToken, read: true, write: false)
      self.signals = consume signals
    } else {
      signals = nil
    }
    surroundings = Surroundings(loop: loop, addresses: addresses)
    heap = DeadlineHeap(count: plan.deviceCount)
    devices.reserveCapacity(plan.deviceCount)
    startedAt = Clock.now()
  }

  deinit {
    devices.removeAll()
    unsafe Memory.unmap(memory)
  }

  /// What happened so far.
  public var meter: FleetMeter { surroundings.meter }

  /// True once all devices have stopped.
  public var isStopped: Bool {
    nextToStop != nil && stoppedCount == devices.count
  }

  /// Has all devices stop in order: they say "offline" once the broker has all that they read.
  public func stop() { nextToStop = nextToStop ?? 0 }

  /// One turn of the loop: sleeps no longer than to `limit`. Returns the signals that have come.
  public func turn(until limit: Instant) -> [Signals.Signal] {
    let moment = Clock.moment()
    startDevices(at: moment)
    stopDevices(at: moment)
    var served = 0
    while served < Self.dueMax, let index = heap.due(at: moment.instant) {
      serve(index, nil, at: moment)
      served += 1
    }
    let deadline = min(limit, min(heap.earliest, nextStart))
    ready.removeAll(keepingCapacity: true)
    surroundings.loop.wait(until: canStop ? .boot : deadline, at: Clock.now()) { event in
      ready.append(event)
    }
    guard !ready.isEmpty else { return [] }
    let now = Clock.moment()
    var signals: [Signals.Signal] = []
    for event in ready {
      if event.token == Self.signalToken {
        signals += takeSignals()
      } else {
        serve(Int(event.token), event, at: now)
      }
    }
    return signals
  }

  private func takeSignals() -> [Signals.Signal] {
    var taken: [Signals.Signal] = []
    switch signals {
    case .some(let signals): while let signal = signals.take() { taken.append(signal) }
    case nil: break
    }
    return taken
  }

  private func serve(_ index: Int, _ event: EventLoop.Ready?, at moment: Moment) {
    guard let device = devices[index] else { return }
    device.serve(event, at: moment, surroundings)
    guard device.agent.isStopped else { return heap.set(index, to: device.deadline) }
    heap.set(index, to: .never)
    stoppedCount += 1
    if device.agent.stopReason != nil { stoppingCount -= 1 }
    ended.add(device)
    devices[index] = nil
  }

  // MARK: Beginning and stopping

  private var nextStart: Instant {
    guard nextToStop == nil, devices.count < plan.deviceCount else { return .never }
    return startedAt + .nanoseconds(Int64(devices.count) * 1_000_000_000 / Int64(ramp))
  }

  private func startDevices(at moment: Moment) {
    while nextStart <= moment.instant {
      let index = devices.count
      let start = index * plan.deviceBytes
      // Sound: each device has a part of its own of the block, which outlives them all and is zeroed.
      let part = unsafe UnsafeMutableRawBufferPointer(
        rebasing: memory[start..<start + plan.deviceBytes])
      var arena = unsafe Arena(over: part, isZeroed: true)
      let device = FleetDevice(
        plan.makeParts(of: index + 1, at: moment, &arena), token: UInt32(index))
      devices.append(device)
      heap.set(index, to: device.deadline)
    }
  }

  private var canStop: Bool {
    guard let nextToStop else { return false }
    return nextToStop < devices.count && stoppingCount < Self.stoppingMax
  }

  private func stopDevices(at moment: Moment) {
    while canStop, let index = nextToStop {
      nextToStop = index + 1
      guard let device = devices[index] else { continue }
      stoppingCount += 1
      device.agent.stop(.asked, at: moment)
      serve(index, nil, at: moment)
    }
  }

  // MARK: What can be said of them

  /// How things stand. Looks at every device: for once a second, not for each turn.
  public func census() -> FleetCensus {
    var census = ended
    census.notBegun = nextToStop == nil ? plan.deviceCount - devices.count : 0
    census.stopped = stoppedCount
    for case let device? in devices {
      census.add(device)
      if device.agent.link.isOnline {
        census.online += 1
      } else if device.isConnecting {
        census.connecting += 1
      } else {
        census.waiting += 1
      }
    }
    return census
  }
}
