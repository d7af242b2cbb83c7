import Broker
import Core
import Device
import MQTT

/// What others do to the device, its points and its topics.
extension World {
  /// A fault is about to be brought about.
  func noteFault(_ name: String) {
    counts.faults += 1
    log.add(now, "fault", name)
  }

  /// The connection is reset, noticed at both ends at once.
  func resetConnection() {
    guard way.isOpen else { return }
    way.reset(&broker, at: now)
    if let device {
      device.agent.link.failed(.broken(code: 104), at: device.moment(at: now).instant)
    }
  }

  /// The agent is asked to begin anew.
  func stop() {
    guard let device else { return }
    device.agent.stop(.reload, at: device.moment(at: now))
    turn()
  }

  /// A point fails, or with nil works again.
  func fail(_ point: Int, _ fault: PointFault?) {
    guard let device else { return }
    device.board.fail(point: point, with: fault, at: device.moment(at: now).instant)
    turn()
  }

  /// A point is held by hand, or with nil given back.
  func hold(_ point: Int, _ value: Double?) {
    guard let device else { return }
    _ = device.board.override(point: point, with: value, at: device.moment(at: now).instant)
    turn()
  }

  /// Somebody else publishes on one of the device's topics.
  func publish(_ topic: String, _ payload: String, retain: Bool) {
    broker.publish(
      Message(
        topic: prefix + Array(topic.utf8), payload: Array(payload.utf8), qos: .atLeastOnce,
        retain: retain), at: now)
    if topic == "status" { truth.forged(Array(payload.utf8)) }
    if topic.hasPrefix("cmd/") { watches.outputs.asked(topic, payload) }
    turn()
  }
}
