import Core
import Simulator

/// Courses that no simulator has lived through, but that look as if.
public enum MadeUpCourse {
  /// A plausible life of so many days, in slices of a minute: an outage every day and a half, now and then
  /// without power, and a history after each.
  public static func plausible(days: Int, seed: UInt64 = 7) -> Course {
    var course = Course()
    var chance = Generator(seed: seed)
    course.setting.device = "greenhouse-7"
    course.setting.profile = "devices/greenhouse.json"
    course.setting.hardware = "pi-zero-w"
    course.setting.link = "lte-edge"
    course.setting.scenario = "mast-in-winter"
    course.setting.length = .seconds(Int64(days) * 86_400)
    course.setting.seed = seed
    addOutages(to: &course, &chance)
    addSlices(to: &course, &chance)
    addSums(to: &course)
    return course
  }

  /// The same, with a loss under every rule and readings that are still waiting.
  public static func lossy(days: Int) -> Course {
    var course = plausible(days: days)
    course.points[0].live -= 60
    course.points[0].dropped = 20
    course.points[0].expired = 8
    course.points[0].replaced = 4
    course.points[0].cut = 11
    course.slices[course.slices.count / 2].lost = 32
    return course
  }

  /// The same with names and texts that would like to be HTML.
  public static func hostile() -> Course {
    var course = lossy(days: 2)
    let text = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>&amp;\u{0}\u{202E}"
    course.setting.device = text
    course.setting.profile = text
    course.setting.hardware = text
    course.setting.link = text
    course.setting.scenario = text
    course.points[0].name = text
    course.outages[0].reason = text
    course.incidents[0].text = text
    course.violations = [text, String(repeating: "W", count: 5_000)]
    return course
  }

  private static func addOutages(to course: inout Course, _ chance: inout Generator) {
    let reasons = [
      "no answer to a ping", "connection reset by peer", "name not found", "refused: busy",
    ]
    var at = Int64(20_000)
    while at < course.setting.length.seconds {
      var (outage, incident) = (Course.Outage(), Course.Incident())
      let powerless = chance.next() % 5 == 0
      let length = Int64(chance.next() % 100) * Int64(chance.next() % 100) + 40
      outage.begin = .seconds(at)
      outage.noticed = .milliseconds(at * 1_000 + Int64(chance.next() % 45_000))
      if at + length < course.setting.length.seconds { outage.end = .seconds(at + length) }
      outage.reason = powerless ? "no power" : reasons[Int(chance.next() % 4)]
      course.outages.append(outage)
      incident.at = outage.begin
      incident.length = .seconds(length - 30)
      incident.kind = powerless ? .power : at % 3 == 0 ? .broker : .network
      incident.text =
        powerless ? "mains off" : at % 3 == 0 ? "broker restarts" : "mast out of reach"
      course.incidents.append(incident)
      at += length + Int64(chance.next() % 260_000)
    }
  }

  private static func addSlices(to course: inout Course, _ chance: inout Generator) {
    var backlog: Int32 = 0
    var ended = 0
    for index in 0..<Int(course.setting.length.seconds / 60) {
      var slice = Course.Slice()
      let (begin, end) = (Double(index) * 60, Double(index + 1) * 60)
      var dark = 0.0
      var powerless = 0.0
      while ended < course.outages.count, let to = course.outages[ended].end,
        Double(to.seconds) <= begin
      {
        ended += 1
      }
      for outage in course.outages[ended...] {
        if Double(outage.begin.seconds) >= end { break }
        let from = Double(outage.begin.seconds)
        let to = Double((outage.end ?? course.setting.length).seconds)
        let share = max(0, min(end, to) - max(begin, from)) / 60
        dark += share
        if outage.reason == "no power" { powerless += share }
      }
      slice.running = Float(1 - powerless)
      slice.online = Float(1 - dark)
      slice.made = Int32((1 - powerless) * 16)
      slice.live = Int32((1 - dark) * Double(slice.made))
      backlog += slice.made - slice.live
      if dark == 0 {
        slice.late = min(backlog, 300)
        backlog -= slice.late
        slice.latencyMedian = .milliseconds(60 + Int64(chance.next() % 40))
        slice.latencyMax = slice.latencyMedian * Int64(1 + chance.next() % 40)
      }
      slice.radio = Float(0.02 + Double(slice.live + slice.late) / 400)
      slice.outboxMost = min(16_384, 600 + backlog * 40)
      slice.journalMost = max(0, backlog - 380) * 48
      slice.bytesUp = slice.live * 96 + slice.late * 38
      slice.bytesDown = slice.live * 6
      slice.flashBytes = slice.journalMost > 0 ? 4_096 : 0
      course.slices.append(slice)
    }
  }

  private static func addSums(to course: inout Course) {
    let names = ["air", "soil", "water", "door"]
    course.points = names.map { name in
      var point = Course.PointSums()
      point.name = name
      return point
    }
    for slice in course.slices {
      for index in names.indices {
        course.points[index].live += Int(slice.live) / 4
        course.points[index].late += Int(slice.late) / 4
      }
      course.sums.bytesUp += Int(slice.bytesUp)
      course.sums.bytesDown += Int(slice.bytesDown)
      course.sums.flashBytes += Int(slice.flashBytes)
      course.sums.radioOn = course.sums.radioOn + .milliseconds(Int64(slice.radio * 60_000))
      course.sums.outboxMost = max(course.sums.outboxMost, Int(slice.outboxMost))
      course.sums.journalMost = max(course.sums.journalMost, Int(slice.journalMost))
      course.sums.latencyMax = max(course.sums.latencyMax, slice.latencyMax)
    }
    for index in names.indices {
      course.points[index].made = course.points[index].live + course.points[index].late
    }
    course.sums.thinned = 31
    course.sums.messages = course.points.reduce(0) { $0 + $1.live }
    course.sums.repeated = 12
    course.sums.attempts = course.outages.count * 6
    course.sums.losses = course.outages.count
    course.sums.runs = 1 + course.outages.count { $0.reason == "no power" }
    course.sums.flashSyncs = course.sums.flashBytes / 4_096
    course.sums.flashYears = 84
    course.sums.wakeUps = course.slices.count * 17
    course.sums.busy = .milliseconds(Int64(course.slices.count) * 21)
    course.sums.joules = Double(course.slices.count) * 4
    course.sums.latencyMedian = .milliseconds(78)
    course.sums.latency99 = .milliseconds(1_900)
    course.sums.memoryBudget = 256 * 1_024
    course.sums.memoryPlanned = 171_400
    course.sums.memoryOfHardware = 512 << 20
    course.sums.outboxBytes = 16_384
    course.sums.journalBytes = 1 << 20
  }
}
