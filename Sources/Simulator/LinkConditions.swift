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
  /// Bytes that the system takes from the agent before it waits.
  public var bufferBytes = 16_384

  /// A cable.
  public init() {}

  /// The links that are known by name.
  public static func named(_ name: String) -> LinkConditions? {
    var link = LinkConditions()
    switch name {
    case "ethernet": break
    case "wifi-poor":
      link.latency = .milliseconds(8)
      link.jitter = .milliseconds(120)
      (link.upRate, link.downRate) = (250_000, 250_000)
      link.lossPerMille = 30
    case "lte-edge":
      link.latency = .milliseconds(60)
      link.jitter = .milliseconds(200)
      (link.upRate, link.downRate) = (16_000, 32_000)
      link.lossPerMille = 10
    case "nb-iot":
      link.latency = .milliseconds(1_500)
      link.jitter = .milliseconds(2_000)
      (link.upRate, link.downRate) = (2_500, 3_000)
      link.lossPerMille = 5
    case "satellite":
      link.latency = .milliseconds(320)
      link.jitter = .milliseconds(40)
      (link.upRate, link.downRate) = (8_000, 30_000)
      link.lossPerMille = 5
    default: return nil
    }
    return link
  }

  /// The names of those.
  public static var names: [String] {
    ["ethernet", "wifi-poor", "lte-edge", "nb-iot", "satellite"]
  }
}
