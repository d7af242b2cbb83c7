import Core
import TestSupport
import Uplink

/// Records are numbers, or ranges of numbers that are merged from them: "7", "3-9". What begins with `!`
/// is merged with nothing.
struct RangeRenderer: MessageRenderer {
  let packItemBytesMax = 40
  let mergedBytesMax = 20

  func render(
    _ record: Span<UInt8>, at moment: Moment, topic: inout OutputSpan<UInt8>,
    payload: inout OutputSpan<UInt8>
  ) -> Bool { false }

  func isPackable(_ record: Span<UInt8>) -> Bool { true }

  func beginPack(topic: inout OutputSpan<UInt8>, payload: inout OutputSpan<UInt8>) {}

  func appendToPack(
    _ record: Span<UInt8>, isFirst: Bool, at moment: Moment, payload: inout OutputSpan<UInt8>
  ) {}

  func expiry(of record: Span<UInt8>) -> Instant { .never }

  func weight(of record: Span<UInt8>) -> UInt32 { 1 }

  func merge(
    _ earlier: Span<UInt8>, _ later: Span<UInt8>, _ recordClass: RecordClass,
    into out: inout OutputSpan<UInt8>
  ) {
    let (first, last) = (text(earlier), text(later))
    guard !first.hasPrefix("!"), !last.hasPrefix("!") else { return }
    let start = first.split(separator: "-")[0]
    let end = last.split(separator: "-").last ?? ""
    TestSupport.append("\(start)-\(end)", to: &out)
  }

  func journaledBytes(of record: Span<UInt8>) -> Int { record.count }

  func appendToJournal(_ record: Span<UInt8>, into out: inout OutputSpan<UInt8>) {
    out.append(contentsOf: record)
  }

  func journaledSeries(of record: Span<UInt8>) -> UInt16? { 0 }

  func journaledExpiry(of record: Span<UInt8>) -> Instant { .never }

  func appendJournaledToPack(
    _ record: Span<UInt8>, of run: RunStamp, isFirst: Bool, at moment: Moment,
    payload: inout OutputSpan<UInt8>
  ) {}

  func renderJournaled(
    _ record: Span<UInt8>, of run: RunStamp, at moment: Moment, topic: inout OutputSpan<UInt8>,
    payload: inout OutputSpan<UInt8>
  ) {
    topic.append(literal: "t/alone")
    payload.append(contentsOf: record)
  }

  func endPack(payload: inout OutputSpan<UInt8>) {}
}
