import Core
import Journal
import MQTT

/// Packs of records from the journal: what waited for long, or was read by an earlier run. What is no
/// reading leaves on its own.
extension BrokerLink where Medium: ~Copyable {
  /// What becomes of a record from the journal.
  private enum Fate: BitwiseCopyable {
    case goes
    /// It has a message of its own.
    case goesAlone
    /// It leaves from memory.
    case isElsewhere
    /// It need not, or may not, go any more.
    case isLost(LossCause)
    /// It is the journal's own.
    case isNote
  }

  /// A packet made up of records from the journal.
  private struct Pack: BitwiseCopyable {
    var message = Rendered(topicBytes: 0, payloadBytes: 0, retain: false)
    /// How many it carries.
    var count = 0
    /// What lies before it is carried, or passed over.
    var end = RecordPosition(offset: 0)
    /// Some are passed over.
    var passes = false
    /// The next record is to be sent as a test, once those before it are out of its way.
    var endsAtTest = false
  }

  /// Sends a pack of records from the journal. False when the session has no room for now.
  mutating func sendBacklog(
    countMax: Int = .max, _ renderer: borrowing some MessageRenderer & ~Copyable, at moment: Moment
  ) -> Bool {
    guard let flight = backlog.freeFlight() else { return false }
    let isTest = testsJournal
    let pack = Self.renderBacklog(
      &backlog, outbox, probation, into: &topic, &payload, limit: newPackPayloadMax(renderer),
      countMax: isTest ? 1 : countMax, isTest: isTest, renderer, at: moment)
    if pack.count == 0 {
      passOver(upTo: pack.end, renderer, at: moment)
      // What is there next leaves from memory, or there is nothing.
      if !pack.endsAtTest { backlog.passRecord() }
      return true
    }
    let token = Self.backlogTokens + UInt32(truncatingIfNeeded: flight)
    switch publish(pack.message, .atLeastOnce, token: token) {
    case .sent:
      backlog.sent(
        upTo: pack.end, count: pack.count, passes: pack.passes, flight: flight, at: moment)
      note(pack.message, token, isPack: true, at: moment)
      if isTest { probation.test = token }
    case .later: return false
    case .never where pack.count > 1: return sendBacklog(countMax: 1, renderer, at: moment)
    case .never:
      passOver(upTo: pack.end, isRefused: true, renderer, at: moment)
      countUnsendable(1, .tooLarge)
    }
    return true
  }

  /// Nothing before `end` goes, and all of it is settled: what is expired, say, or, where the broker refuses
  /// that, what would go as well.
  private mutating func passOver(
    upTo end: RecordPosition, isRefused: Bool = false,
    _ renderer: borrowing some MessageRenderer & ~Copyable, at moment: Moment
  ) {
    _ = backlog.read { head, run, record in
      guard head.position < end else { return false }
      Self.countLost(
        head, run, record, isRefused: isRefused, &outbox, probation, renderer, at: moment)
      return true
    }
    backlog.skip(upTo: end)
  }

  /// The broker has answered the packet `flight`: what that has passed over is lost now, once, however often
  /// it was under way; and where it was refused, what it carried, too.
  static func countLost(
    ofFlight flight: Int, isRefused: Bool, _ backlog: inout Backlog<Medium>,
    _ outbox: inout Outbox, _ probation: Probation,
    _ renderer: borrowing some MessageRenderer & ~Copyable
  ) {
    guard isRefused || backlog.passes(flight) else { return }
    backlog.readUnderWay(flight) { head, run, record, madeAt in
      countLost(
        head, run, record, isRefused: isRefused, &outbox, probation, renderer, at: madeAt)
    }
  }

  private static func renderBacklog(
    _ backlog: inout Backlog<Medium>, _ outbox: borrowing Outbox, _ probation: Probation,
    into topic: inout Table<UInt8>, _ payload: inout Table<UInt8>, limit: Int, countMax: Int,
    isTest: Bool, _ renderer: borrowing some MessageRenderer & ~Copyable, at moment: Moment
  ) -> Pack {
    var pack = Pack()
    let start = backlog.cursor
    pack.message.topicBytes = topic.fill(from: 0) { topic in
      pack.message.payloadBytes = payload.fill(from: 0, limit: limit) { payload in
        renderer.beginPack(topic: &topic, payload: &payload)
        var isAlone = false
        pack.end = backlog.read { head, run, record in
          guard !isAlone else { return false }
          let fate = fate(of: head, run, record, outbox, probation, renderer, at: moment)
          switch fate {
          case .isElsewhere: return false
          case .isNote: return true
          case .isLost:
            pack.passes = true
            return true
          case .goes, .goesAlone:
            // The connection may end for it: it is to be known by its own place.
            pack.endsAtTest = isTest && pack.count == 0 && head.position != start
            if pack.endsAtTest { return false }
          }
          if case .goesAlone = fate {
            guard pack.count == 0 else { return false }
            topic.removeAll()
            payload.removeAll()
            renderer.renderJournaled(
              record, of: run, at: moment, topic: &topic, payload: &payload)
            isAlone = true
            pack.count = 1
            return true
          }
          let hasRoom = payload.freeCapacity >= renderer.packItemBytesMax + 16
          guard pack.count < countMax, pack.count == 0 || hasRoom else { return false }
          renderer.appendJournaledToPack(
            record, of: run, isFirst: pack.count == 0, at: moment, payload: &payload)
          pack.count += 1
          return true
        }
        if !isAlone { renderer.endPack(payload: &payload) }
      }
    }
    return pack
  }

  /// Counts a record if it does not go; where the broker has refused it, also if it would.
  private static func countLost(
    _ head: RecordHead, _ run: RunStamp, _ record: Span<UInt8>, isRefused: Bool,
    _ outbox: inout Outbox, _ probation: Probation,
    _ renderer: borrowing some MessageRenderer & ~Copyable, at moment: Moment
  ) {
    let cause: LossCause
    switch fate(of: head, run, record, outbox, probation, renderer, at: moment) {
    case .isLost(let reason): cause = reason
    case .goes where isRefused, .goesAlone where isRefused: cause = .dropped
    case .goes, .goesAlone, .isElsewhere, .isNote: return
    }
    outbox.losses.lose(
      cause, label(of: head, record, renderer), renderer.weight(of: record))
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
    let isNote = head.recordClass == RecordClass.note.rawValue
    if isNote, record.isEmpty { return .isNote }
    if outbox.hasJournaled(head.position.offset) { return .isElsewhere }
    if probation.condemned == head.position { return .isLost(.dropped) }
    if isNote { return .goesAlone }
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
