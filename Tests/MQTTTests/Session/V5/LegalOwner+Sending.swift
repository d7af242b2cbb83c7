import Core
import MQTT

/// What the owner asks of its session.
extension LegalOwner {
  func next(_ qos: QoS) -> Stored {
    serialCount += 1
    return Stored(serial: serialCount, qos: qos, size: choose(40), packetID: 0, sentOver: nil)
  }

  func payload(_ stored: Stored) -> [UInt8] {
    [UInt8(stored.serial >> 8 & 0xFF), UInt8(stored.serial & 0xFF), UInt8(stored.serial % 3)]
      + [UInt8](repeating: 0x78, count: stored.size)
  }

  func publish() {
    guard let qos = QoS(rawValue: UInt8(choose(3))), store.count < 8 else { return }
    var stored = next(qos)
    let topic = LegalServer.topics[stored.serial % 3]
    let payload = payload(stored)
    let properties: [UInt8] = choose(2) == 0 ? [] : [0x01, 1]
    do throws(PublishError) {
      stored.packetID = try session.publish(
        topic: topic.span, properties: properties.span, payload: payload.span, qos: qos,
        retain: false, token: UInt32(stored.serial))
    } catch { return }
    stored.sentOver = connection
    if qos != .atMostOnce { store.append(stored) }
  }

  func enqueue() {
    guard store.count < 8 else { return }
    var stored = next(choose(2) == 0 ? .atLeastOnce : .exactlyOnce)
    guard let id = try? session.enqueue(stored.qos, token: UInt32(stored.serial)) else { return }
    stored.packetID = id
    store.append(stored)
  }

  func withdraw() {
    guard choose(4) == 0, let index = store.firstIndex(where: { $0.sentOver == nil }) else {
      return
    }
    if !session.withdraw(token: UInt32(store[index].serial)) {
      fail("a waiting message was not there")
    }
    store.remove(at: index)
  }

  func resendSome() {
    for _ in 0..<4 {
      guard let again = session.nextResend() else { return }
      guard let index = store.firstIndex(where: { $0.serial == Int(again.token) }) else {
        return fail("token \(again.token) is not there")
      }
      if again.isRepeat != (store[index].sentOver != nil) { fail("repeat \(again.isRepeat)") }
      let topic = LegalServer.topics[store[index].serial % 3]
      let payload = payload(store[index])
      do throws(PublishError) {
        try session.resend(again, topic: topic.span, payload: payload.span, retain: false)
        if store[index].sentOver == nil { store[index].sentOver = connection }
      } catch {
        guard error == .packetTooLarge || choose(8) == 0 else { return }
        session.giveUp(again)
        // At QoS 2 its release is to be answered still.
        if !(again.isRepeat && again.qos == .exactlyOnce) { store.remove(at: index) }
      }
    }
  }

  func acknowledge() {
    guard !deferred.isEmpty else { return }
    let message = deferred.remove(at: choose(deferred.count))
    let reason: V5.PublishReason = choose(4) == 0 ? .quotaExceeded : .success
    // QoS 1 messages of an earlier connection wait no more.
    guard (try? session.acknowledge(message.id, reason)) != nil else { return }
    // After a refusal the message is new if it comes again [MQTT-4.3.3-9].
    if reason != .success { handedOver.remove(message.serial) }
  }

  func ask() {
    let filter: [UInt8] = [0x66]
    if choose(2) == 0 {
      _ = try? session.subscribe(filter: filter.span, qos: .atLeastOnce)
    } else {
      _ = try? session.unsubscribe(filter: filter.span)
    }
  }

  func authenticate() {
    let list = method
    if (try? session.authenticate(properties: list.span)) != nil { isAsked = false }
  }
}
