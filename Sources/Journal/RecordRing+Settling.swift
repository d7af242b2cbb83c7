import Core

/// What need not be kept any more.
extension RecordRing where Medium: ~Copyable {
  /// The records from `start` up to `end` are settled: they are not read any more, and their room is
  /// free once a commit has said so and is durable.
  ///
  /// Ahead of the head some stretches are kept apart; one too many is forgotten, and its records come
  /// again after a restart. What `next` has lent is gone.
  ///
  /// Within a rewrite, inputs and replacements may be settled as well, but not those of a chunk that is
  /// not finished.
  public mutating func settle(from start: RecordPosition, upTo end: RecordPosition) {
    precondition(start <= end && end.offset <= chunkStart ?? tailOffset)
    guard start < end, end.offset > ranges.head else { return }
    passWhatIsNotKept()
    ranges.settle(startTouching(start.offset), end.offset)
    passWhatIsNotKept()
    hasUnwrittenMarks = true
  }

  /// Where the stretch before `start` ends, if nothing but the ring's own records lies in between: so that
  /// records which are settled one by one, each after a mark of its own, make one stretch.
  private mutating func startTouching(_ start: Int64) -> Int64 {
    let end = ranges.lastEnd(upTo: start)
    guard end < start, let first = next(from: RecordPosition(offset: end)), readFault == nil,
      first.position.offset == start
    else { return start }
    return end
  }

  /// Moves the head to the first record of the owner's that is kept: over the ring's own records, and
  /// over what has rotted.
  mutating func passWhatIsNotKept() {
    let end = boundaryOffset ?? tailOffset
    guard ranges.head < end else { return }
    let first = next(from: head)?.position.offset ?? end
    guard readFault == nil else { return }
    ranges.advance(to: first)
  }

  /// All records are settled, except those of a rewrite's chunk that is not finished.
  public mutating func settleAll() {
    settle(from: head, upTo: RecordPosition(offset: chunkStart ?? tailOffset))
  }

  /// True when the record at `position` need not be kept.
  public func isSettled(_ position: RecordPosition) -> Bool {
    ranges.contains(position.offset)
  }
}
