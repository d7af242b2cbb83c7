import Core
import JSON
import Uplink

/// How long the device was away, and why: the `away` of a birth.
struct Absence: BitwiseCopyable {
  /// Why, in one word as published.
  var reason: StaticString
  /// How long, as far as anybody knows.
  var length: Interval?
  /// Readings that were dropped meanwhile.
  var dropped: UInt32 = 0
  /// False when the agent only went from one broker to another.
  private(set) var isOutage = true

  /// The link was lost while the agent lived.
  init(fault: LinkFault, length: Interval) {
    reason = fault.slug
    self.length = length
    if case .returned = fault { isOutage = false }
  }

  /// The agent itself was away, and only the journal knows of the run before.
  init(before run: RunStamp, at moment: Moment) {
    reason = run.isPresentBoot ? "agent-ended" : "rebooted"
    guard let seen = run.lastTime, moment.quality != .none else { return }
    length = max(.zero, moment.wall - seen)
  }

  /// The agent itself was away: what the broker still knew of the run before.
  init(last: LastWord, bootID: InlineArray<36, UInt8>, at moment: Moment) {
    switch last.state {
    case .offline: reason = "stopped"
    case .alive, .lost: reason = last.isBoot(bootID) ? "agent-ended" : "rebooted"
    }
    // The last sign of life: a status says when it began, the health report when it was sent.
    guard let seen = last.seen, moment.quality != .none else { return }
    length = max(.zero, moment.wall - seen)
  }

  /// Appends `,"away":{...}`.
  func append(to out: inout OutputSpan<UInt8>) {
    out.append(literal: ",\"away\":{\"reason\":\"")
    out.append(literal: reason)
    out.append(literal: "\",\"seconds\":")
    if let length {
      out.append(fixed: Double(length.milliseconds) / 1000, decimals: 3)
    } else {
      out.append(literal: "null")
    }
    out.append(literal: ",\"dropped\":")
    out.append(digits: UInt64(wide: dropped), width: 1)
    out.append(literal: "}")
  }
}

/// What the broker had retained of this device before this run's first birth.
struct LastWord: BitwiseCopyable {
  enum State: BitwiseCopyable { case alive, offline, lost }

  var state = State.lost
  var bootID = InlineArray<36, UInt8>(repeating: 0)
  /// When the run before was last heard of.
  var seen: WallTime?
  /// The session that it says it is of.
  var session: UInt64?

  /// Reads a status of ours, or nil when it is none.
  init?(status: Span<UInt8>) {
    guard let end = try? read(status), end else { return nil }
  }

  /// True when all of `status` is a status.
  private mutating func read(_ status: Span<UInt8>) throws(JSONError) -> Bool {
    var reader = JSONReader()
    var isKnown = false
    guard case .beginObject? = try reader.next(in: status) else { return false }
    while case .key(let key)? = try reader.next(in: status) {
      guard let value = try reader.next(in: status) else { return false }
      switch value {
      case .string(let text):
        let bytes = status.extracting(text.offset..<text.offset + text.count)
        if key.equals("state", in: status) {
          isKnown = true
          take(state: bytes)
        } else if key.equals("since", in: status) {
          seen = WallTime(parsing: bytes)
        } else if key.equals("boot", in: status), bytes.count == bootID.count {
          for index in bootID.indices { bootID[index] = bytes[index] }
        }
      case .number(let number) where key.equals("session", in: status):
        session = number.whole.map { UInt64(bitPattern: $0) }
      case .beginObject, .beginArray: try reader.skipContainer(in: status)
      default: break
      }
    }
    return isKnown
  }

  private mutating func take(state name: Span<UInt8>) {
    if name.equals("offline") {
      state = .offline
    } else if name.equals("online") || name.equals("stopping") {
      state = .alive
    }
  }

  /// A health report was sent at `time`: a later sign of life than the status, unless that was the
  /// last word of an orderly stop.
  mutating func heard(at time: WallTime) {
    guard state != .offline else { return }
    if let seen, seen >= time { return }
    seen = time
  }

  /// When a health report was sent, as its `t` says.
  static func time(inDiagnostics report: Span<UInt8>) -> WallTime? {
    var reader = JSONReader()
    do throws(JSONError) {
      guard case .beginObject? = try reader.next(in: report) else { return nil }
      while case .key(let key)? = try reader.next(in: report) {
        switch try reader.next(in: report) {
        case .string(let text) where key.equals("t", in: report):
          return WallTime(parsing: report.extracting(text.offset..<text.offset + text.count))
        case .beginObject, .beginArray: try reader.skipContainer(in: report)
        default: break
        }
      }
    } catch {
      return nil
    }
    return nil
  }

  func isBoot(_ other: InlineArray<36, UInt8>) -> Bool {
    for index in bootID.indices where bootID[index] != other[index] { return false }
    return true
  }
}
