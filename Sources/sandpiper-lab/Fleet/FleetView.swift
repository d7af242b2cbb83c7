import Core
import Fleet
import Foundation

/// How a fleet stands, as a block that is drawn again and again, or as a line.
struct FleetView {
  var census: FleetCensus
  var meter: FleetMeter
  /// What happened each second since the last view.
  var rates: FleetFigures
  /// The answers since the last view.
  var recent: Times
  var elapsed: Interval
  /// Memory for each device; nil before it is known.
  var kibibytes: Double?

  /// For a terminal.
  var block: [String] {
    var lines = [
      "",
      row("after", "\(elapsed.seconds) s"),
      row(
        "devices", "\(census.online.grouped) online", "\(census.connecting.grouped) connecting",
        "\(census.waiting.grouped) waiting", "\(census.notBegun.grouped) to come",
        census.stopped > 0 ? "\(census.stopped.grouped) stopped" : ""),
      row(
        "sessions", "\(rates.sessions.grouped)/s", "\(meter.sessions.grouped) in all",
        "\(census.returns.grouped) again", "\(meter.losses.grouped) lost"),
      row(
        "messages", "\(rates.publishes.grouped)/s published",
        "\(rates.acknowledgements.grouped)/s acknowledged", "\(answers)"),
      row(
        "readings", "\(census.readings.grouped) made", "\(census.kept.grouped) in memory",
        "\(census.givenUpCount.grouped) given up", "outboxes \(fill) full"),
    ]
    if let kibibytes { lines.append(row("memory", String(format: "%.1f KiB a device", kibibytes))) }
    if !meter.lastFault.isEmpty { lines.append(row("trouble", meter.lastFault)) }
    return lines
  }

  /// For a file.
  var line: String {
    "\(elapsed.seconds) s: online \(census.online), connecting \(census.connecting), waiting "
      + "\(census.waiting), to come \(census.notBegun), stopped \(census.stopped); sessions "
      + "\(rates.sessions)/s, again \(census.returns), lost \(meter.losses); published "
      + "\(rates.publishes)/s, acknowledged \(rates.acknowledgements)/s, \(answers); outboxes \(fill)"
      + (meter.lastFault.isEmpty ? "" : "; last trouble: \(meter.lastFault)")
  }

  private var answers: String {
    recent.count == 0
      ? "no answers" : "p50 \(recent.percentile(50).short), p99 \(recent.percentile(99).short)"
  }

  private var fill: String {
    String(format: "%.1f %%", 100 * Double(census.keptBytes) / Double(max(1, census.roomBytes)))
  }

  private func row(_ name: String, _ cells: String...) -> String {
    "  " + name.padding(toLength: 10, withPad: " ", startingAt: 0)
      + cells.map { $0.padding(toLength: max($0.count + 2, 22), withPad: " ", startingAt: 0) }
      .joined()
  }
}

/// What a fleet has come to.
struct FleetSummary {
  var census: FleetCensus
  var meter: FleetMeter
  var elapsed: Interval
  /// Processor time of the whole process.
  var processor: Interval
  /// Bytes of each device's arena.
  var plannedBytes: Int
  /// Memory for each device, in KiB.
  var memory: Double?
  var devices: Int
  /// All devices have stopped in order.
  var isInOrder: Bool

  /// For people, and for scripts that look for its words.
  var text: String {
    let seconds = Double(elapsed.milliseconds) / 1_000
    let work = Double(processor.milliseconds) / 1_000
    var lines = [
      "",
      "\(census.seen.grouped) of \(devices.grouped) devices had a session; "
        + String(format: "%.1f s, ", seconds) + (isInOrder ? "ended in order" : "cut short"),
      "  sessions      \(meter.sessions.grouped), of them \(census.returns.grouped) again; "
        + "\(meter.losses.grouped) lost; \(meter.dials.grouped) attempts",
      "  readings      \(census.readings.grouped) made, \(census.givenUpCount.grouped) given up, "
        + "\(census.kept.grouped) left in memory\(givenUp)",
      "  records       \(census.acknowledged.grouped) acknowledged: readings, and reports of outages",
      "  messages      \(meter.publishes.grouped) published at QoS 1, "
        + "\(meter.acknowledgements.grouped) acknowledged"
        + String(format: ", %.0f/s", Double(meter.acknowledgements) / max(0.001, seconds)),
      "  connecting    " + meter.connectTimes.summary,
      "  answers       " + meter.answerTimes.summary,
    ]
    let planned = String(format: "%.1f KiB", Double(plannedBytes) / 1_024)
    let measured = memory.map { String(format: "%.1f KiB a device, ", $0) } ?? ""
    lines.append("  memory        \(measured)of which \(planned) are its arena by plan")
    lines.append(
      String(
        format: "  processor     %.1f s, %.0f %% of one core", work,
        100 * work / max(0.001, seconds)))
    for (fault, count) in meter.faults.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
      lines.append("  trouble       \(count.grouped) times \(fault)")
    }
    return lines.joined(separator: "\n")
  }

  private var givenUp: String {
    guard census.givenUpCount > 0 else { return "" }
    let losses = census.givenUp
    return " (dropped \(losses.dropped), merged \(losses.thinned), expired \(losses.expired), "
      + "replaced \(losses.replaced), refused \(census.unsendable))"
  }
}

extension Times {
  /// The percentiles in a line.
  fileprivate var summary: String {
    guard count > 0 else { return "none" }
    return [50, 90, 99, 99.9].map { "p\($0.formatted()) \(percentile($0).short)" }
      .joined(separator: ", ") + ", longest \(longest.short)"
  }
}

extension Interval {
  /// With three digits and a unit: "950 µs", "1.25 ms", "12.5 s".
  var short: String {
    let microseconds = Double(nanoseconds) / 1_000
    if microseconds < 1_000 { return String(format: "%.0f µs", microseconds) }
    let (value, unit) =
      microseconds < 1e6 ? (microseconds / 1e3, "ms") : (microseconds / 1e6, "s")
    return String(format: value < 10 ? "%.2f %@" : value < 100 ? "%.1f %@" : "%.0f %@", value, unit)
  }
}

extension Int {
  /// In groups of three digits: "12,345".
  var grouped: String {
    var digits = String(magnitude)
    var groups: [Substring] = []
    while digits.count > 3 {
      groups.insert(digits.suffix(3), at: 0)
      digits = String(digits.dropLast(3))
    }
    groups.insert(Substring(digits), at: 0)
    return (self < 0 ? "-" : "") + groups.joined(separator: ",")
  }
}
