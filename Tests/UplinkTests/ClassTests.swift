import Core
import TestSupport
import Testing

@testable import Uplink

/// What goes first where room gets short, by the class of a record.
@Suite struct ClassTests {
  /// An outbox of records of several series.
  private final class Bench {
    var outbox: Outbox
    var merger: Merger
    var isThinned = false

    init(bytes: Int, series: Int = 4) {
      var arena = testArena()
      outbox = Outbox(bytes: bytes, inflight: 4, series: series, arena: &arena)
      merger = Merger(series: series, arena: &arena)
    }

    func append(
      _ text: String, _ recordClass: RecordClass, series: UInt16 = 0,
      _ durability: Durability = .spill
    ) {
      let label = RecordLabel(recordClass, series: series, durability: durability)
      let fits = outbox.append(label, bodyBytes: text.utf8.count) { out in
        TestSupport.append(text, to: &out)
      }
      precondition(fits)
    }

    @discardableResult
    func thin(onlyHistorical: Bool = false) -> Bool {
      outbox.thin(&merger, RangeRenderer(), onlyHistorical: onlyHistorical)
    }

    /// Sends the next live record alone.
    func send() -> UInt32? {
      guard let token = outbox.freeToken(), let place = outbox.nextLive() else { return nil }
      outbox.sent(place, count: 1, token: token)
      return token
    }

    func acknowledge(_ token: UInt32) { _ = outbox.acknowledged(token, journaled: { _ in }) }

    /// All that waits, by series, in the order in which it would leave.
    func drain() -> [UInt16: [String]] {
      outbox.connectionOpened(resuming: false)
      var texts: [UInt16: [String]] = [:]
      while let place = outbox.nextHistorical() {
        let series = outbox.label(of: place).series
        texts[series, default: []].append(outbox.withBody(place) { text($0) })
        outbox.discard(place)
      }
      return texts
    }

    /// The text of the live record that would leave next.
    var nextLive: String? {
      guard let place = outbox.nextLive() else { return nil }
      return outbox.withBody(place) { text($0) }
    }

    /// Sends late records as one packet.
    func sendPack(of count: Int) -> UInt32? {
      guard let token = outbox.freeToken(), let first = outbox.nextHistorical() else { return nil }
      outbox.sent(first, count: count, token: token)
      return token
    }

    /// The first text of a packet under way, and how many it has.
    func pack(_ token: UInt32) -> (first: String, count: Int)? {
      guard let (first, count) = outbox.records(of: token) else { return nil }
      return (outbox.withBody(first) { text($0) }, count)
    }

    var heldCount: Int { outbox.heldCount }
    func hasJournaled(_ start: Int64) -> Bool { outbox.hasJournaled(start) }
    var bytesKept: Int { outbox.bytesKept }
    var unacknowledged: Int { outbox.unacknowledged }
    func losses(_ series: Int, events: Bool = false) -> LossCounts {
      outbox.losses.losses(series: series, events: events)
    }
  }

  @Test func aLaterStateTakesTheEarlierOnesPlaceAndIsNeverQueuedTwice() {
    let bench = Bench(bytes: 1024)
    bench.append("a", .state, series: 1)
    bench.append("x", .state, series: 2)
    bench.append("b", .state, series: 1)
    bench.append("c", .state, series: 1)
    #expect(bench.unacknowledged == 2)
    #expect(bench.losses(1).replaced == 2 && bench.losses(2).isEmpty)
    #expect(bench.drain() == [1: ["c"], 2: ["x"]])
  }

  @Test func aStateThatIsUnderWayIsNotReplaced() throws {
    let bench = Bench(bytes: 1024)
    bench.append("a", .state)
    let token = try #require(bench.send())
    bench.append("b", .state)
    #expect(bench.unacknowledged == 2 && bench.losses(0).isEmpty)
    bench.acknowledge(token)
    #expect(bench.drain() == [0: ["b"]])
  }

  @Test func eventsTakeHalfOfTheRoomAndTheOldestGoesFirst() {
    let bench = Bench(bytes: 1024)
    for number in 100..<110 { bench.append("\(number)", .telemetry, series: 1) }
    for number in 100..<200 { bench.append("\(number)", .event, series: 2) }
    let texts = bench.drain()
    #expect(texts[1]?.count == 10, "telemetry stays")
    // A record of three characters takes eleven bytes.
    #expect(texts[2] == (154..<200).map(String.init))
    #expect(bench.losses(2, events: true).dropped == 54)
  }

  @Test func thinningKeepsTheWholeOutageEvenlyAndCountsExactly() throws {
    let bench = Bench(bytes: 4096, series: 2)
    var made = 0
    // A week's worth: a hundred times what there is room for.
    for number in 1...30_000 {
      bench.append("\(number)", .telemetry, series: 0)
      made = number
      if bench.bytesKept > 3072 { #expect(bench.thin()) }
    }
    let ranges = try #require(bench.drain()[0]).map { text in
      let parts = text.split(separator: "-").compactMap { Int($0) }
      return parts[0]...(parts.last ?? parts[0])
    }
    #expect(ranges.first?.lowerBound == 1 && ranges.last?.upperBound == made)
    for (one, next) in zip(ranges, ranges.dropFirst()) {
      #expect(one.upperBound + 1 == next.lowerBound, "no hole, and in order")
    }
    // Never a cliff: each tenth of the time has readings of its own.
    let longest = ranges.map(\.count).max() ?? 0
    #expect(longest * 10 <= made && ranges.count > 25)
    #expect(bench.losses(0).dropped == 0)
    let merged = ranges.filter { $0.count > 1 }.reduce(0) { $0 + $1.count }
    #expect(Int(bench.losses(0).thinned) == merged)
  }

  /// Whatever else is in the ring: per series all numbers are there in order, or counted as dropped.
  @Test(arguments: 1...200 as ClosedRange<UInt64>)
  func thinningLosesAndMovesNothingElse(seed: UInt64) {
    var chance = Generator(seed: seed)
    let bench = Bench(bytes: 600 + Int(chance.next(below: 900)))
    var numbers = [0, 0, 0, 0]
    var tokens: [UInt32] = []
    for _ in 0..<400 {
      let series = Int(chance.next(below: 4))
      switch chance.next(below: 20) {
      case 0..<12:
        numbers[series] += 1
        let mark = chance.next(below: 15) == 0 ? "!" : ""
        let classes: [RecordClass] = [.telemetry, .counter, .event, .telemetry]
        let durability: Durability = series == 3 ? .memory : .spill
        bench.append(
          mark + "\(numbers[series])", classes[series], series: UInt16(series), durability)
      case 12..<14: if let token = bench.send() { tokens.append(token) }
      case 14..<16: if !tokens.isEmpty { bench.acknowledge(tokens.removeFirst()) }
      case 16:
        bench.outbox.connectionLost()
        tokens = []
      default: bench.thin()
      }
    }
    let kept = bench.drain()
    for (series, texts) in kept {
      let bounds = texts.flatMap { text in
        text.drop { $0 == "!" }.split(separator: "-").compactMap { Int($0) }
      }
      #expect(bounds == bounds.sorted(), "\(series)")
      let held = texts.reduce(0) { sum, text in
        let parts = text.split(separator: "-").compactMap { Int($0) }
        return sum + (parts.count == 2 ? 1 : 0)
      }
      #expect(held == 0 || bench.losses(Int(series)).thinned > 0)
    }
    #expect(bench.unacknowledged == 0 && bench.bytesKept == 0)
  }

  @Test func whatIsUnderWayIsNotMergedAndItsPacketIsStillKnown() throws {
    let bench = Bench(bytes: 1024, series: 1)
    for number in 1...30 { bench.append("\(number)", .telemetry) }
    bench.outbox.connectionOpened(resuming: false)
    let token = try #require(bench.sendPack(of: 3))
    #expect(bench.thin(onlyHistorical: true))
    let pack = try #require(bench.pack(token))
    #expect(pack.first == "1" && pack.count == 3)
    bench.acknowledge(token)
    #expect(bench.drain()[0]?.first?.hasPrefix("4-") == true)
  }

  @Test func whatIsMergedStaysBeforeWhatIsLive() throws {
    let bench = Bench(bytes: 1024, series: 1)
    for number in 1...31 { bench.append("\(number)", .telemetry) }
    bench.outbox.connectionOpened(resuming: false)
    for number in 32...35 { bench.append("\(number)", .telemetry) }
    #expect(bench.thin(onlyHistorical: true))
    #expect(bench.nextLive == "32")
    let texts = try #require(bench.drain()[0])
    let bounds = texts.flatMap { $0.split(separator: "-").compactMap { Int($0) } }
    #expect(bounds.first == 1 && bounds.last == 35 && bounds == bounds.sorted())
  }

  @Test func whatIsHeldLeavesOnlyOnceItIsDurable() {
    let bench = Bench(bytes: 1024)
    bench.append("a", .event, .always)
    bench.append("b", .event, series: 1)
    #expect(bench.nextLive == "b")
    var offered: [String] = []
    bench.outbox.journalHeld { _, body in
      offered.append(text(body))
      return JournalPlace(start: 100, end: 180)
    }
    bench.outbox.release(durable: 179)
    #expect(offered == ["a"] && bench.heldCount == 1)
    bench.outbox.release(durable: 180)
    #expect(bench.nextLive == "a")
    #expect(bench.hasJournaled(100) && !bench.hasJournaled(180))
  }
}
