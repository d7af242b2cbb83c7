import Agent
import Core
import Uplink

/// How a fleet stands at one moment: where its devices are, and what has become of their readings.
public struct FleetCensus: Sendable {
  /// Devices that have yet to begin.
  public var notBegun = 0
  /// Devices that wait for their next attempt.
  public var waiting = 0
  /// Devices on the way to a session.
  public var connecting = 0
  /// Devices with a session.
  public var online = 0
  /// Devices that have stopped.
  public var stopped = 0
  /// Readings made: the last sequence numbers of all points.
  public var readings = 0
  /// Records that the broker has acknowledged: readings, and reports of outages.
  public var acknowledged = 0
  /// Records that wait in memory for the broker's acknowledgement.
  public var kept = 0
  /// Bytes of those, and of all that there is room for.
  public var keptBytes = 0
  /// See `keptBytes`.
  public var roomBytes = 0
  /// Readings that were dropped, merged, had expired or were replaced by later ones; and records that the
  /// broker does not take.
  public var givenUp = LossCounts()
  /// See `givenUp`.
  public var unsendable = 0
  /// Sessions that followed another one of the same device.
  public var returns = 0
  /// Devices that have had a session at least once.
  public var seen = 0

  /// Nobody is there.
  init() {}

  /// Records of all kinds that no broker will get.
  public var givenUpCount: Int {
    Int(givenUp.dropped) + Int(givenUp.thinned) + Int(givenUp.expired) + Int(givenUp.replaced)
      + unsendable
  }

  /// Adds what a device has done so far.
  mutating func add(_ device: FleetDevice) {
    let counters = device.agent.link.counters
    for point in 0..<device.agent.points.pointCount {
      readings += Int(device.agent.points.stateCount(point))
      readings += Int(device.agent.points.eventCount(point))
    }
    acknowledged += Int(counters.acknowledged)
    kept += device.agent.link.outbox.unacknowledged
    keptBytes += device.agent.link.outbox.bytesKept
    roomBytes += device.agent.link.outbox.capacity
    let losses = device.agent.link.outbox.losses.total
    givenUp.dropped &+= losses.dropped
    givenUp.thinned &+= losses.thinned
    givenUp.expired &+= losses.expired
    givenUp.replaced &+= losses.replaced
    unsendable += Int(counters.unsendable)
    returns += max(0, Int(counters.connections) - 1)
    if counters.connections > 0 { seen += 1 }
  }
}
