import Broker
import Core

/// What was heard at the broker, against what was made on the device.
struct Ledger {
  /// States or events of one point, in one run.
  private struct Stream: Hashable {
    var run: Int
    var series: Int
  }

  private struct Heard {
    /// By number, which message has brought it last, counted from 1, and whether that was a live one; 0 for
    /// none.
    var messages: [UInt32] = []
    /// The last in order, in the live stream and in the history.
    var lastLive: UInt32 = 0
    var lastLate: UInt32 = 0

    private static let live: UInt32 = 0x8000_0000

    /// `message` brings the `count` numbers up to `last`: how many of them are new, and which message of
    /// those that have brought one of them before is the oldest; 0 for none.
    ///
    /// What went out live between two outages is no part of a reading that was merged of both: that one reaches
    /// as much further back.
    mutating func insert(
      _ count: UInt32, upTo last: UInt32, _ message: UInt32, isLive: Bool
    ) -> (Int, UInt32) {
      var new = 0
      var (oldest, between): (UInt32, UInt32) = (0, 0)
      if messages.count <= last {
        messages.append(contentsOf: repeatElement(0, count: Int(last) + 1 - messages.count))
      }
      let first = Int(last + 1 - min(count, last))
      for number in first...Int(last) {
        let before = messages[number]
        if before == 0 {
          new += 1
        } else {
          let message = before & ~Self.live
          oldest = oldest == 0 ? message : min(oldest, message)
          if before != message, number < Int(last) { between += 1 }
        }
        messages[number] = isLive ? message | Self.live : message
      }
      var number = first - 1
      while between > 0, number > 0, messages[number] == 0 || messages[number] & Self.live != 0 {
        if messages[number] == 0 {
          messages[number] = message
          new += 1
          between -= 1
        }
        number -= 1
      }
      return (new, new == Int(count) ? 0 : oldest)
    }
  }

  /// Points of the profile, by name.
  private let places: [[UInt8]: Int]
  private var heard: [Stream: Heard] = [:]
  private var doubt: Doubt
  /// Points whose readings are durable before they are sent. Such a one leaves from memory and is settled in
  /// the journal ahead of what waits there; the ring remembers eight such stretches, and what is in a ninth
  /// comes once more.
  private let isDurable: [Bool]
  /// Readings heard for the first time, merged ones as many as they stand for, by point.
  private(set) var delivered: [Int]
  /// Messages heard that brought something that was heard before.
  private(set) var repeated = 0
  /// Readings that came in a history.
  private(set) var late = 0
  /// The same by point.
  private(set) var lateOfPoint: [Int]
  /// Readings that came merged with others.
  private(set) var merged = 0
  /// Somebody wants to know each reading that comes live.
  var wantsNews = false
  private var news: [(series: Int, number: UInt32, run: Int)] = []
  /// Promises that were broken.
  private(set) var violations: [String] = []

  /// At most `inflight` messages are under way at once; `durable` tells the points whose readings are
  /// durable before they are sent.
  init(points: [[UInt8]], durable: [Bool], inflight: Int) {
    isDurable = durable
    places = Dictionary(uniqueKeysWithValues: zip(points, 0...))
    doubt = Doubt(inflight: inflight, hasDurable: durable.contains(true))
    delivered = [Int](repeating: 0, count: points.count)
    lateOfPoint = delivered
  }

  mutating func complain(_ text: String) {
    if violations.count < 20 { violations.append(text) }
  }

  /// The readings that came live since the last call.
  mutating func takeNews() -> [(series: Int, number: UInt32, run: Int)] {
    defer { if !news.isEmpty { news = [] } }
    return news
  }

  /// The medium may have lost anything.
  var hasRotted: Bool { doubt.hasRotted }

  /// Messages with readings.
  var messages: Int { doubt.messages }

  /// What comes from now on comes over another connection.
  mutating func connectionOpened() { doubt.connectionOpened() }

  /// A run has ended at `now`, and what it knew since `known` of what the broker has, with it.
  mutating func forgotten(since known: Instant, at now: Instant) {
    doubt.forgotten(since: known, at: now)
  }

  /// Bits of the medium have flipped: a note of what the broker has may be gone with them.
  mutating func rotted(at now: Instant) { doubt.rotted(at: now) }

  /// A message from the device at `now`: `topic` is what follows its own prefix.
  mutating func take(
    topic: [UInt8], payload: [UInt8], run: Int, runs: [UInt32: Int], at now: Instant
  ) {
    let isHistory = topic.elementsEqual("history".utf8)
    let parts = topic.split(separator: UInt8(ascii: "/"))
    let isEvent = parts.first?.elementsEqual("event".utf8) == true
    guard isHistory || parts.count == 2 && (isEvent || parts[0].elementsEqual("state".utf8)) else {
      return
    }
    guard let readings = HeardReading.all(in: payload) else {
      return complain("not what we say: \(String(decoding: payload, as: UTF8.self))")
    }
    doubt.heard(at: now)
    var isRepeated = false
    for var reading in readings {
      if !isHistory {
        reading.point = Array(parts[1])
        reading.isEvent = isEvent
      }
      guard let run = reading.run.map({ runs[$0] }) ?? run else {
        complainOfRun(reading)
        continue
      }
      let isNew = take(reading, isHistory: isHistory, run: run)
      if !isNew { isRepeated = true }
    }
    if isRepeated { repeated += 1 }
  }

  /// Of which run a reading was, a medium that has rotted may not be able to tell.
  private mutating func complainOfRun(_ reading: HeardReading) {
    guard !hasRotted else { return }
    complain("a reading of run \(reading.run ?? 0), which there was not")
  }

  /// True when it is new.
  private mutating func take(_ reading: HeardReading, isHistory: Bool, run: Int) -> Bool {
    guard let place = places[reading.point] else {
      complain("a reading of a point that there is not")
      return true
    }
    let stream = Stream(run: run, series: 2 * place + (reading.isEvent ? 1 : 0))
    let (count, before) = heard[stream, default: Heard()].insert(
      reading.count, upTo: reading.number, UInt32(messages), isLive: !isHistory)
    if before > 0, !(isHistory && isDurable[place]),
      let reason = doubt.complaint(ofRepeating: before)
    {
      complain("twice: \(name(stream)) has \(reading.number) again, \(reason)")
    }
    guard count > 0 else { return false }
    delivered[place] += count
    if reading.count > 1 { merged += count }
    if isHistory {
      late += count
      lateOfPoint[place] += count
    } else if wantsNews {
      news.append((stream.series, reading.number, run))
    }
    let last = heard[stream].map { isHistory ? $0.lastLate : $0.lastLive } ?? 0
    if reading.number <= last {
      complain(
        "order: \(name(stream)) has \(reading.number) after \(last) in the "
          + (isHistory ? "history" : "live stream"))
    }
    if isHistory {
      heard[stream]?.lastLate = reading.number
    } else {
      heard[stream]?.lastLive = reading.number
    }
    return true
  }

  /// How many of these numbers of a series, twice its point, or one more for its events, were never heard.
  func unheard(run: Int, series: Int, _ numbers: Range<UInt32>) -> Int {
    guard let heard = heard[Stream(run: run, series: series)]?.messages else {
      return numbers.count
    }
    return numbers.count { $0 >= heard.count || heard[Int($0)] == 0 }
  }

  private func name(_ stream: Stream) -> String {
    let point = places.first { $0.value == stream.series / 2 }?.key ?? []
    return (stream.series % 2 == 0 ? "state " : "event ") + String(decoding: point, as: UTF8.self)
      + " of run \(stream.run)"
  }
}
