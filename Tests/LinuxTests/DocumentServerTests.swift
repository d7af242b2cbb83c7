import Core
import Foundation
import TestSupport
import Testing

@testable import Linux

/// A server of documents, its loop, and clients that behave or do not.
private final class Bench {
  let scratch: Scratch
  let path: String
  private var loop: EventLoop
  private var server: DocumentServer
  private let size: Int
  private(set) var documents = 0

  /// Documents have `size` bytes, all of them the same letter: A of the first one, B of the second.
  init(size: Int) throws {
    scratch = try Scratch()
    path = scratch.path + "/status"
    self.size = size
    var arena = testArena(bytes: size + 64)
    loop = try EventLoop()
    server = DocumentServer("document", bytes: size, firstToken: 7, arena: &arena)
  }

  func listen() throws { try listen(at: path) }

  func listen(at path: String) throws {
    try bytes(path) { (path) throws(SystemError) in try server.listen(at: path, loop: loop) }
  }

  var deadline: Instant { server.deadline }

  /// Serves at `now`, as the loop does when something is ready. Not the clock's time: no test waits.
  func serve(at now: Instant) {
    server.serve(at: now, loop: loop) { out in
      out.append(repeating: UInt8(ascii: "A") + UInt8(truncatingIfNeeded: documents), count: size)
      documents += 1
    }
  }

  /// True when the loop would not sleep.
  var isReady: Bool {
    var isReady = false
    loop.wait(until: .boot, at: .boot) { event in
      if (7..<7 + DocumentServer.tokenCount).contains(event.token) { isReady = true }
    }
    return isReady
  }

  func client() throws -> TCPLink {
    let descriptor = try bytes(path) { (path) throws(SystemError) in
      try TCPLink.connect(unixSocket: path)
    }
    return TCPLink(descriptor: descriptor)
  }
}

extension TCPLink {
  /// What has arrived up to the end of the stream; nil when there is no end yet. How much, and the letter.
  fileprivate func document() -> String? {
    var count = 0
    var letters = Set<UInt8>()
    while true {
      var end: ReadResult?
      let bytes = [UInt8](capacity: 1 << 16) { out in end = self.read(into: &out) }
      count += bytes.count
      letters.formUnion(bytes)
      if end?.isEnd == true {
        return "\(count) " + String(decoding: letters.sorted(), as: UTF8.self)
      }
      guard end?.count != nil else { return nil }
    }
  }
}

@Suite struct DocumentServerTests {
  private static let start = Instant.boot + .seconds(100)

  @Test func eachClientGetsItsDocumentAndTheEnd() throws {
    let bench = try Bench(size: 5000)
    try bench.listen()
    for letter in ["A", "B", "C"] {
      let client = try bench.client()
      #expect(bench.isReady)
      bench.serve(at: Self.start)
      #expect(client.document() == "5000 \(letter)")
    }
    #expect(!bench.isReady && bench.deadline == .never)
  }

  @Test func aClientThatHasGoneAgainIsNobody() throws {
    let bench = try Bench(size: 5000)
    try bench.listen()
    _ = try bench.client()
    bench.serve(at: Self.start)
    #expect(bench.deadline == .never && !bench.isReady)
  }

  /// A document that the kernel does not take as a whole.
  private static let large = 1 << 20

  @Test func whoReadsNothingIsDroppedAfterThreeSeconds() throws {
    let bench = try Bench(size: Self.large)
    try bench.listen()
    let client = try bench.client()
    bench.serve(at: Self.start)
    #expect(bench.deadline == Self.start + .seconds(3))
    #expect(!bench.isReady, "a full buffer wakes nobody")
    bench.serve(at: Self.start + .seconds(3))
    #expect(bench.deadline == .never)
    // It gets what was sent, and the end.
    #expect(client.document().map { !$0.hasPrefix("\(Self.large) ") } == true)
  }

  @Test func whoReadsSlowlyGetsAllOfIt() throws {
    let bench = try Bench(size: Self.large)
    try bench.listen()
    let client = try bench.client()
    bench.serve(at: Self.start)
    var count = 0
    var rounds = 0
    while rounds < 10_000 {
      rounds += 1
      var end: ReadResult?
      count += [UInt8](capacity: 10_000) { out in end = client.read(into: &out) }.count
      if end?.isEnd == true { break }
      if bench.isReady { bench.serve(at: Self.start + .milliseconds(Int64(rounds))) }
    }
    #expect(count == Self.large)
  }

  @Test func whoComesWhileAnotherReadsGetsTheSameForASecondAndThenANewOne() throws {
    let bench = try Bench(size: Self.large)
    try bench.listen()
    let silent = try bench.client()
    bench.serve(at: Self.start)
    _ = try bench.client()
    bench.serve(at: Self.start + .milliseconds(999))
    #expect(bench.documents == 1)
    _ = try bench.client()
    bench.serve(at: Self.start + .milliseconds(1000))
    #expect(bench.documents == 2)
    #expect(silent.document() != nil, "the silent one was dropped for it")
  }

  @Test func fourSilentClientsKeepNobodyOut() throws {
    let bench = try Bench(size: Self.large)
    try bench.listen()
    var silent: [Int32] = []
    for _ in 0..<4 { silent.append(try keep(bench.client())) }
    bench.serve(at: Self.start)
    let client = try bench.client()
    bench.serve(at: Self.start + .milliseconds(60))
    #expect(bench.documents == 2)
    var (count, rounds) = (0, 0)
    while count < Self.large, rounds < 10_000 {
      rounds += 1
      count += [UInt8](capacity: 100_000) { out in _ = client.read(into: &out) }.count
      bench.serve(at: Self.start + .milliseconds(100))
    }
    #expect(count == Self.large)
    for descriptor in silent { close(descriptor) }
  }

  /// A socket that stays open until it is closed by hand.
  private func keep(_ link: consuming TCPLink) -> Int32 { dup(link.descriptor) }

  @Test func noMoreThanFourAreServedInFiftyMilliseconds() throws {
    let bench = try Bench(size: 100)
    try bench.listen()
    var clients: [Int32] = []
    for _ in 0..<6 { clients.append(try keep(bench.client())) }
    bench.serve(at: Self.start)
    #expect(bench.documents == 4)
    #expect(!bench.isReady, "and the others do not wake the loop meanwhile")
    #expect(bench.deadline == Self.start + .milliseconds(50))
    bench.serve(at: Self.start + .milliseconds(50))
    #expect(bench.documents == 6 && bench.deadline == .never)
    for client in clients { close(client) }
  }

  // MARK: The file

  @Test func theFileIsForUserAndGroupWhateverTheUmask() throws {
    let bench = try Bench(size: 10)
    try bench.listen()
    let attributes = try FileManager.default.attributesOfItem(atPath: bench.path)
    #expect(attributes[.posixPermissions] as? Int == 0o660)
  }

  @Test func aLiveSocketIsNotTakenAStaleOneIs() throws {
    let bench = try Bench(size: 10)
    try bench.listen()
    let other = try Bench(size: 10)
    #expect(code { try other.listen(at: bench.path) } == EADDRINUSE)
    // As many wait as may: still nobody may take it.
    var clients: [Int32] = []
    while let client = try? bench.client() { clients.append(keep(client)) }
    #expect(clients.count >= 8)
    #expect(code { try other.listen(at: bench.path) } == EADDRINUSE)
    for client in clients { close(client) }

    let stale = bench.scratch.path + "/stale"
    let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: stale.utf8) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(bound == 0)
    close(socket)
    try other.listen(at: stale)

    let file = bench.scratch.path + "/file"
    try bench.scratch.write("", to: "file")
    let third = try Bench(size: 10)
    #expect(code { try third.listen(at: file) } == EEXIST)
    #expect(FileManager.default.fileExists(atPath: file))
  }

  /// Somebody who waits for the file and connects at once: between bind and listen the kernel would refuse.
  @Test func whoFindsTheFileIsLetIn() throws {
    let scratch = try Scratch()
    for round in 0..<200 {
      let path = "\(scratch.path)/\(round)"
      let bench = try Bench(size: 10)
      let waits = Answer()
      let answer = Answer()
      Thread.detachNewThread {
        answer.put(Self.connectOnceThere(path) { if $0 == 1 { waits.put("for the file") } })
      }
      _ = waits.take()
      try bench.listen(at: path)
      #expect(answer.take() == "connected")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == [])
  }

  /// `missed` is told each time that the file was not there yet, with how often that was.
  private static func connectOnceThere(_ path: String, missed: (Int) -> Void) -> String {
    let limit = Clock.now() + .seconds(60)
    var misses = 0
    while Clock.now() < limit {
      do throws(SystemError) {
        close(
          try bytes(path) { (path) throws(SystemError) in try TCPLink.connect(unixSocket: path) })
        return "connected"
      } catch {
        if error.code != ENOENT { return "error \(error.code)" }
        misses += 1
        missed(misses)
      }
    }
    return "no file"
  }

  @Test func theControlSocketIsNotTakenEither() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/control"
    let control = try bytes(path) { (path) throws(SystemError) in try ControlSocket(at: path) }
    let bench = try Bench(size: 10)
    #expect(code { try bench.listen(at: path) } == EADDRINUSE)
    _ = control.descriptor
  }

  private func code(_ body: () throws -> Void) -> Int32 {
    do { try body() } catch { return (error as? SystemError)?.code ?? -1 }
    return 0
  }

  @Test func readingEndsAtTheEndOrWithTheTime() throws {
    let bench = try Bench(size: 5000)
    try bench.listen()
    let path = bench.path
    #expect(Self.read(path, for: .milliseconds(50)) == "error \(ETIMEDOUT)")
    bench.serve(at: Self.start)
    let answer = Answer()
    Thread.detachNewThread { answer.put(Self.read(path, for: .seconds(60))) }
    let limit = Clock.now() + .seconds(60)
    while bench.documents < 2, Clock.now() < limit { bench.serve(at: Clock.now()) }
    #expect(answer.take() == "5000")
    #expect(Self.read(path + "-none", for: .seconds(1)) == "error \(ENOENT)")
  }

  private static func read(_ path: String, for timeout: Interval) -> String {
    do throws(SystemError) {
      let text = try text(capacity: 6000) { out throws(SystemError) in
        try bytes(path) { path throws(SystemError) in
          try LocalListener.read(from: path, timeout: timeout, into: &out)
        }
      }
      return "\(text.utf8.count)"
    } catch {
      return "error \(error.code)"
    }
  }
}
