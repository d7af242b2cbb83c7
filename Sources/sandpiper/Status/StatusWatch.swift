import CLinux
import Core
import Linux

/// The status, each second anew, until Ctrl-C.
enum StatusWatch {
  static func perform(_ path: Words) -> Exit {
    do throws(SystemError) {
      // Taken over, so that the terminal is given back first.
      let signals = try Signals()
      let screen = LiveScreen()
      screen.begin()
      defer { screen.end() }
      repeat {
        var fault = Words()
        if let answer = StatusAnswer(from: path, &fault) {
          screen.show(StatusScreen.lines(answer.document))
        } else {
          screen.show([fault])
        }
        _ = clinux_wait_readable(signals.descriptor, 1_000)
      } while signals.take() == nil && clinux_has_reader(STDOUT_FILENO)
      return .fine
    } catch {
      Console.complain("sandpiper: \(literal: error.doing): \(SystemText.reason(error.code))")
      return .failure
    }
  }
}

/// Lines that stay in place in a terminal; elsewhere they follow each other, with an empty one between.
private struct LiveScreen {
  private let isLive = isatty(STDOUT_FILENO) == 1

  /// The alternate screen, so that the terminal is afterwards as it was before (xterm).
  func begin() { if isLive { Console.show("\u{1B}[?1049h\u{1B}[?25l") } }

  /// Gives the terminal back.
  func end() { if isLive { Console.show("\u{1B}[?25h\u{1B}[?1049l") } }

  func show(_ lines: [Words]) {
    guard isLive else {
      for line in lines + [Words()] { Console.print(line) }
      return
    }
    var (rows, columns): (Int32, Int32) = (24, 80)
    // Sound: the call writes to the two numbers only.
    _ = unsafe clinux_terminal_size(STDOUT_FILENO, &rows, &columns)
    // Home, each row to its end, and nothing below: no flicker. The last row stays empty, so that nothing
    // scrolls, and the last column, or the erasing of what is behind would begin there.
    var text: Words = "\u{1B}[H"
    let shown = max(1, Int(rows) - 1)
    for (index, line) in lines.prefix(shown).enumerated() {
      let isLast = index == shown - 1 && lines.count > shown
      text.append(
        isLast ? "... and \(lines.count - shown + 1) lines more" : line.cut(to: Int(columns) - 1))
      text.append("\u{1B}[K\r\n")
    }
    text.append("\u{1B}[J")
    Console.show(text)
  }
}

extension Words {
  /// As many bytes as fit into a row, each taken for a column, without half a character.
  fileprivate func cut(to columns: Int) -> Words {
    let shown = printable.bytes
    guard shown.count > columns else { return Words(shown) }
    var end = columns
    while end > 0, shown[end] & 0xC0 == 0x80 { end -= 1 }
    return Words([UInt8](shown[..<end]))
  }
}
