import CLinux
import Core
import Dialing
import TestSupport

@testable import Linux

/// A transport and its loop, driven as a program drives them.
final class TransportBench {
  var transport: Transport
  var loop: EventLoop
  /// What has arrived.
  private(set) var received: [UInt8] = []
  /// Why the open way has ended.
  private(set) var fault: DialFault?
  private var isReading = true

  /// A closed transport to `url`; `change` has the spec and a way to add texts.
  init(
    _ url: String, proxy: String? = nil, fields: String = "",
    _ change: (inout DialSpec, (String) -> Text) -> Void = { _, _ in }
  ) throws {
    var texts: [UInt8] = []
    func add(_ bytes: [UInt8]) -> Text {
      texts += bytes
      return bytes.isEmpty ? .empty : Text(texts.count - bytes.count..<texts.count)
    }
    let bytes = utf8(url)
    let read = try BrokerURL(bytes.span)
    var endpoint = read.endpoint
    endpoint.host = add(Array(bytes[endpoint.host.range]))
    endpoint.path = add(Array(bytes[endpoint.path.range]))
    var spec = DialSpec(endpoint)
    if let proxy {
      let bytes = utf8(proxy)
      let read = try ProxyURL(bytes.span)
      var proxy = read.proxy
      proxy.host = add(Array(bytes[proxy.host.range]))
      proxy.user = add(Array(bytes[read.user.range]))
      spec.proxy = proxy
    }
    spec.webSocketFields = add(utf8(fields))
    change(&spec) { add(utf8($0)) }
    var measured = Arena()
    _ = Transport(spec, texts: texts.span, seed: 1, firstToken: 0x0100_0000, arena: &measured)
    var arena = testArena()
    transport = Transport(
      spec, texts: texts.span, seed: 1, firstToken: 0x0100_0000, arena: &arena)
    precondition(measured.used == arena.used, "the plan and the memory agree")
    rows = (0..<arena.rowCount).map { "\(arena.row($0).name)" }
    loop = try EventLoop()
    try transport.attach(to: loop)
  }

  /// The names of the memory plan's rows.
  let rows: [String]

  /// The next way leads where a broker has sent us, or with nil to the broker itself.
  func turn(to reference: String?) {
    let words = utf8(reference ?? "")
    let place = ServerReference(words.span, kind: transport.spec.endpoint.kind)
    precondition((place == nil) == (reference == nil))
    transport.turn(to: 0, sentTo: place)
  }

  var isOpen: Bool { transport.isOpen }

  // MARK: Dialing

  /// Opens the way; what came of it within 20 s.
  func open() -> Transport.Event? {
    received = []
    fault = nil
    return wait(for: transport.open(at: Clock.now(), loop: loop))
  }

  /// Opens the way to the addresses given, as if the name had them.
  func open(addresses: [SocketAddress]) -> Transport.Event? {
    var answer = clinux_resolution()
    answer.count = UInt32(addresses.count)
    withUnsafeMutableBytes(of: &answer.addresses) { raw in
      let slots = raw.assumingMemoryBound(to: clinux_address.self)
      for (index, address) in addresses.enumerated() { slots[index] = address.system }
    }
    return wait(for: transport.resolved(Resolution(answer), at: Clock.now(), loop: loop))
  }

  /// Opens the way, as if the name servers had answered with this error.
  func open(resolverError code: Int32) -> Transport.Event? {
    close()
    received = []
    var answer = clinux_resolution()
    answer.error = code
    return wait(for: transport.resolved(Resolution(answer), at: Clock.now(), loop: loop))
  }

  /// Waits for a resolver that never answers.
  func waitForAName(until limit: Instant) -> Transport.Event? {
    transport.enter(.resolving, until: limit)
    return wait(for: nil)
  }

  private func wait(for first: Transport.Event?) -> Transport.Event? {
    var event = first
    let limit = Clock.now() + .seconds(20)
    while event == nil, Clock.now() < limit {
      turn(until: limit)
      event = transport.step(at: Clock.now(), loop: loop)
    }
    return event
  }

  private func turn(until limit: Instant) {
    loop.wait(until: min(limit, transport.deadline), at: Clock.now()) { event in
      if transport.owns(event.token) { transport.note(event) }
    }
  }

  // MARK: Bytes

  /// Sends all of `bytes`.
  func send(_ bytes: [UInt8]) {
    var left = bytes[...]
    _ = run { [self] in
      if !left.isEmpty {
        let piece = Array(left)
        left = left.dropFirst(transport.write(piece.span))
      }
      return left.isEmpty
    }
  }

  func send(_ text: String) { send(utf8(text)) }

  /// Reads until `done` says so, the way has ended, or 20 s have passed; false for the last.
  func run(room: Int = 4096, until done: () -> Bool) -> Bool {
    let limit = Clock.now() + .seconds(20)
    while !done(), fault == nil {
      guard Clock.now() < limit else { return false }
      transport.watch(reading: true, writing: true, loop: loop)
      turn(until: limit)
      if case .failed(let fault)? = transport.step(at: Clock.now(), loop: loop) {
        self.fault = fault
      }
      if transport.hasInput { read(room) }
    }
    return true
  }

  private func read(_ room: Int) {
    received += written(capacity: room) { out in
      if let fault = transport.read(into: &out) { self.fault = fault }
    }
  }

  /// Reads until so many bytes have arrived.
  func receive(_ count: Int, room: Int = 4096) -> [UInt8] {
    _ = run(room: room) { [self] in received.count >= count }
    return received
  }

  /// Reads until the way ends; how.
  func end() -> DialFault? {
    _ = run { false }
    return fault
  }

  func finish() { transport.finish() }

  // MARK: What tests look at

  // Swift Testing's macros take copyable values only, hence these.
  var deadline: Instant { transport.deadline }
  var hasInput: Bool { transport.hasInput }
  var isResumed: Bool { transport.isResumed }
  var serverCertificateEnds: WallTime? { transport.serverCertificateEnds }

  /// The version of TLS and the cipher suite.
  var protection: String {
    String(decoding: written { transport.describeTLS(into: &$0) }, as: UTF8.self)
  }

  /// The token of the present socket.
  var token: UInt32 { transport.racers.tokens[transport.slot] }

  /// Sockets that are open.
  var socketCount: Int {
    var count = transport.wire.descriptor == nil ? 0 : 1
    for slot in 0..<AddressRace.slotCount where transport.racers.descriptor(slot) != nil {
      count += 1
    }
    return count
  }

  /// Begins to open the way, and does not wait.
  func begin() -> Transport.Event? { transport.open(at: Clock.now(), loop: loop) }

  /// What one call takes of `text`.
  func write(_ text: String) -> Int {
    let bytes = utf8(text)
    return transport.write(bytes.span)
  }

  func readOnce() { read(4096) }

  /// The loop says that the descriptor with this token is ready.
  func note(_ token: UInt32) {
    precondition(transport.owns(token))
    transport.note(EventLoop.Ready(token: token, readable: true, writable: true, hungUp: false))
  }

  func close() { transport.close(loop: loop) }
}
