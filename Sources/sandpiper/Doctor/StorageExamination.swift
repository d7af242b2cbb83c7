import Core
import Journal
import Linux
import Profile
import Uplink

/// Where the agent keeps what outlives it: the folder, its file system, the flash beneath, the journal.
/// Only looks.
struct StorageExamination {
  private let state: StateFolder

  /// Less room than this is told of.
  private static let freeBytesMin: Int64 = 1 << 20

  static func perform(
    _ configuration: Configuration?, _ state: StateFolder, _ report: inout Report
  ) {
    let examination = StorageExamination(state: state)
    examination.lookAtFolder(&report)
    FlashExamination.perform(state.path.isEmpty ? "/" : Words(state.path), &report)
    if let configuration { examination.lookAtJournal(configuration, &report) }
  }

  private func lookAtFolder(_ report: inout Report) {
    guard !state.path.isEmpty else {
      report.fine(
        .storage, "no state directory was named (--state): session numbers are not looked at")
      return
    }
    let folder = Words(state.path)
    guard canWrite(in: folder, .storage, "", &report) else { return }
    if let survey = SystemText.survey(folder), survey.freeBytes < Self.freeBytesMin {
      report.worthKnowing(
        .storage, "\(folder): only \(survey.freeBytes) bytes are free",
        fix: "make room: `du -xh / | sort -h | tail` shows what takes it")
    } else {
      report.fine(.storage, "\(folder) can be written")
    }
  }

  /// True when files can be made in a folder; else tells why not, behind `lead`.
  private func canWrite(
    in folder: Words, _ area: Finding.Area, _ lead: Words, _ report: inout Report
  ) -> Bool {
    let user = SystemText.user
    let survey = SystemText.survey(folder)
    if survey?.isFolder != true {
      report.broken(
        area, "\(lead)\(folder): there is no such folder",
        fix: "sudo install -d -o \(user) \(folder); in a unit: StateDirectory=")
    } else if survey?.isReadOnly == true {
      report.broken(
        area, "\(lead)\(folder) lies on a file system that is mounted read-only",
        fix: Self.remount(folder))
    } else if survey?.isWritable != true {
      report.broken(
        area, "\(lead)\(folder) may not be written by user \(user)",
        fix: "sudo chown \(user) \(folder)")
    } else {
      return true
    }
    return false
  }

  private static func remount(_ path: Words) -> Words {
    """
    sudo mount -o remount,rw "$(findmnt -no TARGET -T \(path))"; where it became read-only by itself the \
    medium fails: see `dmesg`
    """
  }

  // MARK: The journal

  private func lookAtJournal(_ configuration: Configuration, _ report: inout Report) {
    let size = configuration.uplink.journalBytes
    guard size > 0 else {
      report.fine(.journal, "the profile has none: what is read in an outage waits in memory only")
      return
    }
    guard let name = state.journalFile(of: configuration) else {
      report.worthKnowing(
        .journal, "it lies in the state directory, which was not named: it is not looked at",
        fix: "sandpiper doctor --state DIR, with the folder of the agent (/var/lib/sandpiper?)")
      return
    }
    let path = Words(name)
    guard let survey = SystemText.survey(path) else {
      return lookAtPlace(of: path, bytes: size, &report)
    }
    if survey.isReadOnly {
      report.broken(.journal, "\(path) lies on a read-only file system", fix: Self.remount(path))
    } else if !survey.isWritable {
      let user = SystemText.user
      report.broken(
        .journal, "\(path) may not be written by user \(user)", fix: "sudo chown \(user) \(path)")
    } else {
      verify(path, wanted: size, &report)
    }
  }

  /// The journal is not there yet: can it be made?
  private func lookAtPlace(of path: Words, bytes: Int, _ report: inout Report) {
    var folder = path.bytes
    while let last = folder.popLast(), last != UInt8(ascii: "/") {}
    let place = Words(folder)
    let lead: Words = "\(path) cannot be made: "
    guard canWrite(in: place, .journal, lead, &report) else { return }
    if let survey = SystemText.survey(place), survey.freeBytes < Int64(bytes) {
      report.broken(
        .journal, "\(lead)\(bytes) bytes are needed, \(survey.freeBytes) are free",
        fix: "make room, or make journal.size smaller")
    } else {
      report.fine(.journal, "\(path) is not there yet; the agent makes it")
    }
  }

  private func verify(_ path: Words, wanted: Int, _ report: inout Report) {
    var records = 0
    var rotten = 0
    var bytes = 0
    var isDevice = false
    var isInUse = false
    let fault = JournalRing.withRing(at: path.bytes) { ring in
      JournalRing.forEach(in: &ring) { _, _ in records += 1 }
      rotten = Int(truncatingIfNeeded: ring.counters.rotten)
      (bytes, isDevice, isInUse) = (
        ring.medium.byteCount, ring.medium.isDevice, ring.medium.isInUse
      )
    }
    if let fault {
      report.broken(
        .journal, "\(path): \(Words([UInt8](fault.utf8)))",
        fix: "move it away: sudo mv \(path) \(path).bad; the agent makes a new one at its start")
    } else if bytes != wanted && !isDevice {
      report.broken(
        .journal,
        "\(path) has \(bytes) bytes, journal.size says \(wanted): the agent goes on without",
        fix:
          "give journal.size that size, or move the file away once `sandpiper journal` shows it empty"
      )
    } else if rotten > 0 {
      report.broken(
        .journal, "\(path) is damaged: \(rotten) records can't be read any more, \(records) can",
        fix: """
          the agent sends what can be read; let it, then move the file away, and replace a medium that goes \
          on failing
          """)
    } else {
      report.fine(
        .journal, "\(path) is good, \(records) records wait\(isInUse ? "; an agent has it" : "")")
    }
  }
}
