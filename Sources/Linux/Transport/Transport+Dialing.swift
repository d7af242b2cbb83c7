import CLinux
import Core
import Dialing

/// From `open` to an open way, step by step.
extension Transport {
  /// Begins to open the way; whatever there is, is closed first. An event when it came, or failed, at
  /// once.
  public mutating func open(at now: Instant, loop: borrowing EventLoop) -> Event? {
    close(loop: loop)
    useless = nil
    openBy = now + spec.totalTimeout
    if spec.endpoint.kind == .unix { return openUnix(at: now, loop: loop) }
    enter(.resolving, until: now + spec.resolveTimeout)
    let hop = spec.firstHop
    request = texts.withBytes(of: hop.host) { host in
      resolver?.request(host: host, port: hop.port)
    }
    precondition(request != nil, "the transport is attached to a loop")
    // An address in numbers is answered at once.
    ready.insert(Readiness.resolverSlot)
    return step(at: now, loop: loop)
  }

  /// Does what is due at `now`, and what the loop has found to be possible. An event at most; what was
  /// received before a failure can no longer be read.
  public mutating func step(at now: Instant, loop: borrowing EventLoop) -> Event? {
    switch phase {
    case .closed: return nil
    case .resolving:
      if let event = takeResolution(at: now, loop: loop) { return event }
    case .racing:
      if let event = runRace(at: now, loop: loop) { return event }
    case .proxying:
      if let event = negotiate(at: now, loop: loop) { return event }
    case .securing:
      if let event = secure(at: now, loop: loop) { return event }
    case .upgrading:
      if let event = upgrade(at: now, loop: loop) { return event }
    case .open:
      if ready.contains(slot) { flush() }
      return nil
    }
    guard phase != .closed, phase != .open, until <= now else { return nil }
    if phase == .resolving, let address = lastAddress {
      return race(to: Resolution(address), insteadOf: .timedOut(.name), at: now, loop: loop)
    }
    return fail(.timedOut(timedOutStep), at: now, loop: loop)
  }

  private var timedOutStep: DialStep {
    switch phase {
    case .resolving: .name
    case .racing: spec.proxy == nil ? .connect : .proxy
    case .proxying: .proxy
    case .securing: .tls
    case .upgrading, .closed, .open: .webSocket
    }
  }

  /// Begins a phase with its deadline, which is no later than that of the whole.
  mutating func enter(_ phase: Phase, until: Instant) {
    self.phase = phase
    self.until = phase == .open ? until : min(until, openBy)
  }

  // MARK: Names and addresses

  private mutating func takeResolution(at now: Instant, loop: borrowing EventLoop) -> Event? {
    guard ready.contains(Readiness.resolverSlot) else { return nil }
    ready.remove(Readiness.resolverSlot)
    guard let reply = resolver?.takeReply(), reply.generation == request else { return nil }
    request = nil
    return resolved(reply, at: now, loop: loop)
  }

  /// The name has these addresses, or there was none to be found.
  mutating func resolved(
    _ reply: Resolution, at now: Instant, loop: borrowing EventLoop
  ) -> Event? {
    guard reply.count > 0 else {
      let code = reply.errorCode
      let fault: DialFault =
        spec.proxy == nil ? .nameNotResolved(code: code) : .proxy(.nameNotResolved(code: code))
      guard !reply.isFinal, let address = lastAddress else {
        return fail(fault, at: now, loop: loop)
      }
      return race(to: Resolution(address), insteadOf: fault, at: now, loop: loop)
    }
    return race(to: reply, insteadOf: nil, at: now, loop: loop)
  }

  private var lastAddress: SocketAddress? { isAtReference ? nil : lastAddresses[broker] }

  /// Begins to connect to the addresses. When they are what is left in spite of `fault`, that is what
  /// is told of an address that does not answer.
  private mutating func race(
    to reply: Resolution, insteadOf fault: DialFault?, at now: Instant, loop: borrowing EventLoop
  ) -> Event? {
    request = nil
    useless = fault
    addresses = reply
    var isV6: UInt8 = 0
    for index in 0..<reply.count where reply[index].isV6 { isV6 |= 1 << UInt8(index) }
    race = AddressRace(
      count: reply.count, isV6: isV6, patience: spec.connectTimeout / 3, start: now)
    enter(.racing, until: now + spec.connectTimeout)
    return runRace(at: now, loop: loop)
  }

  private mutating func runRace(at now: Instant, loop: borrowing EventLoop) -> Event? {
    for slot in 0..<AddressRace.slotCount where ready.contains(slot) {
      ready.remove(slot)
      guard race.state == .racing else { break }
      if let error = racers.connectResult(slot) {
        drop(slot, loop)
        race.failed(slot: slot, code: error.code)
      } else {
        race.connected(slot: slot)
      }
    }
    while let action = race.next(at: now) {
      switch action {
      case .connect(let address, let slot):
        if let error = connect(address, slot, loop) { race.failed(slot: slot, code: error.code) }
      case .close(let slot): drop(slot, loop)
      }
    }
    switch race.state {
    case .racing: return nil
    case .won(let slot): return connected(slot, at: now, loop: loop)
    case .lost(let code):
      let fault: DialFault =
        spec.proxy == nil ? .connectFailed(code: code) : .proxy(.connectFailed(code: code))
      return end(useless ?? fault, loop: loop)
    }
  }

  private mutating func connect(
    _ address: Int, _ slot: Int, _ loop: borrowing EventLoop
  ) -> SystemError? {
    guard let addresses, address < addresses.count else {
      return SystemError(code: EADDRNOTAVAIL, doing: "connect")
    }
    do throws(SystemError) {
      let socket = try TCPLink.connect(to: addresses[address], userTimeout: spec.userTimeout)
      try watch(socket, slot, loop)
      return nil
    } catch {
      return error
    }
  }

  /// Has the loop watch a new socket, for the end of its connecting.
  private mutating func watch(
    _ socket: Int32, _ slot: Int, _ loop: borrowing EventLoop
  ) throws(SystemError) {
    generation = (generation &+ 1) & 0x1F_FFFF
    let token = firstToken + generation << 3 + UInt32(slot)
    racers.put(socket, token: token, in: slot)
    do throws(SystemError) {
      try loop.add(socket, token: token, read: false, write: true)
    } catch {
      racers.drop(slot)
      throw error
    }
  }

  private mutating func drop(_ slot: Int, _ loop: borrowing EventLoop) {
    if let descriptor = racers.descriptor(slot) { loop.remove(descriptor) }
    racers.drop(slot)
    ready.remove(slot)
  }

  private mutating func openUnix(at now: Instant, loop: borrowing EventLoop) -> Event? {
    do throws(SystemError) {
      let socket = try texts.withBytes(of: spec.endpoint.path) {
        (path) throws(SystemError) in try TCPLink.connect(unixSocket: path)
      }
      try watch(socket, 0, loop)
    } catch {
      return end(.connectFailed(code: error.code), loop: loop)
    }
    return connected(0, at: now, loop: loop)
  }

  /// A socket is connected: on to what is stacked on it.
  private mutating func connected(
    _ winner: Int, at now: Instant, loop: borrowing EventLoop
  ) -> Event? {
    guard let socket = racers.take(winner) else { return nil }
    slot = winner
    wire.begin(socket)
    writeFault = nil
    hasPending = false
    isFinishing = false
    wantsRead = false
    wantsWrite = true
    watch(reading: true, writing: false, loop: loop)
    guard let proxy = spec.proxy, spec.endpoint.kind != .unix else {
      return reached(at: now, loop: loop)
    }
    self.proxy = ProxyHandshake(proxy)
    enter(.proxying, until: now + spec.proxyTimeout)
    return negotiate(at: now, loop: loop)
  }

  // MARK: Failing

  /// The present phase has failed: the race goes on where there are more addresses.
  mutating func fail(
    _ fault: DialFault, at now: Instant, loop: borrowing EventLoop
  ) -> Event? {
    guard phase == .proxying || phase == .securing || phase == .upgrading, now < openBy,
      race.resume(at: now)
    else {
      return end(phase == .racing ? useless ?? fault : fault, loop: loop)
    }
    useless = fault
    closeWire(loop)
    enter(.racing, until: now + spec.connectTimeout)
    return runRace(at: now, loop: loop)
  }

  private mutating func end(_ fault: DialFault, loop: borrowing EventLoop) -> Event {
    abort(loop)
    return .failed(fault)
  }

  /// Closes all at once, without a word to anyone.
  mutating func abort(_ loop: borrowing EventLoop) {
    closeWire(loop)
    for slot in 0..<AddressRace.slotCount { drop(slot, loop) }
    ready.removeAll()
    request = nil
    addresses = nil
    proxy = nil
    phase = .closed
  }

  /// Closes the winner.
  mutating func closeWire(_ loop: borrowing EventLoop) {
    if let descriptor = wire.descriptor { loop.remove(descriptor) }
    wire.end()
    racers.forget(slot)
    ready.remove(slot)
  }
}
