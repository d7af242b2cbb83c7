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
    /// A bit for each number.
    var numbers: [UInt64] = []
    var last: UInt32 = 0

    /// Takes the `count` numbers up to `last`; how many of them are new.
    mutating func insert(_ count: UInt32, upTo last: UInt32) -> Int {
      var new = 0
      for number in last + 1 - min(count, last)...last {
        let (word, bit) = (Int(number / 64), UInt64(1) << UInt64(number % 64))
        while numbers.count <= word { numbers.append(0) }
        if numbers[word] & bit == 0 { new += 1 }
        numbers[word] |= bit
      }
      return new
    }
  }

  /// Points of the profile, by name.
  private let places: [[UInt8]: Int]
  private var heard: [Stream: Heard] = [:]
  private var lastInHistory: [Stream: UInt32] = [:]
  /// Readings heard for the first time, merged ones as many as they stand for, by point.
  private(set) var delivered: [Int]
  /// Messages heard that brought something that was heard before.
  private(set) var repeated = 0
  /// Messages with readings, and readings that came in a history.
  private(set) var messages = 0
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

  init(points: [[UInt8]]) {
    places = Dictionary(uniqueKeysWithValues: zip(points, 0...))
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

  /// A message from the device: `topic` is what follows its own prefix.
  mutating func take(topic: [UInt8], payload: [UInt8], run: Int, runs: [UInt32: Int]) {
    let isHistory = topic.elementsEqual("history".utf8)
    let parts = topic.split(separator: UInt8(ascii: "/"))
    let isEvent = parts.first?.elementsEqual("event".utf8) == true
    guard isHistory || parts.count == 2 && (isEvent || parts[0].elementsEqual("state".utf8)) else {
      return
    }
    guard let readings = HeardReading.all(in: payload) else {
      return complain("not what we say: \(String(decoding: payload, as: UTF8.self))")
    }
    messages += 1
    var isRepeated = false
    for var reading in readings {
      if !isHistory {
        reading.point = Array(parts[1])
        reading.isEvent = isEvent
      }
      let isNew = take(reading, isHistory: isHistory, run: reading.run.flatMap { runs[$0] } ?? run)
      if !isNew { isRepeated = true }
    }
    if isRepeated { repeated += 1 }
  }

  /// True when it is new.
  private mutating func take(_ reading: HeardReading, isHistory: Bool, run: Int) -> Bool {
    guard let place = places[reading.point] else {
      complain("a reading of a point that there is not")
      return true
    }
    let stream = Stream(run: run, series: 2 * place + (reading.isEvent ? 1 : 0))
    let count = heard[stream, default: Heard()].insert(reading.count, upTo: reading.number)
    guard count > 0 else { return false }
    delivered[place] += count
    if reading.count > 1 { merged += count }
    if isHistory {
      late += count
      lateOfPoint[place] += count
    } else if wantsNews {
      news.append((stream.series, reading.number, run))
    }
    let last =
      isHistory ? lastInHistory[stream, default: 0] : heard[stream, default: Heard()].last
    if reading.number <= last {
      complain(
        "order: \(name(stream)) has \(reading.number) after \(last) in the "
          + (isHistory ? "history" : "live stream"))
    }
    if isHistory {
      lastInHistory[stream] = reading.number
    } else {
      heard[stream]?.last = reading.number
    }
    return true
  }

  /// The highest number of a series that was heard of a run.
  private func name(_ stream: Stream) -> String {
    let point = places.first { $0.value == stream.series / 2 }?.key ?? []
    return (stream.series % 2 == 0 ? "state " : "event ") + String(decoding: point, as: UTF8.self)
      + " of run \(stream.run)"
  }
}
