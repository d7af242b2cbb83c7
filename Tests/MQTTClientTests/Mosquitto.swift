import CLinux
import Core
import Linux
import Testing

/// The real broker on a free port of the loopback, for as long as somebody holds it.
final class Mosquitto: Sendable {
  let port: UInt16
  private let process: Int32

  var url: String { "mqtt://127.0.0.1:\(port)" }

  /// A broker with `settings` as lines of its configuration.
  init(_ settings: String = "allow_anonymous true", port wanted: UInt16? = nil) throws {
    port = try wanted ?? Self.freePort()
    let folder = "/tmp"
    let file = "\(folder)/sandpiper-mosquitto-\(getpid())-\(port).conf"
    let text = "listener \(port) 127.0.0.1\nlog_dest none\n\(settings)\n"
    try File.write(atomically: Array(text.utf8).span, to: Array(file.utf8).span)
    process = Self.spawn("/usr/sbin/mosquitto", ["mosquitto", "-c", file])
    try #require(process > 0)
    try #require(Self.isListening(port), "mosquitto has to be installed")
    unlink(file)
  }

  deinit { stop() }

  /// Ends the broker at once.
  func stop() {
    kill(process, SIGKILL)
    while clinux_reap(process) == -1, kill(process, 0) == 0 { usleep(1_000) }
  }

  static func freePort() throws -> UInt16 {
    try Listener(at: .loopback(port: 0)).address.port
  }

  static func spawn(_ path: String, _ arguments: [String]) -> Int32 {
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return clinux_spawn(path, pointers, -1)
  }

  /// Connects until it answers, for ten seconds at the most.
  private static func isListening(_ port: UInt16) -> Bool {
    for _ in 0..<1_000 {
      if let link = try? TCPLink.open(to: .loopback(port: port)) {
        usleep(10_000)
        if link.connectResult() == nil, link.peer != nil { return true }
      } else {
        usleep(10_000)
      }
    }
    return false
  }
}
