import CLinux
import Core
import Linux

/// What becomes of a client's journal.
public enum JournalEvent: Sendable, Equatable {
  /// So many messages of an earlier run are sent before all new ones.
  case recovered(messages: Int)
  /// It cannot be used now. The client goes on in memory, with what `Limits.queueMessages` and
  /// `queueBytes` have room for, and tries the medium again.
  case failed(JournalFault)
  /// It can be used again; what had to wait in memory is in it now.
  case restored
}

/// Why a journal cannot be used.
public enum JournalFault: Error, Sendable, Equatable, CustomStringConvertible {
  /// Another program, or another client, has it.
  case inUse
  /// It is neither a regular file nor a block device.
  case notAFile
  /// What lies at the path is no journal, or one that is broken beyond repair; it is left alone.
  case notAJournal
  /// The medium is full.
  case full
  /// The medium can only be read.
  case readOnly
  /// The system refuses, for the reason that the error number (errno) has.
  case system(code: Int32)

  /// The reason in words.
  public var description: String {
    switch self {
    case .inUse: "another program has it"
    case .notAFile: "neither a file nor a block device"
    case .notAJournal: "it is no journal, or broken, and is left alone: move it away"
    case .full: "the medium is full"
    case .readOnly: "the medium is read-only"
    case .system(let code): SystemError.withText(of: code) { text in String(text) }
    }
  }

  init(_ fault: StorageFault) {
    switch fault {
    case .full: self = .full
    case .readOnly: self = .readOnly
    case .failed(let code): self = .system(code: code)
    }
  }

  init(_ fault: FileStorageFault) {
    switch fault {
    // It was there a moment ago: whoever has removed it knows why.
    case .missing: self = .system(code: ENOENT)
    case .inUse: self = .inUse
    case .otherSize, .notAFile: self = .notAFile
    case .system(let error):
      self = error.code == EISDIR ? .notAFile : .system(code: error.code)
    }
  }

  /// True when waiting alone will not help, and the configuration is to be told so at once.
  var isMistake: Bool {
    switch self {
    case .inUse, .notAFile: true
    case .notAJournal, .full, .readOnly, .system: false
    }
  }
}

/// What a client's journal has done since the client was made.
public struct JournalStatistics: Sendable, Equatable {
  /// Why it cannot be used now; nil while all is well.
  public internal(set) var fault: JournalFault?
  /// Messages that wait in it, or in memory while it fails.
  public internal(set) var messages = 0
  /// Those of them that a power cut would lose now.
  public internal(set) var unsaved = 0
  /// Bytes that records take, of `bytesTotal`.
  public internal(set) var bytesUsed = 0
  /// Bytes that there is room for.
  public internal(set) var bytesTotal = 0
  /// Messages of an earlier run.
  public internal(set) var recovered: UInt64 = 0
  /// Messages dropped because they had waited for longer than they were worth.
  public internal(set) var expired: UInt64 = 0
  /// Messages dropped because there was no room.
  public internal(set) var displaced: UInt64 = 0
  /// Messages dropped because the broker does not take them: too large for it, above all.
  public internal(set) var unsendable: UInt64 = 0
  /// Messages dropped because the broker closed the connection each time that they were under way.
  public internal(set) var poisonous: UInt64 = 0
  /// Records that could not be read any more.
  public internal(set) var rotten: UInt64 = 0
  /// Times that the medium has failed.
  public internal(set) var failures: UInt64 = 0
  /// Bytes written.
  public internal(set) var bytesWritten: UInt64 = 0
  /// Syncs.
  public internal(set) var syncs: UInt64 = 0
}
