import Core
import Device
import MQTT
import Uplink

/// What comes from the broker: our own status, the health report of the run before, commands,
/// requests for care.
extension DeviceAgent where Medium: ~Copyable {
  private enum Incoming: BitwiseCopyable {
    case status(hash: UInt64, LastWord?)
    case diagnostics(seen: WallTime?)
    case command(Command)
    case care
    case foreign
  }

  mutating func received(_ message: IncomingMessage, at moment: Moment) {
    switch Self.read(message, link, points) {
    case .status(let hash, let word):
      guard greeting.isListening else { return statusHeard(hash, at: moment) }
      // A session that was lost before its birth has left nothing but its will.
      if let word, !life.isOwnWill(word) { greeting.lastWord = word }
    case .diagnostics(let seen):
      if greeting.isListening { greeting.reportedAt = seen }
    case .command(var command):
      if !stopping.isRunning { command.refuse(because: .stopping) }
      let refusal = points.carryOut(
        command, at: moment, brokerKeepsCommands: link.spec.persistentSession,
        outbox: &link.outbox)
      if let refusal {
        notices.add(.commandRefused(refusal, point: command.point))
      } else if let point = command.point {
        notices.add(.command(point: point, level: command.level, duration: command.duration))
      }
    case .care: takeCare(message, at: moment)
    case .foreign: break
    }
  }

  private static func read(
    _ message: IncomingMessage, _ link: borrowing BrokerLink<Medium>, _ points: borrowing Points
  ) -> Incoming {
    link.session.withMessage(message) { topic, payload in
      guard let start = points.topicPrefixCount(in: topic) else { return .foreign }
      let tail = topic.extracting(start..<topic.count)
      if tail.equals("status") {
        return .status(hash: payload.fnv1a, LastWord(status: payload))
      }
      if tail.equals("diag") { return .diagnostics(seen: LastWord.time(inDiagnostics: payload)) }
      if tail.equals("care") { return .care }
      guard tail.count > 4, tail.extracting(0..<4).equals("cmd/") else { return .foreign }
      // Nothing at all is how a retained command is cleared (MQTT 3.1.1, 3.3.1.3): no command.
      guard !payload.isEmpty else { return .foreign }
      let name = tail.extracting(4..<tail.count)
      return .command(
        Command(name: name, payload: payload, isRetained: message.retain, points: points))
    }
  }
}
