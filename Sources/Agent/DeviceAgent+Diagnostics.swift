import Core
import Device
import JSON
import Journal
import MQTT
import Uplink

/// The agent's own health, retained at QoS 0: what waits, what was lost, how often the link went.
extension DeviceAgent where Medium: ~Copyable {
  mutating func publishDiagnostics(at moment: Moment) {
    lossesFrom = Self.publishDiagnostics(&link, points, health, at: moment)
  }

  /// What there is to say of the agent's own health now.
  var health: Health {
    Health(
      link, session: life.session, reassertions: reassertions,
      careRefused: care.isOn ? care.refused : nil, edgesLost: points.edgesLost,
      lossesFrom: lossesFrom)
  }

  /// Returns with whose losses the next report is to begin.
  private static func publishDiagnostics(
    _ link: inout BrokerLink<Medium>, _ points: borrowing Points, _ health: Health,
    at moment: Moment
  ) -> Int {
    var next = 0
    // At QoS 0 a report that finds no room is not worth keeping: the next one follows.
    _ = link.publishNow(
      tag: 0, qos: .atMostOnce, retain: true,
      topic: { topic in
        points.appendTopicPrefix(to: &topic)
        topic.append(literal: "diag")
      },
      payload: { out, losses in
        next = health.append(losses, of: points, at: moment, to: &out)
      })
    return next
  }
}

/// The agent's own health, but for what was lost.
struct Health: BitwiseCopyable {
  private let session: UInt64
  private let waiting: Int
  private let bytes: Int
  private let capacity: Int
  private let broker: Int?
  private let idleBorne: Interval?
  private let journal: JournalCounts
  private let counters: LinkCounters
  private let oversized: UInt32
  private let edgesLost: UInt32
  private let reassertions: UInt32
  private let careRefused: UInt32?
  private let lossesFrom: Int

  init<Medium: Storage & ~Copyable>(
    _ link: borrowing BrokerLink<Medium>, session: UInt64, reassertions: UInt32,
    careRefused: UInt32?, edgesLost: UInt32, lossesFrom: Int
  ) {
    self.session = session
    waiting = link.outbox.unacknowledged
    bytes = link.outbox.bytesUsed
    capacity = link.outbox.capacity
    broker = link.brokerCount > 1 ? link.broker : nil
    idleBorne = link.spec.probeFrom > .zero ? link.idleBorne : nil
    journal = JournalCounts(link.backlog)
    counters = link.counters
    oversized = link.session.counters.oversizedSkipped
    self.edgesLost = edgesLost
    self.reassertions = reassertions
    self.careRefused = careRefused
    self.lossesFrom = lossesFrom
  }

  /// Appends it as an object; returns with whose losses the next report is to begin.
  func append(
    _ losses: borrowing LossLedger, of points: borrowing Points, at moment: Moment,
    to out: inout OutputSpan<UInt8>
  ) -> Int {
    out.append(literal: "{\"session\":")
    out.append(digits: session, width: 1)
    out.append(timeOf: moment.instant, at: moment)
    out.append(literal: ",\"uptime\":")
    out.append(decimal: moment.instant.nanoseconds / 1_000_000_000)
    out.append(literal: ",\"queue\":{\"unacknowledged\":")
    out.append(decimal: Int64(wide: waiting))
    out.append(literal: ",\"bytes\":")
    out.append(decimal: Int64(wide: bytes))
    out.append(literal: ",\"capacity\":")
    out.append(decimal: Int64(wide: capacity))
    out.append(literal: "}")
    if let broker { out.append(count: UInt64(wide: UInt32(broker)), as: "broker") }
    if let idleBorne {
      out.append(count: UInt64(wide: Int(narrow: idleBorne.seconds)), as: "idleBorne")
    }
    if journal.capacity > 0 { journal.append(to: &out) }
    out.append(count: UInt64(wide: counters.connections), as: "connections")
    out.append(count: UInt64(wide: counters.attemptsFailed), as: "attemptsFailed")
    out.append(count: UInt64(wide: counters.refusals), as: "refusals")
    out.append(count: counters.published, as: "published")
    out.append(count: counters.acknowledged, as: "acknowledged")
    out.append(count: UInt64(wide: counters.unsendable), as: "unsendable")
    out.append(count: UInt64(wide: losses.answers), as: "resultsDropped")
    out.append(count: UInt64(wide: oversized), as: "oversized")
    out.append(count: UInt64(wide: edgesLost), as: "edgesLost")
    out.append(count: UInt64(wide: reassertions), as: "reassertions")
    if let careRefused { out.append(count: UInt64(wide: careRefused), as: "careRefused") }
    let next = appendLosses(losses, of: points, from: lossesFrom, to: &out)
    out.append(literal: "}")
    return next
  }
}

/// The journal's part of the report.
private struct JournalCounts: BitwiseCopyable {
  var capacity: Int
  var free: Int
  var written: JournalCounters
  var isFailing: Bool

  init<Medium: Storage & ~Copyable>(_ backlog: borrowing Backlog<Medium>) {
    capacity = backlog.capacityBytes
    free = backlog.freeBytes
    written = backlog.counters
    isFailing = backlog.fault != nil
  }

  /// Appends `,"journal":{...}`.
  func append(to out: inout OutputSpan<UInt8>) {
    out.append(literal: ",\"journal\":{\"capacity\":")
    out.append(decimal: Int64(wide: capacity))
    out.append(literal: ",\"used\":")
    out.append(decimal: Int64(wide: capacity - free))
    out.append(count: written.bytesWritten, as: "written")
    out.append(count: UInt64(wide: written.syncs), as: "syncs")
    out.append(count: UInt64(wide: written.rotten), as: "rotten")
    out.append(literal: isFailing ? ",\"state\":\"failing\"}" : ",\"state\":\"good\"}")
  }
}

extension OutputSpan<UInt8> {
  /// Appends `,"name":value`.
  @_lifetime(self: copy self)
  fileprivate mutating func append(count value: UInt64, as name: StaticString) {
    append(literal: ",\"")
    append(literal: name)
    append(literal: "\":")
    append(digits: value, width: 1)
  }
}

/// Appends `,"losses":{"door":{"event":{"dropped":3}}}`: by point and class what did not go out as it
/// was, without points that lost nothing; and `,"lossesMore":2` where so many points more have lost
/// something, for which the packet has no room. Begins with the point `first`; returns the one that is first
/// next time, so that all are told in turns.
private func appendLosses(
  _ losses: borrowing LossLedger, of points: borrowing Points, from first: Int,
  to out: inout OutputSpan<UInt8>
) -> Int {
  out.append(literal: ",\"losses\":{")
  var isFirst = true
  var (next, leftOut) = (0, 0)
  for step in 0..<points.pointCount {
    let index = (first + step) % points.pointCount
    let readings = losses.losses(series: index, events: false)
    let events = losses.losses(series: index, events: true)
    guard !readings.isEmpty || !events.isEmpty else { continue }
    guard out.freeCapacity > 512 else {
      if leftOut == 0 { next = index }
      leftOut += 1
      continue
    }
    out.append(literal: isFirst ? "" : ",")
    points.texts.withBytes(of: points.name(index)) { out.append(jsonString: $0) }
    out.append(literal: ":{")
    if !readings.isEmpty { appendLosses(readings, of: points.keep(index).recordClass, to: &out) }
    if !readings.isEmpty && !events.isEmpty { out.append(literal: ",") }
    if !events.isEmpty { appendLosses(events, of: .event, to: &out) }
    out.append(literal: "}")
    isFirst = false
  }
  out.append(literal: "}")
  if leftOut > 0 { out.append(count: UInt64(wide: leftOut), as: "lossesMore") }
  return next
}

private func appendLosses(
  _ counts: LossCounts, of recordClass: RecordClass, to out: inout OutputSpan<UInt8>
) {
  out.append(literal: "\"")
  out.append(literal: recordClass.word)
  out.append(literal: "\":{\"dropped\":")
  out.append(digits: UInt64(wide: counts.dropped), width: 1)
  if counts.thinned > 0 { out.append(count: UInt64(wide: counts.thinned), as: "thinned") }
  if counts.expired > 0 { out.append(count: UInt64(wide: counts.expired), as: "expired") }
  if counts.replaced > 0 { out.append(count: UInt64(wide: counts.replaced), as: "replaced") }
  out.append(literal: "}")
}
