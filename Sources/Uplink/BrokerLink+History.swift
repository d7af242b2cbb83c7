import Core
import Journal
import MQTT

/// Packs of records from the journal: what waited for long, or was read by an earlier run.
extension BrokerLink where Medium: ~Copyable {
  /// What becomes of a record from the journal.
  private enum Fate: BitwiseCopyable {
    case goes
    /// It leaves from memory.
    case isElsewhere
    /// It need not, or may not, go any more.
    case isLost(LossCause)
    /// It is the journal's own.
    case isNote
  }

  /// Sends a pack of records from the journal. False when the session has no room for now.
  mutating func sendBacklog(
    countMax: Int = .max, _ renderer: borrowing some MessageRenderer & ~Copyable, at moment: Moment
  ) -> Bool {
    guard let flight = backlog.freeFlight() else { return false }
    let isTest = testsJournal
    let (message, end, count) = Self.renderBacklog(
      &backlog, outbox, probation, into: &topic, &payload, limit: newPackPayloadMax(renderer),
      countMax: countMax, renderer, at: moment)
    if count == 0 {
      passOver(upTo: end, renderer, at: moment)
      return true
    }
    let token = Self.backlogTokens + UInt32(truncatingIfNeeded: flight)
    switch publish(message, .atLeastOnce, token: token) {
    case .sent:
      Self.countLost(&backlog, &outbox, probation, upTo: end, renderer, at: moment)
      backlog.sent(upTo: end, count: count, flight: flight)
      note(message, token, isPack: true, at: moment)
      if isTest { probation.test = token }
    case .later: return false
    case .never where count > 1: return sendBacklog(countMax: 1, renderer, at: moment)
    case .never:
      Self.countLost(&backlog, &outbox, probation, upTo: end, renderer, at: moment)
      backlog.skip(upTo: end)
      counters.unsendable &+= UInt32(truncatingIfNeeded: count)
    }
    return true
  }

  /// Nothing before `end` goes; and what is there next leaves from memory, or there is nothing.
  private mutating func passOver(
    upTo end: RecordPosition, _ renderer: borrowing some MessageRenderer & ~Copyable,
    at moment: Moment
  ) {
    Self.countLost(&backlog, &outbox, probation, upTo: end, renderer, at: moment)
    backlog.skip(upTo: end)
    backlog.passRecord()
  }

  private static func renderBacklog(
    _ backlog: inout Backlog<Medium>, _ outbox: borrowing Outbox, _ probation: Probation,
    into topic: inout Table<UInt8>, _ payload: inout Table<UInt8>, limit: Int, countMax: Int,
    _ renderer: borrowing some MessageRenderer & ~Copyable, at moment: Moment
  ) -> (message: Rendered, end: RecordPosition, count: Int) {
    var message = Rendered(topicBytes: 0, payloadBytes: 0, retain: false)
    var count = 0
    var end = RecordPosition(offset: 0)
    message.topicBytes = topic.fill(from: 0) { topic in
      message.payloadBytes = payload.fill(from: 0, limit: limit) { payload in
        renderer.beginPack(topic: &topic, payload: &payload)
        end = backlog.read { head, run, record in
          switch fate(of: head, run, record, outbox, probation, renderer, at: moment) {
          case .isElsewhere: return false
          case .isLost, .isNote: return true
          case .goes: if count == countMax { return false }
          }
          guard
            count == 0
              || !probation.isTesting && payload.freeCapacity >= renderer.packItemBytesMax + 16
          else {
            return false
          }
          renderer.appendJournaledToPack(
            record, of: run, isFirst: count == 0, at: moment, payload: &payload)
          count += 1
          return true
        }
        renderer.endPack(payload: &payload)
      }
    }
    return (message, end, count)
  }

  /// Counts those before `end` that do not go.
  private static func countLost(
    _ backlog: inout Backlog<Medium>, _ outbox: inout Outbox, _ probation: Probation,
    upTo end: RecordPosition, _ renderer: borrowing some MessageRenderer & ~Copyable,
    at moment: Moment
  ) {
    _ = backlog.read { head, run, record in
      guard head.position < end else { return false }
      if case .isLost(let cause) = fate(
        of: head, run, record, outbox, probation, renderer, at: moment)
      {
        outbox.losses.lose(
          cause, label(of: head, record, renderer), renderer.weight(of: record))
      }
      return true
    }
  }

  /// What was said on the outside of a record before it came into the journal.
  static func label(
    of head: RecordHead, _ record: Span<UInt8>,
    _ renderer: borrowing some MessageRenderer & ~Copyable
  ) -> RecordLabel {
    RecordLabel(
      RecordClass(rawValue: head.recordClass) ?? .telemetry,
      series: renderer.journaledSeries(of: record) ?? 0xFFFF)
  }

  private static func fate(
    of head: RecordHead, _ run: RunStamp, _ record: Span<UInt8>, _ outbox: borrowing Outbox,
    _ probation: Probation, _ renderer: borrowing some MessageRenderer & ~Copyable,
    at moment: Moment
  ) -> Fate {
    if head.recordClass == RecordClass.note.rawValue { return .isNote }
    if outbox.hasJournaled(head.position.offset) { return .isElsewhere }
    if probation.condemned == head.position { return .isLost(.dropped) }
    // Each connection says anew what holds.
    if run.isPresentRun, RecordClass(rawValue: head.recordClass) == .state {
      return .isLost(.replaced)
    }
    if let now = run.instant(of: moment), renderer.journaledExpiry(of: record) <= now {
      return .isLost(.expired)
    }
    return .goes
  }
}
