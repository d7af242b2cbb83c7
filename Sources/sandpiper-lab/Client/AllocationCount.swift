import CAllocations

/// How often the program has taken memory from the heap.
enum AllocationCount {
  nonisolated(unsafe) private static var start: UInt64 = 0

  /// Counts from now on: a connection stands.
  // Sound: the driver has one thread.
  static func mark() { unsafe start = allocations_count() }

  /// How often since `mark`.
  static var sinceMark: Int { unsafe Int(allocations_count() - start) }
}
