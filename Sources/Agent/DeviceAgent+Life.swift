import Core
import Device
import JSON
import MQTT
import Uplink

/// Birth, re-assertion and orderly stop: that the broker always tells the truth about the device.
extension DeviceAgent where Medium: ~Copyable {
  /// Our own last word must not be said again more often than this.
  static var reassertInterval: Interval { .seconds(5) }

  // MARK: Birth

  mutating func openSession(password: Span<UInt8>?, at moment: Moment) {
    Self.openSession(&link, points, will: life, password: password, at: moment.instant)
  }

  private static func openSession(
    _ link: inout BrokerLink<Medium>, _ points: borrowing Points, will life: Life,
    password: Span<UInt8>?, at now: Instant
  ) {
    link.opened(
      at: now, clientID: points.spec.id, password: password, texts: points.texts,
      willTopic: { topic in
        points.appendTopicPrefix(to: &topic)
        topic.append(literal: "status")
      }, willPayload: { payload in life.appendWill(to: &payload) })
  }

  mutating func wentOnline(at moment: Moment) {
    points.linkFound()
    life.state = .online
    life.since = moment
    life.reason = greeting.mustListen ? "started" : "reconnected"
    tell(.online(session: life.session))
    if let since = lostAt {
      life.absence = Absence(fault: lostFault, length: moment.instant - since)
    }
    attemptFault = nil
    if greeting.mustListen {
      subscribe(to: "status")
      subscribe(to: "diag")
      greeting.listen(for: 2, at: moment.instant)
    } else {
      sayBirth(at: moment)
      subscribe(to: "status")
    }
  }

  private mutating func sayBirth(at moment: Moment) {
    if greeting.mustListen {
      if var last = greeting.lastWord {
        if let time = greeting.reportedAt { last.heard(at: time) }
        life.absence = Absence(last: last, bootID: life.identity.bootID, at: moment)
      } else if let run = link.backlog.runBefore {
        life.absence = Absence(before: run, at: moment)
      }
      Self.unsubscribe(&link, points, "diag")
    }
    greeting.finish()
    reportOutage(at: moment)
    let dropped = link.outbox.losses.total.dropped
    life.absence?.dropped = dropped &- droppedBefore
    droppedBefore = dropped
    publishStatus(at: moment)
    subscribe(to: "cmd/+", retainAsPublished: true)
    if care.isOn { care.subscription = subscribe(to: "care", retainAsPublished: true) }
    // A broker that takes the connection and drops it again and again would fill the outbox with
    // states that nobody asked for, and push out what was read.
    owesStates = true
    diagnosticsAt = points.spec.diagnosticsEvery > .zero ? moment.instant : .never
  }

  /// One message for each time that the link was away: why, how long, and what became of the readings.
  private mutating func reportOutage(at moment: Moment) {
    let isOwn = !hasReported
    hasReported = true
    defer { outage = nil }
    guard let outage, let absence = life.absence, absence.isOutage else { return }
    let report = outage.report(
      link, length: isOwn ? .some(absence.length) : nil, at: moment.instant)
    // What was away for a moment only is not worth the flash, each time again.
    let isLong = report.away.map { $0 >= link.spec.spillAfter } ?? true
    points.report(
      report, reason: absence.reason,
      outlivesPower: isLong && link.hasFlashToSpare(at: moment.instant), outbox: &link.outbox)
  }

  mutating func wentOffline(_ fault: LinkFault, at moment: Moment) {
    points.linkLost(at: moment.instant)
    greeting.reset()
    // One that was never reported goes on.
    if outage == nil { outage = Outage(link, heard: link.heardAt, noticed: moment.instant) }
    lostAt = moment.instant
    lostFault = fault
    reassertAt = .never
    diagnosticsAt = .never
    statusWaits = false
    owesStates = false
    returning = .no
    care.linkLost()
    care.linkFault = fault.slug
    tell(.lost(fault))
    if link.nextReference != nil { notices.add(.sentOn) }
    tell(complaints.notice(ofLossIn: link.standing))
    if !stopping.isRunning { leave(at: moment) }
  }

  // MARK: The status topic

  /// Says the status as it is now; again later when there is no room.
  mutating func publishStatus(at moment: Moment) {
    statusTag = (statusTag &+ 1) & 0xFFFF
    let hash = Self.publishStatus(&link, points, life, tag: statusTag)
    statusWaits = hash == nil
    if let hash { ownStatus = hash }
  }

  private static func publishStatus(
    _ link: inout BrokerLink<Medium>, _ points: borrowing Points, _ life: Life, tag: UInt32
  ) -> UInt64? {
    var hash: UInt64 = 0
    let sent = link.publishNow(
      tag: tag, qos: .atLeastOnce, retain: true,
      topic: { topic in
        points.appendTopicPrefix(to: &topic)
        topic.append(literal: "status")
      },
      payload: { payload, _ in
        life.append(to: &payload)
        hash = payload.span.fnv1a
      })
    return sent ? hash : nil
  }

  /// Somebody spoke on our status topic. While we live, the last word there is ours.
  mutating func statusHeard(_ hash: UInt64, at moment: Moment) {
    if hash == ownStatus, life.state == .online {
      care.isBirthHeard = true
      care.proved(at: moment.instant)
    }
    guard life.state == .online, stopping.isRunning, hash != ownStatus else { return }
    let earliest = lastAssertion.map { $0 + Self.reassertInterval } ?? moment.instant
    reassertAt = max(moment.instant, earliest)
  }

  mutating func statusAcknowledged(_ tag: UInt32, isTaken: Bool, at moment: Moment) {
    sayStates(at: moment)
    guard tag == statusTag else { return }
    if life.state == .online, isTaken {
      care.hasBirth = true
      care.proved(at: moment.instant)
    }
    finishReturn(at: moment)
    guard case .leaving = stopping else { return }
    leave(at: moment)
  }

  private mutating func sayStates(at moment: Moment) {
    guard owesStates else { return }
    owesStates = false
    points.reportAll(at: moment, outbox: &link.outbox)
  }

  // MARK: Stopping

  /// Begins an orderly stop; `isStopped` tells when it is over. One that is under way goes on as it
  /// is, but whoever was to begin anew and is asked to stop, or to leave all to another process, does not
  /// begin anew.
  public mutating func stop(_ reason: StopReason, at moment: Moment) {
    guard stopReason != .asked, reason != stopReason else { return }
    guard stopReason != .handOver || reason == .asked else { return }
    stopReason = reason
    life.reason = reason.slug
    if reason == .asked { points.stopOutputs() }
    switch stopping {
    case .no: beginStop(at: moment)
    case .leaving: publishStatus(at: moment)
    case .draining, .over: break
    }
  }

  private mutating func beginStop(at moment: Moment) {
    points.hurry(at: moment, outbox: &link.outbox)
    notices.add(.stopping(undelivered: link.outbox.unacknowledged))
    cancelReturn()
    guard link.isOnline else { return leave(at: moment) }
    guard greeting.isOver else {
      // No birth any more; but what the run before has left on the broker must not stay, either.
      greeting.finish()
      return sayOffline(at: moment)
    }
    sayStates(at: moment)
    link.endBatching()
    life.state = .stopping
    life.since = moment
    publishStatus(at: moment)
    stopping = .draining(until: moment.instant + link.spec.replyTimeout)
  }

  private mutating func sayOffline(at moment: Moment) {
    life.state = .offline
    life.since = moment
    // Nothing follows "offline", and nothing is due any more that only a link could bring about.
    points.fallSilent()
    reassertAt = .never
    diagnosticsAt = .never
    publishStatus(at: moment)
    stopping = .leaving(until: moment.instant + link.spec.replyTimeout)
  }

  private mutating func leave(at moment: Moment) {
    stopping = .over
    link.keepAll(points, at: moment)
    link.disconnect(at: moment.instant, timeout: .seconds(2))
  }

  // MARK: What is due

  mutating func advanceLife(at moment: Moment) {
    let now = moment.instant
    if greeting.deadline <= now { sayBirth(at: moment) }
    guard link.isOnline else { return }
    if greeting.isOver, life.learnTime(at: moment) { publishStatus(at: moment) }
    if reassertAt <= now {
      reassertAt = .never
      lastAssertion = now
      reassertions &+= 1
      notices.add(.reasserted)
      publishStatus(at: moment)
    }
    if statusWaits { publishStatus(at: moment) }
    if diagnosticsAt <= now {
      // It wakes no radio of its own, and is not to be what the broker closes for.
      let mayGo = link.isWindowOpen
      if mayGo, !link.isTesting { publishDiagnostics(at: moment) }
      diagnosticsAt = mayGo ? now + points.spec.diagnosticsEvery : link.nextWindow
    }
    advanceReturn(at: moment)
    if case .draining(let until) = stopping, !points.isDriving,
      link.outbox.unacknowledged == 0 || until <= now
    {
      sayOffline(at: moment)
    } else if case .leaving(let until) = stopping, until <= now {
      leave(at: moment)
    }
  }

  // MARK: Subscriptions

  /// Asks for messages on `filter` beneath our own topics. The buffers are fresh after CONNACK and
  /// have room for the few requests of a greeting.
  @discardableResult
  private mutating func subscribe(
    to filter: StaticString, retainAsPublished: Bool = false
  ) -> UInt16? {
    let packetID = Self.subscribe(&link, points, filter, retainAsPublished)
    if packetID == nil { notices.add(.subscriptionRefused) }
    return packetID
  }

  private static func subscribe(
    _ link: inout BrokerLink<Medium>, _ points: borrowing Points, _ filter: StaticString,
    _ retainAsPublished: Bool
  ) -> UInt16? {
    link.subscribe(retainAsPublished: retainAsPublished) { topic in
      points.appendTopicPrefix(to: &topic)
      topic.append(literal: filter)
    }
  }

  private static func unsubscribe(
    _ link: inout BrokerLink<Medium>, _ points: borrowing Points, _ filter: StaticString
  ) {
    _ = link.unsubscribe { topic in
      points.appendTopicPrefix(to: &topic)
      topic.append(literal: filter)
    }
  }
}
