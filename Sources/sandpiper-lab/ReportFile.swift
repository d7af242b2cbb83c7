import Foundation

/// The file that a report goes to.
enum ReportFile {
  /// Writes a page: as a whole or not at all into a file, and into what is no file, such as a device, as it
  /// is, which a new file must not take the place of.
  static func write(_ page: String, to path: String) throws {
    let attributes = try? FileManager.default.attributesOfItem(
      atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
    let kind = attributes?[.type] as? FileAttributeType
    try page.write(
      toFile: path, atomically: kind == nil || kind == .typeRegular, encoding: .utf8)
  }
}
