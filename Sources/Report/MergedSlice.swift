import Core
import Simulator

/// What happened within one or several slices of a course: sums are kept, shares are averaged, and the most
/// of several is the most of all.
struct MergedSlice {
  /// When it begins, in seconds.
  var begin = 0.0
  var running = 0.0
  var online = 0.0
  var radio = 0.0
  var made = 0
  var live = 0
  var late = 0
  var lost = 0
  var outboxMost = 0
  var journalMost = 0
  /// Of the slices' medians the one that half of the live readings lie below; nil without any.
  var latencyMedian: Double?
  /// In seconds; nil when nothing came live.
  var latencyMax: Double?
  var bytesUp = 0
  var bytesDown = 0
  var flashBytes = 0

  /// Several slices as one that begins at `begin` seconds.
  init(_ slices: ArraySlice<Course.Slice>, begin: Double) {
    self.begin = begin
    for slice in slices {
      running += Double(slice.running) / Double(slices.count)
      online += Double(slice.online) / Double(slices.count)
      radio += Double(slice.radio) / Double(slices.count)
      made += Int(slice.made)
      live += Int(slice.live)
      late += Int(slice.late)
      lost += Int(slice.lost)
      outboxMost = max(outboxMost, Int(slice.outboxMost))
      journalMost = max(journalMost, Int(slice.journalMost))
      bytesUp += Int(slice.bytesUp)
      bytesDown += Int(slice.bytesDown)
      flashBytes += Int(slice.flashBytes)
    }
    let heard = slices.filter { $0.live > 0 && $0.latencyMax > .zero }
      .sorted { $0.latencyMedian < $1.latencyMedian }
    latencyMax = heard.map(\.latencyMax).max()?.inSeconds
    let half = (heard.reduce(0) { $0 + Int($1.live) } + 1) / 2
    var below = 0
    latencyMedian =
      heard.first { slice in
        below += Int(slice.live)
        return below >= half
      }?.latencyMedian.inSeconds
  }

  /// All slices of a course, merged to at most `most`, and how long each is then, in seconds. A merged slice
  /// is a length that people count in, where the slices allow it.
  static func merging(_ course: Course, most: Int) -> (slices: [MergedSlice], length: Double) {
    let count = course.slices.count
    let length = max(course.sliceLength.inSeconds, 1e-9)
    guard count > 0 else { return ([], length) }
    let least = (count + most - 1) / most
    let nice = TimeScale.steps.lazy.map { $0 / length }.first { times in
      times >= Double(least) - 1e-9 && abs(times - times.rounded()) < 1e-6
        && times < Double(4 * least)
    }
    let size = least == 1 ? 1 : nice.map { Int($0.rounded()) } ?? least
    let slices = stride(from: 0, to: count, by: size).map { first in
      MergedSlice(course.slices[first..<min(count, first + size)], begin: Double(first) * length)
    }
    return (slices, Double(size) * length)
  }
}
