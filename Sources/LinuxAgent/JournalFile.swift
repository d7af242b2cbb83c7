import Core
import Journal
import Linux
import Uplink

/// The journal's file at start: opened, or made. Whatever is wrong with it, the agent goes on without.
public enum JournalFile {
  /// How long making a journal may take: a slow card writes a large one for minutes, in which nobody can give a
  /// sign of life.
  private static var makingMax: Interval { .seconds(900) }

  /// The journal at `path`, of `bytes` bytes if it has to be made; none when there can be none, and the
  /// log says why.
  public static func open(_ path: Span<UInt8>, bytes: Int, id: UInt64) -> FileStorage {
    guard bytes > 0, path.count > 0 else { return FileStorage() }
    do throws(FileStorageFault) {
      do throws(FileStorageFault) {
        var storage = try FileStorage(opening: path, byteCount: bytes)
        // Nobody else makes the ring on a device; what lies there already is left alone.
        if storage.isDevice { prepare(&storage, id) }
        return storage
      } catch {
        guard case .missing = error else { throw error }
        let manager = ServiceManager()
        manager.waitForSigns(within: makingMax)
        defer { manager.waitForSigns(within: manager.watchdog ?? .zero) }
        return try FileStorage(creating: path, byteCount: bytes) {
          (storage) throws(StorageFault) in
          guard try RecordRing.format(&storage, id: id) else { throw .full }
        }
      }
    } catch {
      Log.write(.error) { line in
        line.append(literal: "no journal, readings wait in memory only: ")
        line.append(contentsOf: path)
        line.append(literal: ": ")
        describe(error, in: &line)
      }
      return FileStorage()
    }
  }

  private static func prepare(_ device: inout FileStorage, _ id: UInt64) {
    do throws(StorageFault) {
      guard try device.isBlank() else { return }
      _ = try RecordRing.format(&device, id: id)
    } catch {
      Log.write(.error, "the journal's device can't be read or written")
    }
  }

  private static func describe(_ fault: FileStorageFault, in line: inout LogLine) {
    switch fault {
    case .missing: line.append(literal: "there is no such file")
    case .inUse: line.append(literal: "another agent has it")
    case .notAFile: line.append(literal: "neither a file nor a block device")
    case .otherSize(let bytes):
      line.append(literal: "it has ")
      line.append(decimal: Int64(wide: bytes))
      line.append(literal: " bytes, not journal.size: move it away, or give that size")
    case .system(let error): line.append(error)
    }
  }

  /// Says in the log what has become of opening it.
  static func tell(_ opening: JournalOpening, _ backlog: borrowing Backlog<FileStorage>) {
    guard backlog.withMedium({ $0.byteCount }) > 0 else { return }
    switch opening {
    case .opened:
      Log.write(.info) { line in
        line.append(literal: "journal: ")
        line.append(decimal: Int64(wide: backlog.usedBytes))
        line.append(literal: " of ")
        line.append(decimal: Int64(wide: backlog.roomBytes))
        line.append(literal: " bytes in use")
      }
    case .notAJournal, .otherBlocks:
      Log.write(.error, "no journal: its file is none, and is left alone; move it away")
    case .failed: Log.write(.error, "no journal: its file cannot be read")
    }
  }
}
