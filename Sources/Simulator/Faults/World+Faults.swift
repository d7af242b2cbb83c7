import Core
import Device
import Scenarios

/// What each kind of fault is, in this world: how it begins, and how it ends.
extension World {
  /// A fault begins.
  func begin(_ happening: Happening) {
    noteFault(happening)
    recorder?.began(happening, at: now)
    switch happening.fault {
    case .cut, .halfOpen, .deafen, .reset, .refuse, .silence, .nameUnknown, .slow, .portal,
      .forgetIdle, .heal:
      for site in sites(of: happening) { disturb(happening, site) }
    case .restart, .delay, .reject, .throwOut, .takeOver, .publish:
      for site in sites(of: happening) { play(happening, at: site) }
    case .garbage:
      let bytes = (0..<40).map { _ in UInt8(truncatingIfNeeded: chance.next()) }
      for site in sites(of: happening) { site.way.babble(bytes, at: now) }
    case .powerCut: powerOff()
    case .kill: kill()
    case .reload: stop()
    case .clockStep: stepClock(by: happening.by.milliseconds)
    case .clockSet: setClock()
    case .clockUnset: isClockKnown = false
    case .break: for point in points(of: happening) { fail(point, happening.pointFault) }
    case .hold: if let point = line(of: happening) { hold(point, happening.value) }
    case .bounce:
      guard let point = line(of: happening) else { break }
      for round in 0..<happening.count { hold(point, Double(round % 2)) }
      hold(point, nil)
    case .flashFull: flash.fault = .full
    case .flashReadOnly: flash.fault = .readOnly
    case .flashFails: flash.fault = .failed(code: 5)
    case .rot: rot(bits: happening.count)
    case .wearOut: flash.wearOut(sectors: happening.count, &chance)
    }
  }

  /// What lasted is over.
  func end(_ happening: Happening) {
    switch happening.fault {
    case .cut, .refuse, .silence, .nameUnknown, .portal, .slow, .forgetIdle, .restart, .delay,
      .reject, .throwOut, .takeOver:
      for site in sites(of: happening) { end(happening, at: site) }
    case .powerCut: powerOn()
    case .kill: startProcess()
    case .reload: restartProcess()
    case .clockStep: setClock()
    case .clockUnset:
      isClockKnown = true
      setClock()
    case .break: for point in points(of: happening) { fail(point, nil) }
    case .hold: if let point = line(of: happening) { hold(point, nil) }
    case .flashFull, .flashReadOnly, .flashFails: flash.fault = nil
    case .halfOpen, .deafen, .reset, .heal, .garbage, .publish, .clockSet, .bounce, .rot, .wearOut:
      break
    }
    // What comes of it comes now, and not when something else happens to be due.
    turn()
  }

  /// All faults are over, and what was to be on is on.
  func calm() {
    for site in sites { site.calm(link, at: now) }
    flash.fault = nil
    powerOn()
    restartProcess()
    isClockKnown = true
    setClock()
    turn()
  }

  /// All faults are over, and as much time passes in peace as it may take.
  func settle() {
    calm()
    run(until: now + settlingMax)
    let end = now + drainingMax
    while isDraining, now < end { run(until: now + .seconds(60)) }
    // A poor link loses a connection now and then for no other reason: this may be the moment.
    if !isWellConnected { run(until: now + reconnectingMax) }
    judge()
  }

  /// The brokers that a fault is of: all where it names none.
  private func sites(of happening: Happening) -> ArraySlice<BrokerSite> {
    happening.broker.map { sites[$0 - 1..<$0] } ?? sites[...]
  }

  /// A fault of the way to that broker begins.
  private func disturb(_ happening: Happening, _ site: BrokerSite) {
    switch happening.fault {
    case .halfOpen: site.way.die(at: now)
    case .deafen: site.way.deafen(at: now)
    case .cut:
      site.way.answer = .isSilent
      site.way.block(until: .never)
    case .refuse, .silence, .nameUnknown, .portal:
      switch happening.fault {
      case .refuse: site.way.answer = .refuses
      case .silence: site.way.answer = .isSilent
      case .portal: site.way.answer = .portal
      default: site.way.answer = .nameUnknown
      }
      resetConnection(to: site)
    case .slow:
      site.way.link = link
      site.way.link.slow(by: happening.by, rate: happening.rate)
    case .forgetIdle: site.way.idleMax = happening.by
    case .heal:
      site.way.heal()
      site.way.link = link
    default: resetConnection(to: site)
    }
  }

  /// A fault of that broker begins, or somebody else does something there.
  private func play(_ happening: Happening, at site: BrokerSite) {
    switch happening.fault {
    case .restart:
      if happening.length > .zero { site.isUp = false }
      restart(site, forgetting: happening.forgets)
    case .delay: site.way.answerDelay = happening.by
    case .reject:
      site.refusal = happening.refusal
      resetConnection(to: site)
    case .throwOut:
      site.way.throwsOutAfter = happening.by
      resetConnection(to: site)
    case .takeOver: rivalConnects(at: site)
    default: publish(happening.topic, happening.payload, retain: happening.retain, at: site)
    }
  }

  /// What lasted at that broker, or on the way to it, is over.
  private func end(_ happening: Happening, at site: BrokerSite) {
    switch happening.fault {
    case .slow: site.way.link = link
    case .forgetIdle: site.way.idleMax = link.idleMax
    case .restart: site.isUp = true
    case .delay: site.way.answerDelay = .zero
    case .reject: site.refusal = nil
    case .throwOut: site.way.throwsOutAfter = nil
    case .takeOver: site.rivalLeaves(at: now)
    default: site.way.heal()
    }
  }

  /// The points that a fault is of: all where it names none.
  private func points(of happening: Happening) -> [Int] {
    let all = configuration.points.indices
    guard !happening.point.isEmpty else { return Array(all) }
    return all.filter { isNamed($0, happening.point) }
  }

  /// The point that a fault is of: the first that can be held where it names none.
  private func line(of happening: Happening) -> Int? {
    configuration.points.indices.first {
      happening.point.isEmpty
        ? configuration.points[$0].kind != .output : isNamed($0, happening.point)
    }
  }

  private func isNamed(_ point: Int, _ name: [UInt8]) -> Bool {
    configuration.string(configuration.points[point].name).utf8.elementsEqual(name)
  }
}
