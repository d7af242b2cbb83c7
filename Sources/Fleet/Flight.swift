import Core

/// A PUBLISH that is on its way to the broker and back; none while `identifier` is 0, which no packet has.
struct Flight: BitwiseCopyable {
  var identifier: UInt16 = 0
  var sentAt = Instant.boot
}

extension Table where Element == Flight {
  /// The PUBLISH of this identifier was handed to the system. One for which there is no place is not
  /// timed.
  mutating func begin(_ identifier: UInt16, at now: Instant) {
    for index in 0..<count where self[index].identifier == 0 {
      self[index] = Flight(identifier: identifier, sentAt: now)
      return
    }
  }

  /// It is acknowledged: how long that took; nil when it was not timed.
  mutating func end(_ identifier: UInt16, at now: Instant) -> Interval? {
    for index in 0..<count where self[index].identifier == identifier {
      defer { self[index] = Flight() }
      return now - self[index].sentAt
    }
    return nil
  }

  /// The connection is gone.
  mutating func clear() {
    for index in 0..<count where self[index].identifier != 0 { self[index] = Flight() }
  }
}
