import Core

/// How a link to the broker is on average; what goes wrong on it are faults.
public struct LinkConditions: Sendable {
  /// How long a byte is on its way, in each direction.
  public var latency = Interval.milliseconds(1)
  /// By how much that varies: a packet takes up to so much longer. None overtakes another: it is TCP.
  public var jitter = Interval.zero
  /// Bytes a second towards the broker.
  public var upRate = 10_000_000
  /// Bytes a second from the broker.
  public var downRate = 10_000_000
  /// How many packets in a thousand are lost: TCP sends them again, and all behind waits.
  public var lossPerMille = 0
  /// A middlebox forgets a connection that has been idle for longer; nil for none that does.
  public var idleMax: Interval?
  /// How long the radio stays on after each byte, in either direction.
  public var radioTail = Interval.zero
  /// Bytes that the system takes from the agent before it waits.
  public var bufferBytes = 16_384

  /// A cable.
  public init() {}
}
