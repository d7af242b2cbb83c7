import Agent
import CLinux
import Core
import Device
import Dialing
import JSON
import Linux
import MQTT
import Uplink

/// The one loop that waits: carries what the world says to the agent, and what the agent wants to the
/// world, until the agent has stopped.
struct AgentLoop<Hardware: Board & ~Copyable>: ~Copyable {
  var agent: DeviceAgent<FileStorage>
  private var board: Hardware
  var loop: EventLoop
  private var transport: Transport
  private let signals: Signals
  private var control: ControlSocket?
  var status: StatusDesk
  private var numbers: SessionNumbers
  private let passwordFile: Text
  /// Who may care for the device, and what is kept of that.
  let careSpec: CareSpec
  var keeper: CareKeeper
  /// Who has signed the request that is carried out, and the profile that it has brought.
  var signer: CareKey?
  var proposal: CareOrder?
  /// What the log wrote at the start.
  let usualThreshold = Log.threshold
  private var ready = ReadySet()
  private var supervision = Supervision(at: Clock.now())
  /// Until when a stop waits for the journal's medium; `.never` before everything else is done.
  private var journalBy = Instant.never

  /// Why the loop has ended.
  enum End { case stopped, reload }

  /// A loop over parts that `loop` watches already.
  init(
    agent: consuming DeviceAgent<FileStorage>, board: consuming Hardware, loop: consuming EventLoop,
    transport: consuming Transport, signals: consuming Signals, control: consuming ControlSocket?,
    status: consuming StatusDesk, numbers: consuming SessionNumbers, care: CareSpec,
    keeper: consuming CareKeeper
  ) {
    careSpec = care
    self.keeper = keeper
    passwordFile = agent.link.spec.passwordFile
    self.transport = transport
    self.agent = agent
    self.board = board
    self.loop = loop
    self.signals = signals
    self.control = control
    self.status = status
    self.numbers = numbers
  }

  /// Runs until the agent has stopped. `reload` is asked at SIGHUP whether the new profile is good, `propose`
  /// of one that has come by remote care, and who has signed it.
  mutating func run(
    reload: () -> Bool, propose: (Span<UInt8>, CareKey) -> Proposal
  ) -> End {
    let floor = agent.link.backlog.timeFloor
    if let floor { transport.earliestTime = max(transport.earliestTime, floor) }
    var moment = Clock.moment(notBefore: floor)
    while true {
      Self.poll(&board, &agent, at: moment)
      answerSignals(reload, at: moment)
      answerControl(at: moment.instant)
      tellProgress(at: moment.instant)
      readNetwork(at: moment)
      repeat {
        repeat { advance(at: moment) } while send(at: moment.instant)
      } while examineProposal(propose, at: moment)
      tellProgress(at: moment.instant)
      if agent.link.isClosing && !agent.hasOutput { transport.finish() }
      tell(at: moment.instant)
      answerStatus(ready.status, at: moment)
      board.note(linkLostSince: agent.points.lostSince ?? .never)
      if agent.isStopped || journalIsLate(at: moment.instant) {
        if agent.stopReason == .rollBack { keeper.rollBack(because: agent.careFault) }
        guard agent.stopReason?.beginsAnew == true else { return .stopped }
        board.handOn()
        return .reload
      }
      transport.watch(reading: agent.hasInputRoom, writing: agent.hasOutput, loop: loop)
      let deadline = min(
        min(transport.deadline, min(journalBy, status.deadline)),
        min(agent.deadline, board.deadline))
      supervision.tell(
        agent.link, isAdvancing: isAdvancing(deadline, at: moment.instant), at: moment.instant)
      ready = Self.wait(&loop, until: min(deadline, supervision.deadline), &transport)
      moment = Clock.moment(notBefore: floor)
    }
  }

  /// True when the agent would have stopped but for a medium that has not come to the end of a sync for
  /// five seconds. A dying SD card may not answer at all, and a stop must come to an end.
  private mutating func journalIsLate(at now: Instant) -> Bool {
    guard agent.isSilent else { return false }
    if journalBy == .never { journalBy = now + .seconds(5) }
    guard now >= journalBy else { return false }
    Log.write(.error, "the journal's medium does not answer: what it has not written is lost")
    return true
  }

  /// True when nothing is left undone that was due, and the uplink waits for nothing for ever. A sensor that
  /// hangs is a point of bad quality, no reason to let go of the outputs.
  private func isAdvancing(_ deadline: Instant, at now: Instant) -> Bool {
    deadline > now
      && (agent.link.isOnline || min(agent.link.deadline, transport.deadline) < .never)
  }

  private static func poll(
    _ board: inout Hardware, _ agent: inout DeviceAgent<FileStorage>, at moment: Moment
  ) {
    board.poll(at: moment.instant) { event in agent.handle(event, at: moment) }
  }

  private static func wait(
    _ loop: inout EventLoop, until deadline: Instant, _ transport: inout Transport
  ) -> ReadySet {
    var ready = ReadySet()
    loop.wait(until: deadline, at: Clock.now()) { event in
      switch event.token {
      case Token.signals: ready.signals = true
      case Token.control: ready.control = true
      case Token.status..<Token.status + DocumentServer.tokenCount: ready.status = true
      case let token where transport.owns(token): transport.note(event)
      default: break
      }
    }
    return ready
  }

  // MARK: What has come

  private mutating func answerSignals(_ reload: () -> Bool, at moment: Moment) {
    guard ready.signals else { return }
    while let signal = signals.take() {
      switch signal {
      case .terminate, .interrupt: agent.stop(.asked, at: moment)
      case .hangUp:
        guard agent.stopReason == nil, reload() else { continue }
        agent.stop(.reload, at: moment)
      case .restart: agent.stop(supervision.isSupervised ? .handOver : .asked, at: moment)
      }
    }
  }

  private mutating func readNetwork(at moment: Moment) {
    take(transport.step(at: moment.instant, loop: loop), at: moment)
    // An attempt may succeed just after the agent has been told to stop, which wants none any more.
    guard transport.hasInput, !agent.link.session.isClosed else { return }
    guard let fault = Self.receive(&agent, &transport, at: moment.instant) else { return }
    // What was received before the end counts: acknowledgements, above all.
    advance(at: moment)
    agent.link.failed(fault, at: moment.instant)
  }

  private static func receive(
    _ agent: inout DeviceAgent<FileStorage>, _ transport: inout Transport, at now: Instant
  ) -> DialFault? {
    var fault: DialFault?
    agent.receive(at: now) { out in fault = transport.read(into: &out) }
    return fault
  }

  private mutating func take(_ event: Transport.Event?, at moment: Moment) {
    switch event {
    case nil: break
    case .opened:
      TLSLog.write(transport, at: moment.wall)
      greet(at: moment)
    case .failed(let fault): agent.link.failed(fault, at: moment.instant)
    }
  }

  /// What a password file may hold, in bytes; CONNECT has room for it in the smallest send buffer.
  private typealias Password = FixedText<512>

  /// Opens the session. The password's file is read anew for each attempt; an attempt without the
  /// password would only be refused, so none is made then.
  private mutating func greet(at moment: Moment) {
    guard !passwordFile.isEmpty else { return agent.opened(password: nil, at: moment) }
    do throws(SystemError) {
      let password = try agent.points.texts.withBytes(of: passwordFile) {
        (path) throws(SystemError) -> Password in try File.firstLine(of: path)
      }
      password.withBytes { bytes in agent.opened(password: bytes, at: moment) }
    } catch {
      transport.close(loop: loop)
      agent.link.passwordUnreadable(code: error.code, at: moment.instant)
    }
  }

  // MARK: What to do

  /// Lets the agent do what is due and carries out what it wants, until it wants nothing more.
  private mutating func advance(at moment: Moment) {
    agent.advance(at: moment)
    while let action = agent.nextAction() {
      switch action {
      case .drive(let drive):
        let readBack = board.drive(point: drive.point, to: drive.level, at: moment.instant)
        agent.driven(point: drive.point, readBack: readBack, at: moment)
        board.note(point: drive.point, revertsAt: agent.points.revertsAt(drive.point))
      case .link(.open):
        // Also back: a time service that was wrong once must not make all certificates expired for good.
        if moment.quality == .synced { transport.earliestTime = max(moment.wall, Clock.buildFloor) }
        transport.turn(to: agent.link.broker, sentTo: agent.link.reference)
        take(transport.open(at: moment.instant, loop: loop), at: moment)
      case .link(.close): transport.close(loop: loop)
      case .care(let action): carryOut(action, at: moment)
      }
      agent.advance(at: moment)
    }
  }

  /// Sends what waits; true when something was sent, so that there is room for more.
  private mutating func send(at now: Instant) -> Bool {
    Self.send(&agent, &transport, at: now)
  }

  private static func send(
    _ agent: inout DeviceAgent<FileStorage>, _ transport: inout Transport, at now: Instant
  ) -> Bool {
    var sent = 0
    agent.withOutput(at: now) { bytes in
      sent = transport.write(bytes)
      return sent
    }
    return sent > 0
  }

  /// Tells the agent which bytes have come across: before it looks whether the broker still lives, and
  /// when it has sent more.
  private mutating func tellProgress(at now: Instant) {
    guard let progress = transport.takeProgress() else { return }
    agent.delivered(progress.acknowledged, pending: progress.pending, at: now)
  }

  /// Writes the agent's notices to the log.
  private mutating func tell(at now: Instant) {
    while let notice = agent.nextNotice() {
      supervision.note(
        notice, isReloading: agent.stopReason?.beginsAnew == true,
        stopTakes: agent.link.spec.replyTimeout * 2 + .seconds(15), at: now)
      if case .online(let session) = notice {
        numbers.use(session)
        numbers.tellError()
      }
      NoticeLog.write(notice, agent.link, points: agent.points)
    }
  }

  // MARK: By hand

  /// A person sets a simulated point: "door 1", "air 21.5", "door auto".
  private mutating func answerControl(at now: Instant) {
    guard ready.control else { return }
    var request = ShortText()
    var isThere = false
    request = ShortText { out in isThere = control?.receive(into: &out) ?? false }
    guard isThere else { return }
    let answer = request.withBytes { Self.override(&board, agent.points, $0, at: now) }
    answer.withBytes { bytes in control?.reply(bytes) }
  }

  /// Does as the request says, and returns what to answer.
  private static func override(
    _ board: inout Hardware, _ points: borrowing Points, _ request: Span<UInt8>, at now: Instant
  ) -> FixedText<512> {
    var space = 0
    while space < request.count, request[space] != UInt8(ascii: " ") { space += 1 }
    guard let point = points.index(named: request.extracting(0..<space)) else {
      return FixedText { out in
        out.append(literal: "no such point; there are")
        for point in 0..<points.pointCount {
          points.texts.withBytes(of: points.name(point)) { name in
            guard out.freeCapacity >= name.count + 2 else { return }
            out.append(literal: " ")
            out.append(contentsOf: name)
          }
        }
        out.append(literal: "\n")
      }
    }
    let word = request.extracting(min(space + 1, request.count)..<request.count)
    let value = Double(parsing: word)
    let isGood = value != nil || word.equals("auto")
    guard isGood, board.override(point: point, with: value, at: now) else {
      return FixedText { out in
        out.append(
          literal: points.isOutput(point)
            ? "an output: commands set it\n" : "no such value: on, off, 1, 0, a number or auto\n")
      }
    }
    return FixedText { out in out.append(literal: "ok\n") }
  }
}

/// Which descriptors were ready at the last wait. The board is asked at each turn anyway.
private struct ReadySet: BitwiseCopyable {
  var signals = false
  var control = false
  var status = false
}
