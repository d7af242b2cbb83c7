import Core

/// How many records wait, by class.
public struct OutboxCensus: BitwiseCopyable, Sendable {
  private var counts = InlineArray<8, UInt32>(repeating: 0)

  /// None.
  public init() {}

  /// How many there are of a class.
  public subscript(recordClass: RecordClass) -> UInt32 {
    get { counts[Int(recordClass.rawValue)] }
    set { counts[Int(recordClass.rawValue)] = newValue }
  }
}

extension Outbox {
  /// Counts what the broker has not acknowledged, record by record: for who asks, not for each turn.
  public func census() -> OutboxCensus {
    var census = OutboxCensus()
    var place = head
    for _ in 0..<count {
      place = skip(place)
      if state(at: place) != State.done { census[label(at: place).recordClass] &+= 1 }
      place += size(at: place)
    }
    return census
  }
}
