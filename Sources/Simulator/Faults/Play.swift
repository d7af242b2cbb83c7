import Core
import Scenarios

/// Happenings, played in a world.
struct Play {
  /// What begins and ends, by time and then by their order.
  private var cues: [Cue] = []
  private var next = 0

  private struct Cue {
    var at: Interval
    var happening: Happening
    var isEnd: Bool
  }

  /// These, counted from the world's present time.
  init(_ happenings: [Happening]) {
    for happening in happenings {
      cues.append(Cue(at: happening.at, happening: happening, isEnd: false))
      guard happening.fault.lasts, happening.length > .zero else { continue }
      cues.append(Cue(at: happening.at + happening.length, happening: happening, isEnd: true))
    }
    cues.sort { $0.at < $1.at }
  }

  /// When the next begins or ends; nil after the last.
  var nextAt: Interval? { next < cues.count ? cues[next].at : nil }

  /// Begins or ends the next in a world whose time for it has come; there is one.
  mutating func playNext(in world: World) -> (happening: Happening, isEnd: Bool) {
    let cue = cues[next]
    next += 1
    if cue.isEnd { world.end(cue.happening) } else { world.begin(cue.happening) }
    return (cue.happening, cue.isEnd)
  }

  /// Lets a world live for `length`; what has not ended by then goes on. `progress` hears each hour, and
  /// with each cue, how much of it is over.
  mutating func run(
    _ world: World, for length: Interval, _ progress: (Interval) -> Void = { _ in }
  ) {
    let start = world.now
    func live(until end: Instant) {
      while end - world.now > .seconds(3_600) {
        world.run(until: world.now + .seconds(3_600))
        progress(world.now - start)
      }
      world.run(until: end)
    }
    while let at = nextAt, at < length {
      live(until: start + at)
      progress(at)
      _ = playNext(in: world)
    }
    live(until: start + length)
  }
}
