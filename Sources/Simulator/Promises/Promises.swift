import Core
import Device
import Profile

/// What is promised of a device's life, whatever happens to it.
///
/// - Every reading arrives, or is counted under the rule by which it was given up, or was in memory only for
///   no longer than the profile says when power or process ended (`judge`, `Balance`).
/// - Readings of a point are in order within the live stream and within the history (`Ledger`), but for those
///   that had been given up before a power cut, those that a failing medium has held back, and, once bits of
///   it have flipped, those of which nobody knows any more of what run they are.
/// - Nothing comes twice but what was under way when a connection was lost (`Doubt`).
/// - At each broker the status tells the truth within its bound, and an old session's will does not stay
///   (`Truth`).
/// - What holds is retained, what has passed is not (`Form`).
/// - No storm of attempts to connect (`AttemptWatch`), no busy loop (`lookForBusyLoop`), and a dead
///   connection is noticed in time (`SilenceWatch`).
/// - Of several brokers one that is well is found, and the first is gone back to (`FailoverWatch`).
/// - Outputs are driven as somebody wished (`OutputWatch`).
/// - A power cut leaves a journal that is whole as far as it was synced (`judgeJournal`).
/// - Flash is written no more than its budget (`FlashWatch`).
/// - Memory is exactly the plan: `SimulatedDevice` gives the agent an arena of that size, and a table more
///   stops the program there.
/// - Once faults stop, all settles within `settlingMax`, and `drainingMax` on a slow link (`judge`).
extension World {
  /// Watches what must hold at any time.
  func watch() {
    if let device {
      balance.noteUnderWay(device.agent.link)
      if device.agent.link.isOnline, device.agent.link.overtakesJournal { ledger.overtaken() }
    }
    let believes = device?.agent.link.isOnline ?? false
    isInDoubt = false
    for site in sites {
      let mayBeOnline = site === self.site && believes && site.isUp
      if let lie = site.truth.check(
        isOnline: mayBeOnline && site.way.isWhole && !site.way.isBlocked(at: now),
        isHeard: mayBeOnline && site.way.isHeard,
        session: device?.agent.session, at: now)
      {
        complain(lie, of: site)
      }
      if site.truth.isInDoubt { isInDoubt = true }
    }
    if let complaint = watches.check(
      isRunning: device.map { !$0.agent.isStopped } ?? false, believes: believes,
      isLeaving: device?.agent.link.isClosing ?? false, isWhole: site.way.isWhole,
      connections: device?.agent.link.counters.connections ?? 0,
      blocksWritten: flash.blocksWritten, at: now)
    {
      ledger.complain(complaint)
    }
    if let complaint = watches.failover?.check(
      isRunning: device.map { $0.agent.stopReason == nil } ?? false,
      onlineAt: believes ? site.number - 1 : nil, isWell: { sites[$0].isWell }, at: now)
    {
      ledger.complain(complaint)
    }
  }

  /// Something that one of the brokers has said, or not said, breaks a promise.
  func complain(_ text: String, of site: BrokerSite) {
    ledger.complain(site.mark.isEmpty ? text : "\(site.title): \(text)")
  }

  /// How long it takes, once no fault comes any more, until all that waited is delivered.
  ///
  /// A dead connection is noticed, the back-off ends and a new one opens; a medium that has failed is tried
  /// again within a minute; then all that memory and journal can hold crosses the link, as JSON twice as long,
  /// at half of its rate at least.
  var settlingMax: Interval {
    let spec = configuration.uplink
    let bytes = Int64(4 * (spec.journalBytes + spec.outboxBytes))
    let drained = Interval.milliseconds(bytes * 1_000 / Int64(site.way.link.leastUpRate))
    return reconnectingMax + .seconds(60) + drained + spec.batchEvery + .seconds(60)
  }

  /// How much longer it takes on a link where packets are few for their round trips: one of them for each, at
  /// least.
  var drainingMax: Interval {
    let spec = configuration.uplink
    let packets = Int64(4 * (spec.journalBytes + spec.outboxBytes) / spec.packetBytes)
    return (site.way.link.latency + site.way.link.jitter) * 2 * packets
  }

  /// The journal holds what the broker has not got, or memory more than what is on its way.
  var isDraining: Bool {
    guard let device else { return false }
    return !device.agent.link.backlog.isDrained
      || device.agent.link.outbox.unacknowledged > waitingMax
  }

  /// What was read in the last moment may be under way, as much as a slow link takes.
  private var waitingMax: Int { 2 * configuration.points.count + configuration.uplink.inflight }

  /// How long it takes until a dead connection is noticed and another one is open.
  var reconnectingMax: Interval {
    let spec = configuration.uplink
    return spec.keepAlive * 3 / 2 + spec.replyTimeout + spec.dial.connectTimeout
      + spec.backoffMaximum + .seconds(10)
  }

  /// The device has a connection, and what either end says arrives.
  var isWellConnected: Bool {
    device.map { $0.agent.link.isOnline && site.way.isWhole } ?? false
  }

  /// Says what of the promises was not kept, once all has settled.
  func judge() {
    judgeConnection()
    let points = configuration.points.map { configuration.string($0.name) }
    for (point, sum) in sums.enumerated() {
      let missing = missing(point)
      if missing > sum.lost {
        ledger.complain(
          "\(points[point]): \(sum.made) made, \(sum.delivered) delivered, \(sum.lost) given up and counted: "
            + "\(missing) are missing that no end can have cost")
      }
      if sum.delivered + sum.lost - sum.made > balance.mayCountTwice {
        ledger.complain(
          "\(points[point]): \(sum.made) made, \(sum.delivered) delivered and \(sum.lost) given up")
      }
      if sum.delivered > sum.made { ledger.complain("\(points[point]): more delivered than made") }
    }
  }

  private func judgeConnection() {
    guard let device else { return }
    if !isWellConnected {
      ledger.complain("not online \(settlingMax.seconds) s after the last fault")
    }
    let waiting = device.agent.link.outbox.unacknowledged
    // With batches it may wait for the next one.
    if configuration.uplink.batchEvery == .zero, waiting > waitingMax {
      ledger.complain("\(waiting) records still wait")
    }
    judgeJournal(of: device)
    if let fault = device.agent.link.backlog.fault, !flash.wear.isWorn {
      ledger.complain("the journal still fails: \(fault)")
    }
  }

  /// Says so when a run has found holes in its journal: of what was synced, nothing goes but by rot.
  func judgeJournal(of device: SimulatedDevice) {
    let rotten = device.agent.link.backlog.counters.rotten
    guard rotten > 0, !ledger.hasRotted else { return }
    ledger.complain("the journal has lost \(rotten) records, and nothing has rotted")
  }

  /// How many readings of a point were never heard, of those that had to outlive their run, and of the present
  /// run's those that cannot be under way at a quiet time, nor wait for the next batch.
  private func missing(_ point: Int) -> Int {
    var runs = balance.kept
    // What a journal has in hand that is worn out waits there until it is opened anew.
    if let device, !flash.wear.isWorn || device.canKeep {
      let limit = now - configuration.uplink.batchEvery - .seconds(60)
      runs.append((device.run, balance.sound(before: limit)))
    }
    return runs.reduce(0) { sum, run in
      [2 * point, 2 * point + 1].reduce(sum) { sum, series in
        sum + ledger.unheard(run: run.run, series: series, run.numbers[series])
      }
    }
  }

  /// From when on a run that ends now has not noted on flash what the broker has got of the journal.
  func knownSince(_ device: SimulatedDevice, hard: Bool) -> Instant {
    // With a budget for flash, that may have had to wait for any time; where flash is worn out, for good.
    guard configuration.uplink.flashPerDay == 0, !flash.wear.isWorn else { return .boot }
    let isFlashGood = flash.fault == nil && device.agent.link.backlog.fault == nil
    if isFlashGood && !hard { return now }
    return min(now, isFlashGood ? now : balance.keptAt) - balance.inMemoryMax - .seconds(15)
  }
}
