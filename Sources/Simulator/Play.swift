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

  /// Lets a world live for `length`. What has not ended by then goes on.
  mutating func run(_ world: World, for length: Interval) {
    let start = world.now
    while next < cues.count, cues[next].at < length {
      let cue = cues[next]
      next += 1
      world.run(until: start + cue.at)
      if cue.isEnd { world.end(cue.happening) } else { world.begin(cue.happening) }
    }
    world.run(until: start + length)
  }
}
