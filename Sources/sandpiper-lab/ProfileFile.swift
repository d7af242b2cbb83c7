import ArgumentParser
import Foundation
import Profile

/// A device profile that a command is given.
enum ProfileFile {
  /// The checked profile at `path`, with another broker where one is given. Says what is wrong and ends
  /// the command where it can't be used: with 1 when the file can't be read, with 6 when it is wrong.
  static func read(_ path: String, brokerURL: String? = nil) throws -> Configuration {
    let bytes: [UInt8]
    do {
      bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      Terminal.complain("sandpiper-lab: \(path): \(error.localizedDescription)")
      throw ExitCode(1)
    }
    let reading = ProfileReader.read(bytes, brokerURL: brokerURL.map { Array($0.utf8) })
    for problem in reading.problems {
      Terminal.complain(problem.described(file: path, in: bytes))
    }
    // As `sandpiper check` ends.
    guard let configuration = reading.configuration else { throw ExitCode(6) }
    return configuration
  }
}
