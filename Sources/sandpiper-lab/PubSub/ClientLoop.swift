import CLinux
import Core
import Dialing
import Linux
import MQTT

/// One client in a loop of its own, for `pub` and `sub`: the network, signals, and standard input
/// where somebody reads it.
final class ClientLoop {
  private enum Token {
    static let signals: UInt32 = 0
    static let input: UInt32 = 1
    static let transport = Transport.tokenCount
  }

  private var loop: EventLoop
  private let signals: Signals
  let client: LabClient
  /// SIGINT or SIGTERM has come.
  private(set) var isInterrupted = false
  /// Standard input can be read.
  private(set) var hasInput = false
  private var isWatching = false
  private var isFile = false

  init(_ client: LabClient) throws(SystemError) {
    loop = try EventLoop()
    signals = try Signals()
    self.client = client
    try loop.add(signals.descriptor, token: Token.signals, read: true, write: false)
  }

  /// Begins to connect.
  func connect() {
    client.prepare()
    client.renewWay(firstToken: Token.transport)
    client.manager?.connect()
  }

  /// Why a connection has ended, or did not come about; where it is the way that has failed, with its end.
  func text(_ cause: ConnectionEnd) -> String {
    let text = cause.text(client.fault)
    return cause == .transport ? "\(client.way.place): \(text)" : text
  }

  /// Watches standard input, or not.
  func watchInput(_ wanted: Bool) {
    guard wanted != isWatching else { return }
    isWatching = wanted
    if !wanted {
      if !isFile { loop.remove(STDIN_FILENO) }
      hasInput = false
    } else if (try? loop.add(STDIN_FILENO, token: Token.input, read: true, write: false)) == nil {
      // A file cannot be watched, and need not be.
      isFile = true
      hasInput = true
    }
  }

  /// Moves bytes and time, and tells what came of it.
  func serve(_ tell: (ManagerEvent) -> Void) { client.serve(loop, tell) }

  /// Sleeps until something happens, or to `deadline`.
  func wait(until deadline: Instant) {
    client.watch(loop)
    var ready = false
    loop.wait(until: min(deadline, client.deadline), at: Clock.now()) { event in
      switch event.token {
      case Token.signals:
        while let signal = signals.take() {
          if signal != .hangUp { isInterrupted = true }
        }
      case Token.input: ready = true
      default: if client.owns(event.token) { client.note(event) }
      }
    }
    if ready { hasInput = true }
  }

  /// Appends what standard input has; false at its end. Waits for nothing once `hasInput`.
  func readInput(into bytes: inout [UInt8]) -> Bool {
    hasInput = isFile
    let count = StandardInput.read(into: &bytes)
    return count > 0 || (count < 0 && (clinux_errno() == EAGAIN || clinux_errno() == EINTR))
  }
}

/// Standard input and files, as bytes.
enum StandardInput {
  private static let chunk = 1 << 16

  /// Appends what is there; how many bytes, 0 at the end, less for an error.
  static func read(into bytes: inout [UInt8], from descriptor: Int32 = STDIN_FILENO) -> Int {
    var count = 0
    bytes.append(addingCapacity: chunk) { out in
      unsafe out.withUnsafeMutableBufferPointer { buffer, initialized in
        // Sound: the call writes into the free part, which has room for the chunk.
        let free = unsafe UnsafeMutableBufferPointer(rebasing: buffer[initialized...])
        count = unsafe CLinux.read(descriptor, free.baseAddress, chunk)
        initialized += max(0, count)
      }
    }
    return count
  }

  /// All there is up to the end, but no more than `limit` bytes. Nil, with errno, for an error.
  static func all(from descriptor: Int32 = STDIN_FILENO, limit: Int) -> [UInt8]? {
    var bytes: [UInt8] = []
    while bytes.count <= limit {
      let count = read(into: &bytes, from: descriptor)
      if count == 0 { return bytes }
      if count < 0 && clinux_errno() != EINTR { return nil }
    }
    return bytes
  }
}

extension ConnectionEnd {
  /// Why, for people; `fault` is the transport's.
  fileprivate func text(_ fault: DialFault?) -> String {
    switch self {
    case .transport:
      guard let fault else { return "the connection was lost" }
      let bytes = [UInt8](capacity: 512) { out in fault.describe(into: &out) }
      return String(decoding: bytes, as: UTF8.self)
    case .refused(let refusal):
      return "the broker refuses: \(refusal.words) (code \(refusal.code))"
    case .disconnected(let reason): return "the broker takes its leave: \(reason.words)"
    case .session(.connectTimedOut): return "the broker does not answer CONNECT"
    case .session(.pingTimedOut): return "the broker does not answer any more"
    case .session(.packetTimedOut): return "the broker has begun a packet and does not go on"
    case .session(let fault): return "the broker does not keep to the protocol (\(fault))"
    case .unopenable(let error): return "CONNECT cannot be written (\(error))"
    case .asked, .aborted: return "disconnected"
    }
  }
}
