import CLinux
import Core
import MQTT

/// Publishes numbered messages of 64 bytes under a topic of 16 to a broker that takes everything, by a
/// session that waits for nobody but the socket: `bench PORT QOS WINDOW COUNT`.
///
/// What is ready together leaves together: a send for each window at QoS 1, for each full buffer at
/// QoS 0.
@main
struct Bench {
  static func main() {
    let port = UInt16(truncatingIfNeeded: number(1))
    let qos: QoS = number(2) == 0 ? .atMostOnce : .atLeastOnce
    let window = number(3)
    let count = number(4)
    var plan = Arena()
    _ = ClientSession(sizes(window), arena: &plan)
    // Sound: the block is page-aligned and stays mapped until the program ends.
    guard let memory = unsafe clinux_map(plan.used) else { return fail("memory") }
    var arena = unsafe Arena(
      over: UnsafeMutableRawBufferPointer(start: memory, count: plan.used), isZeroed: true)
    var session = ClientSession(sizes(window), arena: &arena)
    let socket = connect(port)
    guard socket >= 0 else { return fail("connect") }
    var options = ConnectOptions(
      level: .v311, cleanSession: true, keepAlive: 60, replyTimeout: .seconds(10))
    options.level = number(5) == 5 ? .v50 : .v311
    let name: InlineArray<5, UInt8> = [0x62, 0x65, 0x6E, 0x63, 0x68]
    guard (try? session.open(options, clientID: name.span, at: .boot)) != nil else {
      return fail("open")
    }
    send(&session, socket)
    while !session.isOnline { receive(&session, socket) }
    publish(&session, socket, qos, count)
    session.disconnect()
    send(&session, socket)
  }

  /// The loop whose instructions are counted.
  static func publish(
    _ session: inout ClientSession, _ socket: Int32, _ qos: QoS, _ count: Int
  ) {
    // "bench/dev01/t/00"
    let topic: InlineArray<16, UInt8> = [
      0x62, 0x65, 0x6E, 0x63, 0x68, 0x2F, 0x64, 0x65, 0x76, 0x30, 0x31, 0x2F, 0x74, 0x2F, 0x30,
      0x30,
    ]
    var payload = InlineArray<64, UInt8>(repeating: 0x78)
    var sequence = 0
    while sequence < count {
      format(sequence, &payload)
      do throws(PublishError) {
        try session.publish(
          topic: topic.span, payload: payload.span, qos: qos, retain: false, token: 0)
        sequence += 1
      } catch {
        send(&session, socket)
        if error == .windowFull { receive(&session, socket) }
      }
    }
    send(&session, socket)
    while session.inflightCount > 0 { receive(&session, socket) }
  }

  /// The number in eight digits, before what is always the same.
  static func format(_ sequence: Int, _ payload: inout InlineArray<64, UInt8>) {
    var rest = UInt32(truncatingIfNeeded: sequence)
    for index in 0..<8 {
      payload[7 - index] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
  }

  static func sizes(_ window: Int) -> ClientSession.Sizes {
    ClientSession.Sizes(
      sendBytes: 64 * 1024, receiveBytes: 4096, inflight: window, received: 4, requests: 4)
  }

  static func send(_ session: inout ClientSession, _ socket: Int32) {
    while session.hasOutput {
      session.withOutput(at: .boot) { bytes in
        // Sound: the call only reads the bytes.
        let sent = unsafe bytes.withUnsafeBufferPointer {
          unsafe clinux_send(socket, $0.baseAddress, $0.count)
        }
        if sent < 0 { usleep(100) }
        return max(0, sent)
      }
    }
  }

  static func receive(_ session: inout ClientSession, _ socket: Int32) {
    _ = clinux_wait_readable(socket, 1000)
    session.receive(at: .boot) { out in
      unsafe out.withUnsafeMutableBufferPointer { buffer, initialized in
        // Sound: the call writes into the free part.
        let free = unsafe UnsafeMutableBufferPointer(rebasing: buffer[initialized...])
        let count = unsafe clinux_receive(socket, free.baseAddress, free.count)
        initialized += max(0, count)
      }
    }
    while session.nextEvent(at: .boot) != nil {}
  }

  static func connect(_ port: UInt16) -> Int32 {
    var address = clinux_address()
    address.family = 4
    address.port = port
    address.bytes.0 = 127
    address.bytes.3 = 1
    // Sound: the address lives through the call.
    let socket = unsafe clinux_tcp_open(&address, 0)
    // Loopback connects at once.
    usleep(10_000)
    return clinux_socket_error(socket) == 0 ? socket : -1
  }

  /// Argument `index` as a number; 0 where there is none.
  static func number(_ index: Int32) -> Int {
    guard let text = unsafe clinux_argument(index) else { return 0 }
    return unsafe Int(strtol(text, nil, 10))
  }

  static func fail(_ what: StaticString) {
    print(what)
    exit(1)
  }
}
