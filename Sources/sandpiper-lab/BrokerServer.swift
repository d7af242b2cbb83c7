import Broker
import CLinux
import Core
import Linux

/// A `MessageBroker` at a TCP port, and at another one over WebSocket: the loop that carries bytes and time to it and back.
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
    static let webSocketListener: UInt32 = 2
    static let firstTransport: UInt32 = 1_000
    // Descriptors of the owner count from here.
    static let firstWatched: UInt32 = 3
  }

  private var broker: MessageBroker
  private var loop: EventLoop
  private let listener: Listener
  private let webSocketListener: Listener?
  /// Where WebSockets are served, as `address`; nil without.
  let webSocketAddress: String?
  private let signals: Signals
  private var transports: [UInt32: Transport] = [:]
  private var tokens: [ConnectionID: UInt32] = [:]
  private var nextToken = Token.firstTransport

  private final class Transport {
    let link: TCPLink
    let id: ConnectionID
    /// Nil for plain TCP.
    var channel: ServerChannel?
    var writes = false

    init(_ link: consuming TCPLink, _ id: ConnectionID, _ channel: ServerChannel?) {
      self.link = link
      self.id = id
      self.channel = channel
    }
  }

  /// A port that cannot be served at.
  struct Unserved: Error {
    let port: UInt16
    let error: SystemError
  }

  private static func listen(at address: SocketAddress) throws(Unserved) -> Listener {
    do throws(SystemError) {
      return try Listener(at: address)
    } catch {
      throw Unserved(port: address.port, error: error)
    }
  }

  /// A broker that listens at `address`, and for WebSockets at another, and takes over the signals
  /// that end it.
  init(at address: SocketAddress, webSocketsAt webSocketAddress: SocketAddress? = nil) throws {
    broker = MessageBroker(isObserved: true)
    loop = try EventLoop()
    listener = try Self.listen(at: address)
    if let webSocketAddress {
      let second = try Self.listen(at: webSocketAddress)
      try loop.add(
        second.descriptor, token: Token.webSocketListener, read: true, write: false)
      self.webSocketAddress = Self.text(of: second.address)
      webSocketListener = consume second
    } else {
      self.webSocketAddress = nil
      webSocketListener = nil
    }
    signals = try Signals()
    try loop.add(listener.descriptor, token: Token.listener, read: true, write: false)
    try loop.add(signals.descriptor, token: Token.signals, read: true, write: false)
  }

  /// The port that it listens at.
  var port: UInt16 { listener.address.port }

  /// "127.0.0.1:1883".
  var address: String { Self.text(of: listener.address) }

  private static func text(of address: SocketAddress) -> String {
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
      case Token.webSocketListener: acceptWebSocket(at: now)
      case Token.firstTransport...: serve(event, at: now)
      default: turn.readable.append(Int32(event.token - Token.firstWatched))
      }
    }
    broker.advance(to: now)
    write(at: now)
    turn.events = broker.takeEvents()
    return turn
  }

  /// Tells all clients that the broker goes, as far as they can be told without waiting.
  func shutDown() {
    let now = Clock.now()
    broker.shutDown(at: now)
    write(at: now)
  }

  private func accept(at now: Instant) {
    while let link = listener.accept() { open(link, nil, at: now) }
  }

  private func acceptWebSocket(at now: Instant) {
    while let link = webSocketListener?.accept() { open(link, ServerChannel(), at: now) }
  }

  private func open(_ link: consuming TCPLink, _ channel: ServerChannel?, at now: Instant) {
    let token = nextToken
    nextToken = nextToken == .max - 1 ? Token.firstTransport : nextToken + 1
    let id = broker.open(at: now)
    let transport = Transport(link, id, channel)
    do {
      try loop.add(transport.link.descriptor, token: token, read: true, write: false)
      transports[token] = transport
      tokens[id] = token
    } catch {
      broker.closed(id, at: now)
    }
  }

  private func serve(_ event: EventLoop.Ready, at now: Instant) {
    guard let transport = transports[event.token] else { return }
    guard event.readable || event.hungUp else { return markWritable(transport) }
    var result = ReadResult.wouldBlock
    let bytes = [UInt8](capacity: 65_536) { out in result = transport.link.read(into: &out) }
    switch result {
    case .bytes:
      let messages = transport.channel?.receive(bytes) ?? bytes
      broker.receive(messages.span, from: transport.id, at: now)
      if transport.channel != nil { markWritable(transport) }
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
    let isPlain = transport.channel == nil
    let isWritten = isPlain ? writeBytes(transport, at: now) : writeFrames(transport, at: now)
    guard let isDrained = isWritten else { return close(token, at: now) }
    let isOver = broker.isFinished(transport.id) || transport.channel?.isEnded == true
    if isDrained && isOver { return close(token, at: now) }
    guard transport.writes == isDrained else { return }
    transport.writes = !isDrained
    try? loop.modify(
      transport.link.descriptor, token: token, read: true, write: transport.writes)
  }

  /// True when nothing more waits; nil when the link is broken.
  private func writeBytes(_ transport: Transport, at now: Instant) -> Bool? {
    let output = Array(broker.output(of: transport.id))
    switch transport.link.write(output.span) {
    case .bytes(let count): broker.sent(count, on: transport.id, at: now)
    case .wouldBlock: break
    case .failed: return nil
    }
    return broker.output(of: transport.id).isEmpty
  }

  /// The same through a WebSocket, frame by frame.
  private func writeFrames(_ transport: Transport, at now: Instant) -> Bool? {
    while true {
      let output = transport.channel?.output ?? []
      switch transport.link.write(output.span) {
      case .bytes(let count): transport.channel?.consume(count)
      case .wouldBlock: return false
      case .failed: return nil
      }
      guard transport.channel?.output.isEmpty == true else { return false }
      let count = transport.channel?.frame(broker.output(of: transport.id)) ?? 0
      broker.sent(count, on: transport.id, at: now)
      if count > 0 { continue }
      guard broker.isFinished(transport.id), transport.channel?.isEnded == false else {
        return true
      }
      // 1000: nothing is amiss with the WebSocket.
      transport.channel?.close(1000)
    }
  }

  private func close(_ token: UInt32, at now: Instant) {
    guard let transport = transports.removeValue(forKey: token) else { return }
    loop.remove(transport.link.descriptor)
    tokens[transport.id] = nil
    broker.closed(transport.id, at: now)
  }
}
