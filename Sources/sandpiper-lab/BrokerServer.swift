import Broker
import CLinux
import Core
import Linux

/// A `MessageBroker` at a TCP port: the loop that carries bytes and time to it and back.
final class BrokerServer {
  /// What one turn of the loop has brought.
  struct Turn {
    /// SIGTERM, SIGINT or SIGHUP.
    var signals: [Signals.Signal] = []
    /// What happened at the broker.
    var events: [BrokerEvent] = []
    /// Those of the watched descriptors that can be read.
    var readable: [Int32] = []
  }

  private enum Token {
    static let signals: UInt32 = 0
    static let listener: UInt32 = 1
    static let firstTransport: UInt32 = 1_000
    // Descriptors of the owner count from here.
    static let firstWatched: UInt32 = 2
  }

  private var broker: MessageBroker
  private var loop: EventLoop
  private let listener: Listener
  private let signals: Signals
  private var transports: [UInt32: Transport] = [:]
  private var tokens: [ConnectionID: UInt32] = [:]
  private var nextToken = Token.firstTransport

  private final class Transport {
    let link: TCPLink
    let id: ConnectionID
    var writes = false

    init(_ link: consuming TCPLink, _ id: ConnectionID) {
      self.link = link
      self.id = id
    }
  }

  /// A broker that listens at `address`, and takes over the signals that end it.
  init(at address: SocketAddress) throws {
    broker = MessageBroker(isObserved: true)
    loop = try EventLoop()
    listener = try Listener(at: address)
    signals = try Signals()
    try loop.add(listener.descriptor, token: Token.listener, read: true, write: false)
    try loop.add(signals.descriptor, token: Token.signals, read: true, write: false)
  }

  /// The port that it listens at.
  var port: UInt16 { listener.address.port }

  /// "127.0.0.1:1883".
  var address: String {
    let address = listener.address
    let bytes = [UInt8](capacity: 64) { out in address.description(into: &out) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Reports in `Turn.readable` when this descriptor, a small number, can be read.
  func watch(_ descriptor: Int32) throws {
    let token = Token.firstWatched + UInt32(descriptor)
    precondition(token < Token.firstTransport)
    try loop.add(descriptor, token: token, read: true, write: false)
  }

  /// Watches the descriptor no more.
  func unwatch(_ descriptor: Int32) { loop.remove(descriptor) }

  /// Waits until something happens or `deadline` has come, and serves it.
  func turn(until deadline: Instant) -> Turn {
    var ready: [EventLoop.Ready] = []
    loop.wait(until: min(deadline, broker.deadline), at: Clock.now()) { ready.append($0) }
    let now = Clock.now()
    var turn = Turn()
    for event in ready {
      switch event.token {
      case Token.signals: while let signal = signals.take() { turn.signals.append(signal) }
      case Token.listener: accept(at: now)
      case Token.firstTransport...: serve(event, at: now)
      default: turn.readable.append(Int32(event.token - Token.firstWatched))
      }
    }
    broker.advance(to: now)
    write(at: now)
    turn.events = broker.takeEvents()
    return turn
  }

  private func accept(at now: Instant) {
    while let link = listener.accept() {
      let token = nextToken
      nextToken = nextToken == .max - 1 ? Token.firstTransport : nextToken + 1
      let id = broker.open(at: now)
      let transport = Transport(link, id)
      do {
        try loop.add(transport.link.descriptor, token: token, read: true, write: false)
        transports[token] = transport
        tokens[id] = token
      } catch {
        broker.closed(id, at: now)
      }
    }
  }

  private func serve(_ event: EventLoop.Ready, at now: Instant) {
    guard let transport = transports[event.token] else { return }
    guard event.readable || event.hungUp else { return markWritable(transport) }
    var result = ReadResult.wouldBlock
    let bytes = [UInt8](capacity: 65_536) { out in result = transport.link.read(into: &out) }
    switch result {
    case .bytes: broker.receive(bytes.span, from: transport.id, at: now)
    case .wouldBlock: break
    case .endOfStream, .failed: close(event.token, at: now)
    }
    if event.writable { markWritable(transport) }
  }

  /// Output goes in `write`, for all connections that have some.
  private func markWritable(_ transport: Transport) { writable.insert(transport.id) }
  private var writable: Set<ConnectionID> = []

  private func write(at now: Instant) {
    var pending = broker.takeActive()
    pending += writable.filter { !pending.contains($0) }
    writable = []
    while !pending.isEmpty {
      for id in pending {
        guard let token = tokens[id], let transport = transports[token] else { continue }
        write(transport, token, at: now)
      }
      // What was sent may have made room for more, and an end may have published a will.
      pending = broker.takeActive()
    }
  }

  private func write(_ transport: Transport, _ token: UInt32, at now: Instant) {
    let output = Array(broker.output(of: transport.id))
    switch transport.link.write(output.span) {
    case .bytes(let count):
      broker.sent(count, on: transport.id, at: now)
    case .wouldBlock: break
    case .failed: return close(token, at: now)
    }
    let isDrained = broker.output(of: transport.id).isEmpty
    if isDrained && broker.isFinished(transport.id) { return close(token, at: now) }
    guard transport.writes == isDrained else { return }
    transport.writes = !isDrained
    try? loop.modify(
      transport.link.descriptor, token: token, read: true, write: transport.writes)
  }

  private func close(_ token: UInt32, at now: Instant) {
    guard let transport = transports.removeValue(forKey: token) else { return }
    loop.remove(transport.link.descriptor)
    tokens[transport.id] = nil
    broker.closed(transport.id, at: now)
  }
}
