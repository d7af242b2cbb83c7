import Agent
import Core
import Device
import Scenarios

/// Writes down how a world's life goes, slice of time by slice of time.
final class Recorder {
  private(set) var course = Course()
  private let start: Instant
  private let radioTail: Interval
  private var slice = Course.Slice()
  private var sliceEnd: Interval
  /// Up to when time is accounted for, and how it has been since then.
  private var since = Interval.zero
  private var isRunning = false
  /// The broker at which it was online, from 0 on; nil for none.
  private var broker: Int?
  /// The one at which it was before.
  private var brokerBefore: Int?
  /// When a later broker was left for the first, which has not answered yet.
  private var leftAt: Instant?
  /// Shares of the present slice, as time.
  private var runningTime = Interval.zero
  private var onlineTime = Interval.zero
  /// Totals at the beginning of the present slice.
  private var before = Totals()
  private var latencies: Latencies
  private var radioUntil = Interval.zero
  private var bytesMoved = 0
  private var radioTime = Interval.zero
  private var lastWake = Instant.boot
  private var run = 0
  /// Records that this run had made when the latencies were noted last.
  private var appendCount: UInt64 = 0

  /// What only grows.
  struct Totals {
    var made = 0
    var live = 0
    var late = 0
    var lost = 0
    var bytesUp = 0
    var bytesDown = 0
    var flashBytes = 0
  }

  /// A recorder for a life of `length` that begins now, in `slices` parts.
  init(_ world: World, length: Interval, slices: Int) {
    start = world.now
    radioTail = world.link.radioTail
    course.sliceLength = max(.seconds(1), length / Int64(slices))
    sliceEnd = course.sliceLength
    course.brokers = world.sites.map { _ in Course.BrokerSums() }
    latencies = Latencies(points: world.configuration.points.count)
  }

  // MARK: Time

  /// Time has passed up to the world's present, and nothing has been done yet.
  func timePassed(_ world: World) {
    let now = world.now - start
    while sliceEnd <= now {
      account(until: sliceEnd)
      closeSlice(world)
      sliceEnd = sliceEnd + course.sliceLength
    }
    account(until: now)
    guard world.now > lastWake, world.isDeviceDue else { return }
    lastWake = world.now
    course.sums.wakeUps += 1
  }

  private func account(until now: Interval) {
    let length = now - since
    if isRunning {
      runningTime = runningTime + length
      course.sums.running = course.sums.running + length
    }
    if let broker {
      onlineTime = onlineTime + length
      course.brokers[broker].online = course.brokers[broker].online + length
    }
    since = now
  }

  private func closeSlice(_ world: World) {
    let totals = world.totals
    let whole = Double(course.sliceLength.nanoseconds)
    func share(_ time: Interval) -> Float { Float(min(1, Double(time.nanoseconds) / whole)) }
    slice.running = share(runningTime)
    slice.online = share(onlineTime)
    slice.radio = share(radioTime)
    slice.made = Int32(clamping: totals.made - before.made)
    slice.live = Int32(clamping: totals.live - before.live)
    slice.late = Int32(clamping: totals.late - before.late)
    slice.lost = Int32(clamping: totals.lost - before.lost)
    slice.bytesUp = Int32(clamping: totals.bytesUp - before.bytesUp)
    slice.bytesDown = Int32(clamping: totals.bytesDown - before.bytesDown)
    slice.flashBytes = Int32(clamping: totals.flashBytes - before.flashBytes)
    (slice.latencyMedian, slice.latencyMax) = latencies.takeSlice()
    course.slices.append(slice)
    (slice, before) = (Course.Slice(), totals)
    (runningTime, onlineTime, radioTime) = (.zero, .zero, .zero)
  }

  /// All that was due has been done.
  func turned(_ world: World) {
    isRunning = world.device != nil
    broker = world.device?.agent.link.isOnline ?? false ? world.site.number - 1 : nil
    noteRadio(world)
    guard let device = world.device else { return }
    if device.run != run {
      run = device.run
      latencies.begin()
      appendCount = 0
    }
    if device.agent.link.outbox.appendCount != appendCount {
      appendCount = device.agent.link.outbox.appendCount
      latencies.note(device, at: world.now)
    }
    let outbox = Int32(clamping: device.agent.link.outbox.bytesUsed)
    slice.outboxMost = max(slice.outboxMost, outbox)
    guard device.agent.link.backlog.isUsable else { return }
    let used = Int32(clamping: device.agent.link.backlog.usedBytes)
    slice.journalMost = max(slice.journalMost, used)
  }

  private func noteRadio(_ world: World) {
    let carried = world.bytesCarried
    guard carried.up + carried.down != bytesMoved else { return }
    bytesMoved = carried.up + carried.down
    let now = world.now - start
    let until = now + radioTail
    let more = until - max(radioUntil, now)
    radioUntil = until
    radioTime = radioTime + more
    course.sums.radioOn = course.sums.radioOn + more
  }

  // MARK: What happens

  /// A reading was heard for the first time, live.
  func heard(series: Int, number: UInt32, run: Int, at now: Instant) {
    if run == self.run { latencies.heard(series: series, number: number, at: now) }
  }

  func began(_ happening: Happening, at now: Instant) {
    var incident = Course.Incident()
    (incident.at, incident.length) = (now - start, happening.length)
    (incident.kind, incident.text) = (happening.fault.kind, happening.text)
    course.incidents.append(incident)
  }

  /// The connection was lost, which the agent had last heard of at `heard`.
  func lost(_ reason: String, heardAt heard: Instant, at now: Instant) {
    leftAt = nil
    guard course.outages.last.map({ $0.end != nil }) ?? true else { return }
    var outage = Course.Outage()
    (outage.begin, outage.noticed, outage.reason) = (heard - start, now - start, reason)
    course.outages.append(outage)
  }

  /// A later broker is left for the first, in order. That is no outage unless the first is not there.
  func leftForFirst(at now: Instant) { leftAt = now }

  /// Nobody answers where the device would like to be.
  func attemptFailed() {
    guard let left = leftAt else { return }
    leftAt = nil
    lost("returned", heardAt: left, at: left)
  }

  /// The agent is online at that broker.
  func online(at site: BrokerSite, _ now: Instant) {
    let broker = site.number - 1
    leftAt = nil
    course.brokers[broker].connections += 1
    if broker != brokerBefore ?? 0 {
      var incident = Course.Incident()
      (incident.at, incident.text) = (now - start, "the device is" + site.place)
      course.incidents.append(incident)
    }
    brokerBefore = broker
    guard let last = course.outages.indices.last, course.outages[last].end == nil else { return }
    course.outages[last].end = now - start
  }

  /// The life is over.
  func finish(_ world: World, _ hardware: Hardware?) -> Course {
    world.add(to: &course, hardware)
    course.sums.outboxMost = Int(course.slices.map(\.outboxMost).max() ?? 0)
    course.sums.journalMost = Int(course.slices.map(\.journalMost).max() ?? 0)
    (course.sums.latencyMedian, course.sums.latency99, course.sums.latencyMax) = latencies.all
    return course
  }
}
