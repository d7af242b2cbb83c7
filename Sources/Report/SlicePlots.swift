import Core
import Simulator

/// The plots whose lines come from slices of time.
struct SlicePlots {
  let course: Course
  let slices: [MergedSlice]
  /// How long each slice is, in seconds.
  let length: Double
  let time: TimeScale
  let backdrop: Backdrop

  /// "per hour": what the sums of slices are counted by.
  private var per: String {
    switch length {
    case 60: "per minute"
    case 3_600: "per hour"
    case 86_400: "per day"
    default: "per \(Unit.seconds.text(length))"
    }
  }

  /// One line of steps in a plot of its own.
  private func lane(
    _ title: String, _ unit: Unit, _ look: Look, note: String, height: Int = 74,
    value: (MergedSlice) -> Double
  ) -> LineChart {
    var chart = LineChart(
      title, time: time, axis: Axis(unit),
      series: [.init(title, steps(value), look: look, shape: .steps)])
    (chart.note, chart.backdrop, chart.height, chart.showsTime) = (note, backdrop, height, false)
    return chart
  }

  /// A value for each slice, and the last once more where it ends.
  private func steps(_ value: (MergedSlice) -> Double) -> [(x: Double, y: Double)] {
    var points = slices.map { (x: $0.begin, y: value($0)) }
    if let last = slices.last {
      points.append((x: min(last.begin + length, time.span.upperBound), y: value(last)))
    }
    return points
  }

  /// A value in the middle of each slice.
  private func line(_ value: (MergedSlice) -> Double) -> [(x: Double, y: Double)] {
    slices.map { (x: min($0.begin + length / 2, time.span.upperBound), y: value($0)) }
  }

  /// The queue in memory over that in the journal.
  var queues: [String] {
    var memory = lane("Waiting in memory", .bytes, .calm, note: "at most, in the outbox") {
      Double($0.outboxMost)
    }
    if course.sums.outboxBytes > 0 {
      memory.bound = .init("holds", Double(course.sums.outboxBytes))
    }
    var journal = lane("Waiting in the journal", .bytes, .deep, note: "at most, on flash") {
      Double($0.journalMost)
    }
    if course.sums.journalBytes > 0 {
      journal.bound = .init("holds", Double(course.sums.journalBytes))
    }
    return figures([memory, journal])
  }

  /// Plots right above one another, with the times below the last; those that show nothing are left out.
  private func figures(_ charts: [LineChart]) -> [String] {
    var shown = charts.filter { chart in
      chart.series.contains { $0.points.contains { $0.y > 0 } }
    }
    if shown.isEmpty { shown = Array(charts.prefix(1)) }
    shown[shown.count - 1].showsTime = true
    return shown.map(\.figure)
  }

  /// What came at once, what came later and what was given up, over one another: after an outage there is so
  /// much at once that one scale for all would hide the rest.
  var deliveries: [String] {
    let live = lane("Readings delivered live", .count, .good, note: per) { Double($0.live) }
    let late = lane("Readings delivered late", .count, .late, note: per) { Double($0.late) }
    let lost = lane("Readings given up", .count, .bad, note: "\(per), by the profile’s own rules") {
      Double($0.lost)
    }
    return figures([live, late, lost])
  }

  /// How long live readings were on their way.
  var latency: String {
    var chart = LineChart(
      "From reading to broker", time: time, axis: Axis(.seconds, scale: .logarithmic),
      series: [
        .init("slowest", line { $0.latencyMax ?? .nan }, look: .late),
        .init("median", line { $0.latencyMedian ?? .nan }, look: .good),
      ])
    (chart.note, chart.backdrop, chart.height) = ("of those that came live", backdrop, 170)
    return chart.figure
  }

  /// Bytes on the wire, bytes on flash and the radio.
  var costs: [String] {
    var wire = LineChart(
      "Bytes on the wire", time: time, axis: Axis(.bytes),
      series: [
        .init("to the broker", steps { Double($0.bytesUp) }, look: .calm, shape: .steps),
        .init("from it", steps { Double($0.bytesDown) }, look: .deep, shape: .steps),
      ])
    (wire.note, wire.backdrop, wire.height, wire.showsTime) = (per, backdrop, 110, false)
    let flash = lane("Written to flash", .bytes, .deep, note: per) { Double($0.flashBytes) }
    let radio = lane("Radio on", .seconds, .mute, note: per) { $0.radio * length }
    return figures([wire, flash, radio])
  }
}
