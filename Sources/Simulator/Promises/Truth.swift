import Core
import JSON

/// Whether the last word on the status topic is true, and for how long it has not been.
struct Truth {
  /// A device that is gone may still be said to live for so long: 1.5 keep-alives, and what a broker and
  /// a slow link add.
  private let deadMax: Interval
  /// A device that lives may be said to be gone for so long.
  private let aliveMax = Interval.seconds(60)
  private var state = ""
  private var session: UInt64 = 0
  /// The session that was opened last, and the last of which the broker has published the will.
  private var opened: UInt64 = 0
  private var lastWill: UInt64 = 0
  private var falseSince: Instant?
  private var hasComplained = false

  /// True while the last word is not true: each moment may be the one that is too long.
  var isInDoubt: Bool { falseSince != nil }

  init(keepAlive: Interval) { deadMax = keepAlive * 3 / 2 + .seconds(20) }

  /// The device opens a connection, and with it a session.
  mutating func opened(session: UInt64) { opened = session }

  /// The device, or the broker in its stead, has published a status; a complaint when it speaks of another
  /// session than it is of, so that nobody could tell an old will from the truth.
  mutating func heard(_ payload: [UInt8], isWill: Bool) -> String? {
    take(payload)
    guard isWill else {
      guard session != opened else { return nil }
      return "session \(opened) says \"\(state)\" of session \(session)"
    }
    defer { if session <= opened { lastWill = max(lastWill, session) } }
    guard session <= lastWill || session > opened else { return nil }
    return "a will of session \(session) after one of \(lastWill), in session \(opened)"
  }

  /// Somebody else has published a status.
  mutating func forged(_ payload: [UInt8]) { take(payload) }

  private mutating func take(_ payload: [UInt8]) {
    (state, session) = ("", 0)
    var reader = JSONReader()
    do throws(JSONError) {
      guard case .beginObject? = try reader.next(in: payload.span) else { return }
      while case .key(let key)? = try reader.next(in: payload.span) {
        let isState = key.equals("state", in: payload.span)
        let isSession = key.equals("session", in: payload.span)
        switch try reader.next(in: payload.span) {
        case .beginObject?, .beginArray?: try reader.skipContainer(in: payload.span)
        case .string(let value)? where isState:
          state = value.withBytes(in: payload.span) { String(copying: $0) }
        case .number(let value)? where isSession: session = UInt64(value.whole ?? 0)
        default: break
        }
      }
    } catch { state = "" }
  }

  /// The broker has forgotten it.
  mutating func forget() { (state, session) = ("", 0) }

  /// A complaint when the status has not been true for too long. Of a device that the broker hears, sooner or
  /// later, and that hears nothing itself, it may say either.
  mutating func check(
    isOnline: Bool, isHeard: Bool, session present: UInt64?, at now: Instant
  ) -> String? {
    let saysOnline = state == "online" || state == "stopping"
    let isTrue =
      saysOnline ? (isOnline || isHeard) && session == present : !isOnline
    guard !isTrue else {
      (falseSince, hasComplained) = (nil, false)
      return nil
    }
    let since = falseSince ?? now
    falseSince = since
    guard !hasComplained, now - since > (isOnline ? aliveMax : deadMax) else { return nil }
    hasComplained = true
    return "the status says \"\(state)\", session \(session), for \((now - since).seconds) s, and "
      + (isOnline ? "the device is online in session \(present ?? 0)" : "the device is not online")
  }
}
