import CLinux
import Core
import Dialing
import Linux
import MQTT
import MQTTClient

/// A client of the workbench's, of `client`, `pub` and `sub`: settings, and from the first use on a
/// session manager with its transport. Carries bytes, time and events between them.
final class LabClient {
  var settings: ClientSettings
  var way = TransportSettings()
  var options: ManagerOptions
  private var memory: LabMemory?
  /// Nil before the first use.
  var manager: SessionManager?
  private var wayMemory: LabMemory?
  private var transport: Transport?
  /// Where the tokens of a new way begin; nil while the present one serves.
  private var newTokens: UInt32?
  /// True while nothing is to be received: nobody takes what it leads to.
  var isHeld = false
  /// Why the transport has failed last.
  var fault: DialFault?
  private var seed: UInt64 = 1
  /// The time without a transport.
  var virtualTime = Instant.boot
  /// What is kept over restarts; nil before `store`.
  var journal: MessageJournal?
  /// The descriptor of the journal that the loop watches.
  var journalDescriptor: Int32 = -1
  /// The identifiers of messages that the session has from the journal, by their tags.
  var journalIDs: [UInt64: UInt16] = [:]

  init(_ settings: ClientSettings) {
    self.settings = settings
    options = ManagerOptions(settings.connectOptions)
    options.reconnects = false
    // The back-off is what "auto" has said, whatever the cause.
    options.slowsAfterRefusal = false
    seed = Chance.seed()
  }

  var now: Instant { settings.isPure ? virtualTime : Clock.now() }

  // MARK: Memory

  /// Bytes of the longest packet that can be sent; memory is only taken as far as it is used. To be
  /// set before the first use.
  var sendBytes = 16 << 20
  private static let receiveBytes = 1 << 20
  /// Messages at QoS 1 and 2 in memory, and their bytes.
  static let messagesMax = 16_384
  static let storeBytes = 64 << 20

  private var sizes: ManagerSizes {
    let list = settings.properties
    func announced(_ id: V5.PropertyID, _ fallback: Int) -> Int {
      V5.Properties.number(id, written: list.span).map { Int($0) } ?? fallback
    }
    var session = ClientSession.Sizes(
      sendBytes: sendBytes, receiveBytes: Self.receiveBytes, inflight: Self.messagesMax,
      received: announced(.receiveMaximum, 65_535), requests: 500)
    session.outboundAliases = 512
    session.inboundAliases = announced(.topicAliasMaximum, 0)
    session.aliasTopicBytes = session.inboundAliases > 512 ? 4_096 : 65_535
    var sizes = ManagerSizes(session: session, storeBytes: max(Self.storeBytes, sendBytes))
    sizes.unsentMarks = 65_536
    sizes.subscriptions = 64
    sizes.subscriptionBytes = 4_096
    sizes.identityBytes = 512 << 10
    return sizes
  }

  /// Makes the manager if it is not there yet.
  func prepare() {
    guard manager == nil else { return }
    var plan = Arena()
    _ = SessionManager(options, sizes: sizes, seed: seed, arena: &plan)
    let memory = LabMemory(bytes: plan.used)
    var arena = memory.arena()
    manager = SessionManager(options, sizes: sizes, seed: seed, arena: &arena)
    self.memory = memory
    identify()
  }

  /// Says anew who connects.
  func identify() {
    settings.withIdentity { identity in _ = manager?.identify(identity) }
  }

  // MARK: The way

  /// The next attempt builds the way anew, as the settings have it then. The loop's tokens from
  /// `firstToken` on are its own.
  func renewWay(firstToken: UInt32) { newTokens = firstToken }

  /// Builds the way anew if that is wanted.
  private func makeTransport(_ loop: borrowing EventLoop) throws {
    guard let firstToken = newTokens else { return }
    newTokens = nil
    transport?.close(loop: loop)
    transport = nil
    let (spec, texts) = try way.spec(writeBytes: 65_536)
    var plan = Arena()
    _ = Transport(spec, texts: texts.span, seed: seed, firstToken: firstToken, arena: &plan)
    let memory = LabMemory(bytes: plan.used)
    var arena = memory.arena()
    var made = Transport(
      spec, texts: texts.span, seed: seed, firstToken: firstToken, arena: &arena)
    try made.attach(to: loop)
    transport = consume made
    wayMemory = memory
  }

  func owns(_ token: UInt32) -> Bool { transport?.owns(token) ?? false }

  func note(_ event: EventLoop.Ready) { transport?.note(event) }

  /// When `serve` is to be called at the latest.
  var deadline: Instant {
    min(
      min(manager?.deadline ?? .never, transport?.deadline ?? .never),
      journal?.deadline ?? .never)
  }

  /// Has the loop watch for what is wanted of it.
  func watch(_ loop: borrowing EventLoop) {
    watchJournal(loop)
    let reads = !isHeld && (manager?.receiveCapacity ?? 0) > 0
    let writes = manager?.hasOutput ?? false
    transport?.watch(reading: reads, writing: writes, loop: loop)
  }

  /// Carries bytes and time to the manager and what it wants to the transport, and hands each event
  /// to `tell`, until nothing is left to do now.
  func serve(_ loop: borrowing EventLoop, _ tell: (ManagerEvent) -> Void) {
    guard manager != nil else { return }
    let now = now
    if !settings.isPure {
      take(transport?.step(at: now, loop: loop), at: now)
      receive(at: now, tell)
    }
    repeat {
      drain(at: now, tell)
      act(loop, at: now)
      if manager?.isLeaving == true, manager?.hasOutput == false { transport?.finish() }
    } while send(at: now) || (manager?.deadline ?? .never) <= .boot
  }

  private func drain(at now: Instant, _ tell: (ManagerEvent) -> Void) {
    while let event = manager?.nextEvent(at: now) { tell(event) }
    handOver()
  }

  private func receive(at now: Instant, _ tell: (ManagerEvent) -> Void) {
    while !isHeld, transport?.hasInput == true {
      var end: DialFault?
      manager?.receive(at: now) { out in end = transport?.read(into: &out) }
      if manager?.receiveCapacity == 0, end == nil {
        let before = manager?.receiveCapacity
        drain(at: now, tell)
        // Input that waits for room in the output waits here, too.
        if manager?.receiveCapacity == before { return }
      }
      guard let end else { continue }
      drain(at: now, tell)
      fault = end
      manager?.transportFailed(at: now)
      drain(at: now, tell)
      return
    }
  }

  private func act(_ loop: borrowing EventLoop, at now: Instant) {
    while let action = manager?.nextAction() {
      switch action {
      case .open:
        if settings.isPure {
          manager?.opened(at: now)
        } else {
          fault = nil
          do {
            try makeTransport(loop)
            take(transport?.open(at: now, loop: loop), at: now)
          } catch {
            take(.failed(.connectFailed(code: (error as? SystemError)?.code ?? EINVAL)), at: now)
          }
        }
      case .close: transport?.close(loop: loop)
      }
    }
  }

  private func take(_ event: Transport.Event?, at now: Instant) {
    switch event {
    case nil: break
    case .opened: manager?.opened(at: now)
    case .failed(let fault):
      self.fault = fault
      manager?.transportFailed(at: now)
    }
  }

  /// Hands bytes to the transport; true when it took some.
  private func send(at now: Instant) -> Bool {
    guard !settings.isPure else { return false }
    var taken = 0
    manager?.withOutput(at: now) { bytes in
      taken = transport?.write(bytes) ?? 0
      return taken
    }
    return taken > 0
  }
}
