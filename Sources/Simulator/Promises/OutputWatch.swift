import Core
import Profile

/// Whether outputs are driven only as somebody wished: at a start, by a command that is one, by the profile
/// when the link stays lost.
///
/// A command that is retained may be carried out once, as it comes (MQTT 3.1.1 does not say then that it
/// is retained), and never again; where the broker keeps commands, none without its age is.
struct OutputWatch {
  private struct Output {
    var start: Bool
    var lost: Bool?
    var lostAfter: Interval
    /// How often it was driven to off and on, and how often that was due.
    var driven = [0, 0]
    var due = [0, 0]
    var level = false
    var isLost = false
  }

  /// By point; nil where that is none.
  private var outputs: [Output?]
  private let names: [String: Int]
  private let keepsCommands: Bool
  private var offlineSince: Instant?
  private var connections: UInt32 = 0

  init(_ configuration: Configuration) {
    keepsCommands = configuration.uplink.persistentSession
    var names: [String: Int] = [:]
    outputs = configuration.points.map { _ in nil }
    for (index, point) in configuration.points.enumerated() where point.kind == .output {
      names[configuration.string(point.name)] = index
      outputs[index] = Output(
        start: point.output.start, lost: point.output.lost, lostAfter: point.output.lostAfter)
    }
    self.names = names
  }

  mutating func runBegan(at now: Instant) {
    (offlineSince, connections) = (now, 0)
    for index in outputs.indices {
      update(index) {
        $0.due[$0.start ? 1 : 0] += 1; $0.isLost = false
      }
    }
  }

  /// Somebody publishes what may be a command: `topic` is what follows the device's prefix.
  mutating func asked(_ topic: String, _ payload: String) {
    guard let index = names[String(topic.dropFirst("cmd/".count))], !keepsCommands else { return }
    switch payload {
    case "true": update(index) { $0.due[1] += 1 }
    case "false": update(index) { $0.due[0] += 1 }
    default: break
    }
  }

  mutating func drove(_ point: Int, to level: Bool) {
    update(point) { output in
      output.driven[level ? 1 : 0] += 1
      output.level = level
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
      for index in outputs.indices { update(index) { $0.isLost = false } }
    }
    if !isRunning || isOnline { offlineSince = nil } else { offlineSince = offlineSince ?? now }
    for (index, output) in outputs.enumerated() {
      guard let output else { continue }
      if let lost = output.lost, let since = offlineSince, now >= since + output.lostAfter {
        if !output.isLost {
          update(index) {
            $0.isLost = true; $0.due[lost ? 1 : 0] += 1
          }
        } else if output.level != lost {
          update(index) { $0.lost = nil }
          return "output: the link is lost, and it is \(output.level)"
        }
      }
      for level in 0...1 where output.driven[level] > output.due[level] {
        // The next turn sees what has become due in this one.
        guard outputs[index]?.due[level] == output.due[level] else { continue }
        update(index) { $0.due[level] = output.driven[level] }
        return "output: driven to \(level == 1), which nobody asked for"
      }
    }
    return nil
  }

  private mutating func update(_ index: Int, _ change: (inout Output) -> Void) {
    if var output = outputs[index] {
      change(&output)
      outputs[index] = output
    }
  }
}
