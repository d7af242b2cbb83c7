import Agent
import Broker
import Core
import Device
import Uplink

/// What stands between the agent, its board, its transport and the broker: driven as the program's loop
/// drives it.
extension World {
  // MARK: The agent's rim

  func advance() {
    guard let device else { return }
    let moment = device.moment(at: now)
    device.agent.advance(at: moment)
    while let action = device.agent.nextAction() {
      switch action {
      case .drive(let drive):
        let level = device.board.drive(point: drive.point, to: drive.level, at: moment.instant)
        watches.outputs.drove(drive.point, to: drive.level)
        device.agent.driven(point: drive.point, readBack: level, at: moment)
      case .link(let action): carryOut(action, device, moment)
      // Nobody cares for a simulated device.
      case .care: break
      }
      device.agent.advance(at: moment)
    }
    while let notice = device.agent.nextNotice() {
      log.add(now, "notice", "\(notice)")
      onNotice?(notice)
      switch notice {
      case .lost(.returned):
        watches.failover?.returned()
        recorder?.leftForFirst(at: now)
      case .lost(let fault):
        counts.losses += 1
        recorder?.lost("\(fault.slug)" + site.place, heardAt: device.heardAt, at: now)
      case .attemptFailed, .refused: recorder?.attemptFailed()
      case .online: recorder?.online(at: site, now)
      default: break
      }
    }
  }

  func carryOut(_ action: LinkAction, _ device: SimulatedDevice, _ moment: Moment) {
    switch action {
    case .open:
      counts.attempts += 1
      watches.attempts.attempted(at: now)
      site.close(at: now)
      dropDialing()
      move(to: device.agent.link.broker)
      site.way.link.follow(to: now)
      let roundTrip = site.way.link.latency * 2
      let answer = site.answer
      let dial = configuration.uplink.dial
      switch answer {
      case .accepts where site.way.far != nil:
        site.way.far?.dial(device.agent.link.broker, sentTo: device.agent.link.reference)
        dialing = (.accepts, .never)
      case .accepts, .portal, .refuses: dialing = (answer, now + roundTrip)
      case .isSilent: dialing = (answer, now + dial.connectTimeout)
      case .nameUnknown: dialing = (answer, now + .seconds(5))
      }
    case .close:
      dropDialing()
      site.close(at: now)
    }
  }

  /// The way that is being opened is not wanted any more.
  func dropDialing() {
    if dialing != nil { site.way.far?.close() }
    dialing = nil
  }

  /// Takes what has come of dialling a broker beyond the world: one that is there is reached when this
  /// world's link has carried that.
  func takeAnswer() {
    guard let device, let dialing, dialing.at == .never, let answer = site.way.far?.takeAnswer()
    else { return }
    switch answer {
    case .opened(let password):
      self.password = password
      self.dialing = (.accepts, now + site.way.link.latency * 2)
    case .failed(let fault):
      self.dialing = nil
      device.agent.link.failed(fault, at: device.moment(at: now).instant)
    }
  }

  func endDialing(_ answer: Way.Answer) {
    dialing = nil
    guard let device else { return }
    if site.way.answer != .accepts { site.way.far?.close() }
    let moment = device.moment(at: now)
    switch answer {
    case .accepts where site.answer == .accepts, .portal where site.way.answer == .portal:
      site.open(at: now)
      if let password {
        device.agent.opened(password: password.span, at: moment)
      } else {
        device.agent.opened(password: nil, at: moment)
      }
      ledger.connectionOpened()
      site.truth.opened(session: device.agent.session)
    case .accepts, .portal, .refuses:
      device.agent.link.failed(.connectFailed(code: 111), at: moment.instant)
    case .isSilent: device.agent.link.failed(.timedOut(.connect), at: moment.instant)
    case .nameUnknown: device.agent.link.failed(.nameNotResolved(code: -2), at: moment.instant)
    }
  }

  func send() -> Bool {
    guard let device else { return false }
    var count = 0
    device.agent.withOutput(at: device.moment(at: now).instant) { bytes in
      count = site.way.send(bytes, at: now)
      return count
    }
    return count > 0
  }

  func deliver() -> Bool {
    guard site.way.hasArrived(at: now) || site.way.hasEnded(at: now), let device else {
      return false
    }
    let instant = device.moment(at: now).instant
    var hasMoved = false
    while device.agent.hasInputRoom, site.way.hasArrived(at: now) {
      device.agent.receive(at: instant) { out in
        site.way.take(into: &out, at: now)
      }
      hasMoved = true
    }
    if site.way.hasEnded(at: now) {
      advance()
      site.reset(at: now)
      device.agent.link.failed(
        site.way.endsBroken ? .broken(code: 104) : .closedByPeer, at: instant)
      hasMoved = true
    }
    return hasMoved
  }

  // MARK: The broker's rim

  func listen(at site: BrokerSite) {
    site.broker.drainEvents { event in
      // What others publish comes without a client.
      guard case .published(let client, let message, let isWill) = event, !client.isEmpty else {
        return
      }
      hear(message, isWill: isWill, at: site)
    }
  }

  private func hear(_ message: Message, isWill: Bool, at site: BrokerSite) {
    let whole = message.topic.span
    let prefix = prefix
    guard whole.extracting(first: prefix.count).equals(prefix.span) else { return }
    let topic = whole.extracting(droppingFirst: prefix.count)
    if isSabotaged(topic) { return }
    let remark: StaticString = isWill ? " (will)" : ""
    if site.mark.isEmpty {
      log.add(now, topic, message.payload.span, remark)
    } else {
      let said = site.mark + message.topic.dropFirst(prefix.count)
      log.add(now, said.span, message.payload.span, remark)
    }
    counts.bytesHeard += message.payload.count
    if topic.equals("status"), let lie = site.truth.heard(message.payload, isWill: isWill) {
      complain(lie, of: site)
    }
    if let mistake = Form.mistake(in: message, topic: topic) { ledger.complain(mistake) }
    ledger.take(topic: topic, payload: message.payload, run: run, runs: runs, at: now)
    ledger.drainNews { series, number, run in
      recorder?.heard(series: series, number: number, run: run, at: now)
    }
  }

  /// True when nobody gets to hear this message.
  private func isSabotaged(_ topic: Span<UInt8>) -> Bool {
    switch sabotage {
    case nil, .lyingFlash: false
    case .losingBroker: chance.next(below: 100) == 0
    case .staleStatus: topic.equals("status") && chance.next(below: 10) == 0
    }
  }
}
