import Broker
import Core

/// Beginnings and ends, of power, process, clock and broker.
extension World {
  /// The board gets power.
  func powerOn() {
    guard !hasPower else { return }
    hasPower = true
    boot += 1
    bootedAt = now
    startProcess()
  }

  /// The agent's process starts.
  func startProcess() {
    guard hasPower, device == nil else { return }
    mustRestart = false
    run += 1
    counts.runs += 1
    let device = SimulatedDevice(
      configuration, boot: boot, bootedAt: bootedAt, run: run, lastSession: lastSession,
      seed: chance.next(), wallAtStart: isClockKnown ? wallAtStart : 0,
      quality: isClockKnown ? .synced : .none, flash: flash, at: now)
    self.device = device
    runs[device.journalRun] = run
    balance.begin()
    noteSoon()
    watches.runBegan(at: now)
    log.add(now, "run", "\(run), boot \(boot)")
  }

  /// The clock of a board is set at last.
  func setClock() {
    device?.wallAtStart = wallAtStart
    device?.quality = .synced
  }

  /// The clock goes wrong by so much, and nobody knows.
  func stepClock(by milliseconds: Int64) { device?.wallAtStart += milliseconds }

  /// The process that is asked to stop starts again: now, or once it has come to its end.
  func restartProcess() {
    startProcess()
    mustRestart = device?.agent.stopReason != nil
  }

  /// The power is cut.
  func powerOff() {
    guard hasPower else { return }
    hasPower = false
    if let device {
      endRun(device, hard: true, "power cut")
      site.way.fallSilent(at: now)
    }
    flash.cutPower(&chance)
    log.add(now, "power", "off")
  }

  /// The process is killed; the system closes its connection.
  func kill() {
    guard let device else { return }
    endRun(device, hard: true, "killed")
    site.close(at: now)
    flash.processDied()
    log.add(now, "process", "killed")
  }

  func processEnded() {
    guard let device else { return }
    endRun(device, hard: false, "stopped")
    site.close(at: now)
    log.add(now, "process", "ended")
    if mustRestart { startProcess() }
  }

  /// The present run ends.
  private func endRun(_ device: SimulatedDevice, hard: Bool, _ reason: String) {
    recorder?.lost(reason, heardAt: now, at: now)
    lastSession = max(lastSession, device.agent.session)
    balance.end(device, hard: hard, at: now)
    judgeJournal(of: device)
    let hasJournal = configuration.uplink.journalBytes > 0
    ledger.forgotten(
      since: knownSince(device, hard: hard), at: now, run: device.run,
      givenUp: hasJournal ? balance.givenUp : balance.givenUp.map { _ in 0 })
    dropDialing()
    self.device = nil
  }

  /// A broker ends and starts again at once, with or without what it knew.
  func restart(_ site: BrokerSite, forgetting: Bool) {
    site.restart(forgetting: forgetting, at: now)
    log.add(now, site.title, forgetting ? "restarted, all forgotten" : "restarted")
  }
}
