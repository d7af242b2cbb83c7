/// Keeps messages at QoS 1 and 2 in a file until the broker has them, over restarts of the program and
/// power cuts: `ClientConfiguration.journal`.
///
/// What was published is in the file before it is sent, and leaves it on PUBACK or PUBCOMP alone. At the
/// next start what is left goes first, in order, as new messages; a clean start discards nothing of it.
/// Only one client at a time can have a journal.
///
/// The file is a ring of fixed size, made when it is not there: it never grows, and no directory is
/// written to after that. What is lost by a power cut is at most what `sync` leaves open; what comes
/// twice is at most the messages that were under way, and the few whose end was not written yet.
public struct JournalConfiguration: Sendable, Equatable {
  /// The file, in a folder that is there.
  public var path: String
  /// Bytes of the file: 24 KiB to 1 GiB, whole blocks of 4,096. A file that is there keeps its size. The
  /// largest message takes a quarter of it, and 256 KiB at the most.
  public var maximumBytes = 4 << 20
  /// Messages that it keeps at the most: 1 to 1,000,000.
  public var maximumMessages = 100_000
  /// What `publish` does when it is full.
  public var whenFull = Policy.refuse
  /// When a message counts as kept.
  public var sync = Sync.always
  /// The most messages that are under way at once, whatever the broker takes: what can come twice when
  /// the program is killed; 1 to 10,000.
  public var window = 64

  /// What a full journal does with one more message.
  public enum Policy: Sendable, Equatable {
    /// `publish` throws `queueFull`.
    case refuse
    /// The oldest that is not under way gives way, and is told as dropped.
    case dropOldest
  }

  /// When a message counts as kept.
  public enum Sync: Sendable, Equatable {
    /// It is on the medium for good before it is sent, and before `publish` with `waitFor: .queued`
    /// returns. Messages that are published at the same time share a sync.
    case always
    /// It is on the medium for good after so long at the latest: kind to flash, and what a power cut or
    /// the program's death takes is of the last so long. From 10 milliseconds to an hour.
    case batch(every: Duration)
  }

  /// The journal at `path`, with defaults for all else.
  public init(path: String) { self.path = path }
}

extension JournalConfiguration {
  /// The ring's blocks. One size for all files, so that any can be opened with any configuration.
  static var blockBytes: Int { 4096 }

  /// The longest record that is looked for.
  static var recordBytesMax: Int { 256 << 10 }

  /// True when a client takes it.
  package var isGood: Bool { (try? check()) != nil }

  func check() throws(ConfigurationError) {
    guard !path.isEmpty, path.utf8.count < 1_024, !path.utf8.contains(0) else {
      throw .setting("journal.path", expected: "a path of at most 1,023 bytes")
    }
    guard maximumBytes >= 24 << 10, maximumBytes <= 1 << 30 else {
      throw .setting("journal.maximumBytes", expected: "24,576 to 1,073,741,824")
    }
    guard maximumMessages >= 1, maximumMessages <= 1_000_000 else {
      throw .setting("journal.maximumMessages", expected: "1 to 1,000,000")
    }
    guard window >= 1, window <= 10_000 else {
      throw .setting("journal.window", expected: "1 to 10,000")
    }
    if case .batch(let every) = sync {
      guard every >= .milliseconds(10), every <= .seconds(3_600) else {
        throw .setting("journal.sync", expected: "a batch of 10 milliseconds to an hour")
      }
    }
  }
}
