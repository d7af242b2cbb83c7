import Agent
import Core
import Uplink

extension Notice {
  /// For people, as one line.
  var text: String {
    switch self {
    case .broker(let index): "broker \(index + 1)"
    case .online(let session): "online, session \(session)"
    case .sentOn: "the broker sends the device to another server"
    case .lost(let fault): "connection to the broker lost: \(fault.slug)"
    case .attemptFailed(let fault, let wait):
      "no connection to the broker: \(fault.slug); next attempt in \(wait.inWords)"
    case .refused(let fault, let wait):
      "the broker refuses the device: \(fault.slug); next attempt in \(wait.inWords)"
    case .contested: "another client connects as this device"
    case .subscriptionRefused: "the broker refuses a subscription"
    case .command(let point, let level, let duration):
      "command for point \(Self.number(point)): \(level ? "on" : "off")"
        + (duration.map { " for \($0.inWords)" } ?? "")
    case .commandRefused(let refusal, let point):
      "command for point \(Self.number(point)) refused: \(refusal.reason)"
    case .messageTooLarge(let bytes): "a message of \(bytes) bytes was passed over"
    case .unsendable(_, let count): "messages given up that the broker does not take: \(count)"
    case .reasserted: "another's word on the status topic: ours was said again"
    case .journal(nil): "the journal can be written again"
    case .journal(let fault?): "the journal can't be written: \(fault)"
    case .careRefused(let reason, let count):
      "a request for care was passed over: \(reason); since the start: \(count)"
    case .care(let task, let refusal):
      "care: \(task.word)" + (refusal.map { " refused: \($0)" } ?? "")
    case .logRestored: "the log is as it was"
    case .profileHolds: "the profile on trial has proved itself"
    case .profileGivenUp: "the profile on trial has not proved itself"
    case .stopping(let undelivered): "stopping; messages not yet acknowledged: \(undelivered)"
    case .stopped: "stopped"
    }
  }

  private static func number(_ point: Int?) -> String { point.map { "\($0 + 1)" } ?? "unknown" }
}
