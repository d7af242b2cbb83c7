import CLinux
import Core

/// What reading from a link brought.
public enum ReadResult: Sendable {
  /// So many bytes were appended; 0 only when there was no room.
  case bytes(Int)
  /// Nothing is there yet.
  case wouldBlock
  /// The other side has closed its half.
  case endOfStream
  /// The link is broken.
  case failed(SystemError)
}

/// What writing to a link took.
public enum WriteResult: Sendable {
  /// So many bytes, from the front; may be fewer than were offered.
  case bytes(Int)
  /// The system's buffer is full.
  case wouldBlock
  /// The link is broken.
  case failed(SystemError)
}

/// One TCP connection that never blocks: non-blocking, close-on-exec, without Nagle's delay, and
/// without SIGPIPE. Closed when it goes out of scope. A stream socket of this machine serves as one.
public struct TCPLink: ~Copyable {
  /// The socket, for the loop.
  public let descriptor: Int32

  init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { _ = CLinux.close(descriptor) }

  /// Starts to connect. Once the descriptor is writable, `connectResult` says how it went.
  /// `userTimeout` is TCP_USER_TIMEOUT (RFC 5482): how long sent bytes may stay unacknowledged
  /// before the system gives the link up; zero leaves that to the system.
  public static func open(
    to address: SocketAddress, userTimeout: Interval = .zero
  ) throws(SystemError) -> TCPLink {
    TCPLink(descriptor: try connect(to: address, userTimeout: userTimeout))
  }

  /// The same as a bare socket, which the caller closes.
  static func connect(
    to address: SocketAddress, userTimeout: Interval
  ) throws(SystemError) -> Int32 {
    var system = address.system
    let timeout = UInt32(truncatingIfNeeded: userTimeout.milliseconds)
    // Sound: the address lives through the call.
    let descriptor = unsafe clinux_tcp_open(&system, timeout)
    guard descriptor >= 0 else { throw .last("connect") }
    return descriptor
  }

  /// Connects to the Unix stream socket at `path`, 107 bytes at the most; `EAGAIN` when too many
  /// others wait there. Connected when it returns the socket, which the caller closes.
  static func connect(unixSocket path: Span<UInt8>) throws(SystemError) -> Int32 {
    // Sound: the C string lives through the call.
    let opened = unsafe withCString(path) { unsafe clinux_unix_stream_open($0) }
    guard let descriptor = opened else { throw SystemError(code: ENAMETOOLONG, doing: "connect") }
    guard descriptor >= 0 else { throw .last("connect") }
    return descriptor
  }

  /// Says that nothing more will be sent; what the other side sends is still received.
  public func shutWrite() { _ = clinux_shut_write(descriptor) }

  /// Why the connection failed, or nil. Meaningful once the descriptor is writable or hung up.
  public func connectResult() -> SystemError? {
    let code = clinux_socket_error(descriptor)
    return code == 0 ? nil : SystemError(code: code, doing: "connect")
  }

  /// Appends what has arrived, as far as `out` has room.
  public func read(into out: inout OutputSpan<UInt8>) -> ReadResult {
    guard out.freeCapacity > 0 else { return .bytes(0) }
    // Sound: the call writes at most `capacity` bytes from `start` on.
    let count = unsafe out.appendFromSystem { start, capacity in
      unsafe clinux_receive(descriptor, start, capacity)
    }
    if count > 0 { return .bytes(count) }
    if count == 0 { return .endOfStream }
    let error = SystemError.last("receive")
    return error.code == EAGAIN ? .wouldBlock : .failed(error)
  }

  /// Hands `bytes` to the system, as many as it takes.
  public func write(_ bytes: Span<UInt8>) -> WriteResult {
    guard bytes.count > 0 else { return .bytes(0) }
    let count = unsafe bytes.withUnsafeBufferPointer {
      // Sound: the call only reads the bytes.
      unsafe clinux_send(descriptor, $0.baseAddress, $0.count)
    }
    if count >= 0 { return .bytes(count) }
    let error = SystemError.last("send")
    return error.code == EAGAIN ? .wouldBlock : .failed(error)
  }

  /// How many bytes the other side's system has acknowledged in all, and how many behind them are on
  /// their way or wait for it; nil where the system does not tell.
  public var progress: (acknowledged: UInt64, pending: Int)? {
    var acknowledged: UInt64 = 0
    var pending: Int32 = 0
    // Sound: the call fills both numbers.
    guard unsafe clinux_tcp_progress(descriptor, &acknowledged, &pending) == 0 else { return nil }
    return (acknowledged, Int(pending))
  }

  /// The other side's address; nil when there is none any more.
  public var peer: SocketAddress? {
    var address = clinux_address()
    // Sound: the call fills the structure.
    return unsafe clinux_socket_peer(descriptor, &address) == 0 ? SocketAddress(address) : nil
  }

  /// Closes the link now.
  public consuming func close() {}
}
