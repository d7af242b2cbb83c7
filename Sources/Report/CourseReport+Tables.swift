import Core
import Simulator

/// The numbers one by one, and how to have them again.
extension CourseReport {
  /// The most rows of outages and of incidents.
  static let rowsMax = 50
  /// The most rows of points.
  static let pointsMax = 100

  /// The tables as a piece of HTML.
  var tables: String { [points, brokers, outages, incidents].joined(separator: "\n") }

  private struct Column {
    var name: String
    /// Text, which stands to the left and has a line of its own on a phone.
    var isText = false
  }

  private func table(
    _ title: String, _ columns: [Column], _ rows: [[String]], of count: Int, kind: String
  ) -> String {
    let head = columns.map { column in
      "<th scope=\"col\" role=\"columnheader\"\(column.isText ? " class=\"t\"" : "")>\(column.name)</th>"
    }
    let body = rows.map { row in
      let cells = zip(columns, row).enumerated().map { index, pair in
        let (column, text) = pair
        if index == 0 { return "<th scope=\"row\" role=\"rowheader\">\(text)</th>" }
        let key = "<span class=\"k\" aria-hidden=\"true\">\(column.name)</span>"
        return
          "<td role=\"cell\"\(column.isText ? " class=\"t\"" : "")>\(text.isEmpty ? "" : key + text)</td>"
      }
      return "<tr role=\"row\">\(cells.joined())</tr>\n"
    }
    let more = count - rows.count
    let rest = more > 0 ? "<p class=\"more\">and \(grouped(more)) more \(kind)</p>" : ""
    return """
      <h2>\(title)</h2>
      <div class="table"><table role="table" aria-label="\(title)">
      <thead role="rowgroup"><tr role="row">\(head.joined())</tr></thead>
      <tbody role="rowgroup">
      \(body.joined())</tbody></table>\(rest)</div>
      """
  }

  private var points: String {
    guard !course.points.isEmpty else { return "" }
    let names = ["point", "made", "live", "late", "dropped", "expired", "replaced", "cut"]
    let rows = course.points.prefix(Self.pointsMax).map { point in
      let given = [point.dropped, point.expired, point.replaced, point.cut].map { count in
        count == 0 ? "0" : "<span class=\"n\">\(grouped(count))</span>"
      }
      return [point.name.isolated, grouped(point.made), grouped(point.live), grouped(point.late)]
        + given
    }
    return table(
      "Points", names.map { Column(name: $0) }, rows, of: course.points.count, kind: "points")
        + """
        <p class="key">Dropped for want of room, expired by age, replaced by a newer one, cut off while in \
        memory only.</p>
        """
  }

  private var brokers: String {
    guard course.brokers.count > 1 else { return "" }
    let rows = course.brokers.enumerated().map { index, broker in
      [
        grouped(index + 1), grouped(broker.connections), Unit.seconds.text(broker.online.inSeconds),
        percent(min(accounts.length, broker.online.inSeconds), of: accounts.length),
        Unit.bytes.text(Double(broker.bytesUp)),
      ]
    }
    let names = ["broker", "connections", "online", "of the time", "bytes to it"]
    return table(
      "Brokers", names.map { Column(name: $0) }, rows, of: rows.count, kind: "brokers")
  }

  private var outages: String {
    guard !course.outages.isEmpty else { return "" }
    func length(_ outage: Course.Outage) -> Double {
      (outage.end?.inSeconds ?? accounts.length) - outage.begin.inSeconds
    }
    let longest = course.outages.sorted { length($0) > length($1) }.prefix(Self.rowsMax)
    let rows = longest.map { outage in
      [
        clock(outage.begin), Unit.seconds.text(max(0, (outage.noticed - outage.begin).inSeconds)),
        Unit.seconds.text(max(0, length(outage)))
          + (outage.end == nil ? ", to the end" : ""), outage.reason.isolated,
      ]
    }
    let columns = [
      Column(name: "began"), Column(name: "noticed after"), Column(name: "length"),
      Column(name: "reason", isText: true),
    ]
    return table(
      "Outages, the longest first", columns, Array(rows), of: course.outages.count,
      kind: "outages, all of them shorter")
  }

  private var incidents: String {
    guard !course.incidents.isEmpty else { return "" }
    let rows = course.incidents.prefix(Self.rowsMax).map { incident in
      [
        clock(incident.at),
        incident.length > .zero ? Unit.seconds.text(incident.length.inSeconds) : "a moment",
        "\(incident.kind): \(incident.text.isolated)",
      ]
    }
    let columns = [
      Column(name: "when"), Column(name: "length"), Column(name: "what", isText: true),
    ]
    return table(
      "Incidents", columns, Array(rows), of: course.incidents.count,
      kind: "incidents, all of them later")
  }

  /// A time since the beginning as "3 d 04:05:06".
  private func clock(_ time: Interval) -> String {
    let seconds = Int(max(0, time.seconds))
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let rest = seconds % 86_400
    let clock = "\(two(rest / 3_600)):\(two(rest % 3_600 / 60)):\(two(rest % 60))"
    return seconds < 86_400 && accounts.length <= 86_400
      ? clock : "\(grouped(seconds / 86_400))\u{A0}d\u{A0}\(clock)"
  }

  /// What was simulated, and the command that does it again.
  var setting: String {
    let setting = course.setting
    let rows = [
      ("device", setting.device), ("profile", setting.profile), ("hardware", setting.hardware),
      ("link", setting.link), ("scenario", setting.scenario),
    ].filter { !$0.1.isEmpty }.map { "<dt>\($0.0)</dt><dd>\($0.1.isolated)</dd>" }
    return """
      <h2>The same again</h2>
      <p>One seed gives one life: this command repeats it to the byte.</p>
      <pre><code>\(command.escaped)</code></pre>
      <dl class="setting">\(rows.joined())<dt>length</dt><dd>\(Unit.seconds.text(accounts.length))</dd>\
      <dt>seed</dt><dd>\(setting.seed)</dd></dl>
      <footer>Simulated with Sandpiper: the agent that runs on the device, in virtual time against a \
      simulated board, flash, network and broker.</footer>

      """
  }
}
