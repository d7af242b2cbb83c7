import Agent
import Broker
import Core
import Device
import MQTT
import Scenarios

/// What others do to the device, its points and its topics.
extension World {
  /// A fault is about to be brought about.
  func noteFault(_ happening: Happening) {
    counts.faults += 1
    log.add(now, "fault", happening.text)
  }

  /// The connection to that broker is reset, noticed at both ends at once.
  func resetConnection(to site: BrokerSite) {
    guard site.way.isOpen else { return }
    site.reset(at: now)
    if let device {
      device.agent.link.failed(.broken(code: 104), at: device.moment(at: now).instant)
    }
  }

  /// The agent is asked to begin anew, or to stop for good.
  func stop(_ reason: StopReason = .reload) {
    guard let device else { return }
    device.agent.stop(reason, at: device.moment(at: now))
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

  /// Bits of the flash flip, anywhere.
  func rot(bits: Int) {
    flash.flip(bits, &chance)
    balance.forgive(sums, device)
    ledger.rotted(at: now, run: run)
  }

  // MARK: At the brokers

  /// Somebody else publishes at a broker, on one of the device's topics.
  func publish(_ topic: [UInt8], _ payload: [UInt8], retain: Bool, at site: BrokerSite) {
    site.broker.publish(
      Message(topic: prefix + topic, payload: payload, qos: .atLeastOnce, retain: retain), at: now)
    if topic.elementsEqual("status".utf8) { site.truth.forged(payload) }
    // Elsewhere the device does not hear of it.
    if site === self.site, topic.starts(with: "cmd/".utf8) {
      watches.outputs.asked(
        String(decoding: topic, as: UTF8.self), String(decoding: payload, as: UTF8.self))
    }
    turn()
  }

  /// Somebody else connects under the device's name.
  func rivalConnects(at site: BrokerSite) {
    site.rivalConnects(
      as: Array(configuration.string(configuration.device.id).utf8), at: now)
  }
}
