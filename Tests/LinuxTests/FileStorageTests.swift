import Core
import Foundation
import Journal
import TestSupport
import Testing

@testable import Linux

@Suite struct FileStorageTests {
  private static let size = 64 * 1024

  private func create(_ path: String, size: Int = size) throws(FileStorageFault) -> FileStorage {
    let path = utf8(path)
    return try FileStorage(creating: path.span, byteCount: size) {
      (storage) throws(StorageFault) in
      _ = try RecordRing.format(&storage, id: 7)
    }
  }

  private func open(_ path: String, size: Int? = nil) throws(FileStorageFault) -> FileStorage {
    let path = utf8(path)
    return try FileStorage(opening: path.span, byteCount: size)
  }

  private func fault(_ body: () throws(FileStorageFault) -> Void) -> String {
    do throws(FileStorageFault) { try body() } catch { return "\(error)" }
    return "none"
  }

  private func ring(over storage: consuming FileStorage) -> RecordRing<FileStorage> {
    var arena = testArena()
    var ring = RecordRing(storage, sizes: .init(bodyBytesMax: 200), arena: &arena)
    #expect(ring.open(seed: 3) == .opened)
    return ring
  }

  /// Commits and waits for the thread, for as long as it takes.
  private func commit(_ ring: inout RecordRing<FileStorage>) throws {
    try ring.commit()
    while ring.isSyncing {
      var waiting = pollfd(fd: ring.medium.descriptor, events: Int16(POLLIN), revents: 0)
      _ = poll(&waiting, 1, 10_000)
      _ = try ring.finishCommit()
    }
  }

  @Test func aJournalLivesInAFile() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/journal"
    do {
      var ring = ring(over: try create(path))
      for number in 0..<50 {
        try ring.append(recordClass: 2, time: .boot, bodyBytes: 4) { out in
          out.append(littleEndian: UInt64(number), bytes: 4)
        }
      }
      try commit(&ring)
      let isDurable = ring.durable > ring.head
      #expect(isDurable)
    }
    var again = ring(over: try open(path, size: Self.size))
    var numbers: [UInt64] = []
    var place = again.head
    while let head = again.next(from: place) {
      numbers.append(again.withBody(of: head) { $0.littleEndian(at: 0, bytes: 4) })
      place = head.next
    }
    #expect(numbers == (0..<50).map { UInt64($0) })
  }

  @Test func aNewFileIsItsOwnersAloneAndHasItsWholeSize() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/journal"
    _ = try create(path)
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    #expect(attributes[.size] as? Int == Self.size)
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["journal"])
    var status = stat()
    #expect(stat(path, &status) == 0 && Int(status.st_blocks) * 512 >= Self.size)
  }

  @Test func twoAgentsNeverShareAJournal() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/journal"
    let first = try create(path)
    #expect(fault { () throws(FileStorageFault) in _ = try open(path) } == "inUse")
    let name = utf8(path)
    let reader = try FileStorage(reading: name.span)
    let isInUse = reader.isInUse
    #expect(isInUse)
    _ = consume first
  }

  @Test func whoOnlyLooksWhetherAJournalIsInUseKeepsNoAgentFromIt() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/journal"
    _ = try create(path)
    let looking = Foundation.open(path, O_RDONLY)
    #expect(flock(looking, LOCK_SH) == 0)
    Thread.detachNewThread {
      usleep(30_000)
      close(looking)
    }
    #expect(fault { () throws(FileStorageFault) in _ = try open(path) } == "none")
  }

  /// Only where the kernel lends a loop device to whoever runs this.
  @Test func aBlockDeviceIsAMediumAsItIs() throws {
    let scratch = try Scratch()
    try Data(count: 1 << 20).write(to: URL(fileURLWithPath: scratch.path + "/image"))
    guard let device = try? loop("--find", "--show", scratch.path + "/image"),
      device.hasPrefix("/dev/")
    else { return }
    defer { _ = try? loop("--detach", device) }
    do {
      var storage = try open(device, size: 4096)
      let (isDevice, byteCount) = (storage.isDevice, storage.byteCount)
      #expect(isDevice && byteCount == 1 << 20)
      let isBlank = try storage.isBlank()
      #expect(isBlank)
      _ = try RecordRing<FileStorage>.format(&storage, id: 5)
      var ring = ring(over: storage)
      try ring.append(recordClass: 2, time: .boot, bodyBytes: 4) { $0.append(literal: "kept") }
      try commit(&ring)
    }
    var storage = try open(device)
    let isBlank = try storage.isBlank()
    #expect(!isBlank)
    var ring = ring(over: storage)
    let found = ring.next(from: ring.head)
    #expect(found?.bodyBytes == 4)
  }

  private func loop(_ arguments: String...) throws -> String {
    let process = Foundation.Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/sbin/losetup")
    process.arguments = arguments
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  @Test func anotherSizeAFolderAndAMissingFileAreToldApart() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/journal"
    _ = try create(path)
    #expect(
      fault { () throws(FileStorageFault) in _ = try open(path, size: 4096) }
        == "otherSize(bytes: 65536)")
    #expect(
      fault { () throws(FileStorageFault) in _ = try open(scratch.path + "/no") } == "missing")
    let name = utf8(scratch.path)
    #expect(
      fault { () throws(FileStorageFault) in _ = try FileStorage(reading: name.span) }
        == "notAFile")
  }

  @Test func aSymbolicLinkIsNotFollowed() throws {
    let scratch = try Scratch()
    try scratch.write("precious", to: "other")
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path + "/journal", withDestinationPath: scratch.path + "/other")
    #expect(
      fault { () throws(FileStorageFault) in _ = try open(scratch.path + "/journal") }
        .contains("\(ELOOP)"))
  }

  @Test func aFormatThatFailsLeavesNoFile() throws {
    let scratch = try Scratch()
    let path = utf8(scratch.path + "/journal")
    let fault = fault { () throws(FileStorageFault) in
      _ = try FileStorage(creating: path.span, byteCount: 8192) { (_) throws(StorageFault) in
        throw .full
      }
    }
    #expect(fault.contains("\(ENOSPC)"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).isEmpty)
  }

  @Test func aBrokenJournalIsSetAsideUnderANameOfItsOwn() throws {
    let scratch = try Scratch()
    for _ in 0..<2 {
      try scratch.write("broken", to: "journal")
      try bytes(scratch.path + "/journal") { path throws(SystemError) in
        try FileStorage.setAside(path)
      }
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted()
        == ["journal.bad", "journal.bad.1"])
  }
}
