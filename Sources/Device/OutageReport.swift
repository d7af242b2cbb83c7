import Core
import JSON
import Uplink

/// What the device says of a time without a link, once that is over: why, how long, and what became of the
/// readings.
///
/// As it waits in the outbox, little endian:
///
///     kind 1 | reason bytes 1 | found 8 | milliseconds away 8 | unnoticed 4 | attempts 4 | queued 4 |
///     journal 8 | flash 8 | dropped 4 | thinned 4 | expired 4 | replaced 4 | reason
public struct OutageReport: BitwiseCopyable, Sendable {
  /// When the link was there again.
  public var found: Instant
  /// How long it was away, from the last sign of life; nil when nobody knows.
  public var away: Interval?
  /// How much of that had passed before it was noticed.
  public var unnoticed = Interval.zero
  /// Attempts to connect that failed meanwhile.
  public var attempts: UInt32 = 0
  /// Records that waited in memory in the end.
  public var queued: UInt32 = 0
  /// Bytes of the journal that were in use in the end.
  public var journalBytes: UInt64 = 0
  /// Bytes that were written to flash meanwhile, in blocks of 4 KiB.
  public var flashBytes: UInt64 = 0
  /// What did not go out as it was, and was so decided meanwhile.
  public var losses = LossCounts()

  /// A report of an outage that ended at `found`.
  public init(found: Instant, away: Interval?) {
    self.found = found
    self.away = away
  }

  static var headerBytes: Int { 62 }

  /// Bytes of the record with a reason of so many.
  public static func size(reasonBytes: Int) -> Int { headerBytes + reasonBytes }

  /// Appends the record.
  public func encode(reason: StaticString, into out: inout OutputSpan<UInt8>) {
    out.append(RecordKind.outage.rawValue)
    out.append(UInt8(truncatingIfNeeded: reason.utf8CodeUnitCount))
    out.append(littleEndian: UInt64(bitPattern: found.nanoseconds), bytes: 8)
    let milliseconds = away?.milliseconds ?? -1
    out.append(littleEndian: UInt64(bitPattern: milliseconds), bytes: 8)
    out.append(littleEndian: UInt64(bitPattern: unnoticed.milliseconds), bytes: 4)
    out.append(littleEndian: UInt64(wide: attempts), bytes: 4)
    out.append(littleEndian: UInt64(wide: queued), bytes: 4)
    out.append(littleEndian: journalBytes, bytes: 8)
    out.append(littleEndian: flashBytes, bytes: 8)
    out.append(littleEndian: UInt64(wide: losses.dropped), bytes: 4)
    out.append(littleEndian: UInt64(wide: losses.thinned), bytes: 4)
    out.append(littleEndian: UInt64(wide: losses.expired), bytes: 4)
    out.append(littleEndian: UInt64(wide: losses.replaced), bytes: 4)
    out.append(literal: reason)
  }

  /// True when the record is one.
  static func isOne(_ record: Span<UInt8>) -> Bool {
    record.count >= headerBytes && record[0] == RecordKind.outage.rawValue
      && record.count == headerBytes + Int(record[1])
  }

  /// See the property of this name.
  static func found(in record: Span<UInt8>) -> Instant {
    Instant(nanoseconds: Int64(bitPattern: record.littleEndian(at: 2, bytes: 8)))
  }

  /// Appends the report in a record as JSON.
  static func render(_ record: Span<UInt8>, at moment: Moment, payload: inout OutputSpan<UInt8>) {
    let found = found(in: record)
    let away = Int64(bitPattern: record.littleEndian(at: 10, bytes: 8))
    payload.append(literal: "{\"reason\":")
    payload.append(jsonString: record.extracting(headerBytes..<record.count))
    payload.append(timeOf: found, at: moment)
    payload.append(literal: ",\"seconds\":")
    append(milliseconds: away, to: &payload)
    payload.append(literal: ",\"unnoticed\":")
    append(milliseconds: Int64(bitPattern: record.littleEndian(at: 18, bytes: 4)), to: &payload)
    append(record, at: 22, bytes: 4, as: "attempts", to: &payload)
    append(record, at: 26, bytes: 4, as: "queued", to: &payload)
    append(record, at: 30, bytes: 8, as: "journal", to: &payload)
    append(record, at: 38, bytes: 8, as: "flash", to: &payload)
    append(record, at: 46, bytes: 4, as: "dropped", to: &payload)
    append(record, at: 50, bytes: 4, as: "thinned", to: &payload)
    append(record, at: 54, bytes: 4, as: "expired", to: &payload)
    append(record, at: 58, bytes: 4, as: "replaced", to: &payload)
    payload.append(literal: "}")
  }

  private static func append(milliseconds: Int64, to out: inout OutputSpan<UInt8>) {
    guard milliseconds >= 0 else { return out.append(literal: "null") }
    out.append(fixed: Double(milliseconds) / 1000, decimals: 3)
  }

  private static func append(
    _ record: Span<UInt8>, at offset: Int, bytes: Int, as name: StaticString,
    to out: inout OutputSpan<UInt8>
  ) {
    out.append(literal: ",\"")
    out.append(literal: name)
    out.append(literal: "\":")
    out.append(digits: record.littleEndian(at: offset, bytes: bytes), width: 1)
  }
}

extension Points {
  /// Puts a report of a time without a link into the outbox. With `outlivesPower` and a journal it is there
  /// also after a power cut before the broker has it.
  public mutating func report(
    _ outage: OutageReport, reason: StaticString, outlivesPower: Bool, outbox: inout Outbox
  ) {
    let bytes = OutageReport.size(reasonBytes: reason.utf8CodeUnitCount)
    let label = RecordLabel(
      .note, series: 0xFFFF, durability: outlivesPower ? .always : .spill)
    append(label, bodyBytes: bytes, to: &outbox) { out in
      outage.encode(reason: reason, into: &out)
    }
  }
}
