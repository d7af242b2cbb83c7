import Agent
import Device
import Linux
import Uplink

/// Lines of the log on one notice, with what it is for machines: `SANDPIPER_EVENT`, and where there is one
/// `SANDPIPER_REASON`, in the words that are published too.
struct EventLog: BitwiseCopyable {
  private let event: StaticString
  private let reason: StaticString?

  init(_ notice: Notice) {
    (event, reason) =
      switch notice {
      case .broker: ("broker", nil)
      case .online: ("online", nil)
      case .sentOn: ("sent-on", nil)
      case .lost(let fault): ("lost", fault.slug)
      case .attemptFailed(let fault, _): ("attempt-failed", fault.slug)
      case .refused(let fault, _): ("refused", fault.slug)
      case .contested: ("contested", nil)
      case .subscriptionRefused: ("subscription-refused", nil)
      case .command: ("command", nil)
      case .commandRefused(let refusal, _): ("command", refusal.reason)
      case .messageTooLarge: ("message-too-large", nil)
      case .unsendable: ("unsendable", nil)
      case .reasserted: ("reasserted", nil)
      case .journal(let fault): (fault == nil ? "journal-works" : "journal-fails", nil)
      case .careRefused(let reason, _): ("care-passed-over", reason)
      case .care(_, let refusal): ("care", refusal)
      case .logRestored: ("log-restored", nil)
      case .profileHolds: ("profile-holds", nil)
      case .profileGivenUp: ("profile-given-up", nil)
      case .stopping: ("stopping", nil)
      case .stopped: ("stopped", nil)
      }
  }

  func write(_ level: Log.Level, _ body: (inout LogLine) -> Void) {
    Log.write(level) { line in
      line.note("EVENT", event)
      if let reason { line.note("REASON", reason) }
      body(&line)
    }
  }

  func write(_ level: Log.Level, _ text: StaticString) {
    write(level) { line in line.append(literal: text) }
  }
}
