import Core
import MadeUpCourse
import Report
import Simulator
import Testing

/// The page of a simulated life.
@Suite struct CourseReportTests {
  private func html(_ course: Course) -> String { CourseReport(course).html }

  /// A course of one point with these readings.
  private func course(made: Int, live: Int, late: Int = 0) -> Course {
    var course = Course()
    var point = Course.PointSums()
    (point.name, point.made, point.live, point.late) = ("air", made, live, late)
    course.points = [point]
    course.setting.length = .seconds(86_400)
    return course
  }

  @Test func verdictSaysThatAllArrived() {
    let page = html(course(made: 1_204_331, live: 1_166_996, late: 37_335))
    #expect(page.contains("Nothing was lost: every reading arrived."))
    #expect(
      page.contains(
        "1,204,331\u{A0}readings made, 1,204,331 delivered (3.1\u{A0}% of them late, after an outage), none given up."
      ))
    #expect(!page.contains("class=\"verdict broken\""))
  }

  @Test func verdictNamesEachWayToLoseAReading() {
    var course = course(made: 100, live: 50)
    course.points[0].dropped = 20
    course.points[0].expired = 8
    course.points[0].replaced = 4
    course.points[0].cut = 11
    course.sums.thinned = 3
    let page = html(course)
    #expect(page.contains("Every reading is accounted for; 43\u{A0}% did not arrive."))
    #expect(page.contains("class=\"verdict partly\""))
    for text in [
      "3 merged into minimum, mean and maximum",
      "20 given up by the profile’s own rules for want of room",
      "8 given up for their age", "4 given up for a newer one", "11 in memory only when power",
      "7 had not come yet when the life ended",
    ] {
      #expect(page.contains(text))
    }
  }

  @Test func severalBrokersHaveTheirShares() {
    var course = course(made: 10, live: 10)
    course.brokers = [Course.BrokerSums()]
    #expect(!html(course).contains("<h2>Brokers</h2>"))
    course.brokers.append(Course.BrokerSums())
    course.brokers[1].connections = 3
    course.brokers[1].online = .seconds(43_200)
    let page = html(course)
    #expect(page.contains("<h2>Brokers</h2>") && page.contains("50\u{A0}%"))
  }

  @Test func verdictIsBrokenWhenAPromiseIs() {
    var course = course(made: 10, live: 10)
    course.violations = ["reading 7 of air came twice"]
    #expect(html(course).contains("A promise was broken."))
    #expect(html(course).contains("class=\"verdict broken\""))
    #expect(html(course).contains("reading 7 of air came twice"))
    #expect(!html(course).contains("✓"))
    course.violations = (0..<1_000).map { "violation-\($0)" }
    let page = html(course)
    #expect(page.contains("1,000 promises were broken."))
    #expect(page.contains("and 980 more"))
    #expect(!page.contains("violation-20"))
  }

  @Test func moreDeliveredThanMadeIsNotWell() {
    let page = html(course(made: 10, live: 11))
    #expect(page.contains("The numbers do not add up."))
    #expect(page.contains("which is 1 more than were made"))
    #expect(page.contains("class=\"verdict broken\""))
  }

  @Test func emptyCourseIsAPage() {
    let page = html(Course())
    #expect(page.contains("No reading was made."))
    #expect(page.hasSuffix("</html>\n"))
  }

  @Test func hostileNamesAreText() {
    let page = html(MadeUpCourse.hostile())
    #expect(!page.contains("<script>alert"))
    #expect(!page.contains("<img"))
    #expect(!page.unicodeScalars.contains("\u{0}"))
    // The one script is the page's own.
    #expect(page.components(of: "<script") == 1)
    #expect(page.contains("&lt;script&gt;alert(&#39;x&#39;)"))
    // As a word of a shell it is quoted, too: each quote of it ends and begins a quoted part.
    #expect(page.contains("alert(&#39;\\&#39;&#39;x&#39;\\&#39;&#39;)"))
  }

  @Test func commandRepeatsTheLife() {
    #expect(
      html(MadeUpCourse.plausible(days: 2)).contains(
        "sandpiper-lab simulate devices/greenhouse.json --hardware pi-zero-w --link lte-edge "
          + "--scenario mast-in-winter --for 2d --seed 7<"))
    let given = CourseReport(Course(), command: ["sandpiper-lab", "simulate", "my profile"])
    #expect(given.html.contains("sandpiper-lab simulate &#39;my profile&#39;<"))
  }

  @Test func pageIsBoundedHoweverLongTheLife() {
    var course = course(made: 1, live: 1)
    course.setting.length = .seconds(3_650 * 86_400)
    course.sliceLength = .seconds(600)
    for index in 0..<525_600 {
      var slice = Course.Slice()
      slice.running = 1
      slice.live = Int32(index * 7_919 % 1_000)
      slice.late = Int32(index * 104_729 % 1_000)
      slice.outboxMost = Int32(index * 1_299_709 % 100_000)
      slice.journalMost = slice.outboxMost
      slice.bytesUp = .max
      slice.latencyMedian = .milliseconds(Int64(1 + index % 997))
      slice.latencyMax = .seconds(Int64(1 + index % 991))
      course.slices.append(slice)
    }
    for index in 0..<20_000 {
      var (outage, incident) = (Course.Outage(), Course.Incident())
      outage.begin = .seconds(Int64(index) * 15_000)
      outage.end = outage.begin + .seconds(Int64(index % 5_000))
      course.outages.append(outage)
      incident.at = outage.begin
      incident.kind = Course.Incident.Kind.allCases[index % 7]
      course.incidents.append(incident)
    }
    course.points = [Course.PointSums](repeating: course.points[0], count: 500)
    let page = html(course)
    #expect(page.utf8.count < 2_000_000)
    #expect(page.contains("and 19,950 more outages"))
    #expect(page.contains("and 19,950 more incidents"))
    #expect(page.contains("and 400 more points"))
  }

  @Test func longestOutageStandsFirst() throws {
    var course = course(made: 1, live: 1)
    for (begin, end) in [(100, 160), (1_000, 1_500), (80_000, nil as Int64?)] {
      var outage = Course.Outage()
      outage.begin = .seconds(Int64(begin))
      outage.noticed = .seconds(Int64(begin) + 9)
      outage.end = end.map { .seconds($0) }
      outage.reason = "reason-\(begin)"
      course.outages.append(outage)
    }
    let page = html(course)
    let places = try ["80000", "1000", "100"].map {
      try #require(page.firstRange(of: "reason-\($0)<")?.lowerBound)
    }
    #expect(places == places.sorted())
    #expect(page.contains("1\u{A0}h\u{A0}47\u{A0}min, to the end"))
    #expect(page.contains("22:13:20"))
  }

  @Test func memoryBeyondTheHardwareDoesNotFit() {
    var course = course(made: 1, live: 1)
    course.sums.memoryPlanned = 40 << 10
    course.sums.memoryBudget = 64 << 10
    #expect(html(course).contains(">Yes</p>"))
    course.sums.memoryOfHardware = 32 << 10
    #expect(html(course).contains("<span class=\"bad\">No</span>"))
  }

  @Test func nothingIsFetchedFromElsewhere() {
    let page = html(MadeUpCourse.plausible(days: 1))
    for text in ["http:", "https:", "@import", "src=", "//cdn"] { #expect(!page.contains(text)) }
    #expect(page.contains("default-src 'none'"))
  }
}

extension String {
  /// How often a text stands in this one.
  fileprivate func components(of text: String) -> Int { ranges(of: text).count }
}
