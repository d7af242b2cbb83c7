import MadeUpCourse
import Report
import Simulator

/// Prints the report of a made-up life, so that a browser can be asked how it looks.
@main enum CourseReportTool {
  static func main() {
    var course: Course
    switch CommandLine.arguments.dropFirst().first {
    case "plausible": course = MadeUpCourse.plausible(days: 30)
    case "lossy": course = MadeUpCourse.lossy(days: 60)
    case "hostile": course = MadeUpCourse.hostile()
    case "empty": course = Course()
    default: fatalError("usage: course-report plausible|lossy|hostile|empty")
    }
    print(CourseReport(course).html, terminator: "")
  }
}
