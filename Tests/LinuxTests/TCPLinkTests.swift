import Core
import Glibc
import Testing

@testable import Linux

@Suite struct TCPLinkTests {
  @Test func bytesArriveInOrder() throws {
    let pair = try LinkPair()
    var loop = try EventLoop()
    try loop.add(pair.far.descriptor, token: 0, read: true, write: false)
    #expect(bytes("hello ") { pair.near.write($0).count } == 6)
    #expect(bytes("world") { pair.near.write($0).count } == 5)
    var received: [UInt8] = []
    let good = run(&loop, until: { received.count == 11 }) { _ in
      received += read(pair.far, capacity: 4).bytes
    }
    #expect(good)
    #expect(received == Array("hello world".utf8))
    #expect(read(pair.far).result.wouldBlock)
  }

  @Test func refusedConnectionIsReported() throws {
    // A port that was free a moment ago.
    let address = try Listener(at: .loopback(port: 0)).address
    let link = try TCPLink.open(to: address)
    var loop = try EventLoop()
    try loop.add(link.descriptor, token: 0, read: false, write: true)
    var ready = false
    let good = run(&loop, until: { ready }) { ready = $0.writable || $0.hungUp }
    #expect(good)
    let error = link.connectResult()
    #expect(error?.code == ECONNREFUSED)
    #expect(text { error?.describe(into: &$0) } == "connect: Connection refused")
  }

  @Test func establishedConnectionHasNoError() throws {
    let pair = try LinkPair()
    var loop = try EventLoop()
    try loop.add(pair.near.descriptor, token: 0, read: false, write: true)
    var ready = false
    let good = run(&loop, until: { ready }) { ready = $0.writable }
    #expect(good)
    #expect(pair.near.connectResult() == nil)
    #expect(pair.far.peer?.isV6 == false)
  }

  @Test func fullBufferTakesAPartAndThenBlocks() throws {
    let pair = try LinkPair()
    let block = [UInt8](repeating: 0x5A, count: 8 << 20)
    let first = pair.near.write(block.span).count ?? 0
    #expect(first > 0)
    #expect(first < block.count)
    var sent = first
    // Nobody reads: it ends with "would block", never with a signal or an error.
    while let count = pair.near.write(block.span.extracting(0..<(1 << 20))).count { sent += count }
    #expect(pair.near.write(block.span).wouldBlock)
    var loop = try EventLoop()
    try loop.add(pair.far.descriptor, token: 0, read: true, write: false)
    var received = 0
    let good = run(&loop, until: { received == sent }) { _ in
      received += read(pair.far, capacity: 1 << 20).result.count ?? 0
    }
    #expect(good)
  }

  /// It would be sent before anything more urgent, however long that takes.
  @Test func systemKeepsLittleOfWhatThePathTakesNoMoreOf() throws {
    let pair = try LinkPair()
    func taken(by link: borrowing TCPLink) -> Int {
      let block = [UInt8](repeating: 0x5A, count: 1024)
      var sum = 0
      while sum < 64 << 20, let count = link.write(block.span).count { sum += count }
      return sum
    }
    // Nobody reads. The accepted side has the system's own buffer.
    let ours = taken(by: pair.near)
    let theirs = taken(by: pair.far)
    #expect(ours > 0 && ours < theirs / 4)
  }

  @Test func writingToAClosedPeerIsAnErrorAndNoSignal() throws {
    let listener = try Listener(at: .loopback(port: 0))
    let link = try TCPLink.open(to: listener.address)
    var loop = try EventLoop()
    try loop.add(listener.descriptor, token: 0, read: true, write: false)
    var waits = false
    _ = run(&loop, until: { waits }) { _ in waits = true }
    if let far = listener.accept() { far.close() }
    var code: Int32?
    for _ in 0..<1000 where code == nil {
      code = bytes("x") { link.write($0).errorCode }
      usleep(1000)
    }
    #expect(code == EPIPE || code == ECONNRESET)
  }

  @Test func emptyReadsAndWritesDoNothing() throws {
    let pair = try LinkPair()
    #expect(bytes("") { pair.near.write($0).count } == 0)
    #expect(read(pair.far, capacity: 0).result.count == 0)
  }

  @Test func takenPortIsReported() throws {
    let listener = try Listener(at: .loopback(port: 0))
    #expect(listener.address.port != 0)
    var code: Int32 = 0
    do throws(SystemError) { _ = try Listener(at: listener.address) } catch { code = error.code }
    #expect(code == EADDRINUSE)
  }

  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1:1883"), ("::1", "[::1]:1883"),
    ("2001:DB8::0:1", "[2001:db8::1]:1883"), ("::ffff:192.0.2.1", "[::ffff:192.0.2.1]:1883"),
  ])
  func numericAddressIsUnderstoodAndDescribed(written: String, described: String) {
    let address = bytes(written) { SocketAddress(numeric: $0, port: 1883) }
    #expect(text { address?.description(into: &$0) } == described)
    #expect(text(capacity: 3) { address?.description(into: &$0) } == described.prefix(3))
  }

  @Test(arguments: [
    "", "localhost", "192.0.2", "192.0.2.256", "1:2", "::1%nosuchinterface", "::1 ",
  ])
  func otherTextIsNoNumericAddress(written: String) {
    #expect(bytes(written) { SocketAddress(numeric: $0, port: 1) } == nil)
  }
}
