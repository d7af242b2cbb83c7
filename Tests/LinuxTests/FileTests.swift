import Core
import Foundation
import Testing

@testable import Linux

@Suite struct FileTests {
  private func read(_ path: String, capacity: Int) throws(SystemError) -> String {
    try text(capacity: capacity) { out throws(SystemError) in
      try bytes(path) { path throws(SystemError) in try File.read(path, into: &out) }
    }
  }

  private func code(_ body: () throws(SystemError) -> Void) -> Int32 {
    do throws(SystemError) { try body() } catch { return error.code }
    return 0
  }

  @Test func fileIsReadWhole() throws {
    let scratch = try Scratch()
    try scratch.write("0123456789", to: "ten")
    #expect(try read(scratch.path + "/ten", capacity: 20) == "0123456789")
    #expect(try read(scratch.path + "/ten", capacity: 10) == "0123456789")
    #expect(
      code { () throws(SystemError) in _ = try read(scratch.path + "/ten", capacity: 9) } == EFBIG)
    #expect(
      code { () throws(SystemError) in _ = try read(scratch.path + "/no", capacity: 9) } == ENOENT)
    let long = String(repeating: "x", count: 1024)
    #expect(code { () throws(SystemError) in _ = try read(long, capacity: 9) } == ENAMETOOLONG)
  }

  @Test func writtenFileReplacesTheOldOneAndLeavesNothingElse() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/state"
    try scratch.write("old and longer", to: "state")
    try bytes(path) { path throws(SystemError) in
      try bytes("new") { bytes throws(SystemError) in try File.write(atomically: bytes, to: path) }
    }
    #expect(try read(path, capacity: 20) == "new")
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["state"])
  }

  @Test func fileDoesNotTakeTheModeOfWhatAnotherHasLeft() throws {
    let scratch = try Scratch()
    try scratch.write("left", to: "key.new")
    #expect(chmod(scratch.path + "/key.new", 0o644) == 0)
    try write("secret", to: scratch.path + "/key")
    var status = stat()
    #expect(stat(scratch.path + "/key", &status) == 0 && status.st_mode & 0o777 == 0o600)
  }

  @Test func writeThatFailsLeavesTheOldFile() throws {
    let missing = "/nonexistent/state"
    let result = code { () throws(SystemError) in
      try bytes(missing) { path throws(SystemError) in
        try bytes("new") { bytes throws(SystemError) in try File.write(atomically: bytes, to: path)
        }
      }
    }
    #expect(result == ENOENT)
  }

  /// As root; who is not can give nothing away.
  @Test(.enabled(if: geteuid() == 0))
  func whatRootWritesBelongsToWhoHadTheFileOrHasTheFolder() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/state"
    for (named, owner) in [(scratch.path, 65_534), (path, 65_533)] {
      #expect(chown(named, UInt32(owner), UInt32(owner)) == 0)
      try write("new", to: path)
      var status = stat()
      #expect(stat(path, &status) == 0)
      #expect(status.st_uid == UInt32(owner) && status.st_gid == UInt32(owner))
    }
  }

  private func write(_ text: String, to path: String, mode: UInt32 = 0o600) throws {
    try bytes(path) { path throws(SystemError) in
      try bytes(text) { bytes throws(SystemError) in
        try File.write(atomically: bytes, to: path, mode: mode)
      }
    }
  }

  @Test func bootIDIsTheKernels() throws {
    let known = try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    #expect(text { File.bootID(into: &$0) } == known.prefix(36))
    #expect(text(capacity: 8) { File.bootID(into: &$0) } == known.prefix(8))
  }

  @Test func mappedMemoryIsZeroedAndAligned() throws {
    let memory = try #require(Memory.map(100_000))
    #expect(memory.count == 100_000)
    #expect(Int(bitPattern: memory.baseAddress) % 4096 == 0)
    #expect(memory.allSatisfy { $0 == 0 })
  }
}
