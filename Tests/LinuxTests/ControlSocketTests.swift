import Core
import Foundation
import Testing

@testable import Linux

@Suite struct ControlSocketTests {
  /// What a client that sends `message` gets back; "error N" when it fails.
  private static func ask(_ message: String, at path: String, timeout: Interval) -> String {
    do throws(SystemError) {
      return try text { out throws(SystemError) in
        try bytes(path) { path throws(SystemError) in
          try bytes(message) { message throws(SystemError) in
            try ControlSocket.send(message, to: path, timeout: timeout, reply: &out)
          }
        }
      }
    } catch {
      return "error \(error.code)"
    }
  }

  private func open(_ path: String) throws(SystemError) -> ControlSocket {
    try bytes(path) { path throws(SystemError) in try ControlSocket(at: path) }
  }

  private func codeOfOpening(_ path: String) -> Int32 {
    do throws(SystemError) { _ = try open(path) } catch { return error.code }
    return 0
  }

  @Test func requestIsAnswered() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/control"
    var socket = try open(path)
    let reply = Answer()
    Thread.detachNewThread { reply.put(Self.ask("door 1", at: path, timeout: .seconds(60))) }
    var loop = try EventLoop()
    try loop.add(socket.descriptor, token: 0, read: true, write: false)
    var request = ""
    let good = run(&loop, until: { request != "" }) { _ in
      request = text { out in _ = socket.receive(into: &out) }
    }
    #expect(good)
    #expect(request == "door 1")
    bytes("done") { socket.reply($0) }
    #expect(reply.take() == "done")
  }

  @Test func itTakesItsOwnFileAlongAndNoOther() throws {
    let scratch = try Scratch()
    try scratch.write("", to: "control")
    do {
      let socket = try open(scratch.path + "/control.new")
      #expect(socket.descriptor >= 0)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["control"])
  }

  @Test func nothingWaitsAtFirst() throws {
    let scratch = try Scratch()
    var socket = try open(scratch.path + "/control")
    var got = true
    _ = text { out in got = socket.receive(into: &out) }
    #expect(!got)
    bytes("to nobody") { socket.reply($0) }
  }

  @Test func silenceEndsTheClientsWait() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/control"
    let socket = try open(path)
    #expect(Self.ask("door 1", at: path, timeout: .milliseconds(50)) == "error \(ETIMEDOUT)")
    _ = socket.descriptor
  }

  @Test func onlyTheOwnerMayWrite() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/control"
    let socket = try open(path)
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    _ = socket.descriptor
  }

  @Test func fileGoesWithTheSocket() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/control"
    do { _ = try open(path) }
    #expect(!FileManager.default.fileExists(atPath: path))
    #expect(Self.ask("x", at: path, timeout: .seconds(1)) == "error \(ENOENT)")
  }

  @Test func staleSocketIsReplacedAndALiveOneIsNot() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/control"
    let socket = try open(path)
    #expect(codeOfOpening(path) == EADDRINUSE)
    // A second name keeps the file when the socket closes: what a killed program leaves.
    let stale = scratch.path + "/stale"
    #expect(link(path, stale) == 0)
    _ = consume socket
    #expect(Self.ask("x", at: stale, timeout: .seconds(1)) == "error \(ECONNREFUSED)")
    #expect(codeOfOpening(stale) == 0)
  }

  @Test func fileThatIsNoSocketIsLeftAlone() throws {
    let scratch = try Scratch()
    try scratch.write("precious", to: "control")
    #expect(codeOfOpening(scratch.path + "/control") == EEXIST)
    #expect(try String(contentsOfFile: scratch.path + "/control", encoding: .utf8) == "precious")
    #expect(codeOfOpening("/" + String(repeating: "x", count: 120)) == ENAMETOOLONG)
  }
}
