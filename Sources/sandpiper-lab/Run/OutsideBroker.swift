import Core
import Dialing
import Linux
import Profile
import Simulator

/// The broker of a profile, wherever it is, over this machine's network: names, proxies, TLS and WebSockets as
/// on a board.
///
/// Owns the loop and the connections: the present one, those that the device has left and of which the broker
/// is not to hear the end, and those that are being closed. All move in `wait` and `flush` only.
final class OutsideBroker: FarBroker {
  private static let signalToken: UInt32 = 0
  /// So many connections may be open at once; the oldest that was left goes first.
  private static let lineCountMax = 100
  /// How long a broker has to close a connection that the device has closed.
  private static let patience = Interval.seconds(5)

  private let configuration: Configuration
  private var loop: EventLoop
  private var lines: [BrokerLine] = []
  private var answer: FarAnswer?

  /// Nobody is dialled yet. The loop wakes when `signals` is readable.
  init(_ configuration: Configuration, signals: Int32) throws(SystemError) {
    self.configuration = configuration
    let loop = try EventLoop()
    try loop.add(signals, token: Self.signalToken, read: true, write: false)
    self.loop = loop
  }

  private var present: BrokerLine? { lines.first { $0.isPresent } }

  /// True while a connection is being closed in order.
  var isClosing: Bool {
    let now = Clock.now()
    return lines.contains { $0.isClosing(at: now) }
  }

  // MARK: The loop

  /// Sleeps until something has come, or `deadline`. True when a signal waits.
  func wait(until deadline: Instant) -> Bool {
    let earliest = lines.reduce(deadline) { min($0, $1.deadline) }
    var hasSignal = false
    var events: [EventLoop.Ready] = []
    loop.wait(until: earliest, at: Clock.now()) { event in events.append(event) }
    for event in events {
      if event.token == Self.signalToken { hasSignal = true }
      for line in lines where line.transport.owns(event.token) { line.transport.note(event) }
    }
    let now = Clock.now()
    for line in lines { take(line.transport.step(at: now, loop: loop), of: line) }
    flush()
    return hasSignal
  }

  /// Hands over what waits to be sent, and lets go of what is over.
  func flush() {
    let now = Clock.now()
    for line in lines { line.serve(loop, at: now) }
    let over = lines.filter { !$0.isPresent && ($0.hasEnded || Self.isLate($0, at: now)) }
    for line in over { end(line) }
  }

  private static func isLate(_ line: BrokerLine, at now: Instant) -> Bool {
    if case .closing(let until) = line.fate { until <= now } else { false }
  }

  private func end(_ line: BrokerLine) {
    line.transport.close(loop: loop)
    lines.removeAll { $0 === line }
  }

  private func take(_ event: Transport.Event?, of line: BrokerLine) {
    guard line.isPresent else { return }
    switch event {
    case nil: break
    case .opened:
      answer = login()
      if case .failed = answer { end(line) }
    case .failed(let fault):
      answer = .failed(fault)
      end(line)
    }
  }

  /// The password's file is read anew for each connection, as on a board.
  private func login() -> FarAnswer {
    let name = configuration.uplink.passwordFile
    guard !name.isEmpty else { return .opened(password: nil) }
    do throws(SystemError) {
      let path = Array(configuration.string(name).utf8)
      let password: FixedText<512> = try File.firstLine(of: path.span)
      return .opened(password: password.withBytes { bytes in bytes.indices.map { bytes[$0] } })
    } catch {
      Terminal.complain("sandpiper-lab: password file: \(error.text)")
      return .failed(.connectFailed(code: error.code))
    }
  }

  // MARK: The device's side

  func dial(_ broker: Int, sentTo reference: ServerReference?) {
    close()
    answer = nil
    if lines.count >= Self.lineCountMax { end(lines[0]) }
    let used = Set(lines.map(\.number))
    let number = (1...UInt32(Self.lineCountMax)).first { !used.contains($0) } ?? 1
    do throws(SystemError) {
      let line = try BrokerLine(configuration, number: number, loop: loop)
      lines.append(line)
      line.transport.turn(to: broker, sentTo: reference)
      take(line.transport.open(at: Clock.now(), loop: loop), of: line)
    } catch {
      answer = .failed(.connectFailed(code: error.code))
    }
  }

  func takeAnswer() -> FarAnswer? {
    defer { answer = nil }
    return answer
  }

  func send(_ bytes: Span<UInt8>) { present?.send(bytes) }

  func receive(_ take: (Span<UInt8>) -> Void) -> Bool {
    guard let line = present else { return false }
    let bytes = line.takeReceived()
    if !bytes.isEmpty { take(bytes.span) }
    return line.hasEnded
  }

  func close() {
    answer = nil
    guard let line = present else { return }
    if line.transport.isOpen {
      line.fate = .closing(until: Clock.now() + Self.patience)
    } else {
      end(line)
    }
  }

  func leave() {
    answer = nil
    present?.fate = .left
  }
}
