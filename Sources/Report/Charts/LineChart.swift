/// Lines over time. `figure` is a piece of HTML for a `ChartPage`: the lines are SVG that stretches with the
/// page, the text around them is ordinary text and keeps its size on a phone.
public struct LineChart: Sendable {
  /// One line.
  public struct Series: Sendable {
    /// How its points are joined.
    public enum Shape: Sendable {
      /// By straight lines. A value that is not finite interrupts them.
      case line
      /// Each value holds until the next point; what lies below is filled.
      case steps
    }

    /// What it shows, for the legend.
    public var name: String
    /// Its points in order of x, which is in seconds of the time scale. Any number: those that one line
    /// cannot show are left out, peaks and valleys last.
    public var points: [(x: Double, y: Double)]
    /// How it is told from the others.
    public var look: Look
    /// How its points are joined.
    public var shape: Shape

    /// A line through `points`.
    public init(
      _ name: String, _ points: [(x: Double, y: Double)], look: Look = .good, shape: Shape = .line
    ) {
      (self.name, self.points, self.look, self.shape) = (name, points, look, shape)
    }
  }

  /// A value that is not to be passed.
  public struct Bound: Sendable {
    /// What it is.
    public var name: String
    /// The value.
    public var value: Double

    /// A bound by name.
    public init(_ name: String, _ value: Double) { (self.name, self.value) = (name, value) }
  }

  /// The most points that are drawn for one line.
  public static let pointsMax = 1_000

  /// What is plotted.
  public var title: String
  /// A remark beside the title; may be empty.
  public var note = ""
  /// The time that it covers.
  public var time: TimeScale
  /// The values.
  public var axis: Axis
  /// The lines, the most important one last: it lies on top.
  public var series: [Series]
  /// A bound, drawn when the lines come near it and always named.
  public var bound: Bound?
  /// What stands behind the lines.
  public var backdrop = Backdrop()
  /// How high it is, in pixels of the page.
  public var height = 130
  /// Whether the times stand below. A plot right above another with the same time may do without.
  public var showsTime = true

  /// A chart of these lines.
  public init(_ title: String, time: TimeScale, axis: Axis, series: [Series]) {
    (self.title, self.time, self.axis, self.series) = (title, time, axis, series)
  }

  /// The chart as a piece of HTML.
  public var figure: String {
    var values = series.flatMap { $0.points.map(\.y) }
    let greatest = values.filter(\.isFinite).max() ?? 0
    let shown = bound.flatMap { $0.value > 0 && greatest >= $0.value / 4 ? $0 : nil }
    if let shown { values.append(shown.value) }
    let fitted = axis.fitted(to: values, marks: max(3, height / 34))
    return """
      <figure class="chart"><figcaption><b>\(title.escaped)</b>\(noteText)\(legend(shown != nil))</figcaption>
      <div class="plot" style="height:\(height)px">\(marks(fitted))
      \(picture(fitted, shown))</div>
      \(showsTime ? time.labels : "")</figure>

      """
  }

  private var noteText: String { note.isEmpty ? "" : " <span>\(note.escaped)</span>" }

  /// The lines by name, and the bound with its line or, where that lies far above, without.
  private func legend(_ showsBound: Bool) -> String {
    var items =
      series.count < 2 ? [] : series.map { "<li>\($0.look.lineSample)\($0.name.escaped)</li>" }
    if let bound {
      let text = "\(bound.name.escaped) \(axis.unit.text(bound.value))"
      items.append("<li>\(showsBound ? Look.mute.lineSample : "")\(text)</li>")
    }
    return items.isEmpty ? "" : "<ul>\(items.joined())</ul>"
  }

  private func marks(_ fitted: FittedAxis) -> String {
    let spans = fitted.ticks.map { tick in
      let top = coordinate(1 - fitted.height(of: tick), of: 100, digits: 2)
      return "<span style=\"top:\(top)%\">\(axis.unit.text(tick))</span>"
    }
    return "<div class=\"y\" aria-hidden=\"true\">\(spans.joined())</div>"
  }

  private func picture(_ fitted: FittedAxis, _ bound: Bound?) -> String {
    let grid = fitted.ticks.map { "M0 \(y($0, fitted))H1000" }.joined()
    let edge = bound.map { "<path class=\"l mute\" d=\"M0 \(y($0.value, fitted))H1000\"/>" } ?? ""
    let lines = series.map { series in
      let path = path(series, fitted)
      guard !path.isEmpty else { return "" }
      let name = "data-n=\"\(series.name.escaped)\""
      guard series.shape == .steps else {
        return "<path class=\"l \(series.look.rawValue)\" \(name) d=\"\(path)\"/>"
      }
      return "<path class=\"a \(series.look.rawValue)\" d=\"\(path)V1000H\(firstX(series))Z\"/>"
        + "<path class=\"l \(series.look.rawValue)\" \(name) d=\"\(path)\"/>"
    }
    let ends = [time.span.lowerBound, time.span.upperBound, fitted.low, fitted.high]
      .map { "\($0)" }.joined(separator: " ")
    let kind = "\(axis.unit)\(fitted.logarithmic ? " log" : "")"
    return """
      <svg role="img" aria-label="\(description.escaped)" viewBox="0 0 1000 1000" \
      preserveAspectRatio="none" data-ends="\(ends)" data-kind="\(kind)">\
      <title>\(title.escaped)</title>\
      \(backdrop.svg(time))<path class="grid" d="\(grid)"/>\(edge)\(lines.joined())</svg>
      """
  }

  /// What a screen reader says for the picture.
  private var description: String {
    let texts = series.map { series in
      let values = series.points.map(\.y).filter {
        $0.isFinite && (axis.scale == .linear || $0 > 0)
      }
      guard let least = values.min(), let greatest = values.max() else {
        return "\(series.name): nothing"
      }
      return "\(series.name): \(axis.unit.text(least)) to \(axis.unit.text(greatest))"
    }
    let span = Unit.seconds.text(time.span.upperBound - time.span.lowerBound)
    return "\(title) over \(span). " + texts.joined(separator: "; ")
  }

  private func x(_ value: Double) -> String { coordinate(time.place(of: value), of: 1_000) }

  private func y(_ value: Double, _ fitted: FittedAxis) -> Int {
    Int(((1 - fitted.height(of: value)) * 1_000).rounded())
  }

  private func firstX(_ series: Series) -> String {
    x(series.points.first { $0.y.isFinite }?.x ?? 0)
  }

  private func path(_ series: Series, _ fitted: FittedAxis) -> String {
    var path = ""
    var pen = false
    var level = 0
    for point in reduced(series.points) {
      guard point.y.isFinite, !fitted.logarithmic || point.y > 0 || series.shape == .steps else {
        pen = false
        continue
      }
      let height = y(point.y, fitted)
      if !pen {
        // A lone point is drawn, too: its line goes nowhere and has round ends.
        path += "M\(x(point.x)) \(height)h0"
      } else if series.shape == .line {
        path += "L\(x(point.x)) \(height)"
      } else if height != level {
        path += "H\(x(point.x))V\(height)"
      }
      (pen, level) = (true, height)
    }
    if series.shape == .steps, let last = series.points.last, pen { path += "H\(x(last.x))" }
    return path
  }

  /// The least and the greatest value of each of so many groups that the line has its most points.
  private func reduced(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
    guard points.count > Self.pointsMax else { return points }
    let size = (points.count + Self.pointsMax / 2 - 1) / (Self.pointsMax / 2)
    var kept: [(x: Double, y: Double)] = []
    for begin in stride(from: 0, to: points.count, by: size) {
      let group = points[begin..<min(begin + size, points.count)]
      guard let least = group.filter(\.y.isFinite).min(by: { $0.y < $1.y }),
        let greatest = group.filter(\.y.isFinite).max(by: { $0.y < $1.y })
      else {
        kept.append((group[begin].x, .nan))
        continue
      }
      kept += least.x < greatest.x ? [least, greatest] : [greatest, least]
    }
    return kept
  }
}
