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

  private init(
    _ latency: Interval, jitter: Interval, up: Int, down: Int, lossPerMille: Int
  ) {
    (self.latency, self.jitter, self.lossPerMille) = (latency, jitter, lossPerMille)
    (upRate, downRate) = (up, down)
  }

  private static let known: KeyValuePairs<String, LinkConditions> = [
    "ethernet": LinkConditions(),
    "wifi-poor": LinkConditions(
      .milliseconds(8), jitter: .milliseconds(120), up: 250_000, down: 250_000, lossPerMille: 30),
    "lte-edge": LinkConditions(
      .milliseconds(60), jitter: .milliseconds(200), up: 16_000, down: 32_000, lossPerMille: 10),
    "nb-iot": LinkConditions(
      .milliseconds(1_500), jitter: .milliseconds(2_000), up: 2_500, down: 3_000, lossPerMille: 5),
    "satellite": LinkConditions(
      .milliseconds(320), jitter: .milliseconds(40), up: 8_000, down: 30_000, lossPerMille: 5),
  ]

  /// The link of this name.
  public static func named(_ name: String) -> LinkConditions? {
    known.first { $0.key == name }?.value
  }

  /// The names of all links that have one.
  public static var names: [String] { known.map { $0.key } }
}
