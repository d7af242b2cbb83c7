import Core

/// An orderly stop, step by step: outputs to their stop state, readings out, "offline" acknowledged,
/// DISCONNECT.
enum Stopping: BitwiseCopyable {
  /// The agent runs.
  case no
  /// `stopping` is said, and what waits is sent, until then at most.
  case draining(until: Instant)
  /// `offline` is said and waits for its acknowledgement, until then at most.
  case leaving(until: Instant)
  /// The link is closed.
  case over

  var deadline: Instant {
    switch self {
    case .draining(let until), .leaving(let until): until
    case .no, .over: .never
    }
  }

  /// True while readings may still be sent: nothing follows "offline".
  var letsRecordsOut: Bool {
    switch self {
    case .no, .draining: true
    case .leaving, .over: false
    }
  }

  var isRunning: Bool { if case .no = self { true } else { false } }

  var isOver: Bool { if case .over = self { true } else { false } }
}
