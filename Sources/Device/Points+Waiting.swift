import Core
import Uplink

/// What becomes of readings that wait: how long they may, how they are merged, and how they look in the
/// journal, where a later run with another profile has to know what they are.
///
///     reading as in the outbox | name of its point
extension Points {
  /// See `MessageRenderer`.
  public func expiry(of record: Span<UInt8>) -> Instant {
    guard let reading = ReadingRecord(record) else { return .never }
    return expiry(of: reading, points[reading.point])
  }

  private func expiry(of reading: ReadingRecord, _ point: PointSpec) -> Instant {
    guard let expiry = point.keep.expiry else { return .never }
    return reading.instant + expiry
  }

  /// See `MessageRenderer`.
  public func weight(of record: Span<UInt8>) -> UInt32 {
    Self.readingJournaled(record)?.count ?? 1
  }

  /// See `MessageRenderer`.
  public var mergedBytesMax: Int { ReadingRecord.mergedSize }

  /// See `MessageRenderer`.
  public func merge(
    _ earlier: Span<UInt8>, _ later: Span<UInt8>, _ recordClass: RecordClass,
    into out: inout OutputSpan<UInt8>
  ) {
    guard let first = Self.readingJournaled(earlier), let second = Self.readingJournaled(later),
      var both = first.merged(with: second)
    else { return }
    if recordClass == .counter { both.value = second.value }
    both.encode(into: &out)
    // In the journal the name of the point follows.
    out.append(contentsOf: Self.nameJournaled(later))
  }

  // MARK: The journal

  /// See `MessageRenderer`.
  public func journaledBytes(of record: Span<UInt8>) -> Int {
    guard let reading = ReadingRecord(record) else { return record.count }
    return record.count + Int(points[reading.point].name.count)
  }

  /// See `MessageRenderer`.
  public func appendToJournal(_ record: Span<UInt8>, into out: inout OutputSpan<UInt8>) {
    out.append(contentsOf: record)
    if let reading = ReadingRecord(record) { append(points[reading.point].name, to: &out) }
  }

  /// The reading in a record from the journal; nil when it is none.
  static func readingJournaled(_ record: Span<UInt8>) -> ReadingRecord? {
    let size = ReadingRecord.size(in: record)
    return size <= record.count ? ReadingRecord(record.extracting(0..<size)) : nil
  }

  /// The name of its point.
  @_lifetime(copy record)
  static func nameJournaled(_ record: Span<UInt8>) -> Span<UInt8> {
    record.extracting(min(ReadingRecord.size(in: record), record.count)..<record.count)
  }

  /// See `MessageRenderer`.
  public func journaledSeries(of record: Span<UInt8>) -> UInt16? {
    index(named: Self.nameJournaled(record)).map { UInt16(truncatingIfNeeded: $0) }
  }

  /// See `MessageRenderer`.
  public func journaledExpiry(of record: Span<UInt8>) -> Instant {
    guard let reading = Self.readingJournaled(record),
      let index = index(named: Self.nameJournaled(record))
    else { return .never }
    return expiry(of: reading, points[index])
  }
}
