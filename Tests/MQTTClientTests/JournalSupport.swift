import CLinux
import Glibc
import MQTTClient
import Testing

/// A folder of a test's own, which goes with it.
final class Folder: Sendable {
  let path: String

  /// A journal's file in it.
  var journal: JournalConfiguration { JournalConfiguration(path: path + "/journal") }

  init() throws {
    path = "/tmp/sandpiper-journal-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try #require(mkdir(path, 0o700) == 0)
  }

  deinit {
    unlink(path + "/journal")
    rmdir(path)
  }
}

/// A client with a journal, as soon as the one before has let go of it.
func makeClient(
  _ configuration: ClientConfiguration, _ journal: JournalConfiguration
) async throws -> Client {
  try await within {
    while true {
      do throws(ConfigurationError) {
        return try Client(configuration, journal: journal)
      } catch {
        guard error == .journal(.inUse) else { throw error }
        try await Task.sleep(for: .milliseconds(5))
      }
    }
  }
}

/// So many messages from a subscription, as text.
func texts(_ messages: Subscription, _ count: Int) async throws -> [String] {
  try await within {
    var got: [String] = []
    for try await message in messages {
      got.append(message.text)
      if got.count == count { break }
    }
    return got
  }
}

/// The payload of a PUBLISH of 5.0 under a topic of one character, without properties.
func payload(_ publish: [UInt8]) -> String {
  let hasID = publish[0] & 6 != 0
  let start = 5 + (hasID ? 2 : 0)
  return String(decoding: publish[(start + 1 + Int(publish[start]))...], as: UTF8.self)
}
