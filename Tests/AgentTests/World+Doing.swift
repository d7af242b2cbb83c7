import Agent
import Broker
import Core
import Device
import TestSupport
import Testing

/// What a test does to its world.
extension World {
  /// Somebody else publishes on one of the device's topics.
  func publish(_ topic: String, _ payload: String, retain: Bool = false) {
    broker.publish(
      Message(
        topic: utf8(Self.prefix + topic), payload: utf8(payload), qos: .atLeastOnce,
        retain: retain), at: now)
    turn()
  }

  /// Asks the agent to stop.
  func stop(_ reason: StopReason = .asked) {
    agent.stop(reason, at: moment)
    turn()
  }

  /// Holds a point at a value by hand; a counter takes so many pulses.
  func hold(_ name: String, _ value: Double) {
    let isHeld = board.override(point: index(name), with: value, at: now)
    #expect(isHeld, "\(name)")
    turn()
  }

  /// Makes a point fail, or with nil work again.
  func fail(_ name: String, _ fault: PointFault?) {
    board.fail(point: index(name), with: fault, at: now)
    turn()
  }

  /// The place of a point in the profile.
  func index(_ name: String) -> Int {
    let index = configuration.points.firstIndex { configuration.string($0.name) == name }
    guard let index else { preconditionFailure("no point \(name)") }
    return index
  }
}
