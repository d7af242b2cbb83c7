import Core
import JSON

/// The findings, each written as soon as it is there: some steps take seconds.
///
/// For people two lines at most for each, and one at the end that counts them. For programs each is an
/// object of JSON in a line of its own:
///
///     {"level":"broken","area":"broker","text":"...","fix":"..."}
struct Report {
  private let isJSON: Bool
  private var fineCount = 0
  private var worthKnowingCount = 0
  private var brokenCount = 0

  /// A report without findings.
  init(isJSON: Bool) { self.isJSON = isJSON }

  /// True when nothing was found to be broken.
  var isGood: Bool { brokenCount == 0 }

  /// All is well with it.
  @inline(never)
  mutating func fine(_ area: Finding.Area, _ text: Words) {
    add(Finding(level: .fine, area: area, text: text, fix: Words()))
  }

  /// The agent runs, but somebody should know.
  @inline(never)
  mutating func worthKnowing(_ area: Finding.Area, _ text: Words, fix: Words) {
    add(Finding(level: .worthKnowing, area: area, text: text, fix: fix))
  }

  /// Something has to be done.
  @inline(never)
  mutating func broken(_ area: Finding.Area, _ text: Words, fix: Words) {
    add(Finding(level: .broken, area: area, text: text, fix: fix))
  }

  @inline(never)
  mutating func add(_ finding: Finding) {
    switch finding.level {
    case .fine: fineCount += 1
    case .worthKnowing: worthKnowingCount += 1
    case .broken: brokenCount += 1
    }
    if isJSON { writeJSON(finding) } else { write(finding) }
  }

  /// Counts the findings, for people.
  func finish() {
    guard !isJSON else { return }
    Self.print("\(brokenCount) broken, \(worthKnowingCount) worth knowing, \(fineCount) fine")
  }

  private func write(_ finding: Finding) {
    let area = Self.field(finding.area.word, 9)
    Self.print("\(area)\(Self.field(finding.level.word, 15))\(finding.text)")
    if !finding.fix.isEmpty { Self.print("\(Self.field("", 24))to do: \(finding.fix)") }
  }

  private func writeJSON(_ finding: Finding) {
    var line: Words = "{\"level\":\"\(finding.level.word)\",\"area\":\"\(finding.area.word)\""
    line.append(",\"text\":\(Self.quoted(finding.text))")
    if !finding.fix.isEmpty { line.append(",\"fix\":\(Self.quoted(finding.fix))") }
    line.append("}")
    Self.print(line)
  }

  private static func print(_ line: Words) { Console.print(line) }

  private static func quoted(_ text: Words) -> Words {
    Words(upTo: 6 * text.bytes.count + 2) { out in out.append(jsonString: text.bytes.span) }
  }

  private static func field(_ text: Words, _ width: Int) -> Words {
    Words(text.bytes + [UInt8](repeating: 0x20, count: max(0, width - text.bytes.count)))
  }
}
