import Core
import MQTT
import MQTTClient

// What the articles of MQTTClient.docc show: each piece between "snippet" and "end" is a code block of
// one of them, which SnippetTests compares. So all that they show compiles.

// snippet: first
func readAndReport(broker: String) async throws -> String? {
  let configuration = ClientConfiguration(url: broker, clientID: "greenhouse-reader")
  return try await withClient(configuration) { client in
    let messages = try await client.subscribe(to: "greenhouse/#")
    try await client.publish("21.5", to: "greenhouse/air")
    for try await message in messages {
      return "\(message.topic): \(message.text)"
    }
    return nil
  }
}
// end

// snippet: managed
func run(broker: String, readings: AsyncStream<String>) async throws {
  let client = try Client(ClientConfiguration(url: broker, clientID: "greenhouse"))
  client.start()
  for await reading in readings {
    try await client.publish(reading, to: "greenhouse/air", waitFor: .queued)
  }
  try await client.disconnect(drain: .seconds(10))
}
// end

// snippet: events
func log(_ events: EventStream) async {
  for await event in events {
    switch event {
    case .connected(let info): print("connected, session present: \(info.sessionPresent)")
    case .lost(let reason): print("lost: \(reason)")
    case .retrying(let wait, let attempt): print("attempt \(attempt) in \(wait)")
    case .takeoverSuspected: print("is there another client of this name?")
    default: break
    }
  }
}
// end

// snippet: expiry
func report(_ reading: String, by client: Client) async throws {
  do {
    try await client.publish(reading, to: "greenhouse/air", expiry: .seconds(60))
  } catch {
    switch error {
    case .expired: print("nobody needs it any more")
    case .refused(let refusal): print("refused: \(refusal.code) \(refusal.reasonString ?? "")")
    default: throw error
    }
  }
}
// end

// snippet: overflow
func boundedConfiguration(broker: String) -> ClientConfiguration {
  var configuration = ClientConfiguration(url: broker, clientID: "greenhouse")
  configuration.limits.queueMessages = 10_000
  configuration.limits.queueBytes = 4 << 20
  configuration.limits.overflow = .dropOldest
  return configuration
}
// end

// snippet: journal
func keepReadings(_ readings: AsyncStream<String>, broker: String, file: String) async throws {
  var journal = JournalConfiguration(path: file)
  journal.maximumBytes = 16 << 20
  journal.whenFull = .dropOldest
  let client = try Client(
    ClientConfiguration(url: broker, clientID: "greenhouse"), journal: journal)
  client.start()
  for await reading in readings {
    let result = try await client.publish(reading, to: "greenhouse/air", waitFor: .queued)
    if !result.isStored { print("in memory only: \(client.statistics.journal?.fault as Any)") }
  }
  try await client.disconnect(drain: .seconds(10))
}
// end

// snippet: status
func honestConfiguration(broker: String) -> ClientConfiguration {
  var configuration = ClientConfiguration(url: broker, clientID: "greenhouse")
  configuration.will = Will(topic: "greenhouse/status", payload: Array("lost".utf8))
  configuration.birth = Birth(topic: "greenhouse/status", payload: Array("online".utf8))
  return configuration
}

func leave(_ client: Client) async throws {
  try await client.publish("offline", to: "greenhouse/status", retain: true)
  try await client.disconnect()
}
// end

// snippet: tls
func secureConfiguration() -> ClientConfiguration {
  var configuration = ClientConfiguration(
    url: "mqtts://greenhouse@broker.example", clientID: "greenhouse")
  configuration.tls.authorityFile = "/etc/greenhouse/ca.pem"
  configuration.tls.certificateFile = "/etc/greenhouse/client.pem"
  configuration.tls.key = "/etc/greenhouse/client.key"
  configuration.credentials = .passwordFile(
    user: "greenhouse", path: "/run/credentials/greenhouse/password")
  return configuration
}
// end

// snippet: token
func tokenConfiguration(
  fetchToken: @escaping @Sendable () async throws -> String
) -> ClientConfiguration {
  var configuration = ClientConfiguration(url: "wss://broker.example/mqtt", clientID: "greenhouse")
  configuration.credentials = .provider {
    (user: "greenhouse", password: Array(try await fetchToken().utf8))
  }
  return configuration
}
// end

// snippet: policy
func patientConfiguration(broker: String) -> ClientConfiguration {
  var configuration = ClientConfiguration(url: broker, clientID: "greenhouse")
  configuration.reconnect.minimum = .seconds(2)
  configuration.reconnect.maximum = .seconds(600)
  configuration.reconnect.stableAfter = .seconds(120)
  return configuration
}
// end

// snippet: manual
func store(
  _ messages: Subscription, in database: (Message) async throws -> Void
) async throws {
  for try await message in messages {
    do {
      try await database(message)
      message.acknowledge()
    } catch {
      message.refuse(.implementationSpecificError)
    }
  }
}

func storeAll(_ client: Client, in database: (Message) async throws -> Void) async throws {
  let messages = try await client.subscribe(to: "orders/#", acknowledgement: .manual)
  try await store(messages, in: database)
}
// end

// snippet: persistent
func keptSession(broker: String) async throws {
  var configuration = ClientConfiguration(url: broker, clientID: "greenhouse")
  configuration.cleanStart = false
  configuration.sessionExpiry = .after(.seconds(86_400))
  let client = try Client(configuration)
  // Before the connection, so that what the broker has kept finds its reader.
  async let commands = client.subscribe(to: "greenhouse/command/+")
  try await client.connect()
  for try await command in try await commands { print(command.text) }
}
// end

// snippet: request
func ask(_ client: Client) async throws -> String {
  let answer = try await client.request(
    Array("temperature?".utf8), to: "greenhouse/questions", timeout: .seconds(5))
  return answer.text
}
// end

// snippet: bare
/// A session in memory of one's own, without socket, clock, thread and heap: what comes out of
/// `withOutput` goes to the link, what the link brings goes to `receive`.
func turn(
  _ session: inout ClientSession, at now: Instant, received: [UInt8],
  send: (Span<UInt8>) -> Int
) {
  session.receive(at: now) { out in
    for byte in received { out.append(byte) }
  }
  while let event = session.nextEvent(at: now) {
    switch event {
    case .connected: print("connected")
    case .message(let message):
      session.withMessage(message) { topic, payload in
        print("\(topic.count) bytes of topic, \(payload.count) of payload")
      }
    case .failed(let fault): print("close the link: \(fault)")
    default: break
    }
  }
  session.withOutput(at: now, send)
}
// end
