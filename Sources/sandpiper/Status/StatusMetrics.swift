import Core
import JSON

/// The status as metrics, in the OpenMetrics text format 1.0: what node exporter's textfile collector reads as
/// well, which knows gauges and counters, but neither units nor the end.
struct StatusMetrics {
  /// The lines, the last of which says that there are no more.
  private(set) var lines: [Words] = []

  /// The metrics of an agent; of one that does not answer, that it does not.
  init(_ status: StatusValue?) {
    gauge("up", status == nil ? 0 : 1, help: "1 when the agent has answered.")
    if let status {
      addLink(status)
      addQueue(status)
      addStores(status)
      addCounters(status)
      addLosses(status["losses"])
      addPoints(status["points"].elements)
    }
    lines.append("# EOF")
  }

  // MARK: What there is

  private mutating func addLink(_ status: StatusValue) {
    begin("info", .gauge, help: "Which device this is; always 1.")
    add(
      "info", 1,
      [
        ("id", status["id"].text), ("base", status["base"].text),
        ("version", status["version"].text), ("profile", status["profile"].text),
      ])
    let link = status["link"]
    let isOnline = link["state"].equals("online")
    gauge("connected", isOnline ? 1 : 0, help: "1 while the broker has a session with the device.")
    gauge("session", status.number("session"), help: "The number of the present or last session.")
    gauge(
      "link_state_seconds", link.number("seconds"), unit: "seconds",
      help: "How long there has been a connection, or none.")
    let loss = link["lastLoss"]
    if let age = loss.number("seconds") {
      begin(
        "last_loss_seconds", .gauge, unit: "seconds",
        help: "How long ago the last connection was lost, and why.")
      add("last_loss_seconds", age, [("reason", loss["reason"].text)])
    }
    gauge(
      "uptime_seconds", status.number("agentUptime"), unit: "seconds",
      help: "How long the agent has run.")
    gauge(
      "board_uptime_seconds", status.number("uptime"), unit: "seconds",
      help: "How long the board has run.")
  }

  private mutating func addQueue(_ status: StatusValue) {
    begin("queue_records", .gauge, help: "Records in memory that the broker has not acknowledged.")
    for (name, count) in status["waiting"].members {
      if let value = count.number { add("queue_records", value, [("class", name)]) }
    }
    let queue = status["queue"]
    gauge("queue_bytes", queue.number("bytes"), unit: "bytes", help: "Memory that records take.")
    gauge(
      "queue_capacity_bytes", queue.number("capacity"), unit: "bytes",
      help: "Memory that records may take.")
  }

  private mutating func addStores(_ status: StatusValue) {
    let memory = status["memory"]
    gauge(
      "memory_planned_bytes", memory.number("planned"), unit: "bytes",
      help: "Memory that was taken at the start.")
    gauge(
      "memory_resident_bytes", memory.number("residentKiB").map { $0 * 1_024 }, unit: "bytes",
      help: "Memory of the process that is in use.")
    let journal = status["journal"]
    if journal.isThere {
      gauge(
        "journal_capacity_bytes", journal.number("capacity"), unit: "bytes",
        help: "Room for records in the journal.")
      gauge("journal_used_bytes", journal.number("used"), unit: "bytes", help: "Room that is used.")
      counter(
        "journal_written_bytes", journal.number("written"), unit: "bytes",
        help: "Bytes written to the journal.")
      counter("journal_syncs", journal.number("syncs"), help: "Syncs of the journal.")
      counter(
        "journal_rotten_records", journal.number("rotten"),
        help: "Records in the journal that could not be read any more.")
      gauge(
        "journal_failing", journal["state"].equals("good") ? 0 : 1,
        help: "1 while the journal can't be written.")
    }
    let flash = status["flash"]
    if flash.isThere {
      gauge(
        "flash_budget_bytes", flash.number("perDay"), unit: "bytes",
        help: "Bytes that the journal may write in a day.")
      gauge(
        "flash_budget_used_bytes", flash.number("used"), unit: "bytes",
        help: "Bytes of that which are used up.")
    }
  }

  private mutating func addCounters(_ status: StatusValue) {
    counter(
      "connections", status.number("connections"), help: "Connections that a broker accepted.")
    counter(
      "attempts_failed", status.number("attemptsFailed"), help: "Attempts to connect that failed.")
    counter("refusals", status.number("refusals"), help: "Refusals of this device by a broker.")
    counter("messages_published", status.number("published"), help: "Messages sent.")
    counter(
      "records_acknowledged", status.number("acknowledged"),
      help: "Records that the broker has acknowledged.")
    counter(
      "records_unsendable", status.number("unsendable"),
      help: "Records given up because the broker does not take them.")
    counter(
      "results_dropped", status.number("resultsDropped"),
      help: "Answers to commands that were dropped.")
    counter(
      "messages_oversized", status.number("oversized"),
      help: "Messages passed over because they were too large.")
    counter(
      "edges_lost", status.number("edgesLost"), help: "Edges that the kernel had no room for.")
    counter(
      "reassertions", status.number("reassertions"),
      help: "Times that the status topic had another's word.")
  }

  private mutating func addLosses(_ losses: StatusValue) {
    begin(
      "readings_lost", .counter,
      help: "Readings that did not go out as they were, by point, class and what became of them.")
    addLosses(losses, thinned: false)
    // No counter: what is lost after all does not count as thinned any more.
    begin(
      "readings_thinned", .gauge,
      help: "Readings that are only in a mean, of those not lost since, by point and class.")
    addLosses(losses, thinned: true)
  }

  @inline(never)
  private mutating func addLosses(_ losses: StatusValue, thinned: Bool) {
    for (point, classes) in losses.members {
      for (name, fates) in classes.members {
        for (fate, count) in fates.members {
          guard fate.bytes.span.equals("thinned") == thinned, let value = count.number else {
            continue
          }
          var labels: [(name: StaticString, value: Words)] = [("point", point), ("class", name)]
          if !thinned { labels.append(("fate", fate)) }
          add(thinned ? "readings_thinned" : "readings_lost", value, isTotal: !thinned, labels)
        }
      }
    }
  }

  private mutating func addPoints(_ points: [StatusValue]) {
    begin("point_value", .gauge, help: "What the point is; 1 for on.")
    for point in points {
      guard let value = point.number("v") else { continue }
      add("point_value", value, [("point", point["p"].text), ("unit", point["u"].text)])
    }
    begin("point_good", .gauge, help: "1 while the point can be read as it should be.")
    for point in points {
      add(
        "point_good", point["q"].equals("good") ? 1 : 0,
        [("point", point["p"].text), ("kind", point["kind"].text), ("why", point["why"].text)])
    }
    begin(
      "point_age_seconds", .gauge, unit: "seconds",
      help: "How long ago a sensor was read; since when a line is as it is.")
    for point in points {
      guard let age = point.number("age") else { continue }
      add("point_age_seconds", age, [("point", point["p"].text)])
    }
  }

  // MARK: The format

  private enum Kind {
    case gauge, counter
  }

  @inline(never)
  private mutating func gauge(
    _ name: StaticString, _ value: Double?, unit: StaticString = "", help: StaticString
  ) {
    guard let value else { return }
    begin(name, .gauge, unit: unit, help: help)
    add(name, value)
  }

  @inline(never)
  private mutating func counter(
    _ name: StaticString, _ value: Double?, unit: StaticString = "", help: StaticString
  ) {
    guard let value else { return }
    begin(name, .counter, unit: unit, help: help)
    add(name, value, isTotal: true)
  }

  @inline(never)
  private mutating func begin(
    _ name: StaticString, _ kind: Kind, unit: StaticString = "", help: StaticString
  ) {
    lines.append(
      "# TYPE sandpiper_\(literal: name) \(literal: kind == .gauge ? "gauge" : "counter")")
    if unit.utf8CodeUnitCount > 0 {
      lines.append("# UNIT sandpiper_\(literal: name) \(literal: unit)")
    }
    lines.append("# HELP sandpiper_\(literal: name) \(literal: help)")
  }

  @inline(never)
  private mutating func add(
    _ name: StaticString, _ value: Double, isTotal: Bool = false,
    _ labels: [(name: StaticString, value: Words)] = []
  ) {
    var line: Words = "sandpiper_\(literal: name)\(literal: isTotal ? "_total" : "")"
    for (index, label) in labels.enumerated() {
      line.append("\(literal: index == 0 ? "{" : ",")\(literal: label.name)=")
      line.append("\"\(Self.escaped(label.value))\"")
    }
    line.append("\(literal: labels.isEmpty ? "" : "}") \(StatusScreen.decimal(value))")
    lines.append(line)
  }

  /// A label's value as it stands between quotation marks.
  private static func escaped(_ text: Words) -> Words {
    var escaped: [UInt8] = []
    for byte in text.bytes {
      switch byte {
      case UInt8(ascii: "\\"), UInt8(ascii: "\""): escaped += [UInt8(ascii: "\\"), byte]
      case UInt8(ascii: "\n"): escaped += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
      default: escaped.append(byte)
      }
    }
    return Words(escaped)
  }
}
