import Core

/// Turns a record of the outbox into a message at the moment of sending. The layer above says what
/// its records mean; the uplink only knows when they leave and when they are settled.
public protocol MessageRenderer: ~Copyable {
  /// The most bytes that `appendToPack` ever appends.
  var packItemBytesMax: Int { get }

  /// Writes topic and payload of one record on its own; returns whether the broker retains it.
  func render(
    _ record: Span<UInt8>, at moment: Moment, topic: inout OutputSpan<UInt8>,
    payload: inout OutputSpan<UInt8>
  ) -> Bool

  /// True when the record belongs on the history topic once it is late.
  func isPackable(_ record: Span<UInt8>) -> Bool

  /// Begins a message that carries several late records.
  func beginPack(topic: inout OutputSpan<UInt8>, payload: inout OutputSpan<UInt8>)

  /// Adds one late record to the message.
  func appendToPack(
    _ record: Span<UInt8>, isFirst: Bool, at moment: Moment, payload: inout OutputSpan<UInt8>)

  // MARK: Waiting

  /// When the record is too old to be sent; `never` for not at all.
  func expiry(of record: Span<UInt8>) -> Instant

  /// How many readings a record from the journal stands for.
  func weight(of record: Span<UInt8>) -> UInt32

  /// The longest record that `merge` makes of two that are not in the journal: at most 96 bytes.
  var mergedBytesMax: Int { get }

  /// Writes one record that stands for two of one series and class; nothing when they can't be merged.
  /// Both are as in the outbox, or both as in the journal.
  func merge(
    _ earlier: Span<UInt8>, _ later: Span<UInt8>, _ recordClass: RecordClass,
    into out: inout OutputSpan<UInt8>)

  // MARK: The journal

  /// Bytes that a record, which is packable, takes in the journal: at most 128.
  func journaledBytes(of record: Span<UInt8>) -> Int

  /// Writes a record for the journal, so that a later run of the agent, perhaps with another profile,
  /// knows what it is.
  func appendToJournal(_ record: Span<UInt8>, into out: inout OutputSpan<UInt8>)

  /// The series of a record from the journal; nil when there is none of that name any more.
  func journaledSeries(of record: Span<UInt8>) -> UInt16?

  /// When a record from the journal is too old to be sent, by the clock of its run; `never` for not at
  /// all.
  func journaledExpiry(of record: Span<UInt8>) -> Instant

  /// Adds a record from the journal to the message.
  func appendJournaledToPack(
    _ record: Span<UInt8>, of run: RunStamp, isFirst: Bool, at moment: Moment,
    payload: inout OutputSpan<UInt8>)

  /// Writes topic and payload of a record from the journal that is no reading, and so leaves on its own.
  func renderJournaled(
    _ record: Span<UInt8>, of run: RunStamp, at moment: Moment, topic: inout OutputSpan<UInt8>,
    payload: inout OutputSpan<UInt8>)

  /// Ends the message. Writes at most 16 bytes.
  func endPack(payload: inout OutputSpan<UInt8>)
}
