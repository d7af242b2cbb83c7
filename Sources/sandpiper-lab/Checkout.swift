import Foundation

/// Which program this is: its version and, where it lies in a git checkout as `swift build` leaves it, the commit
/// that is checked out there.
enum Checkout {
  /// "sandpiper-lab 0.1.0, in a checkout of 0314ea2...". What was changed since that commit, or since the
  /// program was built, nobody knows.
  static var program: String {
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let commit = commit(above: program.deletingLastPathComponent())
    return "sandpiper-lab \(SandpiperLab.versionText)"
      + (commit.map { ", in a checkout of \($0)" } ?? "")
  }

  /// The commit that is checked out in the nearest checkout at `folder` or above (gitrepository-layout(5)).
  static func commit(above folder: URL) -> String? {
    var folder = folder.standardized
    while !FileManager.default.fileExists(atPath: folder.appendingPathComponent(".git").path) {
      guard folder.path != "/" else { return nil }
      folder = folder.deletingLastPathComponent()
    }
    var repository = folder.appendingPathComponent(".git")
    // In a worktree it is a file that says where the worktree's own part is.
    if let place = line(of: repository), place.hasPrefix("gitdir: ") {
      repository = URL(fileURLWithPath: String(place.dropFirst(8)), relativeTo: folder)
    }
    guard let head = line(of: repository.appendingPathComponent("HEAD")) else { return nil }
    guard head.hasPrefix("ref: ") else { return head }
    let shared =
      line(of: repository.appendingPathComponent("commondir"))
      .map { URL(fileURLWithPath: $0, relativeTo: repository.appendingPathComponent("")) }
      ?? repository
    let branch = String(head.dropFirst(5))
    if let commit = line(of: shared.appendingPathComponent(branch)) { return commit }
    let packed = shared.appendingPathComponent("packed-refs")
    let lines = (try? String(contentsOf: packed, encoding: .utf8))?.split(separator: "\n") ?? []
    return lines.first { $0.hasSuffix(" " + branch) }.map { String($0.prefix { $0 != " " }) }
  }

  private static func line(of file: URL) -> String? {
    guard let text = try? String(contentsOf: file, encoding: .utf8) else { return nil }
    return text.split(separator: "\n").first.map { String($0) }
  }
}
