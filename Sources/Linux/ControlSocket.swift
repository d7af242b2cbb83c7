import CLinux
import Core

/// A Unix datagram socket that only this user can write to: one datagram is one request, and each
/// is answered with one. A person flips a simulated line through it. The file goes with the
/// socket.
public struct ControlSocket: ~Copyable {
  /// For the loop: readable while a request waits.
  public let descriptor: Int32
  private var sender = clinux_peer()

  /// Listens at `path` (at most 107 bytes, mode 0600). What an ended program left there is
  /// replaced; `EADDRINUSE` when a program still listens, `EEXIST` when it is no socket.
  public init(at path: Span<UInt8>) throws(SystemError) {
    // Sound: the C string lives through the call.
    let opened = unsafe withCString(path) { unsafe clinux_unix_listen($0) }
    guard let opened else { throw SystemError(code: ENAMETOOLONG, doing: "bind") }
    guard opened >= 0 else { throw .last("bind") }
    descriptor = opened
  }

  deinit { clinux_unix_close(descriptor) }

  /// Appends the next request, cut to the room in `out`; false when none waits.
  public mutating func receive(into out: inout OutputSpan<UInt8>) -> Bool {
    var from = clinux_peer()
    // Sound: the call writes at most `capacity` bytes from `start` on, and fills `from`.
    let count = unsafe out.appendFromSystem { start, capacity in
      unsafe clinux_unix_receive(descriptor, start, capacity, &from)
    }
    sender = from
    return count >= 0
  }

  /// Answers the sender of the latest request; nothing when it has gone.
  public func reply(_ bytes: Span<UInt8>) {
    var to = sender
    guard to.count > 0 else { return }
    unsafe bytes.withUnsafeBufferPointer {
      // Sound: the call only reads bytes and address.
      _ = unsafe clinux_unix_reply(descriptor, $0.baseAddress, $0.count, &to)
    }
  }

  /// Sends `message` to the program that listens at `path`, and appends its answer. Blocks for up
  /// to `timeout`, then throws `ETIMEDOUT`.
  public static func send(
    _ message: Span<UInt8>, to path: Span<UInt8>, timeout: Interval,
    reply out: inout OutputSpan<UInt8>
  ) throws(SystemError) {
    // Sound: the C string lives through the call.
    let opened = unsafe withCString(path) { unsafe clinux_unix_connect($0) }
    guard let client = opened else { throw SystemError(code: ENAMETOOLONG, doing: "connect") }
    guard client >= 0 else { throw .last("connect") }
    defer { close(client) }
    let sent = unsafe message.withUnsafeBufferPointer {
      // Sound: the call only reads the bytes.
      unsafe clinux_send(client, $0.baseAddress, $0.count)
    }
    guard sent >= 0 else { throw .last("send") }
    let milliseconds = Int32(truncatingIfNeeded: timeout.milliseconds)
    guard clinux_wait_readable(client, milliseconds) > 0 else {
      throw SystemError(code: ETIMEDOUT, doing: "receive")
    }
    // Sound: the call writes at most `capacity` bytes from `start` on.
    let count = unsafe out.appendFromSystem { start, capacity in
      unsafe clinux_receive(client, start, capacity)
    }
    guard count >= 0 else { throw .last("receive") }
  }
}
