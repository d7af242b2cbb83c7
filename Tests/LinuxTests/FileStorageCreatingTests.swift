import CLinux
import Core
import Foundation
import Testing

@testable import Linux

@Suite struct FileStorageCreatingTests {
  private static let size = 256 * 1024

  private func fault(creating path: String) -> String {
    let name = Array(path.utf8)
    do throws(FileStorageFault) {
      _ = try FileStorage(creating: name.span, byteCount: Self.size) { (_) throws(StorageFault) in }
      return "none"
    } catch {
      return "\(error)"
    }
  }

  private func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder)
  }

  @Test func aFileThatIsThereIsNeverReplaced() throws {
    let scratch = try Scratch()
    try scratch.write("precious", to: "journal")
    #expect(fault(creating: scratch.path + "/journal").contains("\(EEXIST)"))
    #expect(try names(in: scratch.path) == ["journal"])
    let kept = try String(contentsOfFile: scratch.path + "/journal", encoding: .utf8)
    #expect(kept == "precious")
  }

  @Test func whatAnotherAgentIsMakingIsLeftAlone() throws {
    let scratch = try Scratch()
    let other = (scratch.path + "/journal").withCString { clinux_medium_create($0, 4096) }
    try #require(other >= 0)
    defer { close(other) }
    #expect(fault(creating: scratch.path + "/journal") == "inUse")
    var status = stat()
    #expect(stat(scratch.path + "/journal.new", &status) == 0 && status.st_size == 4096)
  }

  @Test func whatADeadAgentHasLeftHalfMadeIsNoObstacle() throws {
    let scratch = try Scratch()
    try scratch.write(String(repeating: "x", count: 2 * Self.size), to: "journal.new")
    #expect(fault(creating: scratch.path + "/journal") == "none")
    let contents = try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/journal"))
    #expect(contents == Data(count: Self.size))
    #expect(try names(in: scratch.path) == ["journal"])
  }

  @Test(.enabled(if: geteuid() == 0, "mounting a small file system needs root"))
  func aFullDiskIsSaidAndLeavesNoFile() throws {
    let scratch = try Scratch()
    try #require(mount("none", scratch.path, "tmpfs", 0, "size=64k") == 0)
    defer { umount2(scratch.path, Int32(MNT_DETACH)) }
    #expect(fault(creating: scratch.path + "/journal").contains("\(ENOSPC)"))
    #expect(try names(in: scratch.path).isEmpty)
  }
}
