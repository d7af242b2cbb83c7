import Core

/// When each of many devices has something to do next: the earliest is found at once, and a change costs
/// a few steps, however many there are. A binary heap that knows where each device stands in it.
struct DeadlineHeap {
  private var deadlines: [Instant]
  /// Devices, each no later than the two below it: those of place n are at 2n + 1 and 2n + 2.
  private var order: [Int32]
  /// Where each device stands in `order`.
  private var places: [Int32]

  /// Devices 0 up to `count`, none of which has anything to do.
  init(count: Int) {
    deadlines = Array(repeating: .never, count: count)
    order = (0..<count).map { Int32($0) }
    places = order
  }

  /// The earliest of all deadlines; `never` without one.
  var earliest: Instant { order.isEmpty ? .never : deadlines[Int(order[0])] }

  /// The device that is due first, if one is due at `now`. Stays so until its deadline is set anew.
  func due(at now: Instant) -> Int? {
    guard earliest <= now, earliest != .never else { return nil }
    return Int(order[0])
  }

  /// Device `device` has something to do at `deadline`.
  mutating func set(_ device: Int, to deadline: Instant) {
    let before = deadlines[device]
    guard deadline != before else { return }
    deadlines[device] = deadline
    let place = Int(places[device])
    if deadline < before { rise(from: place) } else { sink(from: place) }
  }

  private mutating func rise(from start: Int) {
    var place = start
    while place > 0 {
      let above = (place - 1) / 2
      guard deadline(at: place) < deadline(at: above) else { return }
      exchange(place, above)
      place = above
    }
  }

  private mutating func sink(from start: Int) {
    var place = start
    while 2 * place + 1 < order.count {
      var below = 2 * place + 1
      if below + 1 < order.count, deadline(at: below + 1) < deadline(at: below) { below += 1 }
      guard deadline(at: below) < deadline(at: place) else { return }
      exchange(place, below)
      place = below
    }
  }

  private func deadline(at place: Int) -> Instant { deadlines[Int(order[place])] }

  private mutating func exchange(_ a: Int, _ b: Int) {
    order.swapAt(a, b)
    places[Int(order[a])] = Int32(a)
    places[Int(order[b])] = Int32(b)
  }
}
