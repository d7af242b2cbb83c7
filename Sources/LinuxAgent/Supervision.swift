import Agent
import Core
import Dialing
import Linux
import MQTT
import Uplink

/// What the service manager is told: that the agent has begun, how it stands in words for people, and, as
/// long as it advances, that it lives.
struct Supervision: BitwiseCopyable {
  private let manager = ServiceManager()
  private var isReady = false
  /// The standing has changed, and was not told yet.
  private var hasNews = true
  private var session: UInt64 = 0
  /// Why there is no connection, and since when; nil for one that was never there.
  private var fault: LinkFault?
  private var since = Instant.boot
  /// When the next sign of life is due: three in the time that the manager waits.
  private(set) var deadline = Instant.never

  init(at now: Instant) {
    since = now
    if manager.watchdog != nil { deadline = now }
  }

  /// True when a service manager waits for this process, and may start the next.
  var isSupervised: Bool { manager.isThere }

  /// Takes in what the agent has to tell. It stops to begin anew with another profile where it `isReloading`;
  /// else the manager is told to wait for as long as the stop may take.
  mutating func note(
    _ notice: Notice, isReloading: Bool, stopTakes: Interval, at now: Instant
  ) {
    switch notice {
    case .online(let session): (self.session, fault, since) = (session, nil, now)
    case .lost(let fault): (session, self.fault, since) = (0, fault, now)
    case .attemptFailed(let fault, _), .refused(let fault, _): self.fault = fault
    case .stopping where !isReloading:
      _ = manager.tell { out in
        out.append(literal: "STOPPING=1\nEXTEND_TIMEOUT_USEC=")
        out.append(decimal: stopTakes.nanoseconds / 1_000)
      }
    default: return
    }
    hasNews = true
  }

  /// Tells what there is to tell at the end of a turn of the loop in which all that was due was done.
  mutating func tell(_ link: borrowing BrokerLink<FileStorage>, isAdvancing: Bool, at now: Instant)
  {
    guard manager.isThere else { return }
    let isDue = deadline <= now
    guard hasNews || isDue else { return }
    // Who does not advance looks again soon, and is restarted when that lasts too long.
    let lives = isDue && isAdvancing
    if isDue { deadline = now + .seconds(1) }
    guard hasNews || lives else { return }
    let isFirst = !isReady
    let isTold = manager.tell { out in
      if isFirst { out.append(literal: "READY=1\n") }
      if lives { out.append(literal: "WATCHDOG=1\n") }
      appendStatus(link, at: now, to: &out)
    }
    guard isTold else {
      deadline = now + .seconds(1)
      return
    }
    (isReady, hasNews) = (true, false)
    if lives, let watchdog = manager.watchdog { deadline = now + watchdog / 3 }
    if manager.watchdog == nil { deadline = .never }
  }

  private func appendStatus(
    _ link: borrowing BrokerLink<FileStorage>, at now: Instant, to out: inout OutputSpan<UInt8>
  ) {
    if link.isOnline {
      out.append(literal: "STATUS=online, session ")
      out.append(digits: session, width: 1)
    } else if let fault {
      out.append(literal: "STATUS=no connection for ")
      out.append(decimal: (now - since).seconds)
      out.append(literal: " s: ")
      out.append(literal: fault.slug)
    } else {
      out.append(literal: "STATUS=connecting")
    }
    out.append(literal: "; records that wait: ")
    out.append(decimal: Int64(wide: link.outbox.unacknowledged))
    let room = link.backlog.roomBytes
    guard room > 0 else { return }
    out.append(literal: "; journal ")
    out.append(decimal: Int64(wide: link.backlog.usedBytes * 100 / room))
    out.append(literal: " % full")
  }
}
