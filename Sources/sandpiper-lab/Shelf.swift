import ArgumentParser
import Core
import Foundation
import Profile
import Scenarios
import Simulator

/// The files that commands read: profiles, and the parts of a world by name or by path.
enum Shelf {
  /// What commands say of their profile.
  static var profileHelp: ArgumentHelp {
    "The device profile: a file, or one that comes with the workbench (\(names(of: profiles).joined(separator: ", ")))."
  }

  /// A name without a path or an ending is that of a part that comes with the workbench.
  private static func isName(_ name: String) -> Bool {
    !name.contains("/") && !name.hasSuffix(".json")
  }

  /// The folder `devices`: named by `SANDPIPER_DEVICES`, installed with the program, above it, or here.
  private static var folder: URL? {
    var candidates: [URL] = []
    if let named = ProcessInfo.processInfo.environment["SANDPIPER_DEVICES"] {
      candidates.append(URL(fileURLWithPath: named))
    }
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    var above = program.deletingLastPathComponent()
    candidates.append(above.appendingPathComponent("../share/sandpiper/devices").standardized)
    for _ in 0..<4 {
      above = above.deletingLastPathComponent()
      candidates.append(above.appendingPathComponent("devices"))
    }
    candidates.append(URL(fileURLWithPath: "devices"))
    return candidates.first {
      FileManager.default.fileExists(atPath: $0.appendingPathComponent("links").path)
    }
  }

  /// The names of the parts of a kind that come with the workbench, in order.
  static func names(of kind: String) -> [String] {
    guard let folder else { return [] }
    let files = try? FileManager.default.contentsOfDirectory(
      atPath: place(of: kind, in: folder).path)
    return (files ?? []).filter { $0.hasSuffix(".json") && $0 != "schema.json" }
      .map { String($0.dropLast(5)) }.sorted()
  }

  /// The kind whose files lie in the folder itself.
  private static let profiles = "profiles"

  private static func place(of kind: String, in folder: URL) -> URL {
    kind == profiles ? folder : folder.appendingPathComponent(kind)
  }

  /// The names of all links.
  static func links() throws -> [String] {
    let names = names(of: "links")
    if names.isEmpty { throw isMissing("links") }
    return names
  }

  private static func isMissing(_ kind: String) -> ExitCode {
    complaint("no folder with \(kind): name a file, or the folder of all by SANDPIPER_DEVICES")
  }

  private static func path(of name: String, _ kind: String) throws -> String {
    guard isName(name) else { return name }
    guard let folder else { throw isMissing(kind) }
    guard names(of: kind).contains(name) else {
      throw complaint(
        "no \(name) among the \(kind): " + names(of: kind).joined(separator: ", ")
          + ", or a file's path", ends: 64)
    }
    return place(of: kind, in: folder).appendingPathComponent(name + ".json").path
  }

  /// Where a profile is: a file's path, or else the name of one that comes with the workbench.
  static func path(ofProfile name: String) throws -> String {
    FileManager.default.fileExists(atPath: name) ? name : try path(of: name, profiles)
  }

  private static func complaint(_ text: String, ends code: Int32 = 1) -> ExitCode {
    Terminal.complain("sandpiper-lab: " + text)
    return ExitCode(code)
  }

  /// The bytes of a file, up to one more than any may have.
  static func bytes(_ path: String) throws -> [UInt8] {
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? handle.close() }
      return Array(try handle.read(upToCount: ProfileReader.bytesMax + 1) ?? Data())
    } catch {
      throw complaint("\(path): \(error.localizedDescription)")
    }
  }

  /// A profile by its file or its name, with another broker where one is given; every problem in it is told,
  /// and ends the program as `sandpiper check` ends.
  static func profile(_ name: String, brokerURL: String? = nil) throws -> Configuration {
    let path = try path(ofProfile: name)
    let bytes = try bytes(path)
    let reading = ProfileReader.read(bytes, brokerURL: brokerURL.map { Array($0.utf8) })
    return try told(reading.configuration, reading.problems, path, bytes)
  }

  /// A link by its name or its file.
  static func link(_ name: String) throws -> LinkConditions {
    let path = try path(of: name, "links")
    let bytes = try bytes(path)
    let reading = PartReader.link(bytes)
    return try told(reading.link, reading.problems, path, bytes)
  }

  /// Hardware by its name or its file.
  static func hardware(_ name: String) throws -> Hardware {
    let path = try path(of: name, "hardware")
    let bytes = try bytes(path)
    let reading = PartReader.hardware(bytes)
    return try told(reading.hardware, reading.problems, path, bytes)
  }

  /// A scenario by its name or its file; told is, too, what of it can't be played where the broker is somebody
  /// else's.
  static func scenario(
    _ name: String, for configuration: Configuration, ownsBroker: Bool = true
  ) throws -> Scenario {
    let path = try path(of: name, "scenarios")
    let bytes = try bytes(path)
    let reading = ScenarioReader.read(bytes, for: configuration, ownsBroker: ownsBroker)
    return try told(reading.scenario, reading.problems, path, bytes)
  }

  private static func told<T>(
    _ value: T?, _ problems: [ProfileProblem], _ path: String, _ bytes: [UInt8]
  ) throws -> T {
    for problem in problems { Terminal.complain(problem.described(file: path, in: bytes)) }
    guard let value else { throw ExitCode(6) }
    return value
  }
}
