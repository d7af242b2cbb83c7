import Core
import Foundation
import Testing

@testable import Linux

@Suite struct FileSurveyTests {
  private func survey(_ path: String) throws(SystemError) -> FileSurvey {
    try bytes(path) { path throws(SystemError) in try FileSurvey(path) }
  }

  @Test func fileAndFolderAreToldWithSizeModeAndOwner() throws {
    let scratch = try Scratch()
    try scratch.write("0123456789", to: "ten")
    let path = scratch.path + "/ten"
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
    let file = try survey(path)
    #expect(file.byteCount == 10)
    #expect(file.mode == 0o640)
    #expect(file.group == getegid())
    #expect(!file.isFolder)
    #expect(file.isWritable)
    #expect(try survey(scratch.path).isFolder)
  }

  @Test func fileSystemIsToldWithItsDeviceAndItsRoom() throws {
    let scratch = try Scratch()
    var status = stat()
    #expect(stat(scratch.path, &status) == 0)
    let found = try survey(scratch.path)
    #expect(!found.isReadOnly)
    #expect(found.freeBytes > 0)
    // Linux's makedev(3), for numbers below 256.
    #expect(UInt64(found.device.major) == UInt64(status.st_dev) >> 8 & 0xFFF)
    #expect(UInt64(found.device.minor) == UInt64(status.st_dev) & 0xFF)
  }

  @Test func whatIsNotThereIsAnError() {
    do throws(SystemError) {
      _ = try survey("/nonexistent")
      Issue.record("there is no such file")
    } catch {
      #expect(error.code == ENOENT)
    }
  }
}
