import CLinux
import Foundation
import Testing

@testable import Linux

/// What a service manager gets to see, for which a socket of this test stands.
@Suite(.serialized) struct ServiceManagerTests {
  private let path = "/tmp/sandpiper-manager-\(getpid())"

  /// Calls `body` with a manager that listens at `path`, and the socket of it.
  private func withManager(_ body: (ServiceManager, Int32) throws -> Void) throws {
    let socket = clinux_unix_listen(path)
    try #require(socket >= 0)
    setenv("NOTIFY_SOCKET", path, 1)
    defer {
      unsetenv("NOTIFY_SOCKET")
      clinux_unix_close(socket)
    }
    try body(ServiceManager(), socket)
  }

  /// The next datagram, and the descriptor that came with it.
  private func receive(_ socket: Int32) -> (text: String, descriptor: Int32?) {
    _ = clinux_wait_readable(socket, 10_000)
    var bytes = [UInt8](repeating: 0, count: 512)
    var control = [UInt8](repeating: 0, count: 64)
    var message = msghdr()
    let count = bytes.withUnsafeMutableBytes { bytes in
      control.withUnsafeMutableBytes { control in
        var part = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
        return withUnsafeMutablePointer(to: &part) { part in
          message.msg_iov = part
          message.msg_iovlen = 1
          message.msg_control = control.baseAddress
          message.msg_controllen = control.count
          return recvmsg(socket, &message, 0)
        }
      }
    }
    // One header, SOL_SOCKET and SCM_RIGHTS, and the number (cmsg(3)).
    let descriptor =
      message.msg_controllen > 0
      ? control.withUnsafeBytes { $0.load(fromByteOffset: 16, as: Int32.self) } : nil
    return (String(decoding: bytes.prefix(max(0, count)), as: UTF8.self), descriptor)
  }

  @Test func descriptorIsKeptUnderItsName() throws {
    try withManager { manager, socket in
      let memory = clinux_shared_open("shared", 8)
      defer { close(memory) }
      let isKept = manager.keep(memory, as: Array("outputs".utf8).span)
      #expect(isKept)
      let (text, descriptor) = receive(socket)
      #expect(text == "FDSTORE=1\nFDNAME=outputs")
      let copy = try #require(descriptor)
      defer { close(copy) }
      var (one, other) = (stat(), stat())
      #expect(fstat(memory, &one) == 0 && fstat(copy, &other) == 0)
      #expect(one.st_ino == other.st_ino && copy != memory)
      manager.letGo(of: Array("outputs".utf8).span)
      #expect(receive(socket).text == "FDSTOREREMOVE=1\nFDNAME=outputs")
    }
  }

  @Test func settlingWaitsUntilTheManagerHasClosedTheBarrier() throws {
    try withManager { manager, socket in
      let isSettled = Once()
      let thread = Thread {
        manager.settle()
        isSettled.signal()
      }
      thread.start()
      let (text, barrier) = receive(socket)
      #expect(text == "BARRIER=1")
      #expect(!isSettled.isSignaled(within: 0))
      close(try #require(barrier))
      #expect(isSettled.isSignaled(within: 10))
    }
  }

  @Test func nobodyIsToldWhenNobodyListens() {
    unsetenv("NOTIFY_SOCKET")
    let manager = ServiceManager()
    let isKept = manager.keep(0, as: Array("outputs".utf8).span)
    #expect(!manager.isThere && !isKept)
    manager.letGo(of: Array("outputs".utf8).span)
    manager.settle()
  }
}

/// Something that happens once.
private final class Once: Sendable {
  private let semaphore = DispatchSemaphore(value: 0)
  func signal() { semaphore.signal() }
  func isSignaled(within seconds: Double) -> Bool {
    semaphore.wait(timeout: .now() + seconds) == .success
  }
}
