import Core
import Device
import JSON
import Uplink

/// What the device says of its own life: will, birth, stop, all on one retained topic.
///
///     {"state":"online","session":12,"boot":"...","since":"...","reason":"...","version":"...",
///      "profile":"...","away":{"reason":"...","seconds":12.3,"dropped":0}}
///
/// `online` is the birth of a session, `stopping` and `offline` an orderly end, `lost` the will, which
/// the broker publishes in the device's stead. Each connection is a session; its number only grows, so
/// that a reader can tell an old session's will, come late, from the truth.
struct Life: BitwiseCopyable {
  enum State: BitwiseCopyable {
    case online, stopping, offline, lost

    var name: StaticString {
      switch self {
      case .online: "online"
      case .stopping: "stopping"
      case .offline: "offline"
      case .lost: "lost"
      }
    }
  }

  let identity: Identity
  let profileHash: UInt64
  /// The session's number.
  private(set) var session: UInt64
  /// The last word of this session so far.
  var state = State.online
  /// Since when that holds.
  var since: Moment
  /// Why.
  var reason: StaticString = "started"
  /// What went before the session.
  var absence: Absence?

  init(_ identity: Identity, profileHash: UInt64, at moment: Moment) {
    self.identity = identity
    self.profileHash = profileHash
    session = identity.lastSession
    since = moment
  }

  /// A new connection is a new session.
  mutating func newSession(at moment: Moment) {
    session &+= 1
    since = moment
  }

  /// True when `word` is the will of an earlier session of this run, not a word of the run before.
  func isOwnWill(_ word: LastWord) -> Bool {
    guard word.state == .lost, word.isBoot(identity.bootID), let number = word.session
    else { return false }
    return number > identity.lastSession && number < session
  }

  /// True, once, when the clock has been set since: what `since` was can be told now.
  mutating func learnTime(at moment: Moment) -> Bool {
    guard since.quality == .none, moment.quality != .none else { return false }
    since.wall = moment.wall(at: since.instant)
    since.quality = moment.quality
    return true
  }

  /// Appends the status that the broker shall publish should the session be lost.
  func appendWill(to out: inout OutputSpan<UInt8>) {
    append(.lost, reason: "connection-lost", away: nil, to: &out)
  }

  /// Appends the status as it is.
  func append(to out: inout OutputSpan<UInt8>) {
    append(state, reason: reason, away: state == .online ? absence : nil, to: &out)
  }

  /// The longest status, in bytes.
  static var bytesMax: Int { 512 }

  private func append(
    _ state: State, reason: StaticString, away: Absence?, to out: inout OutputSpan<UInt8>
  ) {
    out.append(literal: "{\"state\":\"")
    out.append(literal: state.name)
    out.append(literal: "\",\"session\":")
    out.append(digits: session, width: 1)
    out.append(literal: ",\"boot\":\"")
    for index in identity.bootID.indices { out.append(identity.bootID[index]) }
    out.append(literal: "\",\"since\":")
    if since.quality == .none {
      out.append(literal: "null")
    } else {
      out.append(literal: "\"")
      out.append(timestamp: since.wall)
      out.append(literal: "\"")
    }
    out.append(literal: ",\"reason\":\"")
    out.append(literal: reason)
    out.append(literal: "\",\"version\":\"")
    out.append(literal: identity.version)
    out.append(literal: "\",\"profile\":\"")
    out.append(hex: profileHash)
    out.append(literal: "\"")
    away?.append(to: &out)
    out.append(literal: "}")
  }
}
