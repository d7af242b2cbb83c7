import Core
import Foundation
import Linux

/// How the demo shows what happens: a table that stays in place in a terminal, else lines.
struct DemoScreen {
  /// True for the table, false for lines.
  let isLive: Bool
  private let title: String
  private let started: Instant
  private var recent: [String] = []
  private var shown = Instant.boot

  /// How long the table stays as it is at least.
  static let refresh = Interval.milliseconds(250)
  private static let recentMax = 10

  /// A screen with these lines on top.
  init(title: String, isLive: Bool, at now: Instant) {
    self.title = title
    self.isLive = isLive
    started = now
    // The alternate screen, so that the terminal is afterwards as it was before (xterm).
    Terminal.show(isLive ? "\u{1b}[?1049h\u{1b}[?25l" : title + "\n")
  }

  /// A line of what happens.
  mutating func add(_ line: String) {
    let stamped = Self.time() + "  " + line
    guard isLive else { return Terminal.print(stamped) }
    recent.append(stamped)
    recent.removeFirst(max(0, recent.count - Self.recentMax))
  }

  /// Shows the device as it is, unless that was done a moment ago.
  mutating func show(_ device: DeviceView, at now: Instant) {
    guard isLive, now - shown >= Self.refresh else { return }
    shown = now
    var rows = [title, "", "\(device.status)   up \((now - started).seconds) s", ""]
    rows.append(Self.row("point", "value", "quality", "messages", "last"))
    for (name, point) in device.points.sorted(by: { $0.key < $1.key }) {
      let age = Double((now - point.changed).milliseconds) / 1_000
      rows.append(
        Self.row(
          name, point.value, point.quality, String(point.count), String(format: "%.1f s", age)))
    }
    let size = Terminal.size
    rows = rows.flatMap { $0.split(separator: "\n", omittingEmptySubsequences: false) }
      .map(String.init)
    rows += [""] + recent.suffix(max(0, size.rows - rows.count - 2))
    // Home, each row to its end, and nothing below: no flicker. The last row stays empty, so that
    // nothing scrolls.
    let text = rows.prefix(size.rows - 1)
      .map { $0.prefix(size.columns) + "\u{1b}[K\r\n" }.joined()
    Terminal.show("\u{1b}[H" + text + "\u{1b}[J")
  }

  /// Gives the terminal back.
  func end() { if isLive { Terminal.show("\u{1b}[?25h\u{1b}[?1049l") } }

  private static func row(_ cells: String...) -> String {
    cells.enumerated().map { index, cell in
      cell.padding(toLength: max(index < 2 ? 22 : 10, cell.count), withPad: " ", startingAt: 0)
    }.joined()
  }

  private static func time() -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "HH:mm:ss.SSS"
    return formatter.string(from: Date())
  }
}
