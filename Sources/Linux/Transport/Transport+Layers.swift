import CLinux
import Core
import Dialing

/// What is stacked on a connected socket: proxy, TLS, WebSocket, each where there is one.
extension Transport {
  // MARK: The proxy

  /// Goes on with the proxy, as far as its answers are there.
  mutating func negotiate(at now: Instant, loop: borrowing EventLoop) -> Event? {
    while true {
      if let fault = sendToProxy() ?? wire.flush() { return fail(fault, at: now, loop: loop) }
      switch proxy?.state {
      case .open?: return reached(at: now, loop: loop)
      case .failed(let fault)?: return fail(.proxy(fault), at: now, loop: loop)
      case .waiting?, nil: break
      }
      var result = WireRead.wouldBlock
      let chunk = wire.read(&result)
      switch result {
      case .bytes:
        chunk.withBytes { bytes in
          let count = proxy?.receive(bytes) ?? 0
          wire.putBack(bytes.extracting(count..<bytes.count))
        }
      case .wouldBlock:
        watch(reading: true, writing: false, loop: loop)
        return nil
      case .endOfStream, .failed(.broken(ECONNRESET)): proxy?.closed()
      case .failed(let fault): return fail(fault, at: now, loop: loop)
      }
    }
  }

  private typealias Password = FixedText<512>

  /// Has the next message to the proxy, if one is due, wait to be sent.
  private mutating func sendToProxy() -> DialFault? {
    guard let login = spec.proxy, var handshake = proxy, handshake.hasMessage else { return nil }
    // Room for the line's end, and for a login that is too long to be told.
    var password = Password()
    if !login.passwordFile.isEmpty {
      do throws(SystemError) {
        password = try texts.withBytes(of: login.passwordFile) {
          (path) throws(SystemError) in try File.firstLine(of: path)
        }
      } catch {
        return .proxy(.passwordFile(code: error.code))
      }
      guard password.count <= Proxy.passwordBytesMax else {
        return .proxy(.passwordFile(code: EFBIG))
      }
    }
    let port = spec.endpoint.port
    Self.write(&handshake, texts, spec.endpoint.host, port, login.user, password, &wire)
    proxy = handshake
    return nil
  }

  private static func write(
    _ handshake: inout ProxyHandshake, _ texts: borrowing TextPool, _ host: Text, _ port: UInt16,
    _ user: Text, _ password: Password, _ wire: inout Wire
  ) {
    texts.withBytes(of: host) { host in
      texts.withBytes(of: user) { user in
        password.withBytes { password in
          let address = SocketAddress(numeric: host, port: port)?.numeric
          wire.append { out in
            handshake.writeMessage(
              ProxyTarget(
                host: host, port: port, address: address, user: user, password: password),
              into: &out)
          }
        }
      }
    }
  }

  // MARK: TLS

  /// There is a way to the broker itself.
  mutating func reached(at now: Instant, loop: borrowing EventLoop) -> Event? {
    proxy = nil
    guard spec.endpoint.kind.usesTLS else { return secured(at: now, loop: loop) }
    enter(.securing, until: now + spec.tlsTimeout)
    // The client speaks first: what has come is nobody's.
    if wire.hasUnread { return fail(.proxy(.malformed), at: now, loop: loop) }
    do throws(TLSFault) {
      if tls == nil { tls = try TLSContext(spec.tls, texts: texts) }
      try Self.secure(&wire, tls, floor: earliestTime)
    } catch {
      return fail(.tls(error), at: now, loop: loop)
    }
    return secure(at: now, loop: loop)
  }

  private static func secure(
    _ wire: inout Wire, _ context: borrowing TLSContext?, floor: WallTime
  ) throws(TLSFault) {
    switch context {
    case .some(let context): try wire.secure(context, now: Clock.moment().wall, floor: floor)
    case nil: break
    }
  }

  /// Goes on with the TLS handshake.
  mutating func secure(at now: Instant, loop: borrowing EventLoop) -> Event? {
    switch wire.handshake() {
    case .done: return secured(at: now, loop: loop)
    case .wantsRead, .wantsWrite:
      watch(reading: true, writing: false, loop: loop)
      return nil
    case .fault(let fault): return fail(.tls(fault), at: now, loop: loop)
    case .failed(let error):
      // What a broker does that takes the handshake for a bad CONNECT.
      let fault: DialFault =
        error.code == ECONNRESET ? .tls(.closedInHandshake) : .broken(code: error.code)
      return fail(fault, at: now, loop: loop)
    }
  }

  // MARK: The WebSocket

  /// The way is what it has to be below the WebSocket, if there is one.
  mutating func secured(at now: Instant, loop: borrowing EventLoop) -> Event? {
    guard webSocket != nil else { return opened(loop: loop) }
    webSocket?.begin(spec, texts, &wire)
    enter(.upgrading, until: now + spec.webSocketTimeout)
    return upgrade(at: now, loop: loop)
  }

  /// Goes on with the upgrade to a WebSocket.
  mutating func upgrade(at now: Instant, loop: borrowing EventLoop) -> Event? {
    if let fault = wire.flush() { return fail(fault, at: now, loop: loop) }
    switch webSocket?.upgrade(&wire) {
    case .open?: return opened(loop: loop)
    case .failed(let fault)?: return fail(fault, at: now, loop: loop)
    case .waiting?, nil:
      watch(reading: true, writing: false, loop: loop)
      return nil
    }
  }

  /// Nothing is left to be stacked.
  mutating func opened(loop: borrowing EventLoop) -> Event? {
    enter(.open, until: .never)
    if spec.endpoint.kind != .unix, !isAtReference { lastAddresses[broker] = wire.peer }
    // Whatever came with the last answer is there without the loop's word.
    ready.insert(slot)
    return .opened
  }
}
