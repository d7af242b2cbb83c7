import Core
import JSON

/// What became of a command.
public enum CommandOutcome: UInt8, BitwiseCopyable, Sendable {
  /// The line was driven, and its level reads back as asked.
  case done
  /// The command was not carried out; `CommandRefusal` says why.
  case refused
  /// The line could not be driven, or reads back otherwise.
  case failed
}

/// Why a command was not carried out.
public enum CommandRefusal: UInt8, BitwiseCopyable, Sendable {
  /// It was carried out.
  case none
  /// It was retained on the broker: it may be of any age.
  case retained
  /// It is not JSON, or not the JSON of a command.
  case malformed
  /// There is no point of that name.
  case unknownPoint
  /// The point is not an output.
  case notAnOutput
  /// The value is neither on nor off.
  case badValue
  /// It is older than its `maxAge`.
  case tooOld
  /// Its age cannot be told: no time in it, or no clock here.
  case ageUnknown
  /// The agent is stopping.
  case stopping
  /// Commands come faster than their answers leave: this one has none.
  case busy

  /// The reason as published.
  public var reason: StaticString {
    switch self {
    case .none: "none"
    case .retained: "retained"
    case .malformed: "malformed"
    case .unknownPoint: "unknown-point"
    case .notAnOutput: "not-an-output"
    case .badValue: "bad-value"
    case .tooOld: "too-old"
    case .ageUnknown: "age-unknown"
    case .stopping: "stopping"
    case .busy: "busy"
    }
  }
}

/// The answer to a command as it waits in the outbox.
///
///     kind 1 | outcome 1 | refusal 1 | level 1 | instant 8 | id bytes 1 | name bytes 1 | id | name
enum ResultRecord {
  static let headerBytes = 14

  static func size(id: ShortText, name: ShortText) -> Int { headerBytes + id.count + name.count }

  static func encode(
    _ outcome: CommandOutcome, _ refusal: CommandRefusal, level: Bool, at instant: Instant,
    id: ShortText, name: ShortText, into out: inout OutputSpan<UInt8>
  ) {
    out.append(RecordKind.result.rawValue)
    out.append(outcome.rawValue)
    out.append(refusal.rawValue)
    out.append(level ? 1 : 0)
    out.append(littleEndian: UInt64(bitPattern: instant.nanoseconds), bytes: 8)
    out.append(UInt8(truncatingIfNeeded: id.count))
    out.append(UInt8(truncatingIfNeeded: name.count))
    id.write(into: &out)
    name.write(into: &out)
  }

  static func render(
    _ record: Span<UInt8>, at moment: Moment, payload: inout OutputSpan<UInt8>
  ) {
    guard record.count >= headerBytes, let outcome = CommandOutcome(rawValue: record[1]),
      let refusal = CommandRefusal(rawValue: record[2])
    else { return }
    let idEnd = headerBytes + Int(record[12])
    let instant = Instant(nanoseconds: Int64(bitPattern: record.littleEndian(at: 4, bytes: 8)))
    payload.append(literal: "{")
    if idEnd > headerBytes {
      payload.append(literal: "\"id\":")
      payload.append(jsonString: record.extracting(headerBytes..<idEnd))
      payload.append(literal: ",")
    }
    payload.append(literal: "\"point\":")
    payload.append(jsonString: record.extracting(idEnd..<record.count))
    switch outcome {
    case .done: payload.append(literal: ",\"result\":\"done\",\"v\":")
    case .failed: payload.append(literal: ",\"result\":\"failed\",\"v\":")
    case .refused:
      payload.append(literal: ",\"result\":\"refused\",\"reason\":\"")
      payload.append(literal: refusal.reason)
      payload.append(literal: "\"")
    }
    if outcome != .refused { payload.append(literal: record[3] == 1 ? "true" : "false") }
    payload.append(timeOf: instant, at: moment)
    payload.append(literal: "}")
  }
}
