import Core
import MQTT

/// An MQTT client that keeps its connection: connects again after a loss, keeps what is to be
/// published until the broker has it, and restores subscriptions.
///
///     let client = try Client(ClientConfiguration(url: "mqtt://broker.example"))
///     try await client.connect()
///     try await client.publish("21.5", to: "greenhouse/air")
///     for try await message in try await client.subscribe(to: "greenhouse/#") { print(message.text) }
///
/// One thread for each client runs its one event loop; no client waits for another's TLS handshake or
/// password file, and all protocol state belongs to that thread alone. Methods can be called from any
/// task; what they wait for comes to its end exactly once, and each wait ends when its task is
/// cancelled.
///
/// A client that nobody holds any more drops its connection *without* DISCONNECT: the broker publishes
/// the will. To leave in order call `disconnect`, or use `withClient`.
public final class Client: Sendable {
  let mailbox: Mailbox
  let configuration: ClientConfiguration
  let responseTopic: String

  /// A client that wants no connection yet. Throws when something is wrong with the configuration.
  public init(_ configuration: ClientConfiguration) throws(ConfigurationError) {
    let plan = try ConnectionPlan(configuration)
    let mailbox = try Mailbox()
    self.configuration = configuration
    self.mailbox = mailbox
    responseTopic = plan.responseTopic
    try Engine.start(plan, mailbox)
  }

  /// A client that keeps its messages in `journal`: what `configuration.journal` says gives way. Opening
  /// it reads all that it holds.
  public convenience init(
    _ configuration: ClientConfiguration, journal: JournalConfiguration
  ) throws(ConfigurationError) {
    var configuration = configuration
    configuration.journal = journal
    try self.init(configuration)
  }

  deinit { _ = mailbox.post(.shutDown) }

  // MARK: The connection

  /// Wants a connection from now on, and waits for none: attempts go on, whatever their outcome, until
  /// `disconnect`.
  public func start() { _ = mailbox.post(.start) }

  /// Wants a connection and waits until there is one. From then on it is kept, until `disconnect`.
  ///
  /// Throws after the first refusal that will not pass by itself, and after `timeout`; then the client
  /// wants no connection any more, unless `start` has asked for one before. The same goes for a task
  /// that is cancelled.
  @discardableResult
  public func connect(
    timeout: Duration = .seconds(60)
  ) async throws(ClientError) -> ConnectionInfo {
    let id = mailbox.nextID()
    return try await withDeadline(timeout, id) { () async throws(ClientError) in
      try await mailbox.ask(id) { .connect(id, $0) }
    }
  }

  /// Wants no connection any more: what was published at QoS 1 and 2 is acknowledged first, for up to
  /// `drain`; then the broker is told, forgets the will, and closes. Returns when that is done.
  ///
  /// What the queue still holds stays there for another `connect`; who waits for it gets
  /// `disconnected`. Subscriptions end. A journal has what is left on the medium by then.
  public func disconnect(drain: Duration = .seconds(5)) async throws(ClientError) {
    let id = mailbox.nextID()
    try await mailbox.ask(id) { .disconnect(id, drain: drain.interval, keepsWill: false, $0) }
  }

  /// Leaves in such a way that the broker publishes the will: by DISCONNECT 0x04 in 5.0, without a
  /// word before. Returns when that is done.
  public func disconnectWithWill() async throws(ClientError) {
    let id = mailbox.nextID()
    try await mailbox.ask(id) { .disconnect(id, drain: .zero, keepsWill: true, $0) }
  }

  /// Drops the connection at once, without a word: the broker publishes the will.
  public func abort() { _ = mailbox.post(.abort) }

  /// Authenticates anew over the present connection, by `ClientConfiguration.authentication` (5.0
  /// section 4.12.1). Returns when the broker is content.
  public func reauthenticate() async throws(ClientError) {
    let id = mailbox.nextID()
    try await mailbox.ask(id) { .reauthenticate(id, $0) }
  }

  /// What becomes of the connection from now on. Each call makes a sequence of its own.
  public var events: EventStream { mailbox.events.listen() }

  /// What the client has done so far.
  public var statistics: ClientStatistics { mailbox.statistics }

  // MARK: Helpers

  func withDeadline<Value: Sendable>(
    _ timeout: Duration, _ id: UInt64, _ body: () async throws(ClientError) -> Value
  ) async throws(ClientError) -> Value {
    _ = mailbox.post(.expire(id, at: Engine.now + timeout.interval))
    return try await body()
  }
}

/// Runs `body` with a client that is connected. A normal return disconnects in order; when `body`
/// throws, or its task is cancelled, the broker publishes the will: an error never looks like an
/// orderly end.
public func withClient<Result>(
  _ configuration: ClientConfiguration, connectTimeout: Duration = .seconds(60),
  drain: Duration = .seconds(5), _ body: (Client) async throws -> Result
) async throws -> Result {
  let client = try Client(configuration)
  try await client.connect(timeout: connectTimeout)
  let result: Result
  do {
    result = try await body(client)
    try Task.checkCancellation()
  } catch {
    // A cancelled task cannot wait, and the word has to leave before the client goes.
    await Task { try? await client.disconnectWithWill() }.value
    throw error
  }
  try await client.disconnect(drain: drain)
  return result
}
