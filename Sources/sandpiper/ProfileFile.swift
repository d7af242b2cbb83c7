import Core
import Linux
import Profile

/// A profile as it lies on disk.
struct ProfileFile {
  let path: String

  /// More problems than these are only counted: it is not a profile that somebody has written.
  private static let problemsMax = 1000

  /// Reads and checks the profile, and says on standard error all that is wrong. Nil when that is
  /// more than warnings. `brokerURL` is the command line's, empty for none.
  func read(brokerURL: String = "") -> Configuration? {
    guard let bytes = contents() else { return nil }
    let url = brokerURL.utf8.isEmpty ? nil : [UInt8](brokerURL.utf8)
    let result = ProfileReader.read(bytes, brokerURL: url)
    for problem in result.problems.prefix(Self.problemsMax) {
      Console.complain(problem.described(file: path, in: bytes))
    }
    if result.problems.count > Self.problemsMax {
      Console.complain("\(path): \(result.problems.count - Self.problemsMax) more problems")
    }
    return result.configuration
  }

  /// The file's bytes; nil, after a complaint, when it can't be read.
  func contents() -> [UInt8]? {
    let name = [UInt8](path.utf8)
    var failure: SystemError?
    let bytes = [UInt8](capacity: ProfileReader.bytesMax + 1) { out in
      do throws(SystemError) {
        try File.read(name.span, into: &out)
      } catch {
        failure = error
      }
    }
    guard let failure else { return bytes }
    var reason: [UInt8] = []
    SystemError.withText(of: failure.code) { text in
      for index in text.indices { reason.append(text[index]) }
    }
    Console.complain("sandpiper: \(path): \(String(decoding: reason, as: UTF8.self))")
    return nil
  }
}
