import CLinux
import Dialing

/// The sockets that race, one in a slot, and the tokens under which the loop knows them.
///
/// Bare sockets, which its owner closes: an Embedded program cannot destroy an array of links, nor
/// what has a deinit and is not public (Swift 6.3).
struct Racers: ~Copyable {
  private var descriptors = InlineArray<4, Int32>(repeating: -1)
  private(set) var tokens = InlineArray<4, UInt32>(repeating: .max)

  init() { precondition(descriptors.count == AddressRace.slotCount) }

  /// Closes all of them, for good.
  func close() {
    for slot in descriptors.indices where descriptors[slot] >= 0 {
      _ = CLinux.close(descriptors[slot])
    }
  }

  /// The socket in `slot`, for the loop; nil for none.
  func descriptor(_ slot: Int) -> Int32? {
    descriptors[slot] >= 0 ? descriptors[slot] : nil
  }

  /// Puts a socket into a free slot.
  mutating func put(_ descriptor: Int32, token: UInt32, in slot: Int) {
    precondition(descriptors[slot] < 0)
    descriptors[slot] = descriptor
    tokens[slot] = token
  }

  /// Takes the socket out of `slot`, which keeps its token.
  mutating func take(_ slot: Int) -> TCPLink? {
    guard let descriptor = descriptor(slot) else { return nil }
    descriptors[slot] = -1
    return TCPLink(descriptor: descriptor)
  }

  /// Nothing that the loop says of `slot` is of the present any more.
  mutating func forget(_ slot: Int) { tokens[slot] = .max }

  /// Closes the socket in `slot`, if there is one.
  mutating func drop(_ slot: Int) {
    _ = take(slot)
    forget(slot)
  }

  /// Why connecting failed; nil when it did not.
  func connectResult(_ slot: Int) -> SystemError? {
    guard let descriptor = descriptor(slot) else { return nil }
    let code = clinux_socket_error(descriptor)
    return code == 0 ? nil : SystemError(code: code, doing: "connect")
  }
}
