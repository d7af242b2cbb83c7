import Core
import MQTT

/// What the server makes of the client's packets.
extension LegalServer {
  func handle(_ packet: V5.Packet, _ bytes: [UInt8]) {
    if case .disconnect = packet {} else if phase == .online { isFresh = false }
    switch (phase, packet) {
    case (.closed, .connect(let connect)): open(connect, bytes)
    case (.authenticating, .authenticate(let step)):
      if step.reason != .continueAuthentication { fail("AUTH \(step.reason) before CONNACK") }
      accept()
    case (.online, .authenticate(let step)):
      answers.append(auth(step.reason == .reauthenticate && choose(2) == 0 ? 0x18 : 0))
    case (.authenticating, .disconnect), (.online, .disconnect): phase = .left
    case (.online, .publish(let publish)): take(publish, bytes)
    case (.online, .publishAck(let answer)):
      acknowledged(answer.packetID, .atLeastOnce, isLast: true)
    case (.online, .publishReceived(let answer)):
      acknowledged(answer.packetID, .exactlyOnce, isLast: answer.reason.rawValue >= 0x80)
    case (.online, .publishRelease(let answer)):
      if answer.reason != .success { fail("PUBREL 0x92 for what was asked for") }
      let known = received.removeValue(forKey: answer.packetID) != nil
      answers.append(short(0x70, answer.packetID, known ? 0 : 0x92))
    case (.online, .publishComplete(let answer)):
      guard let index = underWay.firstIndex(where: { $0.id == answer.packetID }) else {
        return fail("PUBCOMP for nothing")
      }
      if !underWay[index].isReleased { fail("PUBCOMP before PUBREL") }
      underWay.remove(at: index)
    case (.online, .subscribe(let subscribe)):
      use(subscribe.packetID)
      answers.append(granted(0x90, subscribe.packetID))
    case (.online, .unsubscribe(let unsubscribe)):
      use(unsubscribe.packetID)
      answers.append(granted(0xB0, unsubscribe.packetID))
    case (.online, .pingRequest): outbox += [0xD0, 0]
    case (.over, _): break
    default: fail("\(packet) while \(phase)")
    }
  }

  private func open(_ connect: V5.Connect, _ bytes: [UInt8]) {
    let list = connect.properties
    let span = bytes.span
    clientReceiveMaximum = Int(list.number(.receiveMaximum, in: span) ?? 65_535)
    clientAliasMaximum = Int(list.number(.topicAliasMaximum, in: span) ?? 0)
    clientPacketBytesMax = list.number(.maximumPacketSize, in: span).map { Int($0) }
    method =
      list.text(.authenticationMethod, in: span).map { field in
        Array(bytes[field.offset..<field.offset + field.count])
      } ?? []
    packetBytesMax = nil
    if connect.cleanStart { forget() }
    if !method.isEmpty && choose(2) == 0 {
      phase = .authenticating
      outbox += auth(0x18)
    } else {
      accept()
    }
  }

  private func auth(_ code: UInt8) -> [UInt8] {
    let list = [0x15, 0, UInt8(method.count)] + method
    return [0xF0, UInt8(2 + list.count), code, UInt8(list.count)] + list
  }

  private func accept() {
    if !isCalm && choose(20) == 0 {
      outbox += [0x20, 3, 0, 0x88, 0]
      phase = .over
      return
    }
    var list = method.isEmpty ? [] : [0x15, 0, UInt8(method.count)] + method
    receiveMaximum = 65_535
    if choose(2) == 0 {
      receiveMaximum = choose(4) + 1
      list += [0x21, 0, UInt8(receiveMaximum)]
    }
    aliasMaximum = choose(4)
    if aliasMaximum > 0 { list += [0x22, 0, UInt8(aliasMaximum)] }
    if choose(4) == 0 {
      packetBytesMax = 60 + choose(60)
      list += [0x27, 0, 0, 0, UInt8(packetBytesMax ?? 0)]
    }
    if choose(4) == 0 { list += [0x13, 0, UInt8(choose(20))] }
    outbox += [0x20, UInt8(3 + list.count), hasSession ? 1 : 0, 0, UInt8(list.count)] + list
    isFresh = !hasSession
    hasSession = true
    phase = .online
  }

  /// An identifier of the client is used for something that is to be answered.
  private func use(_ id: UInt16) {
    if !openIDs.insert(id).inserted { fail("identifier \(id) is in use") }
  }

  private func take(_ publish: V5.Publish, _ bytes: [UInt8]) {
    var topic = Array(bytes[publish.topic.offset..<publish.topic.offset + publish.topic.count])
    if let number = publish.properties.number(.topicAlias, in: bytes.span) {
      if number > aliasMaximum { fail("alias \(number) of \(aliasMaximum)") }
      let alias = UInt16(truncatingIfNeeded: number)
      if topic.isEmpty { topic = clientAliases[alias] ?? [] } else { clientAliases[alias] = topic }
    }
    let payload = bytes[publish.payload.offset..<publish.payload.offset + publish.payload.count]
    let start = payload.startIndex
    guard payload.count >= 3 else { return fail("not a payload of ours") }
    let serial = Int(payload[start]) << 8 | Int(payload[start + 1])
    if topic != Self.topics[Int(payload[start + 2])] { fail("message \(serial) under \(topic)") }
    guard publish.qos != .atMostOnce else { return }
    use(publish.packetID)
    openMessages += 1
    if openMessages > receiveMaximum { fail("more than \(receiveMaximum) under way") }
    if let last = arrived.last, last.serial >= serial { fail("\(serial) after \(last.serial)") }
    arrived.append((serial, publish.dup))
    let refusal: UInt8 = choose(6) == 0 ? 0x97 : 0
    if publish.qos == .atLeastOnce {
      return answers.append(short(0x40, publish.packetID, refusal))
    }
    if let known = received[publish.packetID] {
      if known != serial { fail("message \(serial) under the identifier of \(known)") }
      return answers.append(short(0x50, publish.packetID, 0))
    }
    if refusal == 0 {
      received[publish.packetID] = serial
      if accepted.contains(serial) { fail("message \(serial) twice") }
      accepted.append(serial)
    }
    answers.append(short(0x50, publish.packetID, refusal > 0 ? refusal : choose(2) == 0 ? 0x10 : 0))
  }

  /// PUBACK, PUBREC or PUBCOMP, sometimes with more to say than it has to. What ends a message of the
  /// client gives its identifier and its place back.
  private func short(_ first: UInt8, _ id: UInt16, _ code: UInt8) -> [UInt8] {
    if first != 0x50 || code >= 0x80 {
      if openIDs.remove(id) != nil { openMessages -= 1 }
    }
    let head = [UInt8(id >> 8), UInt8(id & 0xFF)]
    switch choose(3) {
    case 0 where code == 0: return [first, 2] + head
    case 1: return [first, 8] + head + [code, 4, 0x1F, 0, 1, 0x72]
    default: return [first, 3] + head + [code]
    }
  }

  private func granted(_ first: UInt8, _ id: UInt16) -> [UInt8] {
    openIDs.remove(id)
    return [first, 4, UInt8(id >> 8), UInt8(id & 0xFF), 0, 0]
  }

  /// PUBACK or PUBREC: they come in the order in which the messages went, for each QoS (section
  /// 4.6).
  private func acknowledged(_ id: UInt16, _ qos: QoS, isLast: Bool) {
    guard let index = underWay.firstIndex(where: { $0.id == id }), underWay[index].qos == qos else {
      return fail("an answer for nothing: \(id)")
    }
    let first = awaited.first { id in underWay.contains { $0.id == id && $0.qos == qos } }
    if first != id { fail("answer to \(id) before \(first ?? 0)") }
    awaited.removeAll { $0 == id }
    guard !isLast else {
      underWay.remove(at: index)
      return
    }
    underWay[index].isReleased = true
    outbox += [0x62, 2, UInt8(id >> 8), UInt8(id & 0xFF)]
  }
}
