import Core
import JSON

/// Why a request was refused, or a profile given up: up to 480 bytes without control characters, so that
/// as JSON they are no more than 1,440.
public struct CareReason: BitwiseCopyable, Sendable {
  private var text = FixedText<480>()

  /// No reason.
  public init() {}

  /// A reason that is known when the program is built.
  public init(_ words: StaticString) { text.append(words) }

  /// What does not fit is left out, and so are control characters.
  public init(_ words: Span<UInt8>) {
    for index in words.indices where words[index] >= 0x20 && words[index] != 0x7F {
      text.append(words[index])
    }
  }

  /// True for no reason.
  public var isEmpty: Bool { text.isEmpty }

  /// Lends the words.
  public func withBytes<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
    try text.withBytes(body)
  }
}

/// What became of a request:
///
///     {"n":1764540000000,"do":"restart","result":"refused","reason":"not-allowed"}
public struct CareAnswer: BitwiseCopyable, Sendable {
  /// What became of it.
  public enum Result: UInt8, BitwiseCopyable, Sendable {
    /// It is done.
    case done
    /// It was taken, and another answer follows.
    case accepted
    /// It was not taken.
    case refused
    /// The profile holds.
    case applied
    /// The profile was given up, and the one before holds.
    case rolledBack

    /// The result as answers say it.
    public var word: StaticString {
      switch self {
      case .done: "done"
      case .accepted: "accepted"
      case .refused: "refused"
      case .applied: "applied"
      case .rolledBack: "rolled-back"
      }
    }
  }

  /// The request's number; 0 where it could not be read.
  public var number: UInt64
  /// What was asked for; nil where that could not be read.
  public var task: CareTask?
  /// What became of it.
  public var result: Result
  /// Why.
  public var reason: CareReason
  /// The number that the request's had to be greater than, where that is why.
  var last: UInt64?

  /// An answer.
  public init(
    _ number: UInt64, _ task: CareTask?, _ result: Result, _ reason: CareReason = CareReason()
  ) {
    self.number = number
    self.task = task
    self.result = result
    self.reason = reason
  }

  /// Appends all but the closing bracket, at most 1,600 bytes.
  func append(to out: inout OutputSpan<UInt8>) {
    out.append(literal: "{\"n\":")
    if number == 0 {
      out.append(literal: "null")
    } else {
      out.append(digits: number, width: 1)
    }
    if let task {
      out.append(literal: ",\"do\":\"")
      out.append(literal: task.word)
      out.append(UInt8(ascii: "\""))
    }
    out.append(literal: ",\"result\":\"")
    out.append(literal: result.word)
    out.append(UInt8(ascii: "\""))
    guard !reason.isEmpty else { return }
    out.append(literal: ",\"reason\":")
    reason.withBytes { out.append(jsonString: $0) }
    guard let last else { return }
    out.append(literal: ",\"last\":")
    out.append(digits: last, width: 1)
  }
}
