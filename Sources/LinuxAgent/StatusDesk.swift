import Agent
import CLinux
import Core
import Device
import Linux
import Uplink

/// Where whoever asks on this board learns how the agent is.
struct StatusDesk: ~Copyable {
  private var server: DocumentServer
  /// Bytes that the agent took at its start.
  private let memoryPlanned: Int

  /// A desk at which nobody can ask yet.
  init(_ launch: Launch, _ points: Span<PointSpec>, _ texts: Span<UInt8>, _ arena: inout Arena) {
    server = DocumentServer(
      "status under construction",
      bytes: StatusSize.bytesMax(launch.specs, points: points, texts: texts),
      firstToken: Token.status, arena: &arena)
    // It is the last that is taken.
    memoryPlanned = arena.used
  }

  /// Lets people ask at the place that was named, if one was. False when it can't be, and has to.
  mutating func open(_ place: StatusPlace, loop: borrowing EventLoop) -> Bool {
    guard !place.path.isEmpty else { return true }
    do throws(SystemError) {
      try place.path.withBytes { (path) throws(SystemError) in
        try server.listen(at: path, loop: loop)
      }
      return true
    } catch {
      Log.write(.error) { line in
        line.append(literal: "status socket ")
        place.path.withBytes { line.append(contentsOf: $0) }
        line.append(literal: ": ")
        if error.code == EADDRINUSE {
          line.append(
            literal: "another agent is asked there: stop it, or name another with --status")
        } else {
          line.append(error)
        }
      }
      return !place.isAskedFor
    }
  }

  /// See `DocumentServer`.
  var deadline: Instant { server.deadline }

  /// Answers who asks.
  mutating func answer(
    _ agent: borrowing DeviceAgent<FileStorage>, at moment: Moment, loop: borrowing EventLoop
  ) {
    let process = ProcessFacts(
      memoryPlanned: memoryPlanned, memoryResidentKiB: Memory.residentKiB)
    server.serve(at: moment.instant, loop: loop) { out in
      agent.appendStatus(process, at: moment, to: &out)
      out.append(UInt8(ascii: "\n"))
    }
  }
}

/// Where the agent can be asked how it is.
public struct StatusPlace: BitwiseCopyable, Sendable {
  /// The socket's path, 107 bytes at the most; empty for none.
  public var path: FixedText<108>
  /// True when the agent is not to run without.
  public var isAskedFor: Bool

  /// Nowhere.
  public static var nowhere: StatusPlace { StatusPlace(Span(), isAskedFor: false) }

  /// A socket at `path`.
  public init(_ path: Span<UInt8>, isAskedFor: Bool) {
    self.path = FixedText(path)
    self.isAskedFor = isAskedFor
  }
}
