import CLinux
import Core
import Foundation

/// The device program as a child process. What it logs comes through a pipe.
final class DeviceProcess {
  /// Where its log can be read; -1 after the end of the log.
  private(set) var log: Int32
  private let child: pid_t
  private var rest: [UInt8] = []

  /// Starts `path` with `arguments`; nil when the system has no room for a process.
  init?(_ path: String, _ arguments: [String]) {
    var ends: [Int32] = [-1, -1]
    // Sound: there is room for the two ends.
    let failed = unsafe ends.withUnsafeMutableBufferPointer { ends in
      unsafe clinux_pipe(ends.baseAddress) != 0
    }
    guard !failed else { return nil }
    // Sound: the copies live until the child has been started.
    let copies = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
    defer { unsafe copies.forEach { unsafe free($0) } }
    child = unsafe copies.withUnsafeBufferPointer { copies in
      unsafe clinux_spawn(path, copies.baseAddress, ends[1])
    }
    close(ends[1])
    log = ends[0]
    guard child > 0 else {
      close(log)
      return nil
    }
  }

  deinit { if log >= 0 { close(log) } }

  /// How it has ended: its exit status, or 128 and the signal. Nil while it runs.
  func status() -> Int32? {
    let status = clinux_reap(child)
    return status < 0 ? nil : status
  }

  /// Asks it to stop in order.
  func stop() { kill(child, SIGTERM) }

  /// Ends it at once.
  func end() { kill(child, SIGKILL) }

  /// The whole lines that it has logged since the last call.
  func takeLines() -> [String] {
    while log >= 0 {
      var count = 0
      let bytes = [UInt8](capacity: 4_096) { out in
        // Sound: the call writes at most `capacity` bytes, and so many are then there.
        unsafe out.withUnsafeMutableBufferPointer { buffer, initialized in
          count = unsafe read(log, buffer.baseAddress, buffer.count)
          initialized = max(count, 0)
        }
      }
      guard count > 0 else {
        if count == 0 {
          close(log)
          log = -1
        }
        break
      }
      rest += bytes
    }
    var lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    rest = Array(lines.removeLast())
    return lines.map(\.text)
  }

  /// The device program: the one named, else the one beside this program, else that on the PATH.
  static func find(_ named: String?) -> String? {
    let files = FileManager.default
    if let named { return files.isExecutableFile(atPath: named) ? named : nil }
    var folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
      .map(String.init)
    if let own = try? files.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
      folders.insert((own as NSString).deletingLastPathComponent, at: 0)
    }
    return folders.map { $0 + "/sandpiper" }.first(where: files.isExecutableFile)
  }
}
