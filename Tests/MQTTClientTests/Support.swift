import MQTTClient
import Testing

/// A configuration for tests: short waits, no chance.
func configuration(
  _ url: String, clientID: String = "test", _ adjust: (inout ClientConfiguration) -> Void = { _ in }
) -> ClientConfiguration {
  var configuration = ClientConfiguration(url: url, clientID: clientID)
  configuration.reconnect.minimum = .milliseconds(20)
  configuration.reconnect.maximum = .milliseconds(80)
  configuration.reconnect.jitter = .none
  configuration.timeouts.reply = .seconds(5)
  adjust(&configuration)
  return configuration
}

/// How `body` fails; nil when it does not.
func failure(_ body: () async throws(ClientError) -> Void) async -> ClientError? {
  do throws(ClientError) {
    try await body()
    return nil
  } catch { return error }
}

/// A client name that no other test has.
func uniqueName() -> String { "c\(UInt32.random(in: 0 ... .max))" }
