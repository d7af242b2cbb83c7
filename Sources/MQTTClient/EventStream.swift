import Synchronization

/// What becomes of the connection, from when the sequence was made: `Client.events`.
///
/// Holds up to 100 events that nobody has read yet; then the oldest give way, and `missed` counts them.
/// Ends when the client is gone.
public final class EventStream: AsyncSequence, Sendable {
  /// An event.
  public typealias Element = ConnectionEvent
  /// It does not fail.
  public typealias Failure = Never

  static let limit = 100
  let channel = Channel<ConnectionEvent>()
  private let missedCount = Atomic<UInt64>(0)

  /// Events that gave way.
  public var missed: UInt64 { missedCount.load(ordering: .relaxed) }

  func push(_ event: ConnectionEvent) {
    if channel.push(event, limit: Self.limit) != nil {
      missedCount.wrappingAdd(1, ordering: .relaxed)
    }
  }

  /// Reads on from the oldest that nobody has read.
  public func makeAsyncIterator() -> Iterator { Iterator(stream: self) }

  /// Reads events.
  public struct Iterator: AsyncIteratorProtocol, Sendable {
    fileprivate let stream: EventStream

    /// The next event; nil when the client is gone, or the task cancelled.
    public func next() async -> ConnectionEvent? { (try? await stream.channel.next().get()) ?? nil }

    /// The next event; nil when the client is gone, or the task cancelled.
    public func next(isolation actor: isolated (any Actor)?) async -> ConnectionEvent? {
      (try? await stream.channel.next().get()) ?? nil
    }
  }
}

/// Who listens to events. Streams that nobody holds any more are forgotten.
final class EventHub: Sendable {
  private struct Listener { weak var stream: EventStream? }

  private struct State {
    var listeners: [Listener] = []
    var isFinished = false
  }

  private let state = Mutex(State())

  func listen() -> EventStream {
    let stream = EventStream()
    let isFinished = state.withLock { state in
      state.listeners.removeAll { $0.stream == nil }
      if !state.isFinished { state.listeners.append(Listener(stream: stream)) }
      return state.isFinished
    }
    if isFinished { stream.channel.finish() }
    return stream
  }

  func tell(_ event: ConnectionEvent) {
    for stream in state.withLock({ $0.listeners.compactMap(\.stream) }) { stream.push(event) }
  }

  func finish() {
    let streams = state.withLock { state in
      state.isFinished = true
      defer { state.listeners = [] }
      return state.listeners.compactMap(\.stream)
    }
    for stream in streams { stream.channel.finish() }
  }
}
