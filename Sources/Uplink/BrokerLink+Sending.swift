import Core
import Journal
import MQTT

/// What leaves next: live records first, late ones behind them in packs.
extension BrokerLink where Medium: ~Copyable {
  /// Tokens from here on belong to messages that do not come from the outbox.
  static var directTokens: UInt32 { 0x8000_0000 }

  /// Tokens from here on belong to packs from the journal.
  static var backlogTokens: UInt32 { 0x4000_0000 }

  /// How many messages past the outbox may be under way at once.
  static var directMax: Int { 4 }

  /// Publishes a message past the outbox: the layer above repeats it on the next connection itself.
  /// At QoS 1 its acknowledgement comes as `.acknowledged`. False when there is no room.
  /// `writePayload` is lent what was lost so far.
  public mutating func publishNow(
    tag: UInt32, qos: QoS, retain: Bool,
    topic writeTopic: (inout OutputSpan<UInt8>) -> Void,
    payload writePayload: (inout OutputSpan<UInt8>, borrowing LossLedger) -> Void
  ) -> Bool {
    guard isOnline, probation.test == nil else { return false }
    let message = Rendered(
      topicBytes: topic.fill(from: 0, writeTopic),
      payloadBytes: Self.fill(&payload, outbox.losses, writePayload),
      retain: retain)
    return publish(message, qos, token: Self.directTokens + tag) == .sent
  }

  private static func fill(
    _ payload: inout Table<UInt8>, _ losses: borrowing LossLedger,
    _ write: (inout OutputSpan<UInt8>, borrowing LossLedger) -> Void
  ) -> Int {
    payload.fill(from: 0) { out in write(&out, losses) }
  }

  /// Asks for messages under the filter that `write` appends, marked as retained if they were
  /// published so, where the version lets us ask for that. Nil when there is no room.
  public mutating func subscribe(
    retainAsPublished: Bool = false, _ write: (inout OutputSpan<UInt8>) -> Void
  ) -> UInt16? {
    probation.test = nil
    let bytes = topic.fill(from: 0, write)
    let options = V5.SubscriptionOptions(
      qos: .atLeastOnce, retainAsPublished: retainAsPublished && session.level == .v50)
    return Self.lend(topic, bytes) { filter in
      try? session.subscribe(filter: filter, options: options)
    }
  }

  /// Asks for no more messages under the filter that `write` appends. Nil when there is no room.
  public mutating func unsubscribe(_ write: (inout OutputSpan<UInt8>) -> Void) -> UInt16? {
    probation.test = nil
    let bytes = topic.fill(from: 0, write)
    return Self.lend(topic, bytes) { filter in try? session.unsubscribe(filter: filter) }
  }

  /// Hands records to the session for as long as both the window and the send buffer have room:
  /// first what the broker's session still waits for, then, unless they are to wait, live records,
  /// then late ones.
  public mutating func pump(
    _ renderer: borrowing some MessageRenderer & ~Copyable, onlyAgain: Bool = false,
    at moment: Moment
  ) {
    guard isOnline else { return }
    let mayFollow =
      resend(renderer, at: moment) && !onlyAgain && !holdsRecords && !waitsToSpill
    if mayFollow, isTesting { sendSuspects(renderer, at: moment) }
    openWindow(at: moment.instant)
    if mayFollow, !isTesting, batch.isOpen {
      sendRecords(renderer, at: moment)
      closeWindow(at: moment.instant)
    }
    watchAnswers(at: moment.instant)
  }

  private mutating func sendRecords(
    _ renderer: borrowing some MessageRenderer & ~Copyable, at moment: Moment
  ) {
    returnToJournal()
    while outbox.batchCount + backlog.flightCount < spec.inflight,
      let token = outbox.freeToken()
    {
      if let place = outbox.nextLive() {
        if isExpired(place, renderer, at: moment) { continue }
        guard sendOne(place, token, renderer, at: moment) else { return }
      } else if outbox.hasLeftToJournal || holdsUpLate {
        // What is late leaves behind what the journal has.
        return
      } else if backlog.hasUnsent {
        guard admitsPack(), sendBacklog(renderer, at: moment) else { return }
      } else if spec.persistentSession, backlog.flightCount > 0 {
        // Should the link go, the broker's session has what is sent from memory again before anything else.
        return
      } else if let place = outbox.nextHistorical() {
        if isExpired(place, renderer, at: moment) { continue }
        guard admitsPack(), sendHistorical(place, token, renderer, at: moment) else { return }
      } else {
        return
      }
    }
  }

  /// True while room is made in a journal that works: what it has leaves soon.
  private var holdsUpLate: Bool { backlog.isRewriting && !overtakesJournal }

  /// True while what is late in memory leaves ahead of what the journal has: its medium has failed while room
  /// was made there, and nobody knows for how long.
  public var overtakesJournal: Bool {
    backlog.isRewriting && (!backlog.isUsable || backlog.isStuck)
  }

  /// What was passed over, because it was to leave from memory, leaves from the journal after all. Late
  /// records wait until nothing from there is under way, so that nothing is sent twice.
  mutating func returnToJournal() {
    guard outbox.hasLeftToJournal, backlog.flightCount == 0 else { return }
    outbox.hasLeftToJournal = false
    backlog.restart()
  }

  /// True when the record has waited for too long; it is gone then.
  mutating func isExpired(
    _ place: Outbox.Place, _ renderer: borrowing some MessageRenderer & ~Copyable,
    at moment: Moment
  ) -> Bool {
    guard outbox.withBody(place, { renderer.expiry(of: $0) }) <= moment.instant else {
      return false
    }
    Self.lose(place, .expired, &outbox, &backlog)
    return true
  }

  enum Outcome { case sent, later, never }

  /// Late records leave a quarter of the packets that may be under way to live ones, which so never wait
  /// for a place.
  private var packsMax: Int {
    let all = min(spec.inflight, session.serverLimits.receiveMaximum)
    return max(1, all - max(1, all / 4))
  }

  /// True when one more pack may be under way.
  private mutating func admitsPack() -> Bool { packCount < packsMax && window.admitsPack() }

  /// The number by which the window knows the packet of `token`.
  func windowNumber(of token: UInt32) -> Int {
    token < Self.backlogTokens ? Int(token) : spec.inflight + Int(token - Self.backlogTokens)
  }

  private var packCount: Int {
    var count = 0
    for index in packsUnderWay.indices where packsUnderWay[index] { count += 1 }
    return count + backlog.flightCount
  }

  /// Sends again, under their old identifiers, what the broker's session still waits for. False
  /// when the session has no room for now.
  private mutating func resend(
    _ renderer: borrowing some MessageRenderer & ~Copyable, at moment: Moment
  ) -> Bool {
    while let entry = session.nextResend() {
      if isTesting, !prepareTest(at: moment.instant) { return false }
      guard entry.token < Self.backlogTokens, let (first, count) = outbox.records(of: entry.token)
      else {
        // A status is said anew on each connection, and what is in the journal is, too; a record that
        // was dropped is gone.
        giveUp(entry)
        continue
      }
      let isPack = packsUnderWay[Int(entry.token)]
      let (message, countNow) =
        isPack
        ? renderPack(from: first, isTesting ? 1 : count, renderer, at: moment)
        : (renderOne(first, renderer, at: moment), count)
      let outcome = Self.lend(topic, message.topicBytes, payload, message.payloadBytes) {
        (topic, payload) in
        Self.outcome { () throws(PublishError) in
          try session.resend(entry, topic: topic, payload: payload, retain: message.retain)
        }
      }
      switch outcome {
      // A clock that was set meanwhile makes readings longer: fewer may fit.
      case .sent:
        outbox.sentAgain(entry.token, count: countNow)
        note(message, entry.token, isPack: isPack, at: moment)
      case .later: return false
      // The broker takes smaller packets than when it was sent first.
      case .never where isPack && countNow > 1: outbox.sentAgain(entry.token, count: 1)
      case .never: giveUp(entry)
      }
    }
    return !session.isResending
  }

  /// Sends a late record, and those behind it along with it; a suspect alone. False when the session has no
  /// room for now.
  mutating func sendHistorical(
    _ place: Outbox.Place, _ token: UInt32,
    _ renderer: borrowing some MessageRenderer & ~Copyable, at moment: Moment
  ) -> Bool {
    guard outbox.withBody(place, { record in renderer.isPackable(record) }) else {
      return sendOne(place, token, renderer, at: moment)
    }
    return sendPack(from: place, token, renderer, at: moment)
  }

  /// False when the session has no room for now.
  mutating func sendOne(
    _ place: Outbox.Place, _ token: UInt32, _ renderer: borrowing some MessageRenderer & ~Copyable,
    at moment: Moment
  ) -> Bool {
    let message = renderOne(place, renderer, at: moment)
    switch publish(message, .atLeastOnce, token: token) {
    case .sent:
      outbox.sent(place, count: 1, token: token)
      note(message, token, isPack: false, at: moment)
    case .later: return false
    case .never: giveUp(place)
    }
    return true
  }

  /// False when the session has no room for now.
  private mutating func sendPack(
    from place: Outbox.Place, _ token: UInt32, exactly: Int? = nil,
    _ renderer: borrowing some MessageRenderer & ~Copyable, at moment: Moment
  ) -> Bool {
    let most = exactly ?? (outbox.isSuspected(place) ? 1 : nil)
    let (message, count) = renderPack(from: place, most, renderer, at: moment)
    switch publish(message, .atLeastOnce, token: token) {
    case .sent:
      outbox.sent(place, count: count, token: token)
      packsUnderWay[Int(token)] = true
      note(message, token, isPack: true, at: moment)
    case .later: return false
    case .never where count > 1:
      return sendPack(from: place, token, exactly: 1, renderer, at: moment)
    case .never: giveUp(place)
    }
    return true
  }

  /// The message is under way.
  mutating func note(
    _ message: Rendered, _ token: UInt32, isPack: Bool, at moment: Moment
  ) {
    window.sent(
      windowNumber(of: token), bytes: message.packetBytes, isPack: isPack, at: moment.instant)
    noteTest(token)
  }

  // MARK: Handing to the session

  mutating func publish(_ message: Rendered, _ qos: QoS, token: UInt32) -> Outcome {
    let outcome = Self.lend(topic, message.topicBytes, payload, message.payloadBytes) {
      (topic, payload) in
      Self.outcome { () throws(PublishError) in
        try session.publish(
          topic: topic, payload: payload, qos: qos, retain: message.retain, token: token)
      }
    }
    if case .sent = outcome { counters.published &+= 1 }
    return outcome
  }

  private static func outcome(_ publish: () throws(PublishError) -> Void) -> Outcome {
    do throws(PublishError) {
      try publish()
      return .sent
    } catch {
      switch error {
      case .windowFull, .bufferFull, .notConnected: return .later
      case .packetTooLarge, .invalidTopic, .qosNotSupported, .retainNotSupported,
        .invalidTopicAlias, .invalidProperties:
        return .never
      }
    }
  }

  private static func lend<R>(
    _ topic: borrowing Table<UInt8>, _ topicBytes: Int, _ body: (Span<UInt8>) -> R
  ) -> R {
    topic.withSpan(count: topicBytes, body)
  }

  private static func lend<R>(
    _ topic: borrowing Table<UInt8>, _ topicBytes: Int, _ payload: borrowing Table<UInt8>,
    _ payloadBytes: Int, _ body: (Span<UInt8>, Span<UInt8>) -> R
  ) -> R {
    topic.withSpan(count: topicBytes) { topic in
      payload.withSpan(count: payloadBytes) { payload in body(topic, payload) }
    }
  }
}
