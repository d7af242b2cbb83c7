// modules: Core MQTT
import Core
import MQTT

nonisolated(unsafe) private let memory = UnsafeMutableRawBufferPointer.allocate(
  byteCount: 4096, alignment: Arena.alignment)

/// A server and an owner that do anything, in any order, never trap the session. Each step is a
/// byte that says what, and one that says how much.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = UnsafeBufferPointer(start: start, count: count).span
  var arena = Arena(over: memory)
  var session = ClientSession(
    ClientSession.Sizes(sendBytes: 128, receiveBytes: 64, inflight: 2, received: 2, requests: 2),
    arena: &arena)
  var isOpen = false
  var now = Instant.boot
  var index = 0
  while index + 2 <= count {
    let step = bytes[index]
    let amount = Int(bytes[index + 1])
    index += 2
    if !isOpen {
      let options = ConnectOptions(
        level: step & 1 == 0 ? .v311 : .v31, cleanSession: step & 2 == 0, keepAlive: 10,
        replyTimeout: .seconds(5))
      _ = try? session.open(options, clientID: "c".utf8Span.span, at: now)
      isOpen = true
      if step & 4 == 0 {
        session.receive(at: now) { out in out.append(literal: " \u{2}\0\0") }
      }
    }
    let few = bytes.extracting(index..<min(count, index + amount))
    let qos = QoS(rawValue: step >> 4 & 3) ?? .atLeastOnce
    switch step & 15 {
    case 0, 1, 2, 3, 4, 5:
      let taken = min(few.count, session.receiveCapacity)
      session.receive(at: now) { out in out.append(contentsOf: few.extracting(0..<taken)) }
      index += taken
    case 6:
      _ = try? session.publish(topic: few, payload: few, qos: qos, retain: false, token: 1)
    case 7:
      _ = try? session.publish(
        topic: "t".utf8Span.span, payload: few, qos: qos, retain: false, token: 2)
    case 8: _ = try? session.subscribe(filter: few, qos: qos)
    case 9: _ = try? session.unsubscribe(filter: few)
    case 10: session.withOutput(at: now) { bytes in min(bytes.count, amount) }
    case 11: now = now + .milliseconds(Int64(amount) * 50)
    case 12: session.messageHandled()
    case 13:
      if let message = session.nextResend() {
        if amount & 1 == 0 {
          try? session.resend(message, topic: "t".utf8Span.span, payload: few, retain: false)
        } else {
          session.giveUp(message)
        }
      }
    case 14: session.disconnect()
    default:
      session.closed()
      isOpen = false
    }
    guard let event = session.nextEvent(at: now) else { continue }
    if case .message(let message) = event {
      session.withMessage(message) { topic, _ in precondition(TopicName.isValid(topic)) }
    }
  }
  precondition(session.inflightCount <= 2)
  return 0
}
