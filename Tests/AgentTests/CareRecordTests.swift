import Agent
import Core
import TestSupport
import Testing

/// What is kept of remote care over a restart, as text.
@Suite struct CareRecordTests {
  private func written(_ record: CareRecord) -> String {
    String(
      decoding: [UInt8](capacity: CareRecord.bytesMax) { out in record.append(to: &out) },
      as: UTF8.self)
  }

  private func read(_ text: String) -> CareRecord? {
    let bytes = utf8(text)
    return CareRecord(parsing: bytes.span)
  }

  private func reason(_ text: String) -> CareReason {
    let bytes = utf8(text)
    return CareReason(bytes.span)
  }

  @Test func allOfItComesBack() throws {
    var record = CareRecord()
    record.number = 1_764_540_000_000
    #expect(written(record) == "n 1764540000000\n")
    record.over = 0x9F1C_6A02_B35D_7E84
    record.accepted = 0x03B6_A9C5_5D21_F0E7
    record.trial = CareRecord.Trial(hash: .max, number: 12, within: .seconds(300))
    record.trial?.hasBegun = true
    record.answer = CareAnswer(11, .profile, .rolledBack, reason("not-online: connect failed"))
    let text = """
      n 1764540000000
      over 9f1c6a02b35d7e84
      accepted 03b6a9c55d21f0e7
      trial ffffffffffffffff 12 300 begun
      answer 11 profile rolled-back not-online: connect failed

      """
    #expect(written(record) == text)
    #expect(written(try #require(read(text))) == text)
  }

  @Test func theLongestFits() throws {
    var record = CareRecord()
    record.number = 9_007_199_254_740_992
    record.accepted = 1
    record.trial = CareRecord.Trial(hash: 2, number: record.number, within: .seconds(3_600))
    record.answer = CareAnswer(
      record.number, .profile, .rolledBack, reason(String(repeating: "ö\n", count: 900)))
    let text = written(record)
    #expect(text.utf8.count < 700)
    #expect(written(try #require(read(text))) == text)
  }

  @Test(arguments: [
    "", "\n", "m 1", "n", "n x", "n 1234567890123456789", "n 1\nover 12",
    "n 1\naccepted g0000000000000000",
    "n 1\ntrial 0000000000000001 1", "n 1\ntrial 0000000000000001 1 99999 begun",
    "n 1\nanswer 1 dance done ", "n 1\nanswer 1 restart perhaps ",
  ])
  func anythingElseIsNone(text: String) {
    #expect(read(text) == nil)
  }

  @Test func aTrialEndsOneWayOrTheOther() throws {
    var record = CareRecord()
    record.accepted = 1
    record.trial = CareRecord.Trial(hash: 2, number: 12, within: .seconds(300))
    var other = record
    record.endTrial(fault: nil)
    #expect(record.accepted == 2 && record.trial == nil && record.answer?.result == .applied)
    other.endTrial(fault: reason("run-ended"))
    #expect(other.accepted == 1 && other.trial == nil && other.answer?.result == .rolledBack)
    #expect(other.answer?.number == 12)
  }
}
