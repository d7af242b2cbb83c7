import Agent
import CLinux
import Core
import Device
import Dialing
import Linux
import LinuxBoard
import SimulatedBoard
import Uplink

/// What the command line and the profile say of one run.
public struct Launch: BitwiseCopyable, Sendable {
  /// Device and uplink, as the profile describes them.
  public var specs: AgentSpecs
  /// The agent's version.
  public var version: StaticString
  /// What chance is seeded with.
  public var seed: UInt64
  /// Where it can be asked how it is.
  public var status: StatusPlace

  /// A run.
  public init(specs: AgentSpecs, version: StaticString, seed: UInt64, status: StatusPlace) {
    self.specs = specs
    self.version = version
    self.seed = seed
    self.status = status
  }
}

/// How a run has ended.
public enum LaunchEnd {
  /// In order.
  case stopped
  /// To begin anew with the changed profile.
  case reload
  /// It could not begin.
  case failed(SystemError)
  /// The board is not as the profile says; the log says how.
  case boardFailed
  /// It could not be asked how it is, or be changed by hand, as it was to be; the log says why.
  case statusFailed
}

/// Puts agent, board and loop together, in one block of memory.
public enum Launcher {
  /// The memory plan of a run on a simulated board: an arena that measured and has no memory.
  public static func planSimulated(
    _ launch: Launch, points: Span<PointSpec>, simulations: Span<SimulationSpec>,
    texts: Span<UInt8>
  ) -> Arena {
    var arena = Arena()
    _ = makeAgent(
      launch, points, texts, boardDebounces: false, lastSession: 0, FileStorage(), &arena)
    _ = makeBoard(launch, points, simulations, at: .boot, &arena)
    _ = makeTransport(launch, texts, &arena)
    _ = StatusDesk(launch, points, texts, &arena)
    return arena
  }

  /// Runs the agent on a simulated board. `reload` is asked at SIGHUP whether the profile's new
  /// text is good, `propose` whether one that has come by remote care is. An empty `controlPath` offers no
  /// control socket.
  public static func runSimulated(
    _ launch: Launch, points: Span<PointSpec>, simulations: Span<SimulationSpec>,
    texts: Span<UInt8>, controlPath: Span<UInt8>, numbers: consuming SessionNumbers,
    journal: consuming FileStorage, keeper: consuming CareKeeper, reload: () -> Bool,
    propose: (Span<UInt8>, CareKey) -> Proposal
  ) -> LaunchEnd {
    let plan = planSimulated(launch, points: points, simulations: simulations, texts: texts)
    guard var arena = memory(of: plan.used) else {
      return .failed(SystemError(code: ENOMEM, doing: "mmap"))
    }
    let agent = makeAgent(
      launch, points, texts, boardDebounces: false, lastSession: numbers.last, journal, &arena)
    let board = makeBoard(launch, points, simulations, at: Clock.now(), &arena)
    let transport = makeTransport(launch, texts, &arena)
    var status = StatusDesk(launch, points, texts, &arena)
    do throws(SystemError) {
      let loop = try EventLoop()
      let signals = try Signals()
      var hasControl = true
      let control = openControl(at: controlPath, &hasControl)
      guard hasControl else { return .statusFailed }
      guard status.open(launch.status, loop: loop) else { return .statusFailed }
      return try run(
        agent, board, loop, transport, signals: signals, control: control, status: status,
        numbers: numbers, care: launch.specs.care, keeper: keeper, reload: reload, propose: propose)
    } catch {
      return .failed(error)
    }
  }

  /// The control socket at `path`; none where that is empty. Where there can be none the log says why, and
  /// `isGood` becomes false.
  private static func openControl(at path: Span<UInt8>, _ isGood: inout Bool) -> ControlSocket? {
    guard path.count > 0 else { return nil }
    do throws(SystemError) {
      return try ControlSocket(at: path)
    } catch {
      isGood = false
      Log.write(.error) { line in
        line.append(literal: "control socket ")
        line.append(contentsOf: path)
        line.append(literal: ": ")
        line.append(error)
        switch error.code {
        case ENOENT: line.append(literal: "; make its folder first")
        case EADDRINUSE:
          line.append(literal: "; another agent listens there: name another with --control")
        default: break
        }
      }
      return nil
    }
  }

  /// The memory plan of a run on this board: an arena that measured and has no memory.
  public static func planOnBoard(
    _ launch: Launch, points: Span<PointSpec>, texts: Span<UInt8>
  ) -> Arena {
    var arena = Arena()
    _ = makeAgent(
      launch, points, texts, boardDebounces: false, lastSession: 0, FileStorage(), &arena)
    _ = GPIOBoard(points: points, arena: &arena)
    _ = makeTransport(launch, texts, &arena)
    _ = StatusDesk(launch, points, texts, &arena)
    return arena
  }

  /// Runs the agent on this board's lines and sensors. `reload` and `propose` as above.
  public static func runOnBoard(
    _ launch: Launch, points: Span<PointSpec>, texts: Span<UInt8>,
    numbers: consuming SessionNumbers, journal: consuming FileStorage,
    keeper: consuming CareKeeper, reload: () -> Bool,
    propose: (Span<UInt8>, CareKey) -> Proposal
  ) -> LaunchEnd {
    let plan = planOnBoard(launch, points: points, texts: texts)
    guard var arena = memory(of: plan.used) else {
      return .failed(SystemError(code: ENOMEM, doing: "mmap"))
    }
    do throws(SystemError) {
      let loop = try EventLoop()
      let signals = try Signals()
      var agent = makeAgent(
        launch, points, texts, boardDebounces: GPIOBoard.debouncesInKernel,
        lastSession: numbers.last, journal, &arena)
      var board = GPIOBoard(points: points, arena: &arena)
      let transport = makeTransport(launch, texts, &arena)
      var status = StatusDesk(launch, points, texts, &arena)
      guard status.open(launch.status, loop: loop) else { return .statusFailed }
      do throws(BoardError) {
        try board.open(points: points, texts: agent.points.texts)
      } catch {
        Log.write(.error) { line in
          line.append { error.describe(points: points, texts: agent.points.texts, into: &$0) }
        }
        return .boardFailed
      }
      takeOver(board, &agent)
      var added: SystemError?
      board.forEachDescriptor { descriptor in
        do throws(SystemError) {
          try loop.add(descriptor, token: Token.board, read: true, write: false)
        } catch {
          added = error
        }
      }
      if let added { throw added }
      return try run(
        agent, board, loop, transport, signals: signals, control: nil, status: status,
        numbers: numbers, care: launch.specs.care, keeper: keeper, reload: reload, propose: propose)
    } catch {
      return .failed(error)
    }
  }

  /// Outputs that the run before has left stay as they are.
  private static func takeOver(
    _ board: borrowing GPIOBoard, _ agent: inout DeviceAgent<FileStorage>
  ) {
    var count = 0
    board.forEachTakenOver { point, level, revertsAt in
      agent.takeOver(point: point, level: level, revertsAt: revertsAt)
      count += 1
    }
    guard count > 0 else { return }
    agent.takeOver(linkLostSince: board.linkLostSince)
    Log.write(.notice) { line in
      line.append(literal: "outputs that go on as the run before has left them: ")
      line.append(decimal: Int64(wide: count))
    }
  }

  /// True when this board has all the lines of the points; says in the log what it has not.
  public static func boardHas(_ points: Span<PointSpec>, texts: Span<UInt8>) -> Bool {
    // Room for the texts, and for what the arena rounds up.
    guard let block = unsafe Memory.map(texts.count + 64) else { return false }
    defer { unsafe Memory.unmap(block) }
    // Sound: the block is page-aligned and outlives the arena and the pool.
    var arena = unsafe Arena(over: block)
    let pool = TextPool(copying: texts, arena: &arena)
    do throws(BoardError) {
      try GPIOBoard.look(for: points, texts: pool)
      return true
    } catch {
      Log.write(.error) { line in
        line.append { error.describe(points: points, texts: pool, into: &$0) }
      }
      return false
    }
  }

  // MARK: Parts

  static func memory(of bytes: Int) -> Arena? {
    // Sound: the block is page-aligned and stays mapped until the program ends.
    guard let block = unsafe Memory.map(bytes) else { return nil }
    return unsafe Arena(over: block)
  }

  static func makeAgent(
    _ launch: Launch, _ points: Span<PointSpec>, _ texts: Span<UInt8>, boardDebounces: Bool,
    lastSession: UInt64, _ journal: consuming FileStorage, _ arena: inout Arena
  ) -> DeviceAgent<FileStorage> {
    let identity = Identity(
      version: launch.version, bootID: bootID(), lastSession: lastSession, seed: launch.seed)
    return DeviceAgent(
      launch.specs, points: points, texts: texts, boardDebounces: boardDebounces,
      identity: identity, medium: journal, at: Clock.moment(), arena: &arena)
  }

  private static func makeBoard(
    _ launch: Launch, _ points: Span<PointSpec>, _ simulations: Span<SimulationSpec>,
    at start: Instant, _ arena: inout Arena
  ) -> VirtualBoard {
    VirtualBoard(
      points: points, simulations: simulations, seed: launch.seed, start: start, arena: &arena)
  }

  private static func makeTransport(
    _ launch: Launch, _ texts: Span<UInt8>, _ arena: inout Arena
  ) -> Transport {
    let uplink = launch.specs.uplink
    var dial = uplink.dial
    // The system gives up on unacknowledged bytes no later than the session would on a ping.
    dial.userTimeout = uplink.keepAlive * 3 / 2
    // All that the session hands over at once.
    dial.writeBytes = 2 * uplink.packetBytes
    return Transport(
      dial, texts: texts, seed: Chance.seed(), firstToken: Token.transport, arena: &arena)
  }

  private static func bootID() -> InlineArray<36, UInt8> {
    let text = ShortText { out in File.bootID(into: &out) }
    var id = InlineArray<36, UInt8>(repeating: UInt8(ascii: "0"))
    text.withBytes { bytes in
      for index in 0..<min(bytes.count, id.count) { id[index] = bytes[index] }
    }
    return id
  }

  static func run<Hardware: Board & ~Copyable>(
    _ agent: consuming DeviceAgent<FileStorage>, _ board: consuming Hardware,
    _ loop: consuming EventLoop,
    _ transport: consuming Transport, signals: consuming Signals,
    control: consuming ControlSocket?, status: consuming StatusDesk,
    numbers: consuming SessionNumbers, care: CareSpec, keeper: consuming CareKeeper,
    reload: () -> Bool, propose: (Span<UInt8>, CareKey) -> Proposal
  ) throws(SystemError) -> LaunchEnd {
    try loop.add(signals.descriptor, token: Token.signals, read: true, write: false)
    try transport.attach(to: loop)
    JournalFile.tell(agent.openJournal(), agent.link.backlog)
    let journal = agent.link.backlog.withMedium { $0.descriptor }
    if journal >= 0 { try loop.add(journal, token: Token.journal, read: true, write: false) }
    if let descriptor = control?.descriptor {
      try loop.add(descriptor, token: Token.control, read: true, write: false)
    }
    if care.isOn { begin(care, keeper, &agent) }
    var main = AgentLoop(
      agent: agent, board: board, loop: loop, transport: transport, signals: signals,
      control: control, status: status, numbers: numbers, care: care, keeper: keeper)
    switch main.run(reload: reload, propose: propose) {
    case .stopped: return .stopped
    case .reload: return .reload
    }
  }

  private static func begin(
    _ care: CareSpec, _ keeper: borrowing CareKeeper, _ agent: inout DeviceAgent<FileStorage>
  ) {
    if !TLSLibrary.load() {
      Log.write(.error) { line in
        line.append(literal: "remote care has OpenSSL verify signatures, and it is not there: ")
        line.append { TLSLibrary.problem(into: &$0) }
      }
    }
    if keeper.isBroken {
      Log.write(.error, "remote care: its record can't be read, and is left alone")
    }
    agent.beginCare(CareStart(keeper.record), at: Clock.moment())
  }
}
