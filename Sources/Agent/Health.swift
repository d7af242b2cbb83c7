import Core
import Device
import JSON
import Journal
import MQTT
import Uplink

/// What the health report on the broker and the status on the board both tell: numbers, taken from the
/// agent before they are written.
struct Health: BitwiseCopyable {
  private let session: UInt64
  private let waiting: Int
  private let bytes: Int
  private let capacity: Int
  private let broker: Int?
  private let idleBorne: Interval?
  private let journal: JournalCounts
  private let counters: LinkCounters
  private let answersLost: UInt32
  private let oversized: UInt32
  private let edgesLost: UInt32
  private let reassertions: UInt32
  private let careRefused: UInt32?

  init<Medium: Storage & ~Copyable>(
    _ link: borrowing BrokerLink<Medium>, _ points: borrowing Points, session: UInt64,
    reassertions: UInt32, careRefused: UInt32?
  ) {
    self.session = session
    self.reassertions = reassertions
    self.careRefused = careRefused
    waiting = link.outbox.unacknowledged
    bytes = link.outbox.bytesUsed
    capacity = link.outbox.capacity
    broker = link.brokerCount > 1 ? link.broker : nil
    idleBorne = link.spec.probeFrom > .zero ? link.idleBorne : nil
    journal = JournalCounts(link.backlog)
    counters = link.counters
    answersLost = link.outbox.losses.answers
    oversized = link.session.counters.oversizedSkipped
    edgesLost = points.edgesLost
  }

  /// Appends all of it as the first members of an object that it begins, and does not end: 800 bytes at
  /// most.
  func append(at moment: Moment, to out: inout OutputSpan<UInt8>) {
    out.append(literal: "{\"session\":")
    out.append(digits: session, width: 1)
    out.append(timeOf: moment.instant, at: moment)
    out.append(literal: ",\"uptime\":")
    out.append(decimal: moment.instant.nanoseconds / 1_000_000_000)
    out.append(literal: ",\"queue\":{\"unacknowledged\":")
    out.append(decimal: Int64(wide: waiting))
    out.append(count: bytes, as: "bytes")
    out.append(count: capacity, as: "capacity")
    out.append(literal: "}")
    if let broker { out.append(count: broker, as: "broker") }
    if let idleBorne { out.append(count: Int(narrow: idleBorne.seconds), as: "idleBorne") }
    if journal.capacity > 0 { journal.append(to: &out) }
    out.append(count: counters.connections, as: "connections")
    out.append(count: counters.attemptsFailed, as: "attemptsFailed")
    out.append(count: counters.refusals, as: "refusals")
    out.append(count: counters.published, as: "published")
    out.append(count: counters.acknowledged, as: "acknowledged")
    out.append(count: counters.unsendable, as: "unsendable")
    out.append(count: answersLost, as: "resultsDropped")
    out.append(count: oversized, as: "oversized")
    out.append(count: edgesLost, as: "edgesLost")
    out.append(count: reassertions, as: "reassertions")
    if let careRefused { out.append(count: careRefused, as: "careRefused") }
  }
}

/// The journal's part.
private struct JournalCounts: BitwiseCopyable {
  let capacity: Int
  private let used: Int
  private let written: JournalCounters
  private let isFailing: Bool

  init<Medium: Storage & ~Copyable>(_ backlog: borrowing Backlog<Medium>) {
    capacity = backlog.roomBytes
    used = backlog.usedBytes
    written = backlog.counters
    isFailing = backlog.fault != nil
  }

  func append(to out: inout OutputSpan<UInt8>) {
    out.append(literal: ",\"journal\":{\"capacity\":")
    out.append(decimal: Int64(wide: capacity))
    out.append(count: used, as: "used")
    out.append(count: written.bytesWritten, as: "written")
    out.append(count: written.syncs, as: "syncs")
    out.append(count: written.rotten, as: "rotten")
    out.append(literal: isFailing ? ",\"state\":\"failing\"}" : ",\"state\":\"good\"}")
  }
}

extension OutputSpan<UInt8> {
  /// Appends `,"name":value`.
  @_lifetime(self: copy self)
  mutating func append(count value: UInt64, as name: StaticString) {
    append(literal: ",\"")
    append(literal: name)
    append(literal: "\":")
    append(digits: value, width: 1)
  }

  @_lifetime(self: copy self)
  mutating func append(count value: UInt32, as name: StaticString) {
    append(count: UInt64(wide: value), as: name)
  }

  /// None below zero.
  @_lifetime(self: copy self)
  mutating func append(count value: Int, as name: StaticString) {
    append(count: UInt64(wide: max(0, value)), as: name)
  }
}
