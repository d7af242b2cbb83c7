import Glibc
import MQTTClient

/// A program that publishes with a journal for as long as it lives, for tests that kill it:
///
///     kept-publisher URL JOURNAL RUN always|batch [COUNT]
///
/// Publishes RUN.0, RUN.1, ... under "kept" and says "kept RUN.N" once the journal has one. With COUNT it
/// ends after so many, when the broker has all that the journal holds.
@main struct KeptPublisher {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count >= 5 else { return print("usage: see KeptPublisher.swift") }
    var configuration = ClientConfiguration(url: arguments[1], clientID: "kept-publisher")
    configuration.reconnect.minimum = .milliseconds(50)
    configuration.reconnect.maximum = .milliseconds(200)
    var journal = JournalConfiguration(path: arguments[2])
    journal.sync = arguments[4] == "batch" ? .batch(every: .milliseconds(50)) : .always
    let count = arguments.count > 5 ? Int(arguments[5]) ?? 0 : Int.max
    let client = try Client(configuration, journal: journal)
    client.start()
    var number = 0
    while number < count {
      let text = "\(arguments[3]).\(number)"
      let qos: QoS = number % 5 == 0 ? .exactlyOnce : .atLeastOnce
      let result = try await client.publish(text, to: "kept", qos: qos, waitFor: .queued)
      say(result.isStored ? "kept \(text)" : "taken \(text)")
      number += 1
    }
    try await client.connect()
    while client.statistics.queuedMessages > 0 { try await Task.sleep(for: .milliseconds(10)) }
    try await client.disconnect()
    say("done")
  }

  /// A line that is out before anything else is done: a killed program's buffer reaches nobody.
  private static func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    // Sound: the call only reads the bytes.
    _ = unsafe bytes.withUnsafeBytes { unsafe write(1, $0.baseAddress, $0.count) }
  }
}
