import CLinux
import Core
import Synchronization

/// What a caller waits for: resumed exactly once, by the client's thread, or at once when that is gone.
typealias Reply<Value: Sendable> = CheckedContinuation<Result<Value, ClientError>, Never>

/// What callers leave for the client's thread.
enum Command: Sendable {
  case start
  case connect(UInt64, Reply<ConnectionInfo>)
  case disconnect(UInt64, drain: Interval, keepsWill: Bool, Reply<Void>)
  case abort
  case publish(PublishRequest, Reply<PublishResult>)
  case subscribe(SubscribeRequest, Reply<[QoS]>)
  case unsubscribe(UInt64, SubscriptionID, Reply<Void>)
  /// Nobody has the subscription any more.
  case forget(SubscriptionID)
  /// The application has taken the message.
  case taken(MessageToken)
  /// The application says what becomes of the message.
  case settle(MessageToken, code: UInt8)
  case ask(RequestMessage, Reply<Message>)
  case credentials(attempt: UInt64, Result<ResolvedCredentials, AttemptFault>)
  case authentication(connection: UInt64, Result<[UInt8]?, AttemptFault>)
  case reauthenticate(UInt64, Reply<Void>)
  /// What waits is to have come to its end by then.
  case expire(UInt64, at: Instant)
  /// The task that waits was cancelled.
  case cancel(UInt64)
  /// The client is gone.
  case shutDown
}

/// A closure of the application's has failed.
struct AttemptFault: Error {}

/// The one way from any thread to the client's: a list under a lock, and an eventfd that wakes it.
///
/// A task waits for the answer to what it posts, so the list is no longer than there are tasks; what
/// needs no answer comes once for each message that was handed out.
final class Mailbox: Sendable {
  private struct State {
    var commands: [Command] = []
    var isClosed = false
    var statistics = ClientStatistics()
  }

  private let state = Mutex(State())
  private let lastID = Atomic<UInt64>(0)
  /// Readable while there is something to take.
  let descriptor: Int32
  let events = EventHub()

  init() throws(ConfigurationError) {
    descriptor = clinux_event_open()
    guard descriptor >= 0 else { throw .system(code: clinux_errno()) }
  }

  deinit { close(descriptor) }

  /// A number that was not given before.
  func nextID() -> UInt64 { lastID.wrappingAdd(1, ordering: .relaxed).newValue }

  /// Leaves a command. False when nobody takes it any more.
  func post(_ command: Command) -> Bool {
    let wakes: Bool? = state.withLock { state in
      guard !state.isClosed else { return nil }
      state.commands.append(command)
      return state.commands.count == 1
    }
    guard let wakes else { return false }
    if wakes { clinux_event_raise(descriptor) }
    return true
  }

  /// Takes all commands.
  func take() -> [Command] {
    clinux_event_clear(descriptor)
    return state.withLock { state in
      var taken: [Command] = []
      swap(&taken, &state.commands)
      return taken
    }
  }

  /// Takes no more commands; returns those that were not taken.
  func shut() -> [Command] {
    state.withLock { state in
      state.isClosed = true
      defer { state.commands = [] }
      return state.commands
    }
  }

  var statistics: ClientStatistics {
    get { state.withLock { $0.statistics } }
    set { state.withLock { $0.statistics = newValue } }
  }

  /// Waits for the answer to a command; gives up when the task is cancelled.
  func ask<Value: Sendable>(
    _ id: UInt64, _ command: (Reply<Value>) -> Command
  ) async throws(ClientError) -> Value {
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { (reply: Reply<Value>) in
        guard post(command(reply)) else { return reply.resume(returning: .failure(.closed)) }
        // The handler has come too early then.
        if Task.isCancelled { _ = post(.cancel(id)) }
      }
    } onCancel: {
      _ = post(.cancel(id))
    }
    return try result.get()
  }
}
