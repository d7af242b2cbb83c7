import Core
import Simulator

/// Whether anything was lost, in one sentence with its numbers.
extension CourseReport {
  /// The most broken promises that are listed.
  private static let violationsMax = 20

  /// Whether the page may say that all is well.
  private var kept: Bool { course.violations.isEmpty && accounts.waiting >= 0 }

  var verdictTitle: String {
    if !course.violations.isEmpty {
      return course.violations.count == 1
        ? "A promise was broken." : "\(grouped(course.violations.count)) promises were broken."
    }
    if accounts.waiting < 0 { return "The numbers do not add up." }
    if accounts.made == 0 { return "No reading was made." }
    if accounts.lost > 0 {
      let share = percent(Double(accounts.lost), of: Double(accounts.made))
      return "Every reading is accounted for; \(share) did not arrive."
    }
    if accounts.waiting > 0 { return "Nothing was lost." }
    return "Nothing was lost: every reading arrived."
  }

  /// "20 given up for want of room, 11 cut off with the power": what did not come, and why.
  private var fates: [String] {
    let all = [
      (accounts.dropped, "given up by the profile’s own rules for want of room"),
      (accounts.expired, "given up for their age"),
      (accounts.replaced, "given up for a newer one of the same point"),
      (accounts.cut, "in memory only when power or process ended"),
      (accounts.waiting, "had not come yet when the life ended"),
    ]
    return all.filter { $0.0 > 0 }.map { "\(grouped($0.0)) \($0.1)" }
  }

  /// The readings from made to come or given up.
  private var balance: String {
    guard accounts.made > 0 || accounts.delivered > 0 else {
      return "So there was nothing that could be delivered or lost."
    }
    var text = "\(plural(accounts.made, "reading")) made, \(grouped(accounts.delivered)) delivered"
    var details: [String] = []
    if accounts.late > 0 {
      let share = percent(Double(accounts.late), of: Double(accounts.delivered))
      details.append("\(share) of them late, after an outage")
    }
    if course.sums.thinned > 0 {
      details.append("\(grouped(course.sums.thinned)) merged into minimum, mean and maximum")
    }
    if !details.isEmpty { text += " (\(details.joined(separator: "; ")))" }
    text += fates.isEmpty ? ", none given up" : ", " + fates.joined(separator: ", ")
    if accounts.waiting < 0 {
      text += ", which is \(grouped(-accounts.waiting)) more than were made"
    }
    return text + "."
  }

  /// The verdict as a piece of HTML.
  var verdict: String {
    let isWhole = accounts.made > 0 && accounts.lost == 0
    let sign = !kept ? "✗" : accounts.made == 0 ? "–" : "✓"
    let style = !kept ? " broken" : isWhole ? "" : " partly"
    return """
      <section class="verdict\(style)" aria-labelledby="verdict">
      <h2 id="verdict"><span aria-hidden="true">\(sign)</span> \(verdictTitle)</h2>
      <p>\(balance)</p>\(violations)
      </section>
      """
  }

  private var violations: String {
    guard !course.violations.isEmpty else { return "" }
    var items = course.violations.prefix(Self.violationsMax).map { "<li>\($0.isolated)</li>" }
    let more = course.violations.count - items.count
    if more > 0 { items.append("<li>and \(grouped(more)) more</li>") }
    return "<ul>\(items.joined())</ul>"
  }
}
