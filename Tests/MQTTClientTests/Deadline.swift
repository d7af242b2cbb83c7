import MQTTClient
import Testing

/// Something has not come in time.
struct TooLate: Error {}

/// What `body` gives, if it does so within `limit`: a test that waits in vain fails instead of hanging.
func within<Value: Sendable>(
  _ limit: Duration = .seconds(20), _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  try await withThrowingTaskGroup(of: Value.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: limit)
      throw TooLate()
    }
    defer { group.cancelAll() }
    guard let value = try await group.next() else { throw TooLate() }
    return value
  }
}

/// The next event that `matches`, from when the stream was made.
func event<Value: Sendable>(
  _ events: EventStream, _ matches: @escaping @Sendable (ConnectionEvent) -> Value?
) async throws -> Value {
  try await within {
    for await event in events {
      if let value = matches(event) { return value }
    }
    throw TooLate()
  }
}

/// Waits for an event.
func wait(
  for events: EventStream, _ matches: @escaping @Sendable (ConnectionEvent) -> Bool
) async throws {
  try await event(events) { matches($0) ? () : nil }
}

/// Asks again until `condition` holds.
func eventually(
  _ limit: Duration = .seconds(20), _ condition: @escaping @Sendable () async -> Bool
) async throws {
  try await within(limit) {
    while await !condition() { try await Task.sleep(for: .milliseconds(5)) }
  }
}
