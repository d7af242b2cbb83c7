import Core
import JSON

/// What remote care has to know over a restart: a file of a few lines, written anew as a whole.
///
///     n 1764540000000
///     over 9f1c6a02b35d7e84
///     accepted 03b6a9c55d21f0e7
///     trial 77d0e8125ab4c3f9 1764540000000 300 begun
///     answer 1764540000000 profile rolled-back not-online: connect-failed
///
/// - `n`: the last request's number.
/// - `over`: the installed profile that `accepted` and `trial` were proposed over, as its hash.
/// - `accepted`: the profile that has proved itself.
/// - `trial`: one that has to: the request's number, how many seconds it has, and whether a run has begun
///   with it. A run that finds it begun knows that the one before has not come through.
/// - `answer`: what is still to be said to a request.
public struct CareRecord: BitwiseCopyable, Sendable {
  /// A profile that has to prove itself.
  public struct Trial: BitwiseCopyable, Sendable {
    /// The profile's hash (FNV-1a).
    public var hash: UInt64
    /// The number of the request that has brought it.
    public var number: UInt64
    /// How soon the device must be online with it.
    public var within: Interval
    /// True once a run has begun with it.
    public var hasBegun = false

    /// A profile that no run has begun with.
    public init(hash: UInt64, number: UInt64, within: Interval) {
      self.hash = hash
      self.number = number
      self.within = within
    }
  }

  /// The last request's number; 0 for none.
  public var number: UInt64 = 0
  /// The hash of the installed profile that the others were proposed over.
  public var over: UInt64 = 0
  /// The hash of the profile that was proposed and has proved itself.
  public var accepted: UInt64?
  /// The profile that has to.
  public var trial: Trial?
  /// What is still to be said.
  public var answer: CareAnswer?

  /// Nothing was asked for yet.
  public init() {}

  /// The longest record, in bytes.
  public static var bytesMax: Int { 1024 }

  /// Reads a record; nil when this is none.
  public init?(parsing text: Span<UInt8>) {
    var lines = Words(text, UInt8(ascii: "\n"))
    var hasNumber = false
    while let line = lines.next() {
      var words = Words(text.extracting(line), UInt8(ascii: " "))
      let bytes = text.extracting(line)
      guard let name = words.next() else { continue }
      let word = bytes.extracting(name)
      if word.equals("n") {
        guard let number = words.number() else { return nil }
        self.number = number
        hasNumber = true
      } else if word.equals("over") {
        guard let hash = words.hash() else { return nil }
        over = hash
      } else if word.equals("accepted") {
        guard let hash = words.hash() else { return nil }
        accepted = hash
      } else if word.equals("trial") {
        guard let hash = words.hash(), let number = words.number(), let seconds = words.number(),
          seconds <= 3_600, let state = words.next()
        else { return nil }
        var trial = Trial(
          hash: hash, number: number, within: .seconds(Int64(bitPattern: seconds)))
        trial.hasBegun = bytes.extracting(state).equals("begun")
        self.trial = trial
      } else if word.equals("answer") {
        guard let number = words.number(), let task = words.next(), let result = words.next(),
          let task = CareTask(word: bytes.extracting(task)),
          let result = CareAnswer.Result(word: bytes.extracting(result))
        else { return nil }
        answer = CareAnswer(number, task, result, CareReason(bytes.extracting(words.rest)))
      }
    }
    guard hasNumber else { return nil }
  }

  /// Appends the record, up to `bytesMax` bytes.
  public func append(to out: inout OutputSpan<UInt8>) {
    out.append(literal: "n ")
    out.append(digits: number, width: 1)
    if accepted != nil || trial != nil {
      out.append(literal: "\nover ")
      out.append(hex: over)
    }
    if let accepted {
      out.append(literal: "\naccepted ")
      out.append(hex: accepted)
    }
    if let trial {
      out.append(literal: "\ntrial ")
      out.append(hex: trial.hash)
      out.append(literal: " ")
      out.append(digits: trial.number, width: 1)
      out.append(literal: " ")
      out.append(decimal: trial.within.seconds)
      out.append(literal: trial.hasBegun ? " begun" : " waits")
    }
    if let answer, let task = answer.task {
      out.append(literal: "\nanswer ")
      out.append(digits: answer.number, width: 1)
      out.append(literal: " ")
      out.append(literal: task.word)
      out.append(literal: " ")
      out.append(literal: answer.result.word)
      out.append(literal: " ")
      answer.reason.withBytes { out.append(contentsOf: $0) }
    }
    out.append(literal: "\n")
  }

  // MARK: What becomes of profiles

  /// The trial has come to a good end, or with a `fault` to a bad one. The answer follows.
  public mutating func endTrial(fault: CareReason?) {
    guard let trial else { return }
    if fault == nil { accepted = trial.hash }
    answer = CareAnswer(
      trial.number, .profile, fault == nil ? .applied : .rolledBack, fault ?? CareReason())
    self.trial = nil
  }
}

extension CareAnswer.Result {
  fileprivate init?(word: Span<UInt8>) {
    var rawValue: UInt8 = 0
    while let result = CareAnswer.Result(rawValue: rawValue) {
      if word.equals(result.word) {
        self = result
        return
      }
      rawValue += 1
    }
    return nil
  }
}

/// A text cut at each `separator`.
private struct Words: ~Escapable {
  private let text: Span<UInt8>
  private let separator: UInt8
  private var offset = 0

  @_lifetime(copy text)
  init(_ text: Span<UInt8>, _ separator: UInt8) {
    self.text = text
    self.separator = separator
  }

  /// What is left.
  var rest: Range<Int> { min(offset, text.count)..<text.count }

  /// Where the next word is; nil at the end.
  @_lifetime(self: copy self)
  mutating func next() -> Range<Int>? {
    guard offset < text.count else { return nil }
    let start = offset
    while offset < text.count, text[offset] != separator { offset += 1 }
    defer { offset += 1 }
    return start..<offset
  }

  /// The next word as a number of up to 18 digits.
  @_lifetime(self: copy self)
  mutating func number() -> UInt64? {
    guard let word = next(), word.count > 0, word.count <= 18 else { return nil }
    var number: UInt64 = 0
    for index in word {
      let digit = text[index] &- UInt8(ascii: "0")
      guard digit < 10 else { return nil }
      number = number * 10 + UInt64(wide: digit)
    }
    return number
  }

  /// The next word as 16 hexadecimal digits.
  @_lifetime(self: copy self)
  mutating func hash() -> UInt64? {
    guard let word = next(), word.count == 16 else { return nil }
    var hash: UInt64 = 0
    for index in word {
      let byte = text[index]
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      default: return nil
      }
      hash = hash &<< 4 | UInt64(wide: digit)
    }
    return hash
  }
}
