import Core
import Foundation
import Simulator

/// A simulated life in a page of text.
struct CourseSummary {
  private let course: Course
  private let seconds: Double
  private let digest: UInt64

  init(_ course: Course, seconds: Double, digest: UInt64) {
    (self.course, self.seconds, self.digest) = (course, seconds, digest)
  }

  var lines: [String] {
    head + verdict + [""] + rows.filter { !$0.1.isEmpty }.map { Self.left($0.0, 12) + $0.1 }
  }

  private var head: [String] {
    let setting = course.setting
    let parts = [setting.hardware, setting.link, setting.scenario].filter { !$0.isEmpty }
    let rate = Int(setting.length.inSeconds / max(seconds, 0.001))
    return [
      "\(setting.device), \(setting.length.inWords): " + parts.joined(separator: ", ")
        + ", seed \(setting.seed)",
      "simulated in \(Self.rounded(seconds)) s, \(rate) times real time; digest "
        + String(digest, radix: 16),
    ]
  }

  private var verdict: [String] {
    course.violations.isEmpty
      ? ["every promise was kept"]
      : ["BROKEN PROMISES:"] + course.violations.map { "  " + $0 }
  }

  private var rows: [(String, String)] {
    let sums = course.sums
    return [
      ("readings", readings), ("lost", lost),
      ("messages", "\(sums.messages), \(sums.repeated) came twice"),
      ("links", links), ("brokers", brokers), ("outages", outages),
      (
        "latency",
        "\(sums.latencyMedian.inWords) in the middle, \(sums.latency99.inWords) of 99 in 100, "
          + "\(sums.latencyMax.inWords) at most, of those that came live"
      ),
      ("wire", wire), ("flash", flash), ("radio", radio), ("memory", memory),
    ]
  }

  private var readings: String {
    func sum(_ value: (Course.PointSums) -> Int) -> Int { course.points.map(value).reduce(0, +) }
    let thinned = course.sums.thinned
    return "\(sum { $0.made }) made, \(sum { $0.live }) came live, \(sum { $0.late }) late"
      + (thinned > 0 ? " (\(thinned) of them thinned into minimum, mean, maximum)" : "")
  }

  private var lost: String {
    func sum(_ value: (Course.PointSums) -> Int) -> Int { course.points.map(value).reduce(0, +) }
    let causes: [(Int, String)] = [
      (sum { $0.dropped }, "for want of room"), (sum { $0.expired }, "for their age"),
      (sum { $0.replaced }, "for newer ones"), (sum { $0.cut }, "with the power, from memory"),
    ]
    let told = causes.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    return told.isEmpty ? "nothing" : told.joined(separator: ", ")
  }

  private var links: String {
    let sums = course.sums
    return "\(sums.losses) connections lost, \(sums.attempts) attempts, \(sums.runs) run"
      + (sums.runs == 1 ? "" : "s") + " of the agent"
  }

  /// Nothing where there is one only.
  private var brokers: String {
    guard course.brokers.count > 1 else { return "" }
    let shares = course.brokers.enumerated().map { index, broker in
      let share = broker.online.inSeconds / max(course.setting.length.inSeconds, 1e-9) * 100
      return "\(index + 1): \(Self.rounded(min(100, share))) % of the time, "
        + "\(broker.connections) connection" + (broker.connections == 1 ? "" : "s")
    }
    return shares.joined(separator: "; ")
  }

  private var outages: String {
    let lengths = course.outages.map { ($0.end ?? course.setting.length) - $0.begin }
    let noticed = course.outages.map { $0.noticed - $0.begin }
    guard let longest = lengths.max(), let latest = noticed.max() else { return "none" }
    let whole = lengths.reduce(.zero, +)
    return
      "\(course.outages.count), \(whole.inWords) in all, \(longest.inWords) the longest; "
      + "noticed after \(latest.inWords) at most"
  }

  private var wire: String {
    let sums = course.sums
    let days = max(course.setting.length.inSeconds / 86_400, 1e-9)
    let perDay = Double(sums.bytesUp + sums.bytesDown) / days
    return "\(Self.bytes(sums.bytesUp)) up, \(Self.bytes(sums.bytesDown)) down: "
      + "\(Self.bytes(Int(perDay))) a day, \(Self.bytes(Int(perDay * 30))) a month"
  }

  private var flash: String {
    let sums = course.sums
    guard sums.journalBytes > 0 else { return "no journal" }
    var life =
      sums.flashYears.map {
        $0 > 1_000 ? "; it lasts for ever" : "; it lasts \(Self.rounded($0)) years"
      } ?? ""
    if sums.isFlashWorn { life = "; it is worn out" }
    return "\(Self.bytes(sums.flashBytes)) written in whole sectors, none more than "
      + "\(sums.flashSectorWrites) times; \(sums.flashSyncs) syncs" + life
  }

  private var radio: String {
    let sums = course.sums
    let share = sums.radioOn.inSeconds / max(course.setting.length.inSeconds, 1e-9) * 100
    var text = "\(Self.rounded(share)) % of the time on; \(sums.wakeUps) wake-ups"
    if sums.busy > .zero { text += ", processor busy for \(sums.busy.inWords)" }
    if let joules = sums.joules { text += "; \(Self.rounded(joules / 3_600)) Wh with the board" }
    return text
  }

  private var memory: String {
    let sums = course.sums
    var text = "\(Self.bytes(sums.memoryPlanned)) of \(Self.bytes(sums.memoryBudget)) planned; "
    text += "outbox \(Self.bytes(sums.outboxMost)) of \(Self.bytes(sums.outboxBytes)) at most"
    guard sums.journalBytes > 0 else { return text }
    return text
      + ", journal \(Self.bytes(sums.journalMost)) of \(Self.bytes(sums.journalBytes))"
  }

  // MARK: Figures

  private static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  private static func rounded(_ value: Double) -> String {
    String(format: value < 10 ? "%.2f" : "%.0f", value)
  }

  private static func bytes(_ count: Int) -> String {
    let units = ["B", "KiB", "MiB", "GiB"]
    var (value, unit) = (Double(count), 0)
    while value >= 1_024, unit + 1 < units.count { (value, unit) = (value / 1_024, unit + 1) }
    return unit == 0 ? "\(count) B" : String(format: "%.1f %@", value, units[unit])
  }
}
