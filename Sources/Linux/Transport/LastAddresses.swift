import Dialing

/// Where each broker was there last, for when its name cannot be looked up: name servers fail more
/// often than brokers move.
///
/// Lives in memory alone. With TLS the broker's name is verified as always; without, nobody's is.
struct LastAddresses: BitwiseCopyable {
  private var slots = InlineArray<8, SocketAddress?>(repeating: nil)

  init() { precondition(slots.count == EndpointList.brokersMax) }

  /// The address of broker `index`; nil when it was never there.
  subscript(index: Int) -> SocketAddress? {
    get { slots[index] }
    set { slots[index] = newValue }
  }
}
