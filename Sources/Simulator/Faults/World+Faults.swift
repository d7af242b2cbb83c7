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
      .forgetIdle, .heal, .garbage:
      disturb(happening)
    case .restart:
      if happening.length > .zero { isBrokerUp = false }
      restartBroker(forgetting: happening.forgets)
    case .delay: way.answerDelay = happening.by
    case .reject:
      refusal = happening.refusal
      setRules()
      resetConnection()
    case .throwOut:
      way.throwsOutAfter = happening.by
      resetConnection()
    case .takeOver: rivalConnects()
    case .publish:
      publish(happening.topic, happening.payload, retain: happening.retain)
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
    case .cut, .refuse, .silence, .nameUnknown, .portal: way.heal()
    case .slow: way.link = link
    case .forgetIdle: way.idleMax = link.idleMax
    case .restart: isBrokerUp = true
    case .delay: way.answerDelay = .zero
    case .reject:
      refusal = nil
      setRules()
    case .throwOut: way.throwsOutAfter = nil
    case .takeOver: rivalLeaves()
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
    way.heal()
    way.link = link
    way.idleMax = link.idleMax
    way.answerDelay = .zero
    isBrokerUp = true
    refusal = nil
    setRules()
    rivalLeaves()
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

  private func disturb(_ happening: Happening) {
    switch happening.fault {
    case .halfOpen: way.die(at: now)
    case .deafen: way.deafen(at: now)
    case .cut:
      way.answer = .isSilent
      way.block(until: .never)
    case .refuse, .silence, .nameUnknown, .portal:
      switch happening.fault {
      case .refuse: way.answer = .refuses
      case .silence: way.answer = .isSilent
      case .portal: way.answer = .portal
      default: way.answer = .nameUnknown
      }
      resetConnection()
    case .slow:
      way.link = link
      way.link.slow(by: happening.by, rate: happening.rate)
    case .forgetIdle: way.idleMax = happening.by
    case .heal:
      way.heal()
      way.link = link
    case .garbage:
      way.babble((0..<40).map { _ in UInt8(truncatingIfNeeded: chance.next()) }, at: now)
    default: resetConnection()
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
