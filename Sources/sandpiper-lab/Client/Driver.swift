import CLinux
import Core
import Linux
import MQTT

/// The program behind `sandpiper-lab client`: commands in, replies and events out, and the network in
/// between, in one loop that waits for nobody.
final class Driver {
  private enum Token {
    static let signals: UInt32 = 0
    static let commands: UInt32 = 1
  }

  /// The range of tokens of one way; each new way has the next.
  private static let tokenRange: UInt32 = 0x0100_0000

  var loop: EventLoop
  private let signals: Signals
  var line = DriverLine()
  var out = DriverWriter()
  var properties: [UInt8] = []
  var list: [UInt8] = []
  private var input: [UInt8] = []
  private var start = 0
  /// The input was searched for the end of a line up to here.
  private var scanned = 0
  private var inputEnds = false
  /// False for a file, which is always ready.
  private var watchesInput = true
  var client: LabClient?
  var wayCount: UInt32 = 0
  var exitCode: Int32?
  /// What `ref=` has called messages, by their tags.
  var references: [UInt64: [UInt8]] = [:]
  var lastTag: UInt64 = 0
  /// A large message as it comes in pieces.
  var large: (message: LargeMessageHead, payload: [UInt8])?
  /// The deadline that was told last, without a transport.
  var toldDeadline = Instant.never

  init() throws {
    loop = try EventLoop()
    signals = try Signals()
    try loop.add(signals.descriptor, token: Token.signals, read: true, write: false)
    do {
      try loop.add(STDIN_FILENO, token: Token.commands, read: true, write: false)
    } catch {
      watchesInput = false
    }
    input.reserveCapacity(1 << 16)
  }

  /// Runs until the end; the exit status.
  func run() -> Int32 {
    out.begin("hello driver=1 impl=sandpiper/")
    out.append(SandpiperLab.versionText)
    out.end()
    var hasCommands = !watchesInput
    defer { client?.closeStore() }
    while true {
      if hasCommands { readInput() }
      handleLines()
      serve()
      guard out.flush() else { return 0 }
      if let exitCode, out.waiting == 0 { return exitCode }
      if inputEnds && start == input.count && out.waiting == 0 { return exitCode ?? 0 }
      hasCommands = !watchesInput && !inputEnds
      if wait() { hasCommands = true }
    }
  }

  /// Reads the line `range` of the input.
  func read(_ range: Range<Int>) throws(DriverLine.Fault) { try line.read(input, range) }

  /// Where the tokens of a new way begin.
  func nextTokens() -> UInt32 {
    wayCount = wayCount % 200 + 1
    return wayCount * Self.tokenRange
  }

  // MARK: Commands

  /// Bytes that may wait for the reader of our output before the network is no longer read.
  private static let outputMax = 32 << 20

  /// How much is read at once.
  private static let chunk = 1 << 16

  private func readInput() {
    guard !inputEnds else { return }
    var count = 0
    input.append(addingCapacity: Self.chunk) { out in
      unsafe out.withUnsafeMutableBufferPointer { buffer, initialized in
        // Sound: the call writes into the free part, which has room for the chunk.
        let free = unsafe UnsafeMutableBufferPointer(rebasing: buffer[initialized...])
        count = unsafe CLinux.read(STDIN_FILENO, free.baseAddress, Self.chunk)
        initialized += max(0, count)
      }
    }
    if count == 0 || (count < 0 && clinux_errno() != EAGAIN && clinux_errno() != EINTR) {
      inputEnds = true
      if watchesInput { loop.remove(STDIN_FILENO) }
      // A last line without its end is one all the same.
      if start < input.count, input.last != UInt8(ascii: "\n") {
        input.append(UInt8(ascii: "\n"))
      }
    }
  }

  /// Carries out all lines that are there, and lets the network move in between.
  private func handleLines() {
    var handled = 0
    while exitCode == nil, let end = nextLineEnd() {
      handle(start..<end)
      start = end + 1
      scanned = start
      handled += 1
      if handled % 64 == 0 {
        serve()
        _ = out.flush()
      }
    }
    if start == input.count || start > 1 << 20 {
      input.removeFirst(start)
      scanned -= start
      start = 0
    }
  }

  /// Where the line that begins at `start` ends; nil when its end has not come yet.
  private func nextLineEnd() -> Int? {
    let end = input[scanned...].firstIndex(of: UInt8(ascii: "\n"))
    scanned = end ?? input.count
    return end
  }

  // MARK: The network

  func serve() {
    guard let client else { return }
    client.save()
    serveStore()
    client.serve(loop) { event in tell(event) }
    serveStore()
    if client.settings.isPure { tellPure(client) }
  }

  /// Waits for something to happen; true when commands have come.
  private func wait() -> Bool {
    client?.isHeld = out.waiting > Self.outputMax
    client?.watch(loop)
    var deadline = client.map { $0.settings.isPure ? .never : $0.deadline } ?? .never
    let now = Clock.now()
    // A slow reader of our output is asked again soon.
    if out.waiting > 0 { deadline = min(deadline, now + .milliseconds(5)) }
    if !watchesInput && !inputEnds { deadline = now }
    var hasCommands = false
    loop.wait(until: deadline, at: now) { ready in
      switch ready.token {
      case Token.signals:
        while let signal = signals.take() {
          if signal != .hangUp { exitCode = 0 }
        }
      case Token.commands: hasCommands = true
      default: if client?.owns(ready.token) == true { client?.note(ready) }
      }
    }
    return hasCommands
  }
}

/// What is known of a large message before its payload is whole.
struct LargeMessageHead {
  var topic: [UInt8]
  var packetID: UInt16
  var qos: QoS
  var retain: Bool
  var dup: Bool
  /// Its properties, as they are printed.
  var properties: [UInt8]
}
