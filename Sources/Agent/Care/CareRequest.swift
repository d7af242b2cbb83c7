import Core
import JSON

/// How urgent a line of the log has to be to be written.
public enum CareLevel: UInt8, BitwiseCopyable, Sendable {
  case error, warning, notice, info, debug

  /// The level that is named so, as for `--log`; nil for none.
  init?(word: Span<UInt8>) {
    switch true {
    case word.equals("error"): self = .error
    case word.equals("warning"): self = .warning
    case word.equals("notice"): self = .notice
    case word.equals("info"): self = .info
    case word.equals("debug"): self = .debug
    default: return nil
    }
  }
}

/// What somebody asks for: the signed part of a message, read as strictly as a command.
///
///     {"n":1764540000000,"do":"status"}
///     {"n":1764540000001,"do":"log","level":"debug","for":"10m"}
///     {"n":1764540000002,"do":"restart","expires":"2026-11-30T22:00:00Z"}
///     {"n":1764540000003,"do":"profile","within":"5m","profile":{...}}
///
/// - `n`: a number that is greater than that of any request before; up to 2^53.
/// - `expires`: nobody may carry it out later.
/// - `for`: how long the log has that level, up to 24 h.
/// - `within`: how soon the device must be online with the profile, 10 s to 1 h.
public struct CareRequest: BitwiseCopyable, Sendable {
  /// Its number; 0 as long as none was read.
  public private(set) var number: UInt64 = 0
  /// What is asked for; nil when that is nothing known.
  public private(set) var task: CareTask?
  /// When it is to be forgotten.
  public private(set) var expires: WallTime?
  /// The log's level.
  public private(set) var level: CareLevel?
  /// How long the level holds, or how soon the device must be online.
  public private(set) var length: Interval?
  /// Where in the body the profile stands, with the white space before it: from behind the colon on, so that
  /// its lines and columns are those of the file that it was made of.
  public private(set) var profile = Text.empty
  /// False for anything that is not one of the above.
  public private(set) var isWellFormed = false
  private var lengthName: UInt8 = 0

  /// No request.
  init() {}

  /// Reads a body.
  public init(_ body: Span<UInt8>) {
    do throws(JSONError) { isWellFormed = try read(body) } catch {}
  }

  /// How long the level holds unless it is said.
  static var logLength: Interval { .seconds(3_600) }
  /// How soon the device must be online unless it is said.
  static var trialLength: Interval { .seconds(300) }
  /// The greatest number: what all JSON readers can tell from its neighbours (RFC 8259, section 6).
  static var numberMax: Int64 { 9_007_199_254_740_992 }

  private mutating func read(_ body: Span<UInt8>) throws(JSONError) -> Bool {
    var reader = JSONReader()
    guard case .beginObject? = try reader.next(in: body) else { return false }
    while case .key(let key)? = try reader.next(in: body) {
      guard let value = try reader.next(in: body) else { return false }
      switch value {
      case .number(let number):
        guard key.equals("n", in: body), self.number == 0, let whole = number.whole, whole > 0,
          whole <= Self.numberMax
        else { return false }
        self.number = UInt64(bitPattern: whole)
      case .beginObject:
        guard key.equals("profile", in: body), profile.isEmpty else { return false }
        // Behind the name come its quotation mark, white space and the colon.
        var start = key.offset + key.count + 1
        while body[start] != UInt8(ascii: ":") { start += 1 }
        try reader.skipContainer(in: body)
        profile = Text(start + 1..<reader.tokenOffset + 1)
      case .string(let text) where !text.hasEscapes:
        let word = body.extracting(text.offset..<text.offset + text.count)
        guard take(word, of: key, body) else { return false }
      default: return false
      }
    }
    // Nothing may follow.
    return try reader.next(in: body) == nil && isWhole
  }

  private mutating func take(_ word: Span<UInt8>, of key: JSONText, _ body: Span<UInt8>) -> Bool {
    if key.equals("do", in: body) {
      guard task == nil else { return false }
      task = CareTask(word: word)
      return task != nil
    }
    if key.equals("level", in: body) {
      guard level == nil else { return false }
      level = CareLevel(word: word)
      return level != nil
    }
    if key.equals("expires", in: body) {
      guard expires == nil else { return false }
      expires = WallTime(parsing: word)
      return expires != nil
    }
    guard length == nil, let length = Interval(parsing: word) else { return false }
    self.length = length
    if key.equals("for", in: body) {
      lengthName = 1
      return length >= .seconds(1) && length <= .seconds(86_400)
    }
    lengthName = 2
    return key.equals("within", in: body) && length >= .seconds(10) && length <= .seconds(3_600)
  }

  /// True when all that the task needs is there, and nothing that it does not know.
  private var isWhole: Bool {
    guard number > 0, let task else { return false }
    switch task {
    case .status, .restart: return level == nil && length == nil && profile.isEmpty
    case .log: return level != nil && lengthName != 2 && profile.isEmpty
    case .profile: return level == nil && lengthName != 1 && !profile.isEmpty
    }
  }
}
