import CLinux
import Core
import Dialing

/// The way to a broker as Linux has it, from a name to a stream of bytes: addresses that race, a
/// proxy, TLS, a WebSocket, or a socket of this machine.
///
/// | phase     | waits for                             | then                                       |
/// |-----------|---------------------------------------|--------------------------------------------|
/// | closed    | `open`                                | resolving; racing for a Unix socket        |
/// | resolving | the resolver                          | racing                                     |
/// | racing    | the first address that connects       | proxying, securing, upgrading or open      |
/// | proxying  | the proxy's answers                   | securing, upgrading or open                |
/// | securing  | the TLS handshake                     | upgrading or open                          |
/// | upgrading | the server's answer                   | open                                       |
/// | open      | `close`, or an end that `read` tells  | closed                                     |
///
/// Each phase but the last has a deadline. When one behind the race fails, the race goes on with the
/// addresses that are left; `failed` comes once there is none.
///
/// Driven by one loop: `note` what the loop finds, then `step`, and sleep no longer than to
/// `deadline`. Its descriptors are the transport's own; nothing of an earlier connection is taken for
/// one of the present. Allocates nothing itself; the C library does while it resolves a name,
/// and OpenSSL while it connects.
public struct Transport: ~Copyable {
  /// What has come of `open`.
  public enum Event: BitwiseCopyable, Equatable, Sendable {
    /// Bytes can be written and read.
    case opened
    /// There is no way, or no longer one; all is closed.
    case failed(DialFault)
  }

  enum Phase: BitwiseCopyable {
    case closed, resolving, racing, proxying, securing, upgrading, open
  }

  /// How many tokens the loop has to leave to a transport.
  public static var tokenCount: UInt32 { 0x0100_0000 }

  /// The way to the present broker, with its texts among `texts`.
  var spec: DialSpec
  /// The way to the first one, and where the others are.
  private let allBrokers: DialSpec
  /// Which broker is the present one.
  private(set) var broker = 0
  var lastAddresses = LastAddresses()
  var texts: TextPool
  /// The place among them for the host that a broker has sent us to.
  private let referencePlace: Text
  /// True when the present way leads there.
  private(set) var isAtReference = false
  let firstToken: UInt32
  var phase = Phase.closed
  /// When the present phase must have come to its end.
  var until = Instant.never
  /// When the way must be open.
  var openBy = Instant.never
  var resolver: Resolver?
  var request: UInt32?
  var addresses: Resolution?
  var race: AddressRace
  var racers = Racers()
  var wire: Wire
  /// The slot that the wire's socket has won in.
  var slot = 0
  var proxy: ProxyHandshake?
  /// With TLS, and once it was first needed: what connections have in common.
  var tls: TLSContext?
  var webSocket: WebSocketChannel?
  /// What was wrong with an address that did connect.
  var useless: DialFault?
  /// Why bytes could not be written; told at the next read.
  var writeFault: DialFault?
  var ready = Readiness()
  var wantsRead = true
  var wantsWrite = false
  var isFinishing = false
  /// Bytes were written that may not have come across yet.
  var hasPending = false
  /// Grows with each socket, so that what the loop says of an earlier one is known as old.
  var generation: UInt32 = 0

  /// No certificate is verified as of an earlier time: what the clock has shown while a time service
  /// kept it, say. From the start, when the program was built, more or less: a board whose clock
  /// nobody has set yet can connect all the same.
  public var earliestTime = Clock.buildFloor

  /// A closed transport. The texts of `spec` are places in `source`, and are copied. The loop's
  /// tokens from `firstToken`, a multiple of `tokenCount`, on are the transport's. `seed` is of the
  /// kernel's randomness.
  public init(
    _ spec: DialSpec, texts source: Span<UInt8>, seed: UInt64, firstToken: UInt32,
    arena: inout Arena
  ) {
    precondition(firstToken % Self.tokenCount == 0)
    var own = spec
    var place = Text.empty
    texts = TextPool(
      of: &own, in: source, reserve: &place,
      reserveBytes: spec.endpoint.kind == .unix ? 0 : ServerReference.hostBytesMax, arena: &arena)
    referencePlace = place
    allBrokers = own
    if own.tls.host.isEmpty { own.tls.host = own.endpoint.host }
    self.spec = own
    self.firstToken = firstToken
    race = AddressRace(count: 0, isV6: 0, patience: .zero, start: .boot)
    webSocket = spec.endpoint.kind.usesWebSocket ? WebSocketChannel(seed: seed) : nil
    wire = Wire(output: Self.output(spec, &arena))
  }

  deinit { racers.close() }

  /// Room for what handshakes and frames send; none where there are none.
  private static func output(_ spec: DialSpec, _ arena: inout Arena) -> ByteQueue {
    let proxyBytes = spec.proxy == nil ? 0 : ProxyHandshake.messageBytesMax
    if spec.endpoint.kind.usesWebSocket {
      return ByteQueue(
        "WebSocket send buffer", capacity: max(proxyBytes, WebSocketChannel.outputBytes(spec)),
        arena: &arena)
    }
    return proxyBytes > 0
      ? ByteQueue("proxy send buffer", capacity: proxyBytes, arena: &arena) : ByteQueue()
  }

  /// Has `loop` watch for the resolver's answers. Once, before all else.
  public mutating func attach(to loop: borrowing EventLoop) throws(SystemError) {
    guard spec.endpoint.kind != .unix else { return }
    let resolver = try Resolver()
    try loop.add(
      resolver.descriptor, token: firstToken + UInt32(Readiness.resolverSlot), read: true,
      write: false)
    self.resolver = consume resolver
  }

  /// The next way to be opened leads to broker `index` of `DialSpec`, or to where that has sent us. What
  /// TLS remembers is of one broker: a session of another must not be resumed, for its certificate was
  /// another.
  public mutating func turn(to index: Int, sentTo reference: ServerReference? = nil) {
    var endpoint = allBrokers.broker(index)
    broker = index
    var isSame = isAtReference == (reference != nil)
    isAtReference = reference != nil
    if let reference {
      isSame = isSame && has(reference.host, at: spec.endpoint.host)
      endpoint.host = put(reference.host)
      endpoint.port = reference.port == 0 ? endpoint.kind.defaultPort : reference.port
    }
    guard !isSame || endpoint != spec.endpoint else { return }
    spec.endpoint = endpoint
    if allBrokers.tls.host.isEmpty { spec.tls.host = endpoint.host }
    tls = nil
  }

  private func has(_ host: FixedText<253>, at place: Text) -> Bool {
    texts.withBytes(of: place) { bytes in host.withBytes { $0.equals(bytes) } }
  }

  private mutating func put(_ host: FixedText<253>) -> Text {
    let place = referencePlace
    return host.withBytes { bytes in texts.put(bytes, at: place) }
  }

  // MARK: The loop's side

  /// True once the way is open, and until it ends.
  public var isOpen: Bool { phase == .open }

  /// The earliest moment at which `step` or `read` has something to do by itself.
  public var deadline: Instant {
    switch phase {
    case .closed: .never
    case .racing: min(until, race.deadline)
    case .resolving, .proxying, .securing, .upgrading: until
    case .open: wantsRead && wire.hasUnread ? .boot : .never
    }
  }

  /// True when `token` is one of this transport's.
  public func owns(_ token: UInt32) -> Bool {
    token >= firstToken && token - firstToken < Self.tokenCount
  }

  /// Takes in what the loop has found at one of the transport's descriptors.
  public mutating func note(_ event: EventLoop.Ready) {
    let slot = Int(event.token & 7)
    if slot == Readiness.resolverSlot || racers.tokens[slot] == event.token { ready.insert(slot) }
  }

  /// True when reading is worth while: the loop has said so, or bytes are there that it does not know.
  public var hasInput: Bool {
    phase == .open && (ready.contains(slot) || wire.hasUnread)
  }

  /// Has the loop watch for bytes just while there is room for them, and for room to write just
  /// while there is something to be written.
  public mutating func watch(reading: Bool, writing: Bool, loop: borrowing EventLoop) {
    guard let descriptor = wire.descriptor else { return }
    let reads = reading || phase != .open
    let writes = writing || wire.hasOutput
    guard reads != wantsRead || writes != wantsWrite else { return }
    wantsRead = reads
    wantsWrite = writes
    try? loop.modify(descriptor, token: racers.tokens[slot], read: reads, write: writes)
  }
}

/// Which of a transport's descriptors the loop has found ready.
struct Readiness: BitwiseCopyable {
  /// Behind the race's slots.
  static var resolverSlot: Int { 7 }

  private var bits: UInt8 = 0

  mutating func insert(_ slot: Int) { bits |= 1 << UInt8(slot) }

  mutating func remove(_ slot: Int) { bits &= ~(1 << UInt8(slot)) }

  func contains(_ slot: Int) -> Bool { bits >> UInt8(slot) & 1 == 1 }

  mutating func removeAll() { bits = 0 }
}
