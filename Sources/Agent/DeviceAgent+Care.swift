import Core
import Device
import JSON
import MQTT
import Uplink

/// Remote care: requests on `<base>/<id>/care`, signed by a key of the profile's, and their answers on
/// `<base>/<id>/care/result`.
///
/// | step | who | then |
/// |---|---|---|
/// | received | the agent, into memory of its own | at most one a second goes on |
/// | verified | the rim | whoever may not ask gets no answer |
/// | read, and compared with the last number | the agent | refused, or done at once: `status` |
/// | kept | the rim: the number, and what follows, durably | done: `log`; begun anew: `restart`, `profile` |
extension DeviceAgent where Medium: ~Copyable {
  /// Takes up what the run before has left, before anything else happens.
  public mutating func beginCare(_ start: CareStart, at moment: Moment) {
    guard care.isOn else { return }
    care.number = start.number
    care.hasRecord = start.hasRecord
    if let answer = start.answer { care.say(answer, isKept: true) }
    if let within = start.trial { care.beginTrial(within, at: moment.instant) }
  }

  // MARK: Receiving

  /// A whole message on the topic of care.
  mutating func takeCare(_ message: IncomingMessage, at moment: Moment) {
    // Nothing at all is how a retained message is cleared (MQTT 3.1.1, 3.3.1.3).
    guard message.payload.count > 0,
      admitsCare(bytes: message.payload.count, isRetained: message.retain, at: moment.instant)
    else { return }
    care.begin(messageBytes: message.payload.count)
    Self.take(message, link, &care)
    finishCare(at: moment.instant)
  }

  /// The beginning of a message that is too large for the receive buffer.
  mutating func beginLarge(_ message: IncomingMessage, payloadBytes: Int, at moment: Moment) {
    if Self.isCare(message, link, points) {
      care.skips = !admitsCare(
        bytes: payloadBytes, isRetained: message.retain, at: moment.instant)
      if !care.skips { return care.begin(messageBytes: payloadBytes) }
    }
    link.session.skipLarge()
  }

  /// The next bytes of its payload.
  mutating func takePiece(_ piece: Field, isLast: Bool, at moment: Moment) {
    guard care.isReceiving else { return }
    Self.take(piece, link, &care)
    if isLast { finishCare(at: moment.instant) }
  }

  private static func isCare(
    _ message: IncomingMessage, _ link: borrowing BrokerLink<Medium>, _ points: borrowing Points
  ) -> Bool {
    link.session.withMessage(message) { topic, _ in
      guard let start = points.topicPrefixCount(in: topic) else { return false }
      return topic.extracting(start..<topic.count).equals("care")
    }
  }

  private static func take(
    _ message: IncomingMessage, _ link: borrowing BrokerLink<Medium>, _ care: inout Care
  ) {
    link.session.withMessage(message) { _, payload in care.take(payload) }
  }

  private static func take(
    _ piece: Field, _ link: borrowing BrokerLink<Medium>, _ care: inout Care
  ) {
    link.session.withPacket { packet in care.take(packet[piece]) }
  }

  private mutating func admitsCare(bytes: Int, isRetained: Bool, at now: Instant) -> Bool {
    guard care.isOn else { return false }
    guard !isRetained else {
      refuseCare("retained", at: now)
      return false
    }
    guard bytes > Care.headBytes, bytes <= care.messageBytesMax else {
      refuseCare(bytes > Care.headBytes ? "too-long" : "malformed", at: now)
      return false
    }
    guard care.admits(at: now) else {
      refuseCare("too-many", at: now)
      return false
    }
    return true
  }

  private mutating func finishCare(at now: Instant) {
    guard care.finish() else { return refuseCare("malformed", at: now) }
    care.ask(.verify)
  }

  /// Counts what nobody has a right to, or what comes too fast, and tells of it once a minute. No answer: who
  /// asks without a key is not to learn anything.
  private mutating func refuseCare(_ reason: StaticString, at now: Instant) {
    care.forgetReceived()
    care.refused &+= 1
    guard care.complainsAt <= now else { return }
    care.complainsAt = now + .seconds(60)
    notices.add(.careRefused(reason, count: care.refused))
  }

  // MARK: What the rim has found

  /// Lends what is signed, and the signature, for `CareAction.verify`.
  public func withSignedCare<R>(
    _ body: (_ message: Span<UInt8>, _ signature: Span<UInt8>) -> R
  ) -> R { care.withSigned(body) }

  /// Whether one of the profile's keys has signed.
  public mutating func careVerified(_ isSigned: Bool, at moment: Moment) {
    care.wasAnswered()
    guard isSigned else { return refuseCare("wrong-signature", at: moment.instant) }
    let request = care.read()
    guard request.isWellFormed, let task = request.task else {
      let answer = CareAnswer(request.number, request.task, .refused, CareReason("malformed"))
      return sayCare(answer, at: moment)
    }
    guard request.number > care.number else {
      refuseCare("replayed", at: moment.instant)
      // The very last one may come twice: the broker repeats what it has no acknowledgement of.
      guard request.number < care.number else { return }
      var answer = CareAnswer(request.number, task, .refused, CareReason("n-not-greater"))
      answer.last = care.number
      return sayCare(answer, at: moment)
    }
    care.number = request.number
    care.request = request
    care.refusal = refusal(of: request, task, at: moment)
    notices.add(.care(task, refused: care.refusal))
    guard task != .status else {
      if let refusal = care.refusal {
        sayCare(CareAnswer(request.number, task, .refused, CareReason(refusal)), at: moment)
      } else {
        care.statusFor = request.number
      }
      return
    }
    // Also of one that is refused: else it could be shown again once its time has come. A record is not begun
    // so, though: it would make good what was recorded right behind this one.
    if let refusal = care.refusal, !care.hasRecord {
      return sayCare(CareAnswer(request.number, task, .refused, CareReason(refusal)), at: moment)
    }
    care.ask(
      .keep(
        CareOrder(
          number: request.number, task: care.refusal == nil ? task : nil,
          within: request.length ?? CareRequest.trialLength)))
  }

  /// Why a request is refused, though it is well signed and new.
  private func refusal(
    of request: CareRequest, _ task: CareTask, at moment: Moment
  ) -> StaticString? {
    guard care.allowed.contains(task) else { return "not-allowed" }
    if let expires = request.expires {
      guard moment.quality != .none else { return "age-unknown" }
      guard moment.wall < expires else { return "expired" }
    } else if !care.hasRecord, task != .status {
      return "expires-required"
    }
    guard stopping.isRunning else { return "stopping" }
    if care.isOnTrial, task == .restart || task == .profile { return "on-trial" }
    return nil
  }

  /// Lends the profile that is proposed, for `CareAction.keep`.
  public func withProposedProfile<R>(_ body: (Span<UInt8>) -> R) -> R { care.withProfile(body) }

  /// What became of `CareAction.keep`.
  public mutating func careKept(_ outcome: CareOutcome, at moment: Moment) {
    care.wasAnswered()
    let request = care.request
    guard let task = request.task else { return }
    care.hasRecord = care.hasRecord || outcome.isNumberKept
    var answer = CareAnswer(request.number, task, .refused)
    if let refusal = care.refusal {
      answer.reason = CareReason(refusal)
      return sayCare(answer, at: moment)
    }
    switch (task, outcome) {
    case (_, .unreadable): answer.reason = CareReason("record-unreadable")
    // The log may change without: should it be asked for again after a restart, no harm is done.
    case (.log, _):
      answer.result = .done
      let length = request.length ?? CareRequest.logLength
      care.logUntil = moment.instant + length
      care.logAction = .log(request.level)
    case (_, .kept): answer.result = .accepted
    case (_, .hasNoPlace): answer.reason = CareReason("no-state-directory")
    case (_, .failed): answer.reason = CareReason("state-not-writable")
    case (_, .profileRefused(let reason)): answer.reason = reason
    case (_, .profileUnchanged): answer.result = .applied
    }
    sayCare(answer, at: moment)
    guard answer.result == .accepted else { return }
    stop(task == .restart ? .restart : .reload, at: moment)
  }

  /// The profile on trial is kept, and `answer` with it; nil when it could not be.
  public mutating func careConfirmed(_ answer: CareAnswer?, at moment: Moment) {
    guard let answer else { return giveUpProfile(because: "state-not-writable", at: moment) }
    care.isOnTrial = false
    notices.add(.profileHolds)
    care.say(answer, isKept: true)
  }

  /// Why the profile on trial is given up, once it is.
  public var careFault: CareReason {
    var text = FixedText<64>()
    text.append(care.trialFault)
    if let fault = care.linkFault {
      text.append(": ")
      text.append(fault)
    }
    return text.withBytes { CareReason($0) }
  }

  private mutating func giveUpProfile(because fault: StaticString, at moment: Moment) {
    care.trialFault = fault
    if link.isOnline { care.linkFault = nil }
    notices.add(.profileGivenUp)
    stop(.rollBack, at: moment)
  }

  // MARK: Answers

  private mutating func sayCare(_ answer: CareAnswer, at moment: Moment) {
    care.say(answer, isKept: false)
    // Before a stop that follows says its first word.
    sendCareAnswer(at: moment)
  }

  private mutating func sendCareAnswer(at moment: Moment) {
    guard greeting.isOver, stopping.letsRecordsOut else { return }
    while let place = care.waiting {
      let answer = care.answer(place)
      let isSent = Self.publishCare(&link, points, tag: care.nextTag) { payload, _ in
        answer.append(to: &payload)
        payload.append(UInt8(ascii: "}"))
      }
      guard isSent else { return }
      care.wasSent(place)
    }
  }

  /// The state of the device, to whoever has asked, and to all who listen.
  private mutating func sendCareStatus(at moment: Moment) {
    guard care.statusFor > 0, greeting.isOver, stopping.letsRecordsOut else { return }
    let answer = CareAnswer(care.statusFor, .status, .done)
    guard Self.publishCareStatus(&link, points, answer, health, at: moment) else { return }
    care.statusFor = 0
    publishDiagnostics(at: moment)
    points.reportAll(at: moment, outbox: &link.outbox)
  }

  private static func publishCareStatus(
    _ link: inout BrokerLink<Medium>, _ points: borrowing Points, _ answer: CareAnswer,
    _ health: Health, at moment: Moment
  ) -> Bool {
    publishCare(&link, points, tag: 0x2_0000) { payload, losses in
      answer.append(to: &payload)
      payload.append(literal: ",\"status\":")
      health.append(at: moment, to: &payload)
      _ = losses.append(of: points, from: 0, to: &payload)
      payload.append(literal: "}}")
    }
  }

  private static func publishCare(
    _ link: inout BrokerLink<Medium>, _ points: borrowing Points, tag: UInt32,
    payload: (inout OutputSpan<UInt8>, borrowing LossLedger) -> Void
  ) -> Bool {
    link.publishNow(
      tag: tag, qos: .atLeastOnce, retain: false,
      topic: { topic in
        points.appendTopicPrefix(to: &topic)
        topic.append(literal: "care/result")
      }, payload: payload)
  }

  // MARK: What is due

  mutating func advanceCare(at moment: Moment) {
    guard care.isOn else { return }
    if care.logUntil <= moment.instant {
      care.logUntil = .never
      care.logAction = .log(nil)
      notices.add(.logRestored)
    }
    if care.trialFails(at: moment.instant) {
      giveUpProfile(because: link.isOnline ? care.missing ?? "" : "not-online", at: moment)
    }
    guard link.isOnline else { return }
    sendCareAnswer(at: moment)
    sendCareStatus(at: moment)
  }
}
