import CLinux
import Core
import Linux
import Uplink
import WebSocket

/// The way to the broker as Linux has it: a name, its addresses, a TCP connection, and where the
/// profile says so a WebSocket over it.
///
/// Carries out the actions of a `BrokerLink` and says what came of them. There is never more than one
/// connection: opening one closes the one before.
struct Transport: ~Copyable {
  /// What came of an action.
  enum Outcome: BitwiseCopyable {
    case resolved(count: Int)
    case resolveFailed(code: Int32)
    case upgrading
    case opened
    case failed(code: Int32)
    case upgradeFailed(HandshakeFault)
    case webSocketEnded(FrameEnd)
  }

  private enum Phase: BitwiseCopyable { case none, connecting, upgrading, open }

  private let spec: UplinkSpec
  private var resolver: Resolver
  private var request: UInt32?
  private var addresses: Resolution?
  private var link: TCPLink?
  private var webSocket: WebSocketChannel?
  private var phase = Phase.none
  private var wantsRead = true
  private var wantsWrite = false
  /// Why bytes could not be written; told at the next read.
  private var writeError: Int32?
  /// Grows with each connection, so that what the loop says of an earlier one is known as old.
  private var generation: UInt32 = 0

  init(
    _ spec: UplinkSpec, resolver: consuming Resolver, webSocket: consuming WebSocketChannel?
  ) {
    self.spec = spec
    self.resolver = resolver
    self.webSocket = webSocket
  }

  /// The token under which the loop watches the present connection.
  var token: UInt32 { Token.link + generation % 0x1000_0000 }

  var isOpen: Bool { phase == .open }

  // MARK: Actions

  mutating func perform(
    _ action: BrokerLink.Action, texts: borrowing TextPool, loop: borrowing EventLoop
  ) -> Outcome? {
    switch action {
    case .resolve:
      request = texts.withBytes(of: spec.host) { host in
        resolver.request(host: host, port: spec.port)
      }
      return nil
    case .connect(let address): return connect(address, loop)
    case .close:
      close(loop)
      return nil
    }
  }

  private mutating func connect(_ index: Int, _ loop: borrowing EventLoop) -> Outcome? {
    close(loop)
    guard let addresses, index < addresses.count else { return .failed(code: EADDRNOTAVAIL) }
    do throws(SystemError) {
      // The system gives up on unacknowledged bytes no later than the session would on a ping.
      let opened = try TCPLink.open(to: addresses[index], userTimeout: spec.keepAlive * 3 / 2)
      generation &+= 1
      try loop.add(opened.descriptor, token: token, read: true, write: true)
      link = consume opened
      phase = .connecting
      wantsRead = true
      wantsWrite = true
      writeError = nil
      return nil
    } catch {
      return .failed(code: error.code)
    }
  }

  mutating func close(_ loop: borrowing EventLoop) {
    if let descriptor = link?.descriptor {
      if phase == .open { webSocket?.close(link) }
      loop.remove(descriptor)
    }
    link = nil
    phase = .none
  }

  // MARK: What the loop says

  /// The resolver has answered.
  mutating func takeResolution() -> Outcome? {
    guard let reply = resolver.takeReply(), reply.generation == request else { return nil }
    request = nil
    guard reply.count > 0 else { return .resolveFailed(code: reply.errorCode) }
    addresses = reply
    return .resolved(count: reply.count)
  }

  /// The connection is ready for something: a first readiness says how connecting went.
  mutating func ready(texts: borrowing TextPool) -> Outcome? {
    switch phase {
    case .none: return nil
    case .connecting:
      if let error = link?.connectResult() { return .failed(code: error.code) }
      guard webSocket != nil else {
        phase = .open
        return .opened
      }
      phase = .upgrading
      webSocket?.begin(texts: texts)
      writeError = webSocket?.flush(link)?.code
      return .upgrading
    case .upgrading:
      guard let outcome = webSocket?.upgrade(link) else { return nil }
      if case .opened = outcome { phase = .open }
      return Outcome(outcome)
    case .open:
      if let error = webSocket?.flush(link) { writeError = error.code }
      return nil
    }
  }

  /// Appends what has arrived. Nil when nothing more is there, or there is no room.
  mutating func read(into out: inout OutputSpan<UInt8>) -> Outcome? {
    guard phase == .open else { return nil }
    if out.freeCapacity == 0 {
      // The loop reports a broken link without end: it must be noticed without reading, too.
      return (writeError ?? link?.connectResult()?.code).map { .failed(code: $0) }
    }
    if webSocket != nil {
      guard let outcome = webSocket?.read(link, into: &out) else { return nil }
      return Outcome(outcome)
    }
    guard let result = link?.read(into: &out) else { return nil }
    switch result {
    case .bytes, .wouldBlock: return nil
    case .endOfStream: return .failed(code: 0)
    case .failed(let error): return .failed(code: error.code)
    }
  }

  /// Hands bytes to the system; returns how many it took. A broken link shows on the next read.
  mutating func write(_ bytes: Span<UInt8>) -> Int {
    guard phase == .open, link != nil else { return 0 }
    switch webSocket?.write(bytes, to: link) ?? link?.write(bytes) ?? .wouldBlock {
    case .bytes(let count): return count
    case .wouldBlock: return 0
    case .failed(let error):
      writeError = error.code
      return 0
    }
  }

  /// Has the loop watch for bytes just while there is room for them, and for room to write just
  /// while there is something to be written.
  mutating func watch(reading: Bool, writing: Bool, loop: borrowing EventLoop) {
    guard phase == .open || phase == .upgrading, let descriptor = link?.descriptor else { return }
    let reads = reading || phase == .upgrading
    let writes = writing || webSocket?.hasOutput == true
    guard reads != wantsRead || writes != wantsWrite else { return }
    wantsRead = reads
    wantsWrite = writes
    try? loop.modify(descriptor, token: token, read: reads, write: writes)
  }
}

extension Transport.Outcome {
  fileprivate init(_ outcome: WebSocketChannel.Outcome) {
    switch outcome {
    case .opened: self = .opened
    case .upgradeFailed(let fault): self = .upgradeFailed(fault)
    case .ended(let end): self = .webSocketEnded(end)
    case .failed(let code): self = .failed(code: code)
    }
  }
}

/// Which descriptor the loop speaks of.
enum Token {
  static let signals: UInt32 = 0
  static let resolver: UInt32 = 1
  static let board: UInt32 = 2
  static let control: UInt32 = 3
  static let link: UInt32 = 0x100
}
