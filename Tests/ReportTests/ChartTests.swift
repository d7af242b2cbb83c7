import Report
import Testing

/// Charts that stand for themselves.
@Suite struct ChartTests {
  private let day = TimeScale(from: 0, to: 86_400)

  private func chart(_ points: [(x: Double, y: Double)], axis: Axis = Axis(.count)) -> LineChart {
    LineChart("Rate", time: day, axis: axis, series: [.init("all", points)])
  }

  @Test func linesAreBoundedByTheirPeaks() {
    let points = (0..<86_400).map { (x: Double($0), y: $0 == 50_000 ? 1_000.0 : 1) }
    let figure = chart(points).figure
    #expect(figure.utf8.count < 20_000)
    // The one peak lies at the top of the picture.
    #expect(figure.contains(" 0L"))
  }

  @Test func emptyAndStrangeValuesAreDrawnAsNothing() {
    let values = [Double.nan, .infinity, -.infinity, -1, 0, .greatestFiniteMagnitude]
    for scale in [Axis.Scale.linear, .logarithmic] {
      for unit in [Unit.count, .bytes, .seconds] {
        let axis = Axis(unit, scale: scale)
        #expect(!chart([], axis: axis).figure.contains("data-n"))
        #expect(chart(values.map { (x: $0, y: $0) }, axis: axis).figure.contains("<svg"))
      }
    }
    #expect(TimeScale(from: 1, to: 1).span.upperBound > 1)
    #expect(TimeScale(from: .nan, to: .infinity).span.lowerBound == 0)
  }

  @Test func axesCountAsPeopleDo() {
    #expect(Unit.count.text(1_204) == "1.2k")
    #expect(Unit.count.text(999_499) == "999k")
    #expect(Unit.count.text(999_600) == "1M")
    #expect(Unit.bytes.text(65_536) == "64\u{A0}KiB")
    #expect(Unit.bytes.text(1_048_575) == "1\u{A0}MiB")
    #expect(Unit.seconds.text(0.0123) == "12.3\u{A0}ms")
    #expect(Unit.seconds.text(59.96) == "1\u{A0}min")
    #expect(Unit.seconds.text(3_600) == "1\u{A0}h")
    #expect(Unit.seconds.text(5_400) == "1\u{A0}h\u{A0}30\u{A0}min")
    #expect(Unit.seconds.text(86_399) == "1\u{A0}d")
    #expect(Unit.seconds.text(.infinity) == "–")
  }

  @Test func timesAreMarkedInHours() {
    let figure = chart([(x: 0, y: 1)]).figure
    for hour in ["3", "6", "21"] { #expect(figure.contains(">\(hour)\u{A0}h</span>")) }
  }

  @Test func namesCannotLeaveTheirPlace() {
    let hostile = "\"'><img>"
    var chart = LineChart(
      hostile, time: day, axis: Axis(.bytes), series: [.init(hostile, []), .init(hostile, [])])
    chart.note = hostile
    chart.bound = .init(hostile, 5)
    var bands = BandChart(
      hostile, time: day, rows: [.init(hostile, [.init(from: 5, to: 1, .bad)])],
      legend: [(.bad, hostile)])
    bands.note = hostile
    let page = ChartPage(hostile, introduction: hostile, figures: [chart.figure, bands.figure]).html
    #expect(!page.contains("<img"))
    #expect(!page.contains("\"'"))
    #expect(page.contains("&quot;&#39;&gt;&lt;img&gt;"))
  }

  @Test func thousandsOfBandsAreDrawnByTheirShare() {
    let bands = (0..<40_000).map {
      BandChart.Band(from: Double($0) * 2, to: Double($0) * 2 + 1, .bad)
    }
    let figure = BandChart("Link", time: day, rows: [.init("state", bands)]).figure
    #expect(figure.utf8.count < 120_000)
    #expect(figure.contains("opacity=\"0.5"))
  }
}
