/// States over time, as bands: one row over another.
public struct BandChart: Sendable {
  /// A stretch of time in one state.
  public struct Band: Sendable {
    /// When, in seconds of the time scale.
    public var time: ClosedRange<Double>
    /// How it is told from others.
    public var look: Look

    /// A band from `begin` to `end`, which is not before it.
    public init(from begin: Double, to end: Double, _ look: Look) {
      (time, self.look) = (begin...max(begin, end), look)
    }
  }

  /// Bands that exclude or cover one another.
  public struct Row: Sendable {
    /// What it shows; a word, since it stands in the margin.
    public var name: String
    /// Its bands. Where they lie over one another the later look of `Look` covers the earlier.
    public var bands: [Band]
    /// Whether even the shortest can be seen, though it is then drawn too long.
    public var showsMoments: Bool
    /// How high it is, in pixels of the page.
    public var height: Int

    /// A row of bands.
    public init(_ name: String, _ bands: [Band], showsMoments: Bool = false, height: Int = 26) {
      (self.name, self.bands) = (name, bands)
      (self.showsMoments, self.height) = (showsMoments, height)
    }
  }

  /// What is shown.
  public var title: String
  /// A remark beside the title; may be empty.
  public var note = ""
  /// The time that it covers.
  public var time: TimeScale
  /// The rows, from the top.
  public var rows: [Row]
  /// What each look means; none for what the rows say themselves.
  public var legend: [(look: Look, name: String)]
  /// Whether the times stand below.
  public var showsTime = true

  /// A chart of these rows.
  public init(
    _ title: String, time: TimeScale, rows: [Row], legend: [(look: Look, name: String)] = []
  ) {
    (self.title, self.time, self.rows, self.legend) = (title, time, rows, legend)
  }

  /// The chart as a piece of HTML.
  public var figure: String {
    let gap = 4
    var top = 0
    var marks = ""
    var shapes = ""
    for row in rows {
      marks += "<span style=\"top:\(top + row.height / 2)px\">\(row.name.escaped)</span>"
      shapes += "<rect class=\"track\" y=\"\(top)\" width=\"100%\" height=\"\(row.height)\"/>"
      for look in Look.allCases {
        let times = row.bands.filter { $0.look == look }.map(\.time)
        for patch in patches(times, time) {
          shapes += shape(patch, look, top: top, row)
        }
      }
      top += row.height + gap
    }
    let height = max(1, top - gap)
    let items = legend.map { "<li>\($0.look.patchSample)\($0.name.escaped)</li>" }
    let names = rows.map { "\($0.name): \($0.bands.count)" }.joined(separator: "; ")
    return """
      <figure class="chart"><figcaption><b>\(title.escaped)</b>\
      \(note.isEmpty ? "" : " <span>\(note.escaped)</span>")\
      \(items.isEmpty ? "" : "<ul>\(items.joined())</ul>")</figcaption>
      <div class="plot" style="height:\(height)px">\
      <div class="y" aria-hidden="true">\(marks)</div>
      <svg role="img" aria-label="\("\(title), bands in each row: \(names)".escaped)" \
      data-ends="\(time.span.lowerBound) \(time.span.upperBound)">\
      <title>\(title.escaped)</title>\(shapes)</svg></div>
      \(showsTime ? time.labels : "")</figure>

      """
  }

  /// A rectangle that keeps its place by shares of the width, so that its hatching is not stretched. What is
  /// not well lies low, as a signal does that is off: it can be told without its colour, however short it is.
  private func shape(_ patch: Patch, _ look: Look, top: Int, _ row: Row) -> String {
    let share = coordinate(patch.width, of: 100, digits: 2)
    let width = row.showsMoments ? "calc(max(2px, \(share)%))" : "\(share)%"
    func rect(_ classes: String, top: Int, height: Int) -> String {
      "<rect class=\"\(classes)\" x=\"\(coordinate(patch.begin, of: 100, digits: 2))%\" y=\"\(top)\" "
        + "style=\"width:\(width)\" height=\"\(height)\"\(patch.opacity)/>"
    }
    let lies = look == .bad ? row.height / 2 : look == .mute ? row.height * 4 / 5 : 0
    // Hatching needs room to be seen.
    let thin = patch.width < 0.006 ? " thin" : ""
    return (lies > 0 ? rect("gap", top: top, height: row.height) : "")
      + rect("b \(look.rawValue)\(thin)", top: top + lies, height: row.height - lies)
  }
}
