import CLinux
import Core
import Dialing

/// Bytes over a way that is open, and its end.
extension Transport {
  /// Appends what has arrived. A fault when the way has come to its end: what arrived before was
  /// read. Nil when nothing more is there for now, or there is no room. The way stays as it is until
  /// `close`.
  public mutating func read(into out: inout OutputSpan<UInt8>) -> DialFault? {
    guard phase == .open else { return nil }
    ready.remove(slot)
    if out.freeCapacity == 0 {
      // The loop reports a broken link without end: it must be noticed without reading, too.
      return writeFault ?? wire.fault
    }
    if webSocket != nil { return webSocket?.read(&wire, into: &out) }
    switch wire.read(into: &out) {
    case .bytes, .wouldBlock: return nil
    case .endOfStream: return .closedByPeer
    case .failed(let fault): return fault
    }
  }

  /// Hands bytes over, in one piece where there is room; returns how many were taken. A way that is
  /// broken shows at the next `read`.
  public mutating func write(_ bytes: Span<UInt8>) -> Int {
    guard phase == .open, !isFinishing, writeFault == nil else { return 0 }
    hasPending = true
    if webSocket != nil { return webSocket?.write(bytes, to: &wire, fault: &writeFault) ?? 0 }
    return wire.write(bytes, fault: &writeFault)
  }

  /// How many bytes the other side's system has acknowledged since the way was opened, those of
  /// handshakes included, and how many behind them are on their way or wait. Nil when nothing was written
  /// since the last time that all had come across, and where the system does not tell.
  public mutating func takeProgress() -> (acknowledged: UInt64, pending: Int)? {
    guard phase == .open, hasPending, let progress = wire.progress else { return nil }
    hasPending = progress.pending > 0
    return progress
  }

  /// Nothing more will be written: says so to the other side behind all that was, by each layer's own
  /// word, and goes on reading until it closes. So no last word of ours is lost to a reset, which
  /// closing at once may lead to (RFC 1122, section 4.2.2.13).
  public mutating func finish() {
    guard phase == .open, !isFinishing else { return }
    isFinishing = true
    // The server of a WebSocket closes first (RFC 6455, section 7.1.1).
    webSocket?.close(&wire)
    flush()
  }

  /// Closes the way, or the attempt to open one: in order, as far as that goes without waiting.
  public mutating func close(loop: borrowing EventLoop) {
    if phase == .open {
      webSocket?.close(&wire)
      _ = wire.flush()
      wire.closeTLS()
    }
    abort(loop)
  }

  /// Hands over what waits, and, behind the last of it, the end.
  mutating func flush() {
    if let fault = wire.flush() { writeFault = fault }
    if isFinishing, !wire.hasOutput, webSocket == nil { wire.shutWrite() }
  }

  // MARK: What is known of the way

  /// The address that was connected to, the proxy's where there is one; nil for a Unix socket and when
  /// there is no way.
  public var peer: SocketAddress? { spec.endpoint.kind == .unix ? nil : wire.peer }

  /// When the broker's certificate ends; nil without TLS.
  public var serverCertificateEnds: WallTime? { wire.withTLS { $0.serverCertificateEnds } ?? nil }

  /// When our certificate ends; nil without one.
  public var ownCertificateEnds: WallTime? { wire.withTLS { $0.ownCertificateEnds } ?? nil }

  /// True when TLS has resumed an earlier session, which takes fewer bytes.
  public var isResumed: Bool { wire.withTLS { $0.isResumed } ?? false }

  /// Appends "TLSv1.3, TLS_AES_256_GCM_SHA384"; nothing without TLS. At most 80 bytes.
  public func describeTLS(into out: inout OutputSpan<UInt8>) {
    let text = FixedText<80> { text in
      _ = wire.withTLS { channel in
        channel.version(into: &text)
        if text.freeCapacity >= 2 { text.append(literal: ", ") }
        channel.cipher(into: &text)
      }
    }
    text.write(into: &out)
  }
}
