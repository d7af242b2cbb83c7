import CLinux
import Core

/// A Unix stream socket that takes connections from programs of this machine. The file goes with it.
public struct LocalListener: ~Copyable {
  /// The socket, for the loop: readable while a connection waits.
  public let descriptor: Int32

  /// Listens at `path` (at most 103 bytes) with these permissions, whatever the umask. What an ended program
  /// left there is replaced; `EADDRINUSE` when a program still listens, `EEXIST` when it is no socket. Who
  /// finds the file is let in: it appears when connections are taken.
  public init(at path: Span<UInt8>, mode: UInt32) throws(SystemError) {
    // Sound: the C string lives through the call.
    let opened = unsafe withCString(path) { unsafe clinux_unix_stream_listen($0, mode) }
    guard let opened else { throw SystemError(code: ENAMETOOLONG, doing: "bind") }
    guard opened >= 0 else { throw .last("bind") }
    descriptor = opened
  }

  deinit { clinux_unix_close(descriptor) }

  /// The next connection that waits; nil for none.
  public func accept() -> TCPLink? {
    let link = clinux_unix_accept(descriptor)
    return link >= 0 ? TCPLink(descriptor: link) : nil
  }

  /// Appends all that the program which listens at `path` says until it closes the connection. Blocks for
  /// up to `timeout`, and no longer once `other` is readable, then throws `ETIMEDOUT`; `EFBIG` when `out` has no
  /// room for all.
  public static func read(
    from path: Span<UInt8>, timeout: Interval, unlessReadable other: Int32 = -1,
    into out: inout OutputSpan<UInt8>
  ) throws(SystemError) {
    let deadline = Clock.now() + timeout
    let link = TCPLink(descriptor: try connect(to: path, until: deadline, unlessReadable: other))
    while true {
      guard out.freeCapacity > 0 else { throw SystemError(code: EFBIG, doing: "receive") }
      switch link.read(into: &out) {
      case .bytes: break
      case .endOfStream: return
      case .failed(let error): throw error
      case .wouldBlock:
        let left = Int32(truncatingIfNeeded: max(0, (deadline - Clock.now()).milliseconds))
        guard left > 0, clinux_wait_either_readable(link.descriptor, other, left) > 0,
          clinux_wait_readable(other, 0) <= 0
        else {
          throw SystemError(code: ETIMEDOUT, doing: "receive")
        }
      }
    }
  }

  /// Where as many wait as may, one more is tried for a while: the kernel does not say when there is room.
  private static func connect(
    to path: Span<UInt8>, until deadline: Instant, unlessReadable other: Int32
  ) throws(SystemError) -> Int32 {
    while true {
      do throws(SystemError) {
        return try TCPLink.connect(unixSocket: path)
      } catch {
        guard error.code == EAGAIN, Clock.now() < deadline, clinux_wait_readable(other, 20) <= 0
        else { throw error }
      }
    }
  }
}
