import Synchronization

/// A bounded way from the client's thread to one reader or several.
///
/// Invariant: there are waiting readers only while nothing waits to be read.
final class Channel<Element: Sendable>: Sendable {
  typealias Next = Result<Element?, ClientError>

  private struct State {
    var elements = Fifo<Element>()
    var readers = Fifo<(id: UInt64, reply: CheckedContinuation<Next, Never>)>()
    /// What is read behind the last element; nil while there is no end.
    var end: Next?
  }

  private let state = Mutex(State())
  private let lastReader = Atomic<UInt64>(0)

  /// Appends an element. When there are more than `limit` that are `droppable` the oldest of them gives
  /// way, and is returned; the new one is returned when there is an end.
  func push(
    _ element: Element, limit: Int, droppable: @Sendable (Element) -> Bool = { _ in true }
  ) -> Element? {
    let (reader, dropped) = state.withLock { state in
      guard state.end == nil else {
        return (nil as CheckedContinuation<Next, Never>?, element as Element?)
      }
      if let reader = state.readers.popFirst() { return (reader.reply, nil) }
      state.elements.append(element)
      guard droppable(element), state.elements.count > limit else { return (nil, nil) }
      return (nil, state.elements.drop(beyond: limit, droppable))
    }
    reader?.resume(returning: .success(element))
    return dropped
  }

  /// The next element; nil behind the last, and when the task is cancelled.
  func next() async -> Next {
    let id = lastReader.wrappingAdd(1, ordering: .relaxed).newValue
    return await withTaskCancellationHandler {
      await withCheckedContinuation { (reply: CheckedContinuation<Next, Never>) in
        let now: Next? = state.withLock { state in
          if let element = state.elements.popFirst() { return .success(element) }
          if let end = state.end { return end }
          if Task.isCancelled { return .success(nil) }
          state.readers.append((id, reply))
          return nil
        }
        if let now { reply.resume(returning: now) }
      }
    } onCancel: {
      let reader = state.withLock { state in state.readers.removeFirst { $0.id == id } }
      reader?.reply.resume(returning: .success(nil))
    }
  }

  /// Nothing follows but, with an error, that.
  func finish(_ error: ClientError? = nil) {
    let readers = state.withLock { state in
      guard state.end == nil else {
        return Fifo<(id: UInt64, reply: CheckedContinuation<Next, Never>)>()
      }
      state.end = error.map { .failure($0) } ?? .success(nil)
      var readers = Fifo<(id: UInt64, reply: CheckedContinuation<Next, Never>)>()
      swap(&readers, &state.readers)
      return readers
    }
    var rest = readers
    // An error is told once, to one reader; all others see the end.
    var first = error.map { Next.failure($0) } ?? .success(nil)
    while let reader = rest.popFirst() {
      reader.reply.resume(returning: first)
      first = .success(nil)
    }
  }

  /// Takes out all elements that nobody has taken.
  func removeAll() -> [Element] {
    var elements = state.withLock { state in
      var elements = Fifo<Element>()
      swap(&elements, &state.elements)
      return elements
    }
    var taken: [Element] = []
    while let element = elements.popFirst() { taken.append(element) }
    return taken
  }

  /// Drops the elements that `matches`.
  func removeAll(where matches: @Sendable (Element) -> Bool) {
    state.withLock { state in state.elements.removeAll(where: matches) }
  }

  /// Drops the oldest of those that `matches` beyond `limit`; returns how many.
  func keepNewest(_ limit: Int, where matches: @Sendable (Element) -> Bool) -> Int {
    state.withLock { state in
      var surplus = max(0, state.elements.count(where: matches) - limit)
      let dropped = surplus
      state.elements.removeAll { element in
        guard surplus > 0, matches(element) else { return false }
        surplus -= 1
        return true
      }
      return dropped
    }
  }
}

extension Fifo {
  /// Drops the oldest that is `droppable` if there are more than `limit`; returns it.
  fileprivate mutating func drop(beyond limit: Int, _ droppable: (Element) -> Bool) -> Element? {
    let count = count(where: droppable)
    return count > limit ? removeFirst(where: droppable) : nil
  }
}
