import CTLS
import Core
import Dialing

/// How far a handshake is.
public enum TLSProgress: Sendable {
  /// The connection stands.
  case done
  /// The server is to say something.
  case wantsRead
  /// The socket is to take something.
  case wantsWrite
  /// There will be no connection.
  case fault(TLSFault)
  /// The link is broken.
  case failed(SystemError)
}

/// What reading from a channel brought.
public enum TLSReadResult: Sendable {
  /// So many bytes were appended; 0 only when there was no room.
  case bytes(Int)
  /// Nothing is there yet.
  case wouldBlock
  /// The server has said that no more will come (close_notify).
  case endOfStream
  /// The connection has ended as it must not.
  case fault(TLSFault)
  /// The link is broken.
  case failed(SystemError)
}

/// What writing to a channel took.
public enum TLSWriteResult: Sendable {
  /// So many bytes, from the front, for good; may be fewer than were offered.
  case bytes(Int)
  /// What was taken before still waits for the socket.
  case wouldBlock
  /// The connection has ended as it must not.
  case fault(TLSFault)
  /// The link is broken.
  case failed(SystemError)
}

/// One TLS connection over a socket that never blocks.
///
/// Call `handshake` first, and whenever the socket is ready, until it is done; then `read` and `write`.
/// The loop has to watch the socket for reading always, and for writing while `wantsWrite`. What
/// happens inside TLS (tickets, new keys) goes with `read`.
///
/// A fault or a failure is for good: each later call says it again. Bytes that came before are read
/// first.
@safe public struct TLSChannel: ~Copyable {
  private let system: OpaquePointer

  @unsafe init(system: OpaquePointer) { unsafe self.system = system }

  // Says nothing to the server: `close` does.
  deinit { unsafe ctls_channel_release(system) }

  // MARK: The handshake

  /// Goes on with the handshake as far as it goes. How long it may take is the caller's to say.
  public mutating func handshake() -> TLSProgress {
    let result = unsafe ctls_channel_handshake(system)
    switch result {
    case CTLS_DONE: return .done
    case CTLS_WANTS_WRITE: return .wantsWrite
    case CTLS_WANTS_READ: return .wantsRead
    case CTLS_FAULT: return .fault(fault)
    default: return .failed(error("TLS handshake"))
    }
  }

  // MARK: Bytes

  /// Appends what has arrived, as far as `out` has room. When that is full, look at `hasPending`.
  ///
  /// A server that will not have our certificate says so here in TLS 1.3, after a handshake that was
  /// done: the fault is then `certificateRequired` or `certificateRefused`.
  public mutating func read(into out: inout OutputSpan<UInt8>) -> TLSReadResult {
    guard out.freeCapacity > 0 else { return .bytes(0) }
    var result = CTLS_DONE
    // Sound: the call writes at most `capacity` bytes from `start` on.
    let count = unsafe out.appendFromSystem { start, capacity in
      var taken = 0
      result = unsafe ctls_channel_read(system, start, capacity, &taken)
      return taken
    }
    switch result {
    case CTLS_DONE: return .bytes(count)
    case CTLS_END: return .endOfStream
    case CTLS_FAULT: return .fault(fault)
    case CTLS_BROKEN: return .failed(error("receive"))
    default: return .wouldBlock
    }
  }

  /// True when `read` has left bytes for want of room that the loop will not announce: they have
  /// been taken from the socket already. To be read before the loop waits again.
  public var hasPending: Bool { unsafe ctls_channel_has_pending(system) }

  /// Takes up to 16 KiB of `bytes` into one record. What the socket does not take of it waits in
  /// the channel, and nothing more is taken before that has gone.
  public mutating func write(_ bytes: Span<UInt8>) -> TLSWriteResult {
    guard bytes.count > 0 else { return .bytes(0) }
    var taken = 0
    let result = unsafe bytes.withUnsafeBufferPointer {
      // Sound: the call only reads the bytes.
      unsafe ctls_channel_write(system, $0.baseAddress, $0.count, &taken)
    }
    switch result {
    case CTLS_DONE: return .bytes(taken)
    case CTLS_FAULT: return .fault(fault)
    case CTLS_BROKEN: return .failed(error("send"))
    default: return .wouldBlock
    }
  }

  /// True while encrypted bytes wait for room in the socket's buffer.
  public var wantsWrite: Bool { unsafe ctls_channel_wants_write(system) }

  /// Hands what waits to the socket, as far as it takes it. Returns why it takes nothing any more;
  /// `read` may still know better what the server had to say.
  public mutating func flush() -> SystemError? {
    unsafe ctls_channel_flush(system) == CTLS_BROKEN ? error("send") : nil
  }

  /// Says that no more will come (close_notify), if that goes without waiting: flush before. The
  /// server's own may still be read.
  public mutating func close() { unsafe ctls_channel_close(system) }

  // MARK: What is known

  /// True when a session was resumed: no certificate was sent.
  public var isResumed: Bool { unsafe ctls_channel_is_resumed(system) }

  /// Bytes read from the socket so far: with the handshake just done, those that it took.
  public var bytesIn: UInt64 { unsafe ctls_channel_bytes_in(system) }

  /// Bytes written to the socket so far.
  public var bytesOut: UInt64 { unsafe ctls_channel_bytes_out(system) }

  /// When the server's certificate ends; nil before it has come. Holds for a resumed connection too.
  public var serverCertificateEnds: WallTime? {
    Self.wallTime(unsafe ctls_channel_peer_not_after(system))
  }

  /// When our certificate ends; nil without one.
  public var ownCertificateEnds: WallTime? {
    Self.wallTime(unsafe ctls_channel_own_not_after(system))
  }

  /// Appends the version, "TLSv1.3"; nothing before it is agreed. Cut where `out` is full.
  public func version(into out: inout OutputSpan<UInt8>) {
    // Sound: the text is static in OpenSSL.
    unsafe withBytes(ofCString: ctls_channel_version(system)) { out.append(cutting: $0) }
  }

  /// Appends the cipher suite's name, "TLS_AES_256_GCM_SHA384"; nothing before it is agreed. Cut
  /// where `out` is full.
  public func cipher(into out: inout OutputSpan<UInt8>) {
    // Sound: the text is static in OpenSSL.
    unsafe withBytes(ofCString: ctls_channel_cipher(system)) { out.append(cutting: $0) }
  }

  /// Appends the protocol that ALPN agreed on, "mqtt"; nothing for none. Cut where `out` is full.
  public func agreedProtocol(into out: inout OutputSpan<UInt8>) {
    var count = 0
    // Sound: the bytes lie in the channel, which lives through the call.
    let start = unsafe ctls_channel_protocol(system, &count)
    let bytes = unsafe UnsafeBufferPointer(start: start, count: count)
    out.append(cutting: unsafe bytes.span)
  }

  private var fault: TLSFault { TLSFault(unsafe ctls_channel_fault(system)) }

  private func error(_ doing: StaticString) -> SystemError {
    SystemError(code: unsafe ctls_channel_error(system), doing: doing)
  }

  private static func wallTime(_ seconds: Int64) -> WallTime? {
    seconds == .min ? nil : WallTime(milliseconds: seconds * 1000)
  }
}
