import Core
import JSON

/// A command as it was understood: what to drive, or why it is refused.
///
/// Its topic is `<base>/<id>/cmd/<point>`, its payload a bare value (`true`, `1`, `"on"`, ON) or an
/// object: `{"v":true,"id":"42","for":"5m","maxAge":"10s","t":"2026-11-23T04:50:00Z"}`.
///
/// - `v`: on or off (required).
/// - `id`: up to 64 bytes, given back with the result.
/// - `for`: the output goes back to its start state after this time.
/// - `maxAge`: refuse the command when it is older than this; its age is reckoned from `t`, when the
///   sender gave it. Without both a command is as young as its arrival, unless the broker keeps
///   commands for us (persistent session): then its age is unknown, and it is refused.
public struct Command: BitwiseCopyable, Sendable {
  /// The point's index in the profile, or nil when there is none of that name.
  public private(set) var point: Int?
  /// Why it is refused at once; `.none` when it is not.
  public private(set) var refusal = CommandRefusal.none
  var name: ShortText
  var id = ShortText()
  /// What to drive the output to.
  public private(set) var level = false
  /// How long it holds; nil for until the next command.
  public private(set) var duration: Interval?
  var ageMax: Interval?
  var issued: WallTime?

  /// Reads a command for the point `name`.
  public init(
    name: Span<UInt8>, payload: Span<UInt8>, isRetained: Bool, points: borrowing Points
  ) {
    self.name = ShortText(name)
    point = points.index(named: name)
    var fault = Self.refusal(ofPoint: point, points)
    if !parse(payload) {
      fault = fault == .none ? .malformed : fault
    } else if fault == .none {
      fault = refusal
    }
    // Whatever else is wrong with it: a retained command is nobody's wish of now.
    refusal = isRetained ? .retained : fault
  }

  /// Refuses the command, unless it is refused already.
  public mutating func refuse(because reason: CommandRefusal) {
    if refusal == .none { refusal = reason }
  }

  private static func refusal(
    ofPoint point: Int?, _ points: borrowing Points
  ) -> CommandRefusal {
    guard let point else { return .unknownPoint }
    return points.isOutput(point) ? .none : .notAnOutput
  }

  /// False when the payload is not that of a command.
  private mutating func parse(_ payload: Span<UInt8>) -> Bool {
    if let level = Self.level(bare: payload) {
      self.level = level
      return true
    }
    var reader = JSONReader()
    do throws(JSONError) {
      guard let first = try reader.next(in: payload) else { return false }
      if case .beginObject = first {
        guard try parseMembers(&reader, payload) else { return false }
      } else {
        take(value: first, payload)
      }
      return try reader.next(in: payload) == nil
    } catch {
      return false
    }
  }

  /// A member that stands there twice makes the command ambiguous, and so no command.
  private mutating func parseMembers(
    _ reader: inout JSONReader, _ payload: Span<UInt8>
  ) throws(JSONError) -> Bool {
    var hasValue = false
    while case .key(let key)? = try reader.next(in: payload) {
      guard let value = try reader.next(in: payload) else { return false }
      if key.equals("v", in: payload) {
        guard !hasValue else { return false }
        hasValue = true
        take(value: value, payload)
        continue
      }
      guard case .string(let text) = value, !text.hasEscapes || key.equals("id", in: payload)
      else { return false }
      let bytes = payload.extracting(text.offset..<text.offset + text.count)
      if key.equals("id", in: payload) {
        guard text.count <= ShortText.capacity, id.count == 0 else { return false }
        id = ShortText { out in text.decode(into: &out, in: payload) }
      } else if key.equals("for", in: payload) {
        guard duration == nil, let length = Interval(parsing: bytes), length > .zero
        else { return false }
        duration = length
      } else if key.equals("maxAge", in: payload) {
        guard ageMax == nil, let age = Interval(parsing: bytes) else { return false }
        ageMax = age
      } else if key.equals("t", in: payload) {
        guard issued == nil, let time = WallTime(parsing: bytes) else { return false }
        issued = time
      } else {
        return false
      }
    }
    return hasValue
  }

  private mutating func take(value: JSONToken, _ payload: Span<UInt8>) {
    switch value {
    case .bool(let level): self.level = level
    case .number(let number) where number.whole == 0 || number.whole == 1:
      level = number.whole == 1
    case .string(let text):
      let bytes = payload.extracting(text.offset..<text.offset + text.count)
      guard let level = Self.level(bare: bytes) else { fallthrough }
      self.level = level
    default: refusal = .badValue
    }
  }

  /// On and off as people and Home Assistant write them, in any case of letters.
  private static func level(bare bytes: Span<UInt8>) -> Bool? {
    if bytes.equalsIgnoringCase("on") || bytes.equalsIgnoringCase("true") { return true }
    if bytes.equalsIgnoringCase("off") || bytes.equalsIgnoringCase("false") { return false }
    return nil
  }
}
