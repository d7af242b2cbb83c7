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

  /// Bits of the flash flip, anywhere.
  func rot(bits: Int) {
    flash.flip(bits, &chance)
    balance.forgive(sums)
    // A note of what the broker has may be gone with them.
    ledger.forgotten(since: .boot, at: now)
  }

  // MARK: At the broker

  /// Somebody else publishes on one of the device's topics.
  func publish(_ topic: [UInt8], _ payload: [UInt8], retain: Bool) {
    broker.publish(
      Message(topic: prefix + topic, payload: payload, qos: .atLeastOnce, retain: retain), at: now)
    if topic.elementsEqual("status".utf8) { truth.forged(payload) }
    if topic.starts(with: "cmd/".utf8) {
      watches.outputs.asked(
        String(decoding: topic, as: UTF8.self), String(decoding: payload, as: UTF8.self))
    }
    turn()
  }

  /// Somebody else connects under the device's name.
  func rivalConnects() {
    rivalReturns = .never
    guard isBrokerUp, rival == nil else { return }
    let id = broker.open(at: now)
    rival = id
    let name = Array(configuration.string(configuration.device.id).utf8)
    // CONNECT (MQTT 3.1.1, section 3.1): clean session, no keep-alive.
    var packet: [UInt8] = [0, 4] + Array("MQTT".utf8) + [4, 2, 0, 0, 0, UInt8(name.count)] + name
    packet = [0x10, UInt8(packet.count)] + packet
    broker.receive(packet.span, from: id, at: now)
  }

  /// The other one is as patient as most clients are: thrown out, it comes again five seconds later.
  func lookAfterRival() {
    guard let id = rival, broker.isFinished(id) else { return }
    rival = nil
    rivalReturns = now + .seconds(5)
  }

  /// That one is gone for good.
  func rivalLeaves() {
    rivalReturns = .never
    guard let rival else { return }
    self.rival = nil
    broker.closed(rival, at: now)
  }

  /// Tells the broker whom it is to refuse.
  func setRules() {
    guard let refusal else {
      broker.rules.login = nil
      return
    }
    broker.rules.login = { _ in
      switch refusal {
      case .busy: .serverUnavailable
      case .badCredentials: .badUserNameOrPassword
      case .notAuthorized: .notAuthorized
      }
    }
  }
}
