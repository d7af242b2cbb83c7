import Core
import Profile

/// Whether outputs are driven only as somebody wished: at a start, by a command that is one, by the profile
/// when the link stays lost.
///
/// A command that is retained may be carried out once, as it comes (MQTT 3.1.1 does not say then that it
/// is retained), and never again; where the broker keeps commands, none without its age is.
struct OutputWatch {
  fileprivate struct Output {
    let point: Int
    let start: Bool
    var lost: Bool?
    let lostAfter: Interval
    /// How often it was driven to off and on, and how often that was due.
    var driven = InlineArray<2, Int>(repeating: 0)
    var due = InlineArray<2, Int>(repeating: 0)
    var level = false
    var isLost = false
  }

  private var outputs: [Output] = []
  /// Where each is in `outputs`, by its point's name.
  private var places: [String: Int] = [:]
  private let keepsCommands: Bool
  private var offlineSince: Instant?
  private var connections: UInt32 = 0

  init(_ configuration: Configuration) {
    keepsCommands = configuration.uplink.persistentSession
    for (index, point) in configuration.points.enumerated() where point.kind == .output {
      places[configuration.string(point.name)] = outputs.count
      outputs.append(
        Output(
          point: index, start: point.output.start, lost: point.output.lost,
          lostAfter: point.output.lostAfter))
    }
  }

  mutating func runBegan(at now: Instant) {
    (offlineSince, connections) = (now, 0)
    for index in outputs.indices {
      outputs[index].due[outputs[index].start ? 1 : 0] += 1
      outputs[index].isLost = false
    }
  }

  /// Somebody publishes what may be a command: `topic` is what follows the device's prefix.
  mutating func asked(_ topic: String, _ payload: String) {
    guard let index = places[String(topic.dropFirst("cmd/".count))], !keepsCommands else { return }
    switch payload {
    case "true": outputs[index].due[1] += 1
    case "false": outputs[index].due[0] += 1
    default: break
    }
  }

  mutating func drove(_ point: Int, to level: Bool) {
    for index in outputs.indices where outputs[index].point == point {
      outputs[index].driven[level ? 1 : 0] += 1
      outputs[index].level = level
    }
  }

  /// A complaint when an output was driven without a reason, or was not when the link stayed lost.
  /// `connections` counts those that were opened in this run.
  mutating func check(
    isRunning: Bool, isOnline: Bool, connections: UInt32, at now: Instant
  ) -> String? {
    if connections != self.connections {
      // One may have come and gone since the last turn.
      self.connections = connections
      offlineSince = nil
      for index in outputs.indices { outputs[index].isLost = false }
    }
    if !isRunning || isOnline { offlineSince = nil } else { offlineSince = offlineSince ?? now }
    for index in outputs.indices {
      if let complaint = outputs[index].check(offlineSince: offlineSince, at: now) {
        return complaint
      }
    }
    return nil
  }
}

extension OutputWatch.Output {
  fileprivate mutating func check(offlineSince: Instant?, at now: Instant) -> String? {
    // The next turn sees what becomes due in this one.
    let before = due
    if let lost, let offlineSince, now >= offlineSince + lostAfter {
      if !isLost {
        isLost = true
        due[lost ? 1 : 0] += 1
      } else if level != lost {
        self.lost = nil
        return "output: the link is lost, and it is \(level)"
      }
    }
    for level in 0...1 where driven[level] > before[level] && due[level] == before[level] {
      due[level] = driven[level]
      return "output: driven to \(level == 1), which nobody asked for"
    }
    return nil
  }
}
