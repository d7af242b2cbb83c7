import CLinux
import Core
import Testing

@testable import Linux

@Suite struct LogTests {
  private func line(
    _ level: Log.Level = .info, journal: Bool = true, lost: UInt32 = 0,
    _ body: (inout LogLine) -> Void
  ) -> String {
    var line = LogLine(level, forJournal: journal)
    body(&line)
    line.finish(lost: lost)
    var copy: [UInt8] = []
    line.withBytes { bytes in for index in bytes.indices { copy.append(bytes[index]) } }
    return String(decoding: copy, as: UTF8.self)
  }

  @Test func journalLineBeginsWithItsPriority() {
    #expect(line(.warning) { $0.append(literal: "low") } == "<4>low\n")
  }

  @Test func lineForPeopleBeginsWithTimeAndLevel() {
    let text = line(.info, journal: false) { $0.append(literal: "text") }
    #expect(text.wholeMatch(of: /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d info  text\n/) != nil)
  }

  @Test func valuesAreWritten() {
    let text = line { line in
      line.append(decimal: -42)
      line.append(literal: ", ")
      line.append(.milliseconds(1500))
      line.append(literal: ", ")
      line.append(.seconds(90))
      line.append(literal: ", ")
      line.append(SocketAddress.loopback(port: 1883))
      line.append(literal: ", ")
      line.append(SystemError(code: 2, doing: "open"))
    }
    #expect(text == "<6>-42, 1500 ms, 90 s, 127.0.0.1:1883, open: No such file or directory\n")
  }

  @Test func controlCharactersOfHostileInputAreMadeVisible() {
    let hostile = "a\nb\r\u{1B}[2Jc\u{7F}\u{9B}d é €"
    let text = line { line in bytes(hostile) { line.append(contentsOf: $0) } }
    #expect(text == "<6>a\\x0ab\\x0d\\x1b[2Jc\\x7f\\xc2\\x9bd é €\n")
  }

  @Test func everyTooLongLineIsCutOnce() {
    for length in 490..<530 {
      let text = line { line in
        bytes(String(repeating: "x", count: length)) { line.append(contentsOf: $0) }
        line.append(literal: "\n!")
      }
      #expect(text.utf8.count <= 512)
      #expect(text.hasSuffix("\\x0a!\n") != text.hasSuffix("...\n"))
    }
  }

  @Test func everyLineSaysHowManyWereLostBeforeIt() {
    for (length, cut) in [(0, ""), (505, ""), (506, "..."), (600, "...")] {
      let text = line(lost: .max) { line in
        bytes(String(repeating: "x", count: length)) { line.append(contentsOf: $0) }
      }
      let kept = String(repeating: "x", count: min(length, 505))
      #expect(text == "<6>\(kept)\(cut) (lines lost before this one: 4294967295)\n")
    }
  }

  @Test func fieldsForMachinesGoToTheJournalAlone() {
    var line = LogLine(.warning, forJournal: true)
    line.note("EVENT", "lost")
    bytes(String(repeating: "x", count: 300)) { line.note("REASON", $0) }
    line.append(literal: "the link is gone")
    line.finish()
    var entry = ""
    line.journalEntry.withBytes {
      for index in $0.indices { entry.unicodeScalars.append(.init($0[index])) }
    }
    #expect(
      entry == """
        PRIORITY=4
        SYSLOG_IDENTIFIER=sandpiper
        SANDPIPER_EVENT=lost
        MESSAGE=the link is gone

        """)
    let isPlain = line.withBytes { bytes in bytes.equals("<4>the link is gone\n") }
    #expect(isPlain)
  }

  @Test func longestLineFitsIntoAnEntryOfTheJournal() {
    var line = LogLine(.info, forJournal: true)
    bytes(String(repeating: "x", count: 230)) { line.note("REASON", $0) }
    bytes(String(repeating: "y", count: 600)) { line.append(contentsOf: $0) }
    line.finish()
    line.journalEntry.withBytes { bytes in #expect(bytes[bytes.count - 1] == UInt8(ascii: "\n")) }
  }

  @Test func floodOfLinesIsHeldBack() {
    var account: Int64 = 0
    let now: Int64 = 5_000_000_000
    #expect((0..<1_000).count { _ in clinux_log_pays(&account, now) } == 100)
    #expect(!clinux_log_pays(&account, now + 999_999_999))
    #expect(clinux_log_pays(&account, now + 1_000_000_000))
    #expect(!clinux_log_pays(&account, now + 1_000_000_000))
    #expect((0..<1_000).count { _ in clinux_log_pays(&account, now + 600_000_000_000) } == 100)
  }

  @Test func thresholdHidesWhatIsLessUrgent() {
    var built = 0
    Log.write(.debug) { _ in built += 1 }
    #expect(built == 0)
    #expect(Log.threshold == .info)
  }
}
