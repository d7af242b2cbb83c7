import Core
import Foundation

/// A message as the broker heard it.
struct Heard {
  /// When it was published.
  var at: Instant
  /// Who published it; empty for the test itself.
  var client: String
  /// The topic below the device's own.
  var topic: String
  var payload: String
  var isRetained: Bool
  var qos: UInt8
  /// The broker said it in the stead of a client that it had lost.
  var isWill: Bool

  /// The payload of `status`; nil for none.
  var status: Status? { topic == "status" ? decoded() : nil }

  /// The payload of `result`; nil for none.
  var result: CommandResult? { topic == "result" ? decoded() : nil }

  /// The payload of `diag`; nil for none.
  var diagnostics: Diagnostics? { topic == "diag" ? decoded() : nil }

  /// What a state, an event or a history says, each reading with its point and kind.
  var readings: [Reading] {
    if topic == "history" {
      let pack: Pack? = decoded()
      return pack?.readings ?? []
    }
    let parts = topic.split(separator: "/").map(String.init)
    guard parts.count == 2, parts[0] == "state" || parts[0] == "event",
      var reading: Reading = decoded()
    else { return [] }
    reading.p = parts[1]
    reading.k = parts[0] == "event" ? "event" : nil
    return [reading]
  }

  private func decoded<Value: Decodable>() -> Value? {
    try? JSONDecoder().decode(Value.self, from: Data(payload.utf8))
  }
}

/// What the device says of its life.
struct Status: Decodable {
  struct Away: Decodable, Equatable {
    var reason: String
    var seconds: Double?
    var dropped: Int
  }

  var state: String
  var session: Int
  var boot: String
  var since: String?
  var reason: String
  var version: String
  var profile: String
  var away: Away?
}

/// One reading of a point.
struct Reading: Decodable {
  var p: String?
  var k: String?
  var v: Value?
  var u: String?
  var t: String?
  var tq: String
  var q: String
  var why: String?
  var seq: Int
  var run: Int?
  /// Of several readings in one: how many, over how many seconds, and the bounds of their values.
  var n: Int?
  var span: Double?
  var min: Value?
  var max: Value?

  /// Which sequence it counts in: states and events count apart.
  var series: String { "\(k ?? "state") \(p ?? "?")" }
}

/// True, false or a number.
enum Value: Decodable, Equatable {
  case bool(Bool)
  case number(Double)

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else {
      self = .number(try value.decode(Double.self))
    }
  }
}

private struct Pack: Decodable {
  var historical: Bool
  var readings: [Reading]
}

/// The answer to a command.
struct CommandResult: Decodable {
  var id: String?
  var point: String
  var result: String
  var reason: String?
  var v: Bool?
  var t: String?
  var tq: String

  /// What tells answers from each other.
  var line: String { "\(id ?? "-") \(point) \(result) \(reason ?? v.map(String.init) ?? "-")" }
}

/// The agent's own health.
struct Diagnostics: Decodable {
  struct Queue: Decodable {
    var unacknowledged: Int
    var bytes: Int
    var capacity: Int
  }

  var session: Int
  var t: String?
  var tq: String
  var uptime: Int
  var queue: Queue
  var broker: Int?
  var connections: Int
  var attemptsFailed: Int
  var refusals: Int
  var published: Int
  var acknowledged: Int
  var unsendable: Int
  var resultsDropped: Int
  var edgesLost: Int
  var reassertions: Int
  /// By point and class, by cause.
  var losses: [String: [String: [String: Int]]]
  /// Points that have lost something too.
  var lossesMore: Int?

  /// Readings that were dropped, by point.
  var dropped: [String: Int] { lost("dropped") }

  /// Readings that did not go out as they were, by point.
  func lost(_ cause: String) -> [String: Int] {
    losses.mapValues { classes in classes.values.reduce(0) { $0 + ($1[cause] ?? 0) } }
      .filter { $0.value > 0 }
  }
}
