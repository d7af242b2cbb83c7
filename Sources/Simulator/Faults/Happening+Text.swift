import Core
import Foundation
import Scenarios

extension Happening {
  /// As one line of a log says it.
  var text: String {
    var text = "\(fault.word)"
    if !point.isEmpty { text += " " + String(decoding: point, as: UTF8.self) }
    text += place
    return length > .zero ? text + " for " + length.inWords : text
  }

  /// Where it is, for what is at one of several brokers.
  private var place: String { broker.map { " at broker \($0)" } ?? "" }

  /// The end of what has lasted, as one line of a log says it.
  var endText: String { "\(fault.word)" + place + ": over" }

  /// As a scenario spells it.
  var json: String {
    var members = ["\"at\": \"\(at.spelled)\"", "\"do\": \"\(fault.word)\""]
    if length > .zero { members.append("\"for\": \"\(length.spelled)\"") }
    if every > .zero { members.append("\"every\": \"\(every.spelled)\"") }
    if let broker { members.append("\"broker\": \(broker)") }
    if !point.isEmpty { members.append("\"point\": \(Self.quoted(point))") }
    return "{" + (members + details).joined(separator: ", ") + "}"
  }

  private var details: [String] {
    switch fault {
    case .slow: ["\"latency\": \"\(by.spelled)\"", "\"rate\": \(rate)"]
    case .delay: ["\"by\": \"\(by.spelled)\""]
    case .forgetIdle, .throwOut: ["\"after\": \"\(by.spelled)\""]
    case .restart: forgets ? ["\"forget\": true"] : []
    case .reject: ["\"reason\": \"\(refusal.word)\""]
    case .publish:
      ["\"topic\": \(Self.quoted(topic))", "\"payload\": \(Self.quoted(payload))"]
        + (retain ? ["\"retain\": true"] : [])
    case .clockStep: ["\"seconds\": \(by.seconds)"]
    case .break: ["\"as\": \"\(Self.word(for: pointFault))\""]
    case .hold: ["\"value\": \(value)"]
    case .bounce: ["\"count\": \(count)"]
    case .rot: ["\"bits\": \(count)"]
    case .wearOut: count > 0 ? ["\"sectors\": \(count)"] : []
    default: []
    }
  }

  private static func quoted(_ text: [UInt8]) -> String {
    var out = "\""
    for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case _ where scalar.value < 0x20: out += String(format: "\\u%04x", scalar.value)
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}

extension Scenario {
  /// As a file has it, on a link of this name.
  public func json(link: String) -> String {
    let seed = seed.map { "\n  \"seed\": \($0)," } ?? ""
    return """
      {
        "link": "\(link)",\(seed)
        "length": "\(length.spelled)",
        "events": [
      \(happenings.map { "    " + $0.json }.joined(separator: ",\n"))
        ]
      }

      """
  }
}

extension Interval {
  /// As profiles and scenarios spell it, to the millisecond.
  var spelled: String {
    milliseconds % 1_000 == 0 ? "\(seconds)s" : "\(milliseconds)ms"
  }

  /// As a number of seconds.
  public var inSeconds: Double { Double(nanoseconds) / 1e9 }

  /// For people: two units at most.
  public var inWords: String {
    let units: [(name: String, seconds: Int64)] = [
      ("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1),
    ]
    guard seconds > 0 else { return "\(milliseconds) ms" }
    let first = units.firstIndex { seconds >= $0.seconds } ?? units.count - 1
    let unit = units[first]
    var text = "\(seconds / unit.seconds) \(unit.name)"
    let rest = seconds % unit.seconds
    if first + 1 < units.count, rest >= units[first + 1].seconds {
      text += " \(rest / units[first + 1].seconds) \(units[first + 1].name)"
    }
    return text
  }
}
