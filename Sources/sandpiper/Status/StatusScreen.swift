import Core
import JSON

/// The status for people.
enum StatusScreen {
  /// The lines, as wide as they are.
  static func lines(_ status: StatusValue) -> [Words] {
    var lines: [Words] = [
      "\(status["id"].text): sandpiper \(status["version"].text), profile \(status["profile"].text)"
    ]
    lines.append(row("running", running(status)))
    lines.append(row("link", link(status["link"], session: status["session"].whole)))
    let loss = status["link"]["lastLoss"]
    if loss.isThere {
      lines.append(
        row("last loss", "\(lasting(loss["seconds"])) ago: \(loss["reason"].text)"))
    }
    lines.append(row("queue", queue(status)))
    let journal = status["journal"]
    if journal.isThere {
      lines.append(
        row(
          "journal",
          """
          \(size(journal["used"])) of \(size(journal["capacity"])) used, \(journal["state"].text); \
          \(size(journal["written"])) written
          """))
    }
    let flash = status["flash"]
    if flash.isThere {
      lines.append(row("flash", "\(size(flash["used"])) of the day's \(size(flash["perDay"]))"))
    }
    lines.append(row("memory", memory(status["memory"])))
    lines.append(row("so far", counts(status)))
    lines.append(Words())
    return lines + points(status)
  }

  @inline(never)
  private static func row(_ name: StaticString, _ text: Words) -> Words {
    var row = Words(stringLiteral: name).padded(11)
    row.append(text)
    return row
  }

  private static func running(_ status: StatusValue) -> Words {
    var text: Words =
      "for \(lasting(status["agentUptime"])), the board for \(lasting(status["uptime"]))"
    let time = status["t"].text
    let quality = status["tq"].text
    text.append(time.isEmpty ? "; the clock is not set" : "; \(time) (\(quality))")
    return text
  }

  private static func link(_ link: StatusValue, session: Int64) -> Words {
    let broker = link["broker"]
    var place: Words = "\(broker["scheme"].text)://\(broker["host"].text)"
    if broker["port"].isThere { place.append(":\(broker["port"].whole)") }
    place.append(broker["path"].text)
    let several = broker["of"].whole
    if several > 1 { place.append(" (\(broker["index"].whole + 1) of \(several))") }
    if link["state"].equals("online") {
      let tls: Words = broker["tls"].bool == true ? " over TLS" : ""
      return
        "online for \(lasting(link["seconds"])) at \(place), MQTT \(link["protocol"].text)\(tls), session \(session)"
    }
    var text: Words = "no connection for \(lasting(link["seconds"])) to \(place)"
    if link["fault"].isThere { text.append(": \(link["fault"].text)") }
    if link["says"].isThere { text.append(" (\(link["says"].text))") }
    text.append("; failed attempts \(link["attempts"].whole)")
    if link["nextAttempt"].isThere { text.append(", the next in \(lasting(link["nextAttempt"]))") }
    if link["state"].equals("connecting") { text.append(", one is under way") }
    if link["standing"].equals("refused") { text.append("; the broker refuses this device") }
    if link["standing"].equals("contested") { text.append("; another client has its identifier") }
    return text
  }

  private static func queue(_ status: StatusValue) -> Words {
    let queue = status["queue"]
    var text: Words = "records that wait: \(queue["unacknowledged"].whole)"
    var isFirst = true
    for (name, count) in status["waiting"].members where count.whole > 0 {
      text.append("\(isFirst ? " (" : ", ")\(name) \(count.whole)")
      isFirst = false
    }
    text.append("\(isFirst ? "" : ")"); \(size(queue["bytes"])) of \(size(queue["capacity"]))")
    return text
  }

  private static func memory(_ memory: StatusValue) -> Words {
    var text: Words = "\(size(memory["planned"])) planned"
    if memory["residentKiB"].isThere {
      text.append(", \(memory["residentKiB"].whole) KiB resident, with the C library")
    }
    return text
  }

  private static func counts(_ status: StatusValue) -> Words {
    """
    connections \(status["connections"].whole), failed attempts \(status["attemptsFailed"].whole), \
    messages sent \(status["published"].whole), records acknowledged \(status["acknowledged"].whole)
    """
  }

  // MARK: Points

  private static func points(_ status: StatusValue) -> [Words] {
    let points = status["points"].elements
    var cells: [[Words]] = [["point", "value", "quality", "age", "lost"]]
    for point in points { cells.append(cellsOf(point, status["losses"])) }
    var widths = [Int](repeating: 0, count: 5)
    for row in cells {
      for (column, cell) in row.enumerated() {
        widths[column] = max(widths[column], cell.bytes.count)
      }
    }
    var lines: [Words] = []
    for row in cells {
      var line = Words()
      for (column, cell) in row.enumerated() {
        line.append(column < 4 ? cell.padded(widths[column] + 2) : cell)
      }
      lines.append(line.trimmed)
    }
    return lines
  }

  private static func cellsOf(_ point: StatusValue, _ losses: StatusValue) -> [Words] {
    let name = point["p"].text
    var value: Words = "-"
    if let state = point["v"].bool {
      value = state ? "on" : "off"
    } else if let number = point["v"].number {
      value = decimal(number)
      let unit = point["u"].text
      if !unit.isEmpty { value.append(" \(unit)") }
    }
    let quality = point["why"].isThere ? point["why"].text : point["q"].text
    let age: Words = point["age"].isThere ? lasting(point["age"]) : "-"
    var lost = Words()
    for (key, classes) in losses.members where key.bytes == name.bytes {
      for (_, fates) in classes.members {
        for (fate, count) in fates.members where count.whole > 0 {
          lost.append("\(lost.isEmpty ? "" : ", ")\(count.whole) \(fate)")
        }
      }
    }
    return [name, value, quality, age, lost]
  }

  // MARK: Numbers

  /// A number with up to nine decimals, as the agent has written it.
  static func decimal(_ value: Double) -> Words {
    Words(upTo: 40) { out in out.append(fixed: value, decimals: 9) }
  }

  /// A length of time, to two of its units.
  @inline(never)
  private static func lasting(_ seconds: StatusValue) -> Words {
    let whole = seconds.whole
    if whole < 60 { return "\(whole) s" }
    if whole < 3_600 { return "\(whole / 60) min \(whole % 60) s" }
    if whole < 86_400 { return "\(whole / 3_600) h \(whole / 60 % 60) min" }
    return "\(whole / 86_400) d \(whole / 3_600 % 24) h"
  }

  /// A number of bytes.
  @inline(never)
  private static func size(_ bytes: StatusValue) -> Words {
    let whole = bytes.whole
    if whole < 10_240 { return "\(whole) bytes" }
    return whole < 10_485_760 ? "\(whole / 1_024) KiB" : "\(whole / 1_048_576) MiB"
  }
}

extension Words {
  /// The text without spaces at its end.
  fileprivate var trimmed: Words {
    var end = bytes.count
    while end > 0, bytes[end - 1] == 0x20 { end -= 1 }
    return Words([UInt8](bytes[..<end]))
  }

  /// The text with spaces behind it up to a width, taking each byte for a column.
  @inline(never)
  func padded(_ width: Int) -> Words {
    Words(bytes + [UInt8](repeating: 0x20, count: max(0, width - bytes.count)))
  }
}
