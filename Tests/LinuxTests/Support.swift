import Core
import Foundation

@testable import Linux

/// Calls `body` with `text` as bytes.
func bytes<R: ~Copyable, E: Error>(
  _ text: String, _ body: (Span<UInt8>) throws(E) -> R
) throws(E) -> R {
  let copy = Array(text.utf8)
  return try body(copy.span)
}

/// What `body` appends to a space of `capacity` bytes, as text.
func text<E: Error>(
  capacity: Int = 1024, _ body: (inout OutputSpan<UInt8>) throws(E) -> Void
) throws(E) -> String {
  let array = try [UInt8](capacity: capacity, body)
  return String(decoding: array, as: UTF8.self)
}

extension [UInt8] {
  /// The bytes that `body` appends to a space of `capacity` bytes.
  init<E: Error>(
    capacity: Int, _ body: (inout OutputSpan<UInt8>) throws(E) -> Void
  ) throws(E) {
    let space = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: capacity)
    defer { space.deallocate() }
    var out = OutputSpan(buffer: space, initializedCount: 0)
    try body(&out)
    let count = out.finalize(for: space)
    self = Array(space[..<count])
  }
}

/// A directory of its own for one test, removed with it.
final class Scratch: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "sandpiper-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes `text` to a file below the directory, with the directories on the way.
  func write(_ text: String, to name: String) throws {
    let file = path + "/" + name
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: file, atomically: true, encoding: .utf8)
  }
}

/// What a thread of a test's own hands over: the tests' common threads may all be busy.
final class Answer: @unchecked Sendable {
  private let arrived = DispatchSemaphore(value: 0)
  private var text = ""

  func put(_ text: String) {
    self.text = text
    arrived.signal()
  }

  /// The text, once it is there.
  func take() -> String {
    arrived.wait()
    return text
  }
}

/// Turns the loop until `done` says so, or a minute has passed; false for the latter.
func run(
  _ loop: inout EventLoop, until done: () -> Bool, _ ready: (EventLoop.Ready) -> Void
) -> Bool {
  let limit = Clock.now() + .seconds(60)
  while !done() {
    let now = Clock.now()
    guard now < limit else { return false }
    loop.wait(until: limit, at: now, ready)
  }
  return true
}
