import Scenarios

/// Cuts the faults of a life that breaks a promise down to those that it takes (delta debugging: Zeller and
/// Hildebrandt, 2002).
struct Shrinker {
  /// Lives that may still be tried.
  private var triesLeft: Int
  private let breaks: ([Happening]) -> Bool

  /// At most `tries` lives are tried; `breaks` lives one, and says whether it still breaks a promise.
  init(tries: Int, breaks: @escaping ([Happening]) -> Bool) {
    (triesLeft, self.breaks) = (tries, breaks)
  }

  /// What is left of `happenings`, which break a promise: none of them can be left out alone, unless the
  /// tries have run out.
  mutating func shrink(_ happenings: [Happening]) -> [Happening] {
    var left = happenings
    var size = max(1, left.count / 2)
    while true {
      let count = left.count
      var start = 0
      while start < left.count {
        let end = min(start + size, left.count)
        let rest = Array(left[..<start] + left[end...])
        guard triesLeft > 0 else { return left }
        triesLeft -= 1
        if breaks(rest) { left = rest } else { start = end }
      }
      if size == 1, left.count == count { return left }
      size = max(1, size / 2)
    }
  }
}
