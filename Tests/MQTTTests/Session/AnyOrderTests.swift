import Core
import MQTT
import Testing

/// Packets that are valid, and calls that are allowed, in any order and into tiny buffers: nothing
/// traps, and what was promised holds after each step.
@Suite struct AnyOrderTests {
  @Test(arguments: 1...60 as ClosedRange<UInt64>)
  func noOrderOfEventsBreaksTheSession(seed: UInt64) {
    var generator = Generator(seed: seed)
    let sizes = ClientSession.Sizes(
      sendBytes: 128, receiveBytes: 64, inflight: 6, received: 6, requests: 2)
    let bench = Bench(sizes, cleanSession: false, keepAlive: 10)
    bench.connect()
    var broken = 0
    for _ in 0..<3_000 {
      step(bench, &generator)
      // A deadline that has passed was dealt with, or is about to be.
      let isLate = bench.deadline < bench.now - .seconds(16)
      if bench.inflightCount > 6 || isLate { broken += 1 }
    }
    #expect(broken == 0)
  }

  private func step(_ bench: Bench, _ generator: inout Generator) {
    let id = UInt16(generator.next(below: 6) + 1)
    let qos = QoS(rawValue: UInt8(generator.next(below: 3))) ?? .atMostOnce
    let payload = String(repeating: "x", count: Int(generator.next(below: 30)))
    switch generator.next(below: 40) {
    case 0..<6: bring(publishBytes(payload, qos, id: id), bench)
    case 6..<9: bring(answer(0x40, id), bench)
    case 9..<13: bring(answer(0x50, id), bench)
    case 13..<16: bring(answer(0x62, id), bench)
    case 16..<18: bring(answer(0x70, id), bench)
    case 18: bring([0x90, 3, 0, UInt8(id), 1], bench)
    case 19: bring(answer(0xB0, id), bench)
    case 20..<26: _ = try? bench.publish(payload, qos)
    case 26: _ = try? bench.subscribe("f", qos)
    case 27: _ = try? bench.unsubscribe("f")
    case 28..<30: _ = bench.resendAll()
    case 30: bench.session.messageHandled()
    case 31..<33:
      bench.session.withOutput(at: bench.now) { bytes in
        Int(generator.next(below: UInt64(bytes.count + 1)))
      }
    case 33: _ = bench.output()
    case 34: bench.now = bench.now + .milliseconds(Int64(generator.next(below: 6_000)))
    case 35: if let message = bench.nextResend() { bench.session.giveUp(message) }
    case 36: if generator.next(below: 10) == 0 { bench.session.disconnect() }
    case 37: if generator.next(below: 10) == 0 { bench.reconnect(sessionPresent: id > 2) }
    default: break
    }
    if generator.next(below: 3) > 0 { _ = bench.next() }
    if !bench.isOnline { bench.reconnect(sessionPresent: id > 1) }
  }

  private func bring(_ bytes: [UInt8], _ bench: Bench) {
    if bytes.count <= bench.receiveCapacity { bench.bring(bytes) }
  }
}
