import Core
import Device
import Uplink

/// Something that a person who reads the log wants to know.
public enum Notice: BitwiseCopyable, Sendable {
  /// The notices that follow are of broker number `index`, where the profile names several.
  case broker(Int)
  /// The broker accepted session `number`.
  case online(session: UInt64)
  /// The broker has named another server, which is tried next: `BrokerLink.nextReference`.
  case sentOn
  /// The session is lost.
  case lost(LinkFault)
  /// An attempt to connect failed; the next one follows after `wait`.
  case attemptFailed(LinkFault, wait: Interval)
  /// The broker refuses who we are, and waiting alone will not help; it is asked again after `wait`.
  /// Told once, and each hour while it lasts.
  case refused(LinkFault, wait: Interval)
  /// Another client connects under our identifier, again and again. Told once.
  case contested
  /// The broker does not let us subscribe to our own topics.
  case subscriptionRefused
  /// A command has come for a point, and was taken.
  case command(point: Int, level: Bool, duration: Interval?)
  /// A command has come, and was refused.
  case commandRefused(CommandRefusal, point: Int?)
  /// A message on our topics has more bytes than `uplink.packet`: a command without an answer, say.
  case messageTooLarge(bytes: Int)
  /// Messages that this broker does not take were given up: `count` since the start, the last one for that
  /// reason. Told once a minute at most.
  case unsendable(GivingUp, count: UInt32)
  /// Somebody else had the last word on our status topic; ours was said again.
  case reasserted
  /// The journal's medium fails: readings wait in memory only, and it is tried again now and then. Nil
  /// once it works again.
  case journal(StorageFault?)
  /// A request for remote care that nobody has a right to, or that came too fast, was passed over: `count`
  /// since the start. Told once a minute at most.
  case careRefused(StaticString, count: UInt32)
  /// A request for remote care was taken, or `refused`, for a reason that whoever asked is told.
  case care(CareTask, refused: StaticString?)
  /// The time for which the log had another level is over.
  case logRestored
  /// The profile on trial has proved itself.
  case profileHolds
  /// It has not, and the one before follows.
  case profileGivenUp
  /// The agent ends; `undelivered` readings stay behind.
  case stopping(undelivered: Int)
  /// The connection is closed in order.
  case stopped
}

/// Notices that wait for the log: a queue that drops the newest when it is full.
struct Notices: ~Copyable {
  private var slots = InlineArray<16, Notice>(repeating: .stopped)
  private var first = 0
  private var count = 0

  mutating func add(_ notice: Notice?) {
    guard let notice, count < slots.count else { return }
    slots[(first + count) % slots.count] = notice
    count += 1
  }

  mutating func next() -> Notice? {
    guard count > 0 else { return nil }
    defer {
      first = (first + 1) % slots.count
      count -= 1
    }
    return slots[first]
  }
}
