import CLinux
import Core

/// Hands a document to whoever connects to a Unix socket, and closes. Nothing is read from anybody.
///
/// There is room for one document and four clients. Mostly the kernel takes a document as a whole, so that a
/// client is done with at once. Who reads slowly keeps the document in its place: others who come within a
/// second get the same one; who comes later gets a new one, for which the slow are dropped. They are dropped
/// after three seconds anyway. So nobody waits for long, and nothing grows; and however many come, no more
/// than 80 in a second are served.
public struct DocumentServer: ~Copyable {
  private var listener: LocalListener?
  private var document: Table<UInt8>
  private var documentBytes = 0
  private var documentAt = Instant.boot
  private var clients = InlineArray<4, Client>(repeating: Client())
  private let firstToken: UInt32
  /// Since when clients are counted, and how many there were.
  private var countedSince = Instant.boot
  private var count = 0
  /// Nobody is let in until then; `.never` while the listener is watched.
  private var restsUntil = Instant.never

  /// Who has not taken all of the document yet.
  private struct Client: BitwiseCopyable {
    /// The socket; -1 for none.
    var descriptor: Int32 = -1
    var sent = 0
    var until = Instant.never
  }

  /// How long a client may take.
  private static var patience: Interval { .seconds(3) }
  /// How long a document that somebody still reads is given to others.
  private static var freshness: Interval { .seconds(1) }
  /// Clients are counted for so long, and so many of them served.
  private static var period: Interval { .milliseconds(50) }
  private static var clientsInPeriod: Int { 4 }

  /// How many tokens it takes.
  public static var tokenCount: UInt32 { 5 }

  /// A server that nobody can reach, with room for a document of `bytes` under that name in the memory plan.
  /// Its tokens in the loop are `tokenCount` from `firstToken` on.
  public init(_ name: StaticString, bytes: Int, firstToken: UInt32, arena: inout Arena) {
    document = arena.table(name, count: bytes, filledWith: 0)
    self.firstToken = firstToken
  }

  deinit { for index in clients.indices { Self.close(clients[index]) } }

  /// Lets clients come at `path`, those of this process's user and group. See `LocalListener`.
  public mutating func listen(
    at path: Span<UInt8>, loop: borrowing EventLoop
  ) throws(SystemError) {
    let listener = try LocalListener(at: path, mode: 0o660)
    try loop.add(listener.descriptor, token: firstToken, read: true, write: false)
    self.listener = consume listener
  }

  /// The earliest moment at which `serve` has something to do though no token is ready.
  public var deadline: Instant {
    var deadline = restsUntil
    for index in clients.indices where clients[index].descriptor >= 0 {
      deadline = min(deadline, clients[index].until)
    }
    return deadline
  }

  /// Serves who waits; `render` writes a document. To be called when one of the tokens is ready, and when
  /// `deadline` has come.
  public mutating func serve(
    at now: Instant, loop: borrowing EventLoop, render: (inout OutputSpan<UInt8>) -> Void
  ) {
    for index in clients.indices where clients[index].descriptor >= 0 {
      send(index)
      if clients[index].until <= now { drop(index) }
    }
    if restsUntil <= now { rest(until: .never, loop: loop) }
    guard restsUntil == .never else { return }
    if now - countedSince >= Self.period {
      countedSince = now
      count = 0
    }
    while count < Self.clientsInPeriod {
      let descriptor = accept()
      guard descriptor >= 0 else {
        // Nobody is there any more. Or the process has no descriptor left, which would wake the loop again
        // and again.
        if clinux_errno() != EAGAIN { rest(until: now + Self.freshness, loop: loop) }
        return
      }
      count += 1
      renew(at: now, render)
      admit(descriptor, at: now, loop: loop)
    }
    rest(until: countedSince + Self.period, loop: loop)
  }

  private mutating func accept() -> Int32 {
    guard let waiting = listener?.descriptor else { return -1 }
    return clinux_unix_accept(waiting)
  }

  /// Watches the listener, or for a while does not.
  private mutating func rest(until moment: Instant, loop: borrowing EventLoop) {
    guard let descriptor = listener?.descriptor else { return }
    // What was added can be changed.
    try? loop.modify(descriptor, token: firstToken, read: moment == .never, write: false)
    restsUntil = moment
  }

  /// A new document, unless somebody still reads one that is hardly older.
  private mutating func renew(at now: Instant, _ render: (inout OutputSpan<UInt8>) -> Void) {
    var readers = 0
    for index in clients.indices where clients[index].descriptor >= 0 { readers += 1 }
    guard readers == 0 || readers == clients.count || now - documentAt >= Self.freshness
    else { return }
    for index in clients.indices { drop(index) }
    documentBytes = document.fill(from: 0, render)
    documentAt = now
  }

  /// There is room for one client more.
  private mutating func admit(_ descriptor: Int32, at now: Instant, loop: borrowing EventLoop) {
    for index in clients.indices where clients[index].descriptor < 0 {
      clients[index] = Client(descriptor: descriptor, sent: 0, until: now + Self.patience)
      send(index)
      guard clients[index].descriptor >= 0 else { return }
      do throws(SystemError) {
        try loop.add(
          descriptor, token: firstToken + 1 + UInt32(truncatingIfNeeded: index), read: false,
          write: true)
      } catch {
        drop(index)
      }
      return
    }
  }

  /// Sends what a client takes; who has all of it, or has gone, is done with.
  private mutating func send(_ index: Int) {
    let client = clients[index]
    let taken = document.withSpan(from: client.sent, count: documentBytes - client.sent) { bytes in
      unsafe bytes.withUnsafeBufferPointer {
        // Sound: the call only reads the bytes.
        unsafe clinux_send(client.descriptor, $0.baseAddress, $0.count)
      }
    }
    if taken >= 0 { clients[index].sent += taken }
    if taken < 0 && clinux_errno() == EAGAIN { return }
    if taken < 0 || clients[index].sent == documentBytes { drop(index) }
  }

  /// Closing a descriptor takes it out of the loop, too.
  private mutating func drop(_ index: Int) {
    Self.close(clients[index])
    clients[index] = Client()
  }

  private static func close(_ client: Client) {
    if client.descriptor >= 0 { _ = CLinux.close(client.descriptor) }
  }
}
