import Broker
import Core

/// What was heard at the broker, against what was made on the device.
struct Ledger {
  /// What was heard of the states or the events of one point, in one run.
  private struct Heard {
    /// By number, which message has brought it last, counted from 1, and whether that was a live one; 0 for
    /// none.
    var messages: [UInt32] = []
    /// The last in order, in the live stream and in the history.
    var lastLive: UInt32 = 0
    var lastLate: UInt32 = 0
    /// The history may go back behind that, once.
    var mayTurnBack = false

    private static let live: UInt32 = 0x8000_0000

    /// `message` brings the `count` numbers up to `last`: how many of them are new, and which message of
    /// those that have brought one of them before is the oldest; 0 for none.
    ///
    /// What went out live between two outages is no part of a reading that was merged of both: that one reaches
    /// as much further back. (So one that says live ones again is not noticed where as many before it are
    /// missing.)
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

    /// The live stream or the history has come to `number`: what it had come to before.
    mutating func follow(_ number: UInt32, isHistory: Bool) -> UInt32 {
      let last = isHistory ? lastLate : lastLive
      if isHistory { lastLate = number } else { lastLive = number }
      return last
    }
  }

  /// The names of the profile's points.
  private let points: [[UInt8]]
  /// By run, counted from 1, and by series: twice its point, or one more for its events.
  private var heard: [[Heard]] = []
  /// What the present message brings.
  private var readings: [HeardReading] = []
  private var doubt: Doubt
  /// Points whose readings are durable before they are sent. Such a one leaves from memory and is settled in
  /// the journal ahead of what waits there; the ring remembers eight such stretches, and what is in a ninth
  /// comes once more.
  private let isDurable: [Bool]
  /// Readings that were given up and counted, by point, and may come after all, behind later ones: a power cut
  /// has taken the note of it.
  private var mayReturn: [Int]
  /// Those that have.
  private var returned: [Int]
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
    self.points = points
    doubt = Doubt(inflight: inflight, hasDurable: durable.contains(true))
    delivered = [Int](repeating: 0, count: points.count)
    (lateOfPoint, mayReturn, returned) = (delivered, delivered, delivered)
  }

  mutating func complain(_ text: String) {
    if violations.count < 20 { violations.append(text) }
  }

  /// Hands `hear` the readings that came live since the last call.
  mutating func drainNews(_ hear: (_ series: Int, _ number: UInt32, _ run: Int) -> Void) {
    for news in news { hear(news.series, news.number, news.run) }
    news.removeAll(keepingCapacity: true)
  }

  /// The medium may have lost anything.
  var hasRotted: Bool { doubt.hasRotted }

  /// Messages with readings.
  var messages: Int { doubt.messages }

  /// What comes from now on comes over another connection.
  mutating func connectionOpened() { doubt.connectionOpened() }

  /// A run has ended at `now`, and what it knew since `known` of what the broker has, with it; and of what it
  /// has given up, with the runs before so many readings by point.
  mutating func forgotten(since known: Instant, at now: Instant, givenUp: [Int]) {
    doubt.forgotten(since: known, at: now)
    guard known < now else { return }
    mayReturn = givenUp
  }

  /// Late readings leave ahead of others that are older, and that follow once they can be read.
  mutating func overtaken() {
    for run in heard.indices {
      for series in heard[run].indices { heard[run][series].mayTurnBack = true }
    }
  }

  /// Bits of the medium have flipped: a note of what the broker has may be gone with them.
  mutating func rotted(at now: Instant) { doubt.rotted(at: now) }

  /// A message from the device at `now`: `topic` is what follows its own prefix.
  mutating func take(
    topic: Span<UInt8>, payload: [UInt8], run: Int, runs: [UInt32: Int], at now: Instant
  ) {
    let isHistory = topic.equals("history")
    let isEvent = topic.count > 6 && topic.extracting(first: 6).equals("event/")
    let isState = topic.count > 6 && topic.extracting(first: 6).equals("state/")
    guard isHistory || isEvent || isState else { return }
    let points = points
    func place(of name: Span<UInt8>) -> Int? { points.firstIndex { $0.span.equals(name) } }
    guard HeardReading.read(payload.span, into: &readings, place) else {
      return complain("not what we say: \(String(decoding: payload, as: UTF8.self))")
    }
    doubt.heard(at: now)
    var isRepeated = false
    for index in readings.indices {
      if !isHistory {
        readings[index].place = place(of: topic.extracting(droppingFirst: 6))
        readings[index].isEvent = isEvent
      }
      let reading = readings[index]
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
    guard let place = reading.place else {
      complain("a reading of a point that there is not")
      return true
    }
    while heard.count < run {
      heard.append([Heard](repeating: Heard(), count: 2 * points.count))
    }
    let series = 2 * place + (reading.isEvent ? 1 : 0)
    let (count, before) = heard[run - 1][series].insert(
      reading.count, upTo: reading.number, UInt32(messages), isLive: !isHistory)
    if before > 0, !(isHistory && isDurable[place]),
      let reason = doubt.complaint(ofRepeating: before)
    {
      complain("twice: \(name(series, run)) has \(reading.number) again, \(reason)")
    }
    guard count > 0 else { return false }
    delivered[place] += count
    if reading.count > 1 { merged += count }
    if isHistory {
      late += count
      lateOfPoint[place] += count
    } else if wantsNews {
      news.append((series, reading.number, run))
    }
    let last = heard[run - 1][series].follow(reading.number, isHistory: isHistory)
    if reading.number <= last, isHistory, heard[run - 1][series].mayTurnBack {
      heard[run - 1][series].mayTurnBack = false
    } else if reading.number <= last, isHistory, returned[place] + count <= mayReturn[place] {
      returned[place] += count
      _ = heard[run - 1][series].follow(last, isHistory: true)
    } else if reading.number <= last, !(isHistory && hasRotted) {
      complain(
        "order: \(name(series, run)) has \(reading.number) after \(last) in the "
          + (isHistory ? "history" : "live stream"))
    }
    return true
  }

  /// How many of these numbers of a series were never heard.
  func unheard(run: Int, series: Int, _ numbers: Range<UInt32>) -> Int {
    guard run <= heard.count else { return numbers.count }
    let messages = heard[run - 1][series].messages
    return numbers.count { $0 >= messages.count || messages[Int($0)] == 0 }
  }

  private func name(_ series: Int, _ run: Int) -> String {
    (series % 2 == 0 ? "state " : "event ")
      + String(decoding: points[series / 2], as: UTF8.self) + " of run \(run)"
  }
}
