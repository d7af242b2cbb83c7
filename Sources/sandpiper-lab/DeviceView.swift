import Broker
import Core
import Foundation

/// What the demo knows of the device, from what the device has published.
struct DeviceView {
  /// The latest of one point.
  struct Point {
    var value = "-"
    var quality = "-"
    /// Messages so far: states and events.
    var count = 0
    var changed: Instant
  }

  /// The last word on the device's life.
  private(set) var status = "not heard of yet"
  /// By name.
  private(set) var points: [String: Point] = [:]
  /// All messages so far.
  private(set) var messageCount = 0

  /// The JSON of states, events and results, as far as the demo shows it.
  private struct Payload: Decodable {
    var v: Value?
    var u: String?
    var q: String?
    var state: String?
    var session: UInt64?
    var reason: String?
    var readings: [Reading]?
  }

  /// A reading of a history pack: only that it is there is shown.
  private struct Reading: Decodable {}

  private enum Value: Decodable {
    case bool(Bool)
    case number(Double)
    case text(String)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let bool = try? container.decode(Bool.self) {
        self = .bool(bool)
      } else if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else {
        self = .text(try container.decode(String.self))
      }
    }

    var text: String {
      switch self {
      case .bool(let value): value ? "on" : "off"
      case .number(let value):
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
      case .text(let value): value.utf8.text
      }
    }
  }

  /// Takes a message in, and returns it as a line: "state/door  on  good".
  mutating func take(_ message: Message, at now: Instant) -> String {
    messageCount += 1
    // <base>/<id>/<kind>/<point>; a base may have slashes, so the levels count from the end.
    let levels = message.topic.text.split(separator: "/", omittingEmptySubsequences: false)
    let payload = try? JSONDecoder().decode(Payload.self, from: Data(message.payload))
    guard let payload else { return "\(short(levels))  \(message.payload.text)" }
    if levels.last == "status", let state = payload.state {
      status = state + (payload.session.map { ", session \($0)" } ?? "")
      if let reason = payload.reason { status += ": \(reason)" }
      return "status  \(status)"
    }
    if let readings = payload.readings { return "\(short(levels))  \(readings.count) readings" }
    guard levels.count >= 2, let value = payload.v else {
      return "\(short(levels))  \(message.payload.text)"
    }
    let text = value.text + (payload.u.map { " " + $0.utf8.text } ?? "")
    let kind = levels[levels.count - 2]
    if kind == "state" || kind == "event" {
      let name = String(levels[levels.count - 1])
      var point = points[name] ?? Point(changed: now)
      point.value = text
      point.quality = payload.q ?? "-"
      point.count += 1
      point.changed = now
      points[name] = point
    }
    let label = short(levels).padding(toLength: 24, withPad: " ", startingAt: 0)
    return "\(label)  \(text)" + (payload.q.map { "  \($0)" } ?? "")
  }

  /// The last two levels; of status, diag, result and history only the last.
  private func short(_ levels: [Substring]) -> String {
    guard let last = levels.last, levels.count >= 2 else { return levels.joined(separator: "/") }
    let kind = levels[levels.count - 2]
    return ["state", "event", "cmd"].contains(kind) ? "\(kind)/\(last)" : String(last)
  }
}
