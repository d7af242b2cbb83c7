import Core
import Dialing
import Journal
import MQTT
import TestSupport
import Uplink

/// A broker link, a clock, and the far end of its transport, for one test.
final class LinkBench {
  var link: BrokerLink<MemoryStorage>
  var now = Instant.boot
  var renderer = TextRenderer()
  private let texts: TextPool
  private let clientID: Text
  private var unread: [UInt8] = []

  /// A link to a host, with two names in its text pool: the client identifier and the user; and with a
  /// journal of so many bytes, or none.
  init(seed: UInt64 = 1, journalBytes: Int = 0, _ change: (inout UplinkSpec) -> Void = { _ in }) {
    let names = utf8("device user")
    clientID = Text(offset: 0, count: 6)
    var spec = UplinkSpec(dial: DialSpec(Endpoint(.tcp, host: .empty)))
    spec.packetBytes = 512
    spec.outboxBytes = 1024
    spec.inflight = 4
    spec.journalBytes = journalBytes
    change(&spec)
    var arena = testArena()
    texts = TextPool(copying: names.span, arena: &arena)
    link = BrokerLink(
      spec, series: 1, medium: Self.journal(journalBytes), seed: seed, start: .boot,
      arena: &arena)
    if journalBytes > 0 { _ = link.openJournal(seed: seed, boot: 1) }
  }

  private static func journal(_ bytes: Int) -> MemoryStorage {
    var storage = MemoryStorage(memory: MemoryBytes(bytes))
    if bytes > 0 { _ = try? RecordRing.format(&storage, id: 7) }
    return storage
  }

  /// The user of a profile that names one.
  static let user = Text(offset: 7, count: 4)

  /// A link that is online, its CONNECT read.
  static func online(
    seed: UInt64 = 1, journalBytes: Int = 0, _ change: (inout UplinkSpec) -> Void = { _ in }
  ) -> LinkBench {
    let bench = LinkBench(seed: seed, journalBytes: journalBytes, change)
    bench.connect()
    return bench
  }

  /// From waiting to a transport that is open; CONNECT is in the output.
  func open(password: String? = nil) {
    pass()
    opened(password: password)
  }

  func opened(password: String? = nil) {
    let secret = password.map(utf8) ?? []
    let span = secret.span
    link.opened(
      at: now, clientID: clientID, password: password == nil ? nil : span, texts: texts,
      willTopic: { append("status", to: &$0) }, willPayload: { append("lost", to: &$0) })
  }

  /// From waiting to online.
  @discardableResult
  func connect(sessionPresent: Bool = false) -> LinkEvent? {
    open()
    _ = action()
    _ = sent()
    return receive([0x20, 2, sessionPresent ? 1 : 0, 0])
  }

  /// The transport breaks, and the link comes back.
  func reconnect(sessionPresent: Bool) {
    link.failed(.broken(code: 104), at: now)
    _ = event()
    connect(sessionPresent: sessionPresent)
  }

  /// Lets the time up to the link's deadline pass, and does what is due.
  func pass() {
    now = max(now, link.deadline)
    link.deadlineReached(at: now)
  }

  /// Lets `interval` pass, and takes the event that comes of it.
  func pass(_ interval: Interval) -> LinkEvent? {
    now = now + interval
    link.deadlineReached(at: now)
    return event()
  }

  func action() -> LinkAction? { link.nextAction() }

  func event() -> LinkEvent? { link.nextEvent(renderer, at: now) }

  /// Brings bytes from the broker and takes the first event that they lead to.
  @discardableResult
  func receive(_ bytes: [UInt8]) -> LinkEvent? {
    link.session.receive(at: now) { out in for byte in bytes { out.append(byte) } }
    return event()
  }

  var moment: Moment {
    Moment(instant: now, wall: WallTime(milliseconds: 0), quality: .synced)
  }

  /// That of all records here.
  static let label = RecordLabel(.note, series: 0)

  func append(_ records: String...) {
    append(records, Self.label)
  }

  func append(_ records: [String], _ label: RecordLabel) {
    for record in records {
      _ = link.outbox.append(label, bodyBytes: record.utf8.count) { out in
        append(record, to: &out)
      }
    }
  }

  func appendEvent(_ record: String) {
    _ = link.outbox.append(RecordLabel(.event, series: 0), bodyBytes: record.utf8.count) { out in
      append(record, to: &out)
    }
  }

  /// What the link sends now, pumped records included, as the broker reads it.
  func sent() -> [Sent] {
    link.pump(renderer, at: moment)
    link.session.withOutput(at: now) { bytes in
      unread += array(bytes)
      return bytes.count
    }
    return Sent.take(&unread)
  }

  func publishNow(_ payload: String, qos: QoS = .atLeastOnce, tag: UInt32 = 0) -> Bool {
    link.publishNow(
      tag: tag, qos: qos, retain: true, topic: { append("status", to: &$0) },
      payload: { out, _ in append(payload, to: &out) })
  }

  func subscribe(_ filter: String) -> UInt16? { link.subscribe { append(filter, to: &$0) } }

  func unsubscribe(_ filter: String) -> UInt16? { link.unsubscribe { append(filter, to: &$0) } }

  // Swift Testing's macros take copyable values only, hence these.
  var deadline: Instant { link.deadline }
  var isOnline: Bool { link.isOnline }
  var isStopped: Bool { link.isStopped }
  var isIdle: Bool { link.isIdle }
  var idleBorne: Interval { link.idleBorne }
  var broker: Int { link.broker }
  /// Where the present attempt goes instead, as "host:port".
  var reference: String? {
    link.reference.map { place in "\(place.host.withBytes { TestSupport.text($0) }):\(place.port)" }
  }
  func beginReturn() -> Bool { link.beginReturn(at: now) }
  func cancelReturn() { link.cancelReturn() }
  var unacknowledged: Int { link.outbox.unacknowledged }
  var counters: LinkCounters { link.counters }
  var losses: LossCounts { link.outbox.losses.total }
  var standing: LinkStanding { link.standing }

  private func append(_ text: String, to out: inout OutputSpan<UInt8>) {
    TestSupport.append(text, to: &out)
  }
}

/// Records are texts, none empty. One on its own goes to "live", several to "history". What begins with `!`
/// goes alone even when it is late, as results do; "r..." is retained; no topic takes `#`.
struct TextRenderer: MessageRenderer {
  /// What is written behind each record of a pack, as a clock that was set makes readings longer.
  var suffix = ""
  /// The topic of a record on its own.
  var liveTopic = "live"

  let packItemBytesMax = 40

  func render(
    _ record: Span<UInt8>, at moment: Moment, topic: inout OutputSpan<UInt8>,
    payload: inout OutputSpan<UInt8>
  ) -> Bool {
    append(record[0] == UInt8(ascii: "#") ? "#" : liveTopic, to: &topic)
    payload.append(contentsOf: record)
    return record[0] == UInt8(ascii: "r")
  }

  func isPackable(_ record: Span<UInt8>) -> Bool { record[0] != UInt8(ascii: "!") }

  func beginPack(topic: inout OutputSpan<UInt8>, payload: inout OutputSpan<UInt8>) {
    topic.append(literal: "history")
  }

  func appendToPack(
    _ record: Span<UInt8>, isFirst: Bool, at moment: Moment, payload: inout OutputSpan<UInt8>
  ) {
    if !isFirst { payload.append(UInt8(ascii: " ")) }
    payload.append(contentsOf: record)
    append(suffix, to: &payload)
  }

  func expiry(of record: Span<UInt8>) -> Instant { .never }

  func weight(of record: Span<UInt8>) -> UInt32 { 1 }

  var mergedBytesMax: Int { 96 }

  func merge(
    _ earlier: Span<UInt8>, _ later: Span<UInt8>, _ recordClass: RecordClass,
    into out: inout OutputSpan<UInt8>
  ) {}

  func journaledSeries(of record: Span<UInt8>) -> UInt16? { 0 }

  func journaledExpiry(of record: Span<UInt8>) -> Instant { .never }

  func journaledBytes(of record: Span<UInt8>) -> Int { record.count }

  func appendToJournal(_ record: Span<UInt8>, into out: inout OutputSpan<UInt8>) {
    out.append(contentsOf: record)
  }

  func appendJournaledToPack(
    _ record: Span<UInt8>, of run: RunStamp, isFirst: Bool, at moment: Moment,
    payload: inout OutputSpan<UInt8>
  ) {
    appendToPack(record, isFirst: isFirst, at: moment, payload: &payload)
  }

  func renderJournaled(
    _ record: Span<UInt8>, of run: RunStamp, at moment: Moment, topic: inout OutputSpan<UInt8>,
    payload: inout OutputSpan<UInt8>
  ) {
    topic.append(literal: "t/alone")
    payload.append(contentsOf: record)
  }

  func endPack(payload: inout OutputSpan<UInt8>) { payload.append(literal: ".") }
}
