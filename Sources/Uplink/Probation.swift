import Core
import Journal

/// Which message makes the broker close the connection, again and again. 3.1.1 gives it no other way to
/// refuse one, that it finds too large say; sent again for ever, such a message would wedge the device.
///
/// | ends with the same message under way | what follows                                              |
/// |--------------------------------------|-----------------------------------------------------------|
/// | 1                                    | nothing: links end for many reasons                       |
/// | 2                                    | a test: each message that was under way is sent alone, and a pack record by record, once the broker has answered something else |
/// | 3 more, during its test              | it is given up, and counted                               |
///
/// Only ends count for which the broker may have had a message as its reason: see
/// `LinkFault.mayBeForMessage`.
struct Probation: BitwiseCopyable {
  /// So many ends with a message under way make it a suspect.
  static var endsMax: UInt8 { 2 }

  /// So many more, each during its test, and it is given up.
  static var testsMax: UInt8 { 3 }

  /// The shortest payload of packs that are made shorter: a broker may have found them too long.
  static var packBytesMin: Int { 512 }

  /// Suspects are tested. Nothing else leaves: nobody would know whom to blame.
  var isTesting = false
  /// The broker has answered something over this connection.
  var hasHeard = false
  /// It was asked for that, with a PINGREQ.
  var hasAsked = false
  /// The packet that is under way alone, by its token.
  var test: UInt32?
  /// The record of the journal during whose test the broker has closed last, and how often.
  private var tested: RecordPosition?
  private var tests: UInt8 = 0
  /// The record of the journal that is given up.
  private(set) var condemned: RecordPosition?
  /// No pack has a longer payload.
  private(set) var packBytes = Int.max
  /// What of the journal was under way at the last end, and at how many ends that began so.
  private var stretch: (start: RecordPosition, end: RecordPosition, ends: UInt8)?

  /// True when a suspect of the journal's lies at `place` or behind it.
  func hasSuspect(from place: RecordPosition) -> Bool {
    guard let stretch, stretch.ends >= Self.endsMax else { return false }
    return place < stretch.end
  }

  /// A connection has ended with this stretch of the journal under way. True when it is suspected.
  mutating func ended(withJournal start: RecordPosition, upTo end: RecordPosition) -> Bool {
    if let last = stretch, last.ends >= Self.endsMax, start < last.end {
      // Its test goes on, record by record.
      stretch = (start, last.end, last.ends)
    } else if let last = stretch, last.start == start {
      stretch = (start, end, last.ends + 1)
    } else {
      stretch = (start, end, 1)
    }
    return hasSuspect(from: start)
  }

  /// A connection has ended during the test of the journal's record at `place`. True when that is given up.
  mutating func testEnded(at place: RecordPosition) -> Bool {
    tests = tested == place ? tests &+ 1 : 1
    tested = place
    guard tests == Self.testsMax else { return false }
    condemned = place
    return true
  }

  /// A pack with a payload of so many bytes may have been too long.
  mutating func shortenPacks(from bytes: Int) {
    packBytes = max(Self.packBytesMin, min(packBytes, bytes) / 2)
  }
}
