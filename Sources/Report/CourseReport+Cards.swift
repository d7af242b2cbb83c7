import Core
import Simulator

/// The answers to what a reader asks next, each as one great number with what explains it.
extension CourseReport {
  /// The cards as a piece of HTML.
  var cards: String {
    let all = [dark, noticed, stale, wire, flash, power, memory, queues]
    return "<section class=\"cards\" aria-label=\"The figures\">\(all.joined())</section>"
  }

  private func card(
    _ question: String, _ answer: String, _ text: String, _ rows: [(String, String)] = [],
    below: String = ""
  ) -> String {
    let list = rows.map { "<dt>\($0.0)</dt><dd>\($0.1)</dd>" }.joined()
    return """
      <article class="card"><h3>\(question)</h3><p class="big">\(answer)</p><p>\(text)</p>\
      \(list.isEmpty ? "" : "<dl>\(list)</dl>")\(below)</article>

      """
  }

  private func time(_ seconds: Double) -> String { Unit.seconds.text(seconds) }
  private func bytes(_ count: Double) -> String { Unit.bytes.text(count) }
  private func perDay(_ count: Int) -> Double { Double(count) / accounts.days }

  /// The middle one of numbers in order; the greater of two.
  private func median(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values[(values.count - 1) / 2]
  }

  private var dark: String {
    guard let longest = accounts.darkest.first else {
      return card("How long was it dark?", "Never", "The broker was there all the time.")
    }
    var rows = [
      ("the longest", time(longest)), ("half were no longer than", time(median(accounts.darkest))),
    ]
    let stopped = accounts.length - course.sums.running.inSeconds
    if course.sums.running > .zero && stopped >= 1 {
      rows.append(("without power or agent", time(stopped)))
    }
    return card(
      "How long was it dark?", time(accounts.dark),
      "\(percent(accounts.dark, of: accounts.length)) of the time, in "
        + "\(plural(course.outages.count, "outage"))", rows)
  }

  private var noticed: String {
    let question = "How soon was it noticed?"
    guard let slowest = accounts.noticing.first else {
      return card(question, "–", "There was no outage to notice.")
    }
    return card(
      question, time(slowest), "at the latest, from the last word of the broker on",
      [
        ("half of the outages within", time(median(accounts.noticing))),
        ("attempts to connect", grouped(course.sums.attempts)),
        ("connections lost", grouped(course.sums.losses)),
      ])
  }

  private var stale: String {
    let sums = course.sums
    let question = "How stale could a viewer be?"
    let rows = [
      ("half of the live readings within", time(sums.latencyMedian.inSeconds)),
      ("99 in 100 within", time(sums.latency99.inSeconds)),
      ("the slowest", time(sums.latencyMax.inSeconds)),
    ]
    guard let longest = accounts.darkest.first else {
      return card(
        question, time(sums.latencyMax.inSeconds),
        "at worst: the slowest reading’s way to the broker",
        rows)
    }
    return card(question, time(longest), "at worst: as long as the longest outage", rows)
  }

  private var wire: String {
    let sums = course.sums
    let all = Double(sums.bytesUp) + Double(sums.bytesDown)
    return card(
      "What does it cost on the wire?", "\(bytes(all / accounts.days * 30)) <small>a month</small>",
      "\(bytes(all / accounts.days)) a day, without what TCP, IP and TLS add",
      [
        ("to the broker", bytes(Double(sums.bytesUp))),
        ("from the broker", bytes(Double(sums.bytesDown))),
        ("messages with readings", grouped(sums.messages)),
        ("of them sent once more", grouped(sums.repeated)),
      ])
  }

  private var flash: String {
    let sums = course.sums
    let question = "How long does the flash live?"
    guard sums.flashBytes > 0 else {
      return card(question, "No wear", "Nothing was written to flash.")
    }
    let years = sums.flashYears.map { years in
      years >= 1_000
        ? "over 1,000 years"
        : years >= 100
          ? "\(decimal(years, digits: 0)) years"
          : years >= 1
            ? "\(decimal(years, digits: 1)) years" : "\(decimal(years * 365.25, digits: 0)) days"
    }
    guard !sums.isFlashWorn else {
      return card(
        question, "Worn out", "It bears no more writing, in a sector or in all.",
        [("written in all", bytes(Double(sums.flashBytes)))])
    }
    return card(
      question, years ?? "\(bytes(perDay(sums.flashBytes))) <small>a day</small>",
      years == nil ? "Nothing is known of how much it bears." : "until it is worn out at this rate",
      [
        ("written a day", bytes(perDay(sums.flashBytes))),
        ("written in all", bytes(Double(sums.flashBytes))),
        ("syncs a day", Unit.count.text(perDay(sums.flashSyncs))),
      ])
  }

  private var power: String {
    let sums = course.sums
    let radio = sums.radioOn.inSeconds
    var rows = [
      ("radio on", "\(time(radio / accounts.days)) a day"),
      ("wake-ups", "\(Unit.count.text(perDay(sums.wakeUps) / 24)) an hour"),
      ("processor busy", "\(time(sums.busy.inSeconds / accounts.days)) a day"),
      ("runs of the agent", grouped(sums.runs)),
    ]
    guard let joules = sums.joules else {
      return card(
        "How long was the radio on?", percent(radio, of: accounts.length),
        "of the time; nothing is known of what it takes", rows)
    }
    rows.insert(("on average", watts(joules / accounts.length)), at: 0)
    return card(
      "What does it take from the battery?",
      "\(short(joules / 3_600 / accounts.days))\u{A0}Wh <small>a day</small>",
      "by the hardware’s model: board, processor and radio together", rows)
  }

  private func watts(_ value: Double) -> String {
    value < 1 ? "\(short(value * 1_000))\u{A0}mW" : "\(short(value))\u{A0}W"
  }

  private var memory: String {
    let sums = course.sums
    var rows = [("planned", bytes(Double(sums.memoryPlanned)))]
    if sums.memoryBudget > 0 {
      rows.append(("the profile allows", bytes(Double(sums.memoryBudget))))
    }
    if sums.memoryOfHardware > 0 {
      rows.append(("the hardware has", bytes(Double(sums.memoryOfHardware))))
    }
    let bounds = [sums.memoryBudget, sums.memoryOfHardware].filter { $0 > 0 }
    let fits = bounds.allSatisfy { sums.memoryPlanned <= $0 }
    let answer =
      bounds.isEmpty
      ? bytes(Double(sums.memoryPlanned)) : fits ? "Yes" : "<span class=\"bad\">No</span>"
    let text =
      bounds.isEmpty
      ? "planned; nothing bounds it"
      : fits
        ? "The memory plan stays within its bounds." : "The memory plan is greater than its bounds."
    return card(
      "Does it fit?", answer, text, rows,
      below: meter("memory planned", sums.memoryPlanned, of: bounds.min() ?? sums.memoryPlanned))
  }

  private var queues: String {
    let sums = course.sums
    let parts = [
      ("memory", sums.outboxMost, sums.outboxBytes),
      ("journal", sums.journalMost, sums.journalBytes),
    ]
    let fullest = parts.map { $0.2 > 0 ? Double($0.1) / Double($0.2) : 0 }.max() ?? 0
    let lists = parts.map { name, most, size in
      guard size > 0 else { return "<dl><dt>\(name)</dt><dd>none</dd></dl>" }
      return "<dl><dt>\(name)</dt><dd>\(bytes(Double(most))) of \(bytes(Double(size)))</dd></dl>"
        + meter("\(name) used", most, of: size)
    }
    return card(
      "How full did the queues get?", percent(fullest, of: 1),
      "of what they hold, at the worst moment", below: lists.joined())
  }

  /// A bar that is as full as `part` of `whole`.
  private func meter(_ name: String, _ part: Int, of whole: Int) -> String {
    guard whole > 0 else { return "" }
    let share = min(1, max(0, Double(part) / Double(whole)))
    let look = part > whole ? " bad" : share > 0.9 ? " late" : ""
    let label = "\(name): \(percent(Double(part), of: Double(whole)))"
    return "<svg class=\"meter\" role=\"img\" aria-label=\"\(label)\"><title>\(label)</title>"
      + "<rect class=\"track\" width=\"100%\" height=\"8\"/><rect class=\"fill\(look)\" "
      + "width=\"\(decimal(share * 100, digits: 2))%\" height=\"8\"/></svg>"
  }
}
