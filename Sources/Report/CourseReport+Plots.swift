import Core
import Simulator

/// How it went over time: plots that stand exactly under one another.
extension CourseReport {
  /// So many moments are marked through all plots; more would hide what they mark.
  private static let momentsMax = 40

  /// The plots as a piece of HTML.
  var plots: String {
    let (slices, length) = MergedSlice.merging(course, most: LineChart.pointsMax - 1)
    // A life may go on for a while after its length, until all that was kept has come.
    let lived = Double(course.slices.count) * course.sliceLength.inSeconds
    let time = TimeScale(from: 0, to: max(accounts.length, lived))
    var charts: [String] = [link(time)]
    if !course.incidents.isEmpty { charts.append(incidents(time)) }
    if !slices.isEmpty {
      let plots = SlicePlots(
        course: course, slices: slices, length: length, time: time, backdrop: backdrop)
      charts += plots.queues + plots.deliveries + [plots.latency] + plots.costs
    }
    let marks =
      course.incidents.count > Self.momentsMax
      ? "" : " Dotted lines mark what happened to the device."
    return """
      <h2>How it went</h2>
      <p>All plots share one time, counted from the beginning of the life. What is shaded was without the \
      broker.\(marks)</p>
      <section class="charts" aria-label="Plots over time">
      \(charts.joined())</section>
      """
  }

  private var offline: [ClosedRange<Double>] {
    course.outages.map { outage in
      let begin = outage.begin.inSeconds
      return begin...max(begin, outage.end?.inSeconds ?? accounts.length)
    }
  }

  /// When the device had no power, by what happened, and when its agent did not run, by the slices.
  private var stopped: [ClosedRange<Double>] {
    var times = course.incidents.filter { $0.kind == .power && $0.length > .zero }
      .map { $0.at.inSeconds...($0.at + $0.length).inSeconds }
    let length = course.sliceLength.inSeconds
    var begin: Int?
    for index in 0...course.slices.count {
      let stands = index < course.slices.count && course.slices[index].running <= 0
      if stands && begin == nil { begin = index }
      if !stands, let first = begin {
        times.append(Double(first) * length...Double(index) * length)
        begin = nil
      }
    }
    return times
  }

  private var backdrop: Backdrop {
    var backdrop = Backdrop()
    backdrop.shades = offline
    if course.incidents.count <= Self.momentsMax {
      backdrop.moments = course.incidents.map(\.at.inSeconds)
    }
    return backdrop
  }

  private func link(_ time: TimeScale) -> String {
    let begin = time.span.lowerBound
    let bands =
      [BandChart.Band(from: begin, to: time.span.upperBound, .good)]
      + offline.map { .init(from: $0.lowerBound, to: $0.upperBound, .bad) }
      + stopped.map { .init(from: $0.lowerBound, to: $0.upperBound, .mute) }
    var chart = BandChart(
      "Link", time: time, rows: [.init("state", bands, height: 36)],
      legend: [
        (.good, "online"), (.bad, "without the broker"), (.mute, "no power, or not running"),
      ])
    chart.note = course.outages.isEmpty ? "never lost" : plural(course.outages.count, "outage")
    chart.showsTime = course.incidents.isEmpty
    return chart.figure
  }

  private func incidents(_ time: TimeScale) -> String {
    let rows = Course.Incident.Kind.allCases.compactMap { kind -> BandChart.Row? in
      let those = course.incidents.filter { $0.kind == kind }
      guard !those.isEmpty else { return nil }
      let bands = those.map { incident in
        BandChart.Band(
          from: incident.at.inSeconds, to: (incident.at + incident.length).inSeconds, .calm)
      }
      return .init("\(kind)", bands, showsMoments: true, height: 16)
    }
    var chart = BandChart("What happened", time: time, rows: rows)
    chart.note = plural(course.incidents.count, "incident")
    return chart.figure
  }
}
