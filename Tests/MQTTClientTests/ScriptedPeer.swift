import CLinux
import Core
import Linux
import MQTTClient
import Synchronization

/// A server on a free port of the loopback that does with each connection what a script says, on a
/// thread of its own, which may block.
final class ScriptedPeer: Sendable {
  typealias Script = @Sendable (_ number: Int, _ link: PeerLink) -> Void

  let port: UInt16
  private let isStopped = Atomic<Bool>(false)
  private let accepted = Atomic<Int>(0)
  private let script: Script

  /// Connections that were accepted.
  var connections: Int { accepted.load(ordering: .relaxed) }

  var url: String { "mqtt://127.0.0.1:\(port)" }

  init(_ script: @escaping Script) throws {
    self.script = script
    let listener = try Listener(at: .loopback(port: 0))
    port = listener.address.port
    let start = PeerStart(peer: self, listener: listener)
    let code = clinux_thread_start(
      { argument in
        let start = Unmanaged<PeerStart>.fromOpaque(argument.unsafelyUnwrapped).takeRetainedValue()
        start.run()
        return nil
      }, Unmanaged.passRetained(start).toOpaque(), 512 << 10)
    precondition(code == 0)
  }

  /// Accepts no more connections.
  func stop() { isStopped.store(true, ordering: .relaxed) }

  deinit { stop() }

  fileprivate var takesMore: Bool { !isStopped.load(ordering: .relaxed) }

  fileprivate func serve(_ link: consuming TCPLink) {
    let number = accepted.wrappingAdd(1, ordering: .relaxed).newValue
    script(number, PeerLink(link))
  }
}

private final class PeerStart {
  weak var peer: ScriptedPeer?
  let listener: Listener

  init(peer: ScriptedPeer, listener: consuming Listener) {
    self.peer = peer
    self.listener = listener
  }

  func run() {
    while peer?.takesMore == true {
      guard clinux_wait_readable(listener.descriptor, 20) == 1 else { continue }
      guard let link = listener.accept() else { continue }
      peer?.serve(link)
    }
  }
}

/// The server's end of one connection; whole packets, with a deadline for each wait.
final class PeerLink {
  private var link: TCPLink?
  private var input: [UInt8] = []
  /// The client has closed its end.
  private(set) var isEnded = false

  init(_ link: consuming TCPLink) { self.link = consume link }

  /// The next packet; nil when the client has closed, or none has come within `milliseconds`.
  func packet(_ milliseconds: Int = 10_000) -> [UInt8]? {
    let end = clinux_monotonic() + Int64(milliseconds) * 1_000_000
    while true {
      if let packet = takePacket() { return packet }
      let left = (end - clinux_monotonic()) / 1_000_000
      guard left > 0, !isEnded, read(Int32(left)) else { return nil }
    }
  }

  /// The next packet of a type, others passed over.
  func packet(ofType type: UInt8, _ milliseconds: Int = 10_000) -> [UInt8]? {
    while let packet = packet(milliseconds) {
      if packet[0] >> 4 == type { return packet }
    }
    return nil
  }

  /// Waits until the client has closed. False when it has not within `milliseconds`.
  func awaitEnd(_ milliseconds: Int = 10_000) -> Bool {
    while packet(milliseconds) != nil {}
    return isEnded
  }

  func send(_ bytes: [UInt8]) {
    var rest = bytes
    while !rest.isEmpty {
      switch link?.write(rest.span) {
      case .bytes(let count)?: rest.removeFirst(count)
      case .wouldBlock?: _ = clinux_wait_readable(-1, 1)
      default: return
      }
    }
  }

  /// Takes CONNECT and accepts it, as 5.0 or 3.1.1 has it; returns CONNECT.
  @discardableResult
  func accept(sessionPresent: Bool = false, properties: [UInt8] = []) -> [UInt8]? {
    guard let connect = packet(), connect[0] == 0x10 else { return nil }
    let flag: UInt8 = sessionPresent ? 1 : 0
    if connect[8] == 5 {
      send([0x20, UInt8(3 + properties.count), flag, 0, UInt8(properties.count)] + properties)
    } else {
      send([0x20, 2, flag, 0])
    }
    return connect
  }

  /// PUBACK of 3.1.1 form, which 5.0 has too, for a PUBLISH at QoS 1.
  func acknowledge(_ publish: [UInt8]) {
    let id = packetID(publish)
    send([0x40, 2, UInt8(id >> 8), UInt8(id & 0xFF)])
  }

  func close() { link = nil }

  private var descriptor: Int32? {
    // An optional chain to a stored property would consume the socket.
    switch link {
    case .some(let link): link.descriptor
    case nil: nil
    }
  }

  private func read(_ milliseconds: Int32) -> Bool {
    guard let descriptor else { return false }
    guard clinux_wait_readable(descriptor, milliseconds) == 1 else { return false }
    let bytes = [UInt8](writing: 65_536) { out in
      switch self.link?.read(into: &out) {
      case .bytes?, .wouldBlock?: break
      default: self.isEnded = true
      }
    }
    input += bytes
    return true
  }

  private func takePacket() -> [UInt8]? {
    guard input.count >= 2 else { return nil }
    var length = 0
    var index = 1
    repeat {
      guard index < input.count else { return nil }
      length |= Int(input[index] & 0x7F) << (7 * (index - 1))
      index += 1
    } while input[index - 1] & 0x80 != 0
    guard input.count >= index + length else { return nil }
    defer { input.removeFirst(index + length) }
    return Array(input[..<(index + length)])
  }
}

/// The identifier of a PUBLISH above QoS 0 with a body below 128 bytes.
func packetID(_ publish: [UInt8]) -> UInt16 {
  let topic = Int(publish[2]) << 8 | Int(publish[3])
  return UInt16(publish[4 + topic]) << 8 | UInt16(publish[5 + topic])
}

/// A PUBLISH as a 3.1.1 server sends it; with properties for 5.0.
func publishPacket(
  _ payload: String, topic: String = "t", qos: UInt8, id: UInt16 = 0, dup: Bool = false,
  isV5: Bool = false
) -> [UInt8] {
  var body = [0, UInt8(topic.utf8.count)] + Array(topic.utf8)
  if qos > 0 { body += [UInt8(id >> 8), UInt8(id & 0xFF)] }
  if isV5 { body.append(0) }
  body += Array(payload.utf8)
  return [0x30 | qos << 1 | (dup ? 8 : 0), UInt8(body.count)] + body
}

extension Array<UInt8> {
  fileprivate init(writing capacity: Int, _ body: (inout OutputSpan<UInt8>) -> Void) {
    self.init(unsafeUninitializedCapacity: capacity) { buffer, count in
      let room = UnsafeMutableBufferPointer(rebasing: buffer[..<capacity])
      var out = OutputSpan(buffer: room, initializedCount: 0)
      body(&out)
      count = out.finalize(for: room)
    }
  }
}
