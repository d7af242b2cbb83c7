import Foundation

/// The time that plots have in common, in seconds. Plots of one page with the same scale stand exactly
/// under one another.
public struct TimeScale: Sendable {
  /// When the plot begins and ends, in seconds; never empty.
  public let span: ClosedRange<Double>

  /// From `begin` to `end`; a second where the one is not before the other.
  public init(from begin: Double, to end: Double) {
    let begin = begin.isFinite ? begin : 0
    span = begin...(end.isFinite && end > begin ? end : begin + 1)
  }

  /// Steps between marks that people count in, in seconds.
  static let steps: [Double] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30]
    + [1, 2, 5, 10, 15, 30].map { $0 * 60 } + [1, 2, 3, 6, 12].map { $0 * 3_600 }
    + [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000].map { $0 * 86_400 }

  /// Where a time lies: 0 at the beginning, 1 at the end, and never beyond them.
  func place(of time: Double) -> Double {
    min(1, max(0, (time - span.lowerBound) / (span.upperBound - span.lowerBound)))
  }

  /// Times that have a mark, at most `count` steps of them.
  func ticks(_ count: Int) -> [Double] {
    let length = span.upperBound - span.lowerBound
    let step =
      Self.steps.first { length / $0 <= Double(count) }
      ?? pow(10, log10(length / Double(count)).rounded(.up))
    let first = (span.lowerBound / step - 1e-9).rounded(.up)
    return (0...count).map { (first + Double($0)) * step }
      .filter { $0 <= span.upperBound + step * 1e-6 }
  }

  /// The labels under a plot. A narrow screen has room for every `n`-th one only; the others have the
  /// class `w`, for wide.
  var labels: String {
    let ticks = ticks(10)
    let every = (ticks.count + 4) / 5
    var html = ""
    for (index, time) in ticks.enumerated() {
      let place = place(of: time)
      let classes = (index % every == 0 ? [] : ["w"]) + (place > 0.94 ? ["e"] : [])
      let attribute = classes.isEmpty ? "" : " class=\"\(classes.joined(separator: " "))\""
      let text = time == 0 ? "0" : Unit.seconds.text(time)
      html +=
        "<span\(attribute) style=\"left:\(coordinate(place, of: 100, digits: 2))%\">\(text)</span>"
    }
    return "<div class=\"x\" aria-hidden=\"true\">\(html)</div>"
  }
}
