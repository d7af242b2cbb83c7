import Core

/// Where brokers are to be turned to when the first one is not there, in order.
public struct EndpointList: BitwiseCopyable, Sendable {
  private var slots = InlineArray<7, Endpoint>(repeating: Endpoint(.tcp, host: .empty))
  /// How many there are.
  public private(set) var count = 0

  /// The most brokers, the first included.
  public static var brokersMax: Int { 8 }

  /// None.
  public init() {}

  /// Appends one; false when the list is full.
  public mutating func append(_ endpoint: Endpoint) -> Bool {
    guard count < slots.count else { return false }
    slots[count] = endpoint
    count += 1
    return true
  }

  /// Number `index`.
  public subscript(index: Int) -> Endpoint {
    precondition(index >= 0 && index < count)
    return slots[index]
  }

  /// Calls `body` with each text, which may put it elsewhere.
  mutating func forEachText(_ body: (inout Text) -> Void) {
    for index in 0..<count {
      body(&slots[index].host)
      body(&slots[index].path)
    }
  }
}
