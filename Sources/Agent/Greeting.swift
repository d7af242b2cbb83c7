import Core
import MQTT

/// The first exchange of a connection, up to the birth.
///
/// On the agent's first connection the broker is asked first what it still knows of the run before:
/// the retained status and health report. The birth, which overwrites them, then says how long and
/// why the device was away. Later connections know that by themselves and begin with the birth.
struct Greeting: BitwiseCopyable {
  enum Step: BitwiseCopyable, Equatable {
    /// No session.
    case none
    /// The first connection: both subscriptions are asked for, the birth waits until then at most.
    case listening(until: Instant)
    /// The birth is out: readings may follow.
    case over
  }

  /// What the broker knew, from the first connection.
  var lastWord: LastWord?
  /// When the last health report was sent.
  var reportedAt: WallTime?
  var step = Step.none
  private var heardFirst = false
  private var pending = 0

  /// How long the birth waits for the broker to answer the two subscriptions.
  static var patience: Interval { .seconds(3) }
  /// How long it waits for retained messages after that: they follow the answer directly.
  static var grace: Interval { .milliseconds(250) }

  var isOver: Bool { step == .over }

  var isListening: Bool {
    if case .listening = step { true } else { false }
  }

  /// True when this connection has to ask before it says anything.
  var mustListen: Bool { !heardFirst }

  var deadline: Instant {
    if case .listening(let until) = step { until } else { .never }
  }

  mutating func listen(for subscriptions: Int, at now: Instant) {
    pending = subscriptions
    step = .listening(until: now + Self.patience)
  }

  mutating func subscribed(_ packetID: UInt16, at now: Instant) {
    guard isListening else { return }
    pending -= 1
    if pending <= 0 { step = .listening(until: now + Self.grace) }
  }

  mutating func finish() {
    heardFirst = true
    step = .over
  }

  mutating func reset() { step = .none }
}
