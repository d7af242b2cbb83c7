import Core
import Dialing
import Linux
import Profile

/// One connection to a broker outside, from the dialling to the end.
@safe final class BrokerLine {
  /// What becomes of it.
  enum Fate {
    /// It is the device's present connection, or on the way to become it.
    case present
    /// The device has left it, and says nothing any more. The broker is not told.
    case left
    /// The device has closed it; the broker has until then to close it too.
    case closing(until: Instant)
  }

  var transport: Transport
  var fate = Fate.present
  /// Its tokens at the loop are from `number * Transport.tokenCount` on.
  let number: UInt32
  private let memory: UnsafeMutableRawBufferPointer
  /// What the system has not taken yet.
  private var waiting: [UInt8] = []
  /// What the broker has sent and nobody has taken yet, and true when the end has come behind it.
  private(set) var received: [UInt8] = []
  private(set) var hasEnded = false

  private static let pieceBytes = 16_384

  /// A line to the brokers of a profile, which is not dialled yet.
  init(
    _ configuration: Configuration, number: UInt32, loop: borrowing EventLoop
  ) throws(SystemError) {
    self.number = number
    var plan = Arena()
    _ = Self.transport(configuration, number, &plan)
    unsafe memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: plan.used, alignment: Arena.alignment)
    // Sound: the memory has the planned size, and a transport that ends does not look at it any more.
    var arena = unsafe Arena(over: memory)
    transport = Self.transport(configuration, number, &arena)
    try transport.attach(to: loop)
  }

  deinit { unsafe memory.deallocate() }

  private static func transport(
    _ configuration: Configuration, _ number: UInt32, _ arena: inout Arena
  ) -> Transport {
    var dial = configuration.uplink.dial
    dial.userTimeout = configuration.uplink.keepAlive * 3 / 2
    dial.writeBytes = 2 * configuration.uplink.packetBytes
    return Transport(
      dial, texts: configuration.texts.span, seed: Chance.seed(),
      firstToken: number * Transport.tokenCount, arena: &arena)
  }

  /// True while the device's end speaks.
  var isPresent: Bool { if case .present = fate { true } else { false } }

  /// True while there is a reason to wait for its end.
  func isClosing(at now: Instant) -> Bool {
    if case .closing(let until) = fate { now < until && !hasEnded } else { false }
  }

  /// When it has something to do by itself.
  var deadline: Instant {
    if case .closing(let until) = fate {
      min(until, transport.deadline)
    } else {
      transport.deadline
    }
  }

  /// Has bytes sent, behind those that wait.
  func send(_ bytes: Span<UInt8>) {
    waiting.append(addingCapacity: bytes.count) { $0.append(contentsOf: bytes) }
  }

  /// Does what can be done: hands over what waits, takes what has come.
  func serve(_ loop: borrowing EventLoop, at now: Instant) {
    if !waiting.isEmpty, isPresent || isClosing(at: now) {
      let count = transport.write(waiting.span)
      waiting.removeFirst(count)
    }
    if waiting.isEmpty, isClosing(at: now) { transport.finish() }
    while transport.hasInput, !hasEnded {
      var fault: DialFault?
      let piece = [UInt8](capacity: Self.pieceBytes) { out in fault = transport.read(into: &out) }
      if isPresent { received += piece }
      if fault != nil {
        hasEnded = true
        transport.close(loop: loop)
      } else if piece.isEmpty {
        break
      }
    }
    transport.watch(reading: true, writing: !waiting.isEmpty, loop: loop)
  }

  /// What the broker has sent since the last time.
  func takeReceived() -> [UInt8] {
    defer { received = [] }
    return received
  }
}
