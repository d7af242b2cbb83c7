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
    let (configuration, remarks) = examine(brokerURL: brokerURL)
    for remark in remarks { Console.complain(remark.text) }
    return configuration
  }

  /// Something that is wrong with a profile, or worth knowing.
  struct Remark {
    var isWarning: Bool
    /// Where, what, and what to do: in a line.
    var text: String
  }

  /// Reads and checks the profile: a configuration, if there are no remarks but warnings.
  func examine(brokerURL: String) -> (configuration: Configuration?, remarks: [Remark]) {
    var fault = ""
    guard let bytes = contents(&fault) else {
      return (nil, [Remark(isWarning: false, text: fault)])
    }
    let url = brokerURL.utf8.isEmpty ? nil : [UInt8](brokerURL.utf8)
    let result = ProfileReader.read(bytes, brokerURL: url)
    var remarks: [Remark] = []
    for problem in result.problems.prefix(Self.problemsMax) {
      remarks.append(
        Remark(isWarning: problem.isWarning, text: problem.described(file: path, in: bytes)))
    }
    if result.problems.count > Self.problemsMax {
      remarks.append(
        Remark(
          isWarning: false,
          text: "\(path): \(result.problems.count - Self.problemsMax) more problems"))
    }
    return (result.configuration, remarks)
  }

  /// The hash of its text, as `DeviceSpec.profileHash`; nil when it can't be read.
  var hash: UInt64? {
    var fault = ""
    guard let bytes = contents(&fault) else { return nil }
    return bytes.span.fnv1a
  }

  /// The file's bytes; nil, and why, when it can't be read.
  private func contents(_ fault: inout String) -> [UInt8]? {
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
    fault = "sandpiper: \(path): \(String(decoding: reason, as: UTF8.self))"
    return nil
  }
}
