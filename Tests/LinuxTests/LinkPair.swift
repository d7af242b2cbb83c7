import CLinux
import Core
import Glibc

@testable import Linux

/// Two ends of one TCP connection over loopback.
struct LinkPair: ~Copyable {
  let near: TCPLink
  let far: TCPLink

  init() throws {
    let listener = try Listener(at: .loopback(port: 0))
    let opened = try TCPLink.open(to: listener.address)
    var loop = try EventLoop()
    try loop.add(listener.descriptor, token: 0, read: true, write: false)
    var waits = false
    _ = run(&loop, until: { waits }) { _ in waits = true }
    guard let accepted = listener.accept() else { throw SystemError(code: EAGAIN, doing: "accept") }
    near = opened
    far = accepted
  }

  /// Closes the near end's sending half.
  func hangUp() { shutdown(near.descriptor, Int32(SHUT_WR)) }
}

extension ReadResult {
  var isEnd: Bool { if case .endOfStream = self { true } else { false } }
  var wouldBlock: Bool { if case .wouldBlock = self { true } else { false } }
  var count: Int? { if case .bytes(let count) = self { count } else { nil } }
}

extension WriteResult {
  var wouldBlock: Bool { if case .wouldBlock = self { true } else { false } }
  var count: Int? { if case .bytes(let count) = self { count } else { nil } }
  var errorCode: Int32? { if case .failed(let error) = self { error.code } else { nil } }
}

/// What one read from `link` brings.
func read(_ link: borrowing TCPLink, capacity: Int = 1024) -> (result: ReadResult, bytes: [UInt8]) {
  var result = ReadResult.wouldBlock
  let bytes = [UInt8](capacity: capacity) { out in result = link.read(into: &out) }
  return (result, bytes)
}
