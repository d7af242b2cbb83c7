import Core
import JSON
import Linux
import Profile
import Uplink

/// The time of day, and who keeps it.
enum ClockExamination {
  static func perform(_ configuration: Configuration?, _ report: inout Report) {
    let moment = Clock.moment()
    let now = Words(upTo: 24) { out in out.append(timestamp: moment.wall) }
    let (service, question) = self.service
    switch moment.quality {
    case .synced:
      report.fine(.clock, "\(now), kept by \(service.isEmpty ? "a time service" : service)")
    case .estimated:
      report.worthKnowing(
        .clock, "\(now), and no time service keeps it: readings say \"tq\":\"estimated\"",
        fix: remedy(service, question))
    case .none:
      report.broken(
        .clock,
        """
        the clock is not set: it says \(now). Readings have no time, and certificates may not be valid
        """, fix: remedy(service, question))
    }
    lookForHardware(configuration, &report)
  }

  private static func remedy(_ service: Words, _ question: Words) -> Words {
    service.isEmpty
      ? "install a time service: sudo apt install systemd-timesyncd; sudo timedatectl set-ntp true"
      : "\(service) is there, but has not set the clock: ask it by `\(question)`"
  }

  /// The time service that runs, by what it leaves, and what asks it; empty where none is known.
  private static var service: (name: Words, question: Words) {
    if SystemText.survey("/run/chrony") != nil { return ("chrony", "chronyc tracking") }
    if SystemText.survey("/run/systemd/timesync") != nil {
      return ("systemd-timesyncd", "timedatectl timesync-status")
    }
    if SystemText.survey("/run/ntpd.pid") != nil { return ("ntpd", "ntpq -p") }
    return ("", "")
  }

  /// A clock that goes on without power.
  private static func lookForHardware(_ configuration: Configuration?, _ report: inout Report) {
    let name = SystemText.line(of: "/sys/class/rtc/rtc0/name")
    if !name.isEmpty {
      report.fine(.clock, "hardware clock: \(name)")
    } else if let configuration, configuration.uplink.journalBytes > 0 {
      report.fine(
        .clock, "no hardware clock; over a power cut the journal keeps the last known time")
    } else {
      report.worthKnowing(
        .clock,
        "no hardware clock: after a power cut the time is not known before the network is there",
        fix: "nothing, where a time service is soon reached; else add a clock, or a journal")
    }
  }
}
