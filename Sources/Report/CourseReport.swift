import Core
import Simulator

/// A simulated life as a page: first whether anything was lost, then how long it was dark, what it cost and
/// whether it fits, then how all that went over time, and last the tables.
public struct CourseReport {
  let course: Course
  let accounts: Accounts
  private let words: [String]

  /// A report of a life. Any course will do, an empty one, too. `command` repeats it, word by word; without
  /// it the report makes one from the names in the course's setting.
  public init(_ course: Course, command: [String] = []) {
    (self.course, words) = (course, command)
    accounts = Accounts(course)
  }

  /// The page: complete in itself, nothing is fetched from elsewhere.
  public var html: String {
    let name = course.setting.device.isEmpty ? "A device" : course.setting.device
    var page = ChartPage(
      "\(name): \(Unit.seconds.text(accounts.length)) in virtual time",
      pieces: [header(name), verdict, cards, plots, tables, setting])
    page.summary = verdictTitle
    return page.html
  }

  /// The command as one types it.
  var command: String {
    if !words.isEmpty { return words.map(\.shellWord).joined(separator: " ") }
    let setting = course.setting
    var words = ["sandpiper-lab", "simulate", setting.profile.shellWord]
    for (name, value) in [
      ("--hardware", setting.hardware), ("--link", setting.link), ("--scenario", setting.scenario),
    ] where !value.isEmpty {
      words += [name, value.shellWord]
    }
    words += ["--for", duration(setting.length), "--seed", "\(setting.seed)"]
    return words.joined(separator: " ")
  }

  /// A length as a profile writes it: in the greatest unit that takes it whole.
  private func duration(_ length: Interval) -> String {
    let units: [(String, Int64)] = [
      ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000),
    ]
    let count = length.milliseconds
    for (name, size) in units where count > 0 && count % size == 0 {
      return "\(count / size)\(name)"
    }
    return "\(count)ms"
  }

  private func header(_ name: String) -> String {
    let setting = course.setting
    var words = ["\(Unit.seconds.text(accounts.length)) in virtual time"]
    if !setting.hardware.isEmpty { words.append("on \(setting.hardware.isolated)") }
    if !setting.link.isEmpty { words.append("over \(setting.link.isolated)") }
    words.append(
      setting.scenario.isEmpty
        ? "without a scenario" : "under the scenario “\(setting.scenario.isolated)”")
    return "<header><h1>\(name.isolated)</h1><p>\(words.joined(separator: " "))</p></header>"
  }
}

/// What a course adds up to.
struct Accounts {
  /// How long the life was, in seconds; never zero.
  let length: Double
  var made = 0
  var live = 0
  var late = 0
  var dropped = 0
  var expired = 0
  var replaced = 0
  var cut = 0
  /// Time without the broker in all, in seconds.
  let dark: Double
  /// The outages' lengths in seconds, from the longest on.
  let darkest: [Double]
  /// How long it took to notice each, in seconds, from the longest on.
  let noticing: [Double]

  /// What came at once or later.
  var delivered: Int { live + late }
  /// What was given up, by whatever rule.
  var lost: Int { dropped + expired + replaced + cut }
  /// What had neither come nor been given up when the life ended; below zero when more came than was made.
  var waiting: Int { made - delivered - lost }
  /// The life in days.
  var days: Double { length / 86_400 }

  init(_ course: Course) {
    let slices = Double(course.slices.count) * course.sliceLength.inSeconds
    let length =
      course.setting.length > .zero ? course.setting.length.inSeconds : slices > 0 ? slices : 1
    self.length = length
    for point in course.points {
      made += point.made
      live += point.live
      late += point.late
      dropped += point.dropped
      expired += point.expired
      replaced += point.replaced
      cut += point.cut
    }
    let lengths = course.outages.map { max(0, ($0.end?.inSeconds ?? length) - $0.begin.inSeconds) }
    dark = lengths.reduce(0, +)
    darkest = lengths.sorted(by: >)
    noticing = course.outages.map { max(0, ($0.noticed - $0.begin).inSeconds) }.sorted(by: >)
  }
}
