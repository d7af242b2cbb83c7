import Core
import Fleet
import Foundation
import Report
import Uplink

/// A storm as a broker sees it, under the profile's back-off and under others.
struct StormSummary {
  /// The delay of devices that know no other.
  private static let fixedDelay = Interval.seconds(5)

  private let storm: Storm
  private let uplink: UplinkSpec
  /// What each way of waiting leads to, ours first.
  private let courses: [(name: String, course: StormCourse)]

  init(_ storm: Storm, _ uplink: UplinkSpec) {
    (self.storm, self.uplink) = (storm, uplink)
    let (first, last) = (uplink.backoffMinimum, uplink.backoffMaximum)
    let bounds = "\(first.words) to \(last.words)"
    courses = [
      ("this profile: \(bounds), at random", storm.course(.agent(uplink))),
      ("always \(Self.fixedDelay.words)", storm.course(.fixed(Self.fixedDelay))),
      ("\(bounds), doubling, for all the same", storm.course(.doubling(from: first, to: last))),
    ]
  }

  /// For the terminal.
  var text: String {
    var lines = [introduction, ""]
    lines.append(row("wait between attempts", "peak/s", "99 % back", "all back", "attempts"))
    for (name, course) in courses {
      lines.append(
        row(
          name, course.peakAfterReturn.grouped, after(course.mostBackAfter),
          after(course.allBackAfter), course.attemptCount.grouped))
    }
    lines += [
      "",
      "peak/s: most attempts in a second once the broker is back. At best all are back after "
        + "\(Interval.seconds(Int64(storm.deviceCount / storm.acceptsPerSecond)).words).",
    ]
    return lines.joined(separator: "\n")
  }

  /// The attempts of each second as a page with a plot; `profile` names what was tried.
  func page(of profile: String) -> String {
    let end = Double(shownSeconds)
    let away = Double(storm.away.milliseconds) / 1_000
    let time = TimeScale(from: 0, to: end)
    let looks: [Look] = [.good, .late, .bad]
    let series = zip(courses, looks).map { course, look in
      LineChart.Series(course.name, points(course.course.attempts, to: shownSeconds), look: look)
    }
    var attempts = LineChart(
      "Attempts to connect, each second", time: time, axis: Axis(.count, scale: .logarithmic),
      series: series.reversed())
    attempts.note = "shaded: the broker is away; at the bottom: none"
    attempts.backdrop.shades = [0...away]
    attempts.bound = LineChart.Bound("the broker takes", Double(storm.acceptsPerSecond))
    attempts.height = 320
    let returned = zip(courses, looks).map { course, look in
      LineChart.Series(course.name, sums(course.course.taken), look: look)
    }
    var back = LineChart(
      "Devices that are back", time: time, axis: Axis(.count), series: returned.reversed())
    back.backdrop.shades = [0...away]
    back.height = 200
    var page = ChartPage(
      "The storm after a broker's restart: \(profile)", introduction: introduction,
      figures: [attempts.figure, back.figure])
    page.pieces.append(table)
    return page.html
  }

  /// The figures of the terminal; its texts are all of this program.
  private var table: String {
    let rows = courses.map { name, course in
      "<tr><td>\(name)</td><td>\(course.peakAfterReturn.grouped)</td>"
        + "<td>\(after(course.mostBackAfter))</td><td>\(after(course.allBackAfter))</td>"
        + "<td>\(course.attemptCount.grouped)</td></tr>"
    }
    return """
      <h2>In figures</h2>
      <div class="table"><table><thead><tr><th>Wait between attempts</th><th>Peak a second</th>\
      <th>99 % back</th><th>All back</th><th>Attempts</th></tr></thead>
      <tbody>\(rows.joined(separator: "\n"))</tbody></table></div>
      """
  }

  private var introduction: String {
    let fate =
      storm.overload == .refuse
      ? "refuses the rest" : "leaves the rest without an answer for \(storm.patience.words)"
    return
      "\(storm.deviceCount.grouped) devices; their broker is away for \(storm.away.words), takes "
      + "\(storm.acceptsPerSecond.grouped) connections a second and \(fate)."
  }

  private func after(_ interval: Interval?) -> String {
    interval?.words ?? "never in \(storm.limit.words)"
  }

  /// Half as long again as our own takes: what the others do later is more of the same.
  private var shownSeconds: Int {
    let own = courses[0].course.allBackAfter ?? storm.limit
    return Int((storm.away + own * 3 / 2).seconds) + 1
  }

  private func points(_ counts: [Int], to seconds: Int) -> [(x: Double, y: Double)] {
    // A scale of powers has no zero: its lowest mark stands for none.
    (0..<min(seconds, counts.count)).map { (Double($0), Double(max(1, counts[$0]))) }
  }

  private func sums(_ counts: [Int]) -> [(x: Double, y: Double)] {
    var sum = 0
    return (0..<shownSeconds).map { second in
      if second < counts.count { sum += counts[second] }
      return (Double(second + 1), Double(sum))
    }
  }

  private func row(_ name: String, _ cells: String...) -> String {
    name.padding(toLength: max(44, name.count), withPad: " ", startingAt: 0)
      + cells.map { String(repeating: " ", count: max(1, 16 - $0.count)) + $0 }.joined()
  }
}

extension Interval {
  /// With three digits below ten seconds where there is a fraction, else in whole seconds, and minutes and
  /// hours where there are: "1 h 4 min 10 s".
  fileprivate var words: String {
    if self < .seconds(10), nanoseconds % 1_000_000_000 != 0 { return short }
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60)
    return [(hours, "h"), (minutes, "min"), (rest, "s")]
      .filter { $0.0 > 0 || ($0.1 == "s" && seconds == 0) }
      .map { "\($0.0) \($0.1)" }.joined(separator: " ")
  }
}
