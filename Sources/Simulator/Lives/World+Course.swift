import Core
import Scenarios

/// What a recorder wants to know of a world.
extension World {
  /// Bytes carried to all brokers together, and from them.
  var bytesCarried: (up: Int, down: Int) {
    var sum = (up: 0, down: 0)
    for site in sites {
      let carried = site.way.carried
      sum = (sum.up + carried.up, sum.down + carried.down)
    }
    return sum
  }

  /// What only grows.
  var totals: Recorder.Totals {
    var totals = Recorder.Totals()
    for sum in sums {
      totals.made += sum.made
      totals.live += sum.delivered
      totals.lost += sum.lost
    }
    totals.late = ledger.late
    totals.live -= ledger.late
    (totals.bytesUp, totals.bytesDown) = bytesCarried
    totals.flashBytes = flash.sectorBytesWritten
    return totals
  }

  /// Adds what came of it all.
  func add(to course: inout Course, _ hardware: Hardware?) {
    course.violations = violations
    for (index, sum) in sums.enumerated() {
      var point = Course.PointSums()
      point.name = configuration.string(configuration.points[index].name)
      point.made = sum.made
      point.late = ledger.lateOfPoint[index]
      point.live = sum.delivered - point.late
      let causes = balance.causes(of: index, device)
      (point.dropped, point.expired) = (causes.dropped, causes.expired)
      point.replaced = causes.replaced
      point.cut = min(balance.mayBeLost[index], max(0, sum.made - sum.delivered - sum.lost))
      course.points.append(point)
    }
    for (index, site) in sites.enumerated() where index < course.brokers.count {
      course.brokers[index].bytesUp = site.way.carried.up
    }
    let totals = totals
    (course.sums.bytesUp, course.sums.bytesDown) = (totals.bytesUp, totals.bytesDown)
    course.sums.flashBytes = totals.flashBytes
    course.sums.flashSyncs = flash.syncs
    course.sums.thinned = ledger.merged
    (course.sums.repeated, course.sums.messages) = messageCounts
    course.sums.attempts = counts.attempts
    course.sums.losses = counts.losses
    course.sums.runs = counts.runs
    course.sums.memoryBudget = configuration.memoryBudget
    course.sums.memoryPlanned = SimulatedDevice.planned(configuration)
    course.sums.outboxBytes = configuration.uplink.outboxBytes
    course.sums.journalBytes = configuration.uplink.journalBytes
    addCosts(to: &course.sums, hardware)
  }

  private func addCosts(to sums: inout Course.Sums, _ hardware: Hardware?) {
    let lifetime = (now - .boot).inSeconds
    let endurance = configuration.flashEndurance ?? hardware?.endurance ?? 0
    if sums.flashBytes > 0, endurance > 0 {
      sums.flashYears = endurance / (Double(sums.flashBytes) / lifetime) / (365 * 86_400)
    }
    let wear = flash.wear
    (sums.flashSectorWrites, sums.isFlashWorn) = (wear.most, wear.isWorn)
    if let cycles = wear.cyclesMax, wear.most > 0 {
      sums.flashYears = Double(cycles) / (Double(wear.most) / lifetime) / (365 * 86_400)
    }
    guard let hardware else { return }
    sums.memoryOfHardware = hardware.memoryBytes
    sums.busy =
      hardware.wakeTime * Int64(sums.wakeUps) + hardware.messageTime * Int64(sums.messages)
    guard let sleepWatts = hardware.sleepWatts else { return }
    sums.joules =
      sleepWatts * max(0, sums.running.inSeconds - sums.busy.inSeconds)
      + hardware.busyWatts * sums.busy.inSeconds + hardware.radioWatts * sums.radioOn.inSeconds
  }
}

extension Fault {
  /// What it happens to.
  var kind: Course.Incident.Kind {
    switch self {
    case .cut, .halfOpen, .deafen, .reset, .refuse, .silence, .nameUnknown, .slow, .portal,
      .forgetIdle, .heal:
      .network
    case .restart, .delay, .reject, .throwOut, .takeOver, .garbage, .publish: .broker
    case .powerCut: .power
    case .kill, .reload: .process
    case .clockStep, .clockSet, .clockUnset: .clock
    case .break, .hold, .bounce: .board
    case .flashFull, .flashReadOnly, .flashFails, .rot, .wearOut: .flash
    }
  }
}
