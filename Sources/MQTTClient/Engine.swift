import CLinux
import Core
import Dialing
import Linux
import MQTT

/// A client's one thread: a `SessionManager` and the transport that it wants, a loop that waits, and
/// what callers wait for.
///
/// One thread for each client, not one for all: a TLS handshake, a password file on a slow disk or a
/// crypto token of one client holds no other up, and no lock is held by anyone while protocol code
/// runs. A thread that sleeps in epoll costs a few kilobytes.
///
/// Everything here belongs to that thread. Others leave commands in the mailbox.
///
/// Invariant: each reply in `waiters` and `blocked` is resumed exactly once: when what it waits for has
/// come, by `expire` and `cancel`, at the end of the connection where it cannot outlive that, and all
/// that are left by `finish`.
final class Engine {
  let plan: ConnectionPlan
  let mailbox: Mailbox
  var manager: SessionManager
  /// What is kept over restarts.
  let journal: MessageJournal?
  /// The descriptor of the journal that the loop watches; -1 for none.
  private var journalDescriptor: Int32 = -1
  /// A `disconnect` that lets the journal drain first.
  var leaving: (until: Instant, drain: Interval)?
  var transport: Transport
  var loop: EventLoop
  private let block: MemoryBlock
  private var transportBlock: MemoryBlock

  /// What callers wait for, by their number.
  var waiters: [UInt64: Waiter] = [:]
  /// What PUBREC has said to a message that somebody waits for.
  var firstWords: [UInt64: PublishResult] = [:]
  /// By when.
  var timers: [UInt64: Instant] = [:]
  /// Messages that wait for room, in order.
  var blocked = Fifo<(request: PublishRequest, reply: Reply<PublishResult>)>()
  var routes: Routes
  /// Received messages that are not acknowledged.
  var held: [UInt64: HeldMessage] = [:]
  var lastSerial: UInt64 = 0
  var connection: UInt64 = 0
  var statistics = ClientStatistics()

  // The attempt.
  var attempt: UInt64 = 0
  /// The attempt waits for the application's credentials up to then.
  var credentialsDue = Instant.never
  /// The connection waits for the application's step of an authentication up to then.
  var authenticationDue = Instant.never
  /// What the transport, or the application, has said of the end.
  var lossReason: LossReason?
  /// `start` was called, so that a `connect` that fails ends nothing.
  var isStarted = false
  /// There is, or was wanted, a connection, and `stopped` has not told of its end.
  var isActive = false
  /// The server that the broker has named, for the next attempt.
  var reference: Way?
  var followsReference = false
  /// The broker has moved there for good.
  var staysAtReference = false
  /// Attempts since the last connection.
  var attemptsInRow = 0
  /// The last that was in the way, for those whose time is over.
  var lastLoss: LossReason?
  /// What the present CONNACK has said.
  var connectionInfo: ConnectionInfo?
  var birthTag: UInt64 = 0
  /// Filters that the broker does not know yet to be wanted no more.
  var unsubscribing: [[UInt8]] = []
  var isShutDown = false
  private var isReady = false

  /// Bytes of the properties of a subscription.
  static var subscriptionPropertyBytes: Int { 512 }
  private static var stackBytes: Int { 512 << 10 }
  private static var mailboxToken: UInt32 { 1 }
  private static var journalToken: UInt32 { 2 }

  static var now: Instant { Clock.now() }

  /// Starts the thread of a client.
  static func start(_ plan: ConnectionPlan, _ mailbox: Mailbox) throws(ConfigurationError) {
    let engine: Engine
    var journal: MessageJournal?
    if let wanted = plan.configuration.journal {
      let limits = plan.configuration.limits
      do throws(JournalFault) {
        journal = try MessageJournal(
          wanted, memoryMessages: limits.queueMessages, memoryBytes: limits.queueBytes,
          at: Clock.moment())
      } catch {
        throw .journal(error)
      }
    }
    do throws(SystemError) {
      engine = try Engine(plan, mailbox, journal)
    } catch {
      throw .system(code: error.code)
    }
    // Sound: the thread alone has the engine from here on, and releases it at its end.
    let retained = unsafe Unmanaged.passRetained(engine)
    let code = unsafe clinux_thread_start(
      { argument in
        guard let argument = unsafe argument else { return nil }
        let engine = unsafe Unmanaged<Engine>.fromOpaque(argument).takeRetainedValue()
        engine.run()
        return nil
      }, retained.toOpaque(), stackBytes)
    guard code == 0 else {
      unsafe retained.release()
      throw .system(code: code)
    }
  }

  private init(
    _ plan: ConnectionPlan, _ mailbox: Mailbox, _ journal: MessageJournal?
  ) throws(SystemError) {
    self.plan = plan
    self.journal = journal
    self.mailbox = mailbox
    routes = Routes(limit: plan.configuration.limits.subscriptions)
    let seed = clinux_random()
    var measure = Arena()
    _ = SessionManager(plan.options, sizes: plan.sizes, seed: seed, arena: &measure)
    block = try MemoryBlock(measure.used)
    var arena = block.arena
    manager = SessionManager(plan.options, sizes: plan.sizes, seed: seed, arena: &arena)
    transportBlock = try MemoryBlock(Self.transportBytes(plan.way))
    transport = Self.transport(plan.way, transportBlock)
    loop = try EventLoop()
    try transport.attach(to: loop)
    try loop.add(mailbox.descriptor, token: Self.mailboxToken, read: true, write: false)
  }

  private static func transportBytes(_ way: Way) -> Int {
    var measure = Arena()
    _ = Transport(
      way.spec, texts: way.texts.span, seed: 0, firstToken: Transport.tokenCount, arena: &measure)
    return measure.used
  }

  private static func transport(_ way: Way, _ block: MemoryBlock) -> Transport {
    var arena = block.arena
    return Transport(
      way.spec, texts: way.texts.span, seed: clinux_random(), firstToken: Transport.tokenCount,
      arena: &arena)
  }

  /// Goes another way from now on; the transport is closed. Throws, and stays, when the system does not
  /// give what that takes.
  func replaceTransport(_ way: Way) throws(SystemError) {
    let block = try MemoryBlock(Self.transportBytes(way))
    var next = Self.transport(way, block)
    try next.attach(to: loop)
    next.earliestTime = transport.earliestTime
    transport = next
    // Only now nobody has tables in the memory of the one before.
    transportBlock = block
  }

  // MARK: The loop

  private func run() {
    while true {
      let now = Clock.now()
      if isReady { takeCommands(at: now) }
      expireTimers(at: now)
      stepJournal(at: now)
      readNetwork(at: now)
      repeat { advance(at: now) } while send(at: now)
      stepJournal(at: now)
      if manager.isClosing && !manager.hasOutput { transport.finish() }
      note()
      if isShutDown && manager.isIdle { break }
      transport.watch(
        reading: reads && manager.receiveCapacity > 0, writing: manager.hasOutput, loop: loop)
      wait()
    }
    finish()
  }

  private func wait() {
    var isReady = false
    watchJournal()
    loop.wait(until: deadline, at: Clock.now()) { event in
      if event.token == Self.mailboxToken {
        isReady = true
      } else if transport.owns(event.token) {
        transport.note(event)
      }
    }
    self.isReady = isReady
  }

  private var deadline: Instant {
    var deadline = min(manager.deadline, min(credentialsDue, authenticationDue))
    // What is there and unread waits as long as nobody reads.
    if reads || !transport.isOpen { deadline = min(deadline, transport.deadline) }
    for (_, due) in timers { deadline = min(deadline, due) }
    if let journal { deadline = min(deadline, journal.deadline) }
    if let leaving { deadline = min(deadline, leaving.until) }
    return deadline
  }

  /// Sees to it that the end of a sync wakes the loop.
  private func watchJournal() {
    let descriptor = journal?.descriptor ?? -1
    guard descriptor != journalDescriptor else { return }
    // What was watched was closed with its medium, and the system has forgotten it by itself.
    journalDescriptor = descriptor
    guard descriptor >= 0 else { return }
    try? loop.add(descriptor, token: Self.journalToken, read: true, write: false)
  }

  /// True while received bytes are taken. Before 5.0 a broker knows no Receive Maximum, so there the
  /// link itself has to hold it up.
  private var reads: Bool {
    manager.protocolLevel == .v50 || !manager.isOnline
      || held.count < plan.configuration.limits.receiveMaximum
  }

  private func readNetwork(at now: Instant) {
    take(transport.step(at: now, loop: loop), at: now)
    guard transport.hasInput, reads else { return }
    var fault: DialFault?
    manager.receive(at: now) { out in fault = transport.read(into: &out) }
    guard let fault else { return }
    // What was received before the end counts.
    advance(at: now)
    lossReason = .transport(fault)
    manager.transportFailed(at: now)
  }

  func take(_ event: Transport.Event?, at now: Instant) {
    switch event {
    case nil: break
    case .opened:
      manager.opened(at: now)
    case .failed(let fault): fail(.transport(fault), at: now)
    }
  }

  /// The attempt, or the connection, has come to its end for a reason that the manager does not know.
  func fail(_ reason: LossReason, at now: Instant) {
    lossReason = reason
    credentialsDue = .never
    authenticationDue = .never
    transport.close(loop: loop)
    manager.transportFailed(at: now)
  }

  /// Carries out what is wanted, and tells what has happened, until there is no more.
  func advance(at now: Instant) {
    while true {
      carryOut(at: now)
      guard let event = manager.nextEvent(at: now) else { break }
      handle(event, at: now)
    }
    carryOut(at: now)
    if isActive && manager.isIdle { stopped() }
    publishBlocked(at: now)
    sendKept(at: now)
    sendUnsubscribes(at: now)
  }

  private func carryOut(at now: Instant) {
    while let action = nextAction() {
      transport.close(loop: loop)
      credentialsDue = .never
      if action == .open { beginAttempt(at: now) }
    }
  }

  // Swift 6.3 with optimisation lets the access to the manager last through the loop above if this is part of
  // it, and ends the program where that goes to the manager again.
  @inline(never)
  private func nextAction() -> SessionManager.Action? { manager.nextAction() }

  /// Sends what waits; true when something was sent, so that there is room for more.
  private func send(at now: Instant) -> Bool {
    var sent = 0
    manager.withOutput(at: now) { bytes in
      sent = transport.write(bytes)
      return sent
    }
    return sent > 0
  }

  private func note() {
    let counters = manager.session.counters
    statistics.isConnected = manager.isOnline
    statistics.queuedMessages = journal?.count ?? manager.store.count
    statistics.queuedBytes = manager.store.byteCount
    statistics.journal = journal?.statistics
    statistics.resent = UInt64(counters.messagesResent)
    statistics.bytesSent = counters.bytesSent
    statistics.bytesReceived = counters.bytesReceived
    statistics.unacknowledged = held.count
    mailbox.statistics = statistics
  }

  /// The one end: nobody waits any more.
  private func finish() {
    transport.close(loop: loop)
    flushJournal()
    for command in mailbox.shut() { command.refuse(.closed) }
    failAll(.closed) { _ in true }
    while let next = blocked.popFirst() { next.reply.resume(returning: .failure(.closed)) }
    for inbox in routes.inboxes.values { inbox.channel.finish() }
    mailbox.events.finish()
  }
}
