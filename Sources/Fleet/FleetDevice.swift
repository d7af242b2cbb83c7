import Agent
import Core
import Device
import Dialing
import Linux
import SimulatedBoard
import Uplink

/// One device of a fleet: the same agent as on a board, a simulated board, and a socket.
///
/// Does for it what `AgentLoop` does for the only device of a process, with two differences: the broker's
/// name is resolved once for all, and nobody asks the system how far bytes have come, which matters on
/// links that take minutes for a message.
@safe final class FleetDevice {
  private enum Phase { case closed, connecting, open }

  var agent: DeviceAgent<NoStorage>
  private var board: VirtualBoard
  private var flights: Table<Flight>
  private var socket: TCPLink?
  private var phase = Phase.closed
  /// When the connection must stand.
  private var connectBy = Instant.never
  private var dialedAt = Instant.boot
  private var sent = PacketTap(.publish)
  private var received = PacketTap(.publishAck)
  private let token: UInt32
  private var wantsRead = true
  private var wantsWrite = true
  private var isFinishing = false

  /// A device in memory that outlives it. The loop knows its socket as `token`.
  init(_ parts: consuming FleetPlan.Parts, token: UInt32) {
    self.token = token
    agent = parts.agent
    board = parts.board
    flights = parts.flights
    _ = agent.openJournal()
  }

  /// When it has something to do by itself.
  var deadline: Instant { min(connectBy, min(agent.deadline, board.deadline)) }

  /// True while it is on the way to a session.
  var isConnecting: Bool { phase != .closed && !agent.link.isOnline }

  /// Does what is due, and what the loop has found to be possible at its socket.
  func serve(_ event: EventLoop.Ready?, at moment: Moment, _ surroundings: Surroundings) {
    board.poll(at: moment.instant) { event in agent.handle(event, at: moment) }
    if let event { take(event, at: moment, surroundings) }
    if connectBy <= moment.instant {
      close(surroundings)
      agent.link.failed(.timedOut(.connect), at: moment.instant)
    }
    repeat { advance(at: moment, surroundings) } while send(at: moment.instant, surroundings.meter)
    if agent.link.isClosing, !agent.hasOutput { finish() }
    while let notice = agent.nextNotice() {
      surroundings.meter.note(notice, dialedAt: dialedAt, at: moment.instant)
    }
    if agent.isStopped { close(surroundings) } else { watch(surroundings.loop) }
  }

  // MARK: The socket

  private func take(
    _ event: EventLoop.Ready, at moment: Moment, _ surroundings: Surroundings
  ) {
    if phase == .connecting {
      connectBy = .never
      if let error = socket?.connectResult() {
        close(surroundings)
        return agent.link.failed(.connectFailed(code: error.code), at: moment.instant)
      }
      phase = .open
      greet(at: moment, surroundings)
    }
    guard phase == .open, event.readable || event.hungUp else { return }
    guard let fault = receive(at: moment.instant, surroundings.meter) else { return }
    // What was received before the end counts: acknowledgements, above all.
    advance(at: moment, surroundings)
    close(surroundings)
    agent.link.failed(fault, at: moment.instant)
  }

  private func receive(at now: Instant, _ meter: FleetMeter) -> DialFault? {
    var fault: DialFault?
    agent.receive(at: now) { out in
      let before = out.count
      switch socket?.read(into: &out) ?? .wouldBlock {
      case .bytes(0): fault = socket?.connectResult().map { .broken(code: $0.code) }
      case .bytes, .wouldBlock: break
      case .endOfStream: fault = .closedByPeer
      case .failed(let error): fault = .broken(code: error.code)
      }
      received.read(out.span.extracting(before..<out.count)) { identifier in
        meter.acknowledged(after: flights.end(identifier, at: now))
      }
    }
    return fault
  }

  /// Sends what waits; true when something was sent, so that there is room for more.
  private func send(at now: Instant, _ meter: FleetMeter) -> Bool {
    guard phase == .open, !isFinishing, agent.hasOutput else { return false }
    var count = 0
    agent.withOutput(at: now) { bytes in
      // A connection that is broken shows at the next reading.
      if case .bytes(let taken) = socket?.write(bytes) ?? .wouldBlock { count = taken }
      sent.read(bytes.extracting(0..<count)) { identifier in
        meter.published()
        flights.begin(identifier, at: now)
      }
      return count
    }
    return count > 0
  }

  /// A password as long as CONNECT has room for it in the smallest send buffer.
  private typealias Password = FixedText<512>

  private func greet(at moment: Moment, _ surroundings: Surroundings) {
    let file = agent.link.spec.passwordFile
    guard !file.isEmpty else { return agent.opened(password: nil, at: moment) }
    do throws(SystemError) {
      let password = try agent.points.texts.withBytes(of: file) {
        (path) throws(SystemError) -> Password in try File.firstLine(of: path)
      }
      password.withBytes { bytes in agent.opened(password: bytes, at: moment) }
    } catch {
      close(surroundings)
      agent.link.failed(.connectFailed(code: error.code), at: moment.instant)
    }
  }

  // MARK: The agent

  private func advance(at moment: Moment, _ surroundings: Surroundings) {
    agent.advance(at: moment)
    while let action = agent.nextAction() {
      switch action {
      case .drive(let drive):
        let readBack = board.drive(point: drive.point, to: drive.level, at: moment.instant)
        agent.driven(point: drive.point, readBack: readBack, at: moment)
      case .link(.open): open(at: moment.instant, surroundings)
      case .link(.close): close(surroundings)
      // Nobody cares for a device of a fleet.
      case .care: break
      }
      agent.advance(at: moment)
    }
  }

  private func open(at now: Instant, _ surroundings: Surroundings) {
    close(surroundings)
    let spec = agent.link.spec
    dialedAt = now
    surroundings.meter.dialed()
    do throws(SystemError) {
      let link = try TCPLink.open(
        to: surroundings.addresses[agent.link.broker], userTimeout: spec.keepAlive * 3 / 2)
      try surroundings.loop.add(link.descriptor, token: token, read: true, write: true)
      socket = consume link
      (phase, wantsRead, wantsWrite) = (.connecting, true, true)
      connectBy = now + spec.dial.connectTimeout
    } catch {
      agent.link.failed(.connectFailed(code: error.code), at: now)
    }
  }

  /// Nothing more will be written, and the broker closes first: no last word is lost to a reset.
  private func finish() {
    guard phase == .open, !isFinishing else { return }
    isFinishing = true
    socket?.shutWrite()
  }

  private func close(_ surroundings: Surroundings) {
    switch socket {
    case .some(let link): surroundings.loop.remove(link.descriptor)
    case nil: return
    }
    socket = nil
    (phase, connectBy, isFinishing) = (.closed, .never, false)
    (sent, received) = (PacketTap(.publish), PacketTap(.publishAck))
    flights.clear()
  }

  private func watch(_ loop: borrowing EventLoop) {
    guard phase == .open else { return }
    let reads = agent.hasInputRoom
    let writes = agent.hasOutput && !isFinishing
    guard reads != wantsRead || writes != wantsWrite else { return }
    (wantsRead, wantsWrite) = (reads, writes)
    switch socket {
    case .some(let link):
      try? loop.modify(link.descriptor, token: token, read: reads, write: writes)
    case nil: break
    }
  }
}
