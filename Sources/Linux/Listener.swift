import CLinux
import Core

/// A TCP port that takes connections. Closed when it goes out of scope.
public struct Listener: ~Copyable {
  /// The socket, for the loop: readable while a connection waits.
  public let descriptor: Int32

  /// Listens at `address`; port 0 takes any free one.
  public init(at address: SocketAddress) throws(SystemError) {
    var system = address.system
    // Sound: the address lives through the call.
    let listener = unsafe clinux_tcp_listen(&system)
    guard listener >= 0 else { throw .last("listen") }
    descriptor = listener
  }

  deinit { close(descriptor) }

  /// Where it listens, with the port that was chosen.
  public var address: SocketAddress {
    var system = clinux_address()
    // Sound: the call fills the structure.
    _ = unsafe clinux_socket_address(descriptor, &system)
    return SocketAddress(system)
  }

  /// The next connection that waits; nil for none.
  public func accept() -> TCPLink? {
    let link = clinux_tcp_accept(descriptor)
    return link >= 0 ? TCPLink(descriptor: link) : nil
  }
}
