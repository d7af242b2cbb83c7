import Core
import Journal

/// Which run of the agent a record is of, and what was known of the time of day then: the context of
/// the journal's records.
///
///     run 4 | boot 8 | wall clock at boot 8 | quality 1 | last known time 8
public struct RunStamp: BitwiseCopyable, Sendable {
  /// Counts the runs that have used this journal.
  public var run: UInt32 = 0
  /// Tells boots apart.
  public var boot: UInt64 = 0
  /// The time of day at the boot, in milliseconds since 1970.
  public var wallAtBoot: Int64 = 0
  /// How far that can be trusted.
  public var quality = TimeQuality.none
  /// The last time of day that was known for good, in milliseconds since 1970; 0 for none. It is no later
  /// now.
  public var timeFloor: Int64 = 0
  /// It is the run that goes on.
  public var isPresentRun = false
  /// It is of the boot that goes on: the monotonic clock is the same.
  public var isPresentBoot = false

  init() {}

  init(run: UInt32, boot: UInt64) {
    self.run = run
    self.boot = boot
  }

  init(_ context: RecordContext) {
    let bytes = FixedText<29> { out in
      for index in 0..<29 { out.append(context[index]) }
    }
    self = bytes.withBytes { bytes in
      var stamp = RunStamp(
        run: UInt32(truncatingIfNeeded: bytes.littleEndian(at: 0, bytes: 4)),
        boot: bytes.littleEndian(at: 4, bytes: 8))
      stamp.wallAtBoot = Int64(bitPattern: bytes.littleEndian(at: 12, bytes: 8))
      stamp.quality = TimeQuality(rawValue: bytes[20]) ?? .none
      stamp.timeFloor = Int64(bitPattern: bytes.littleEndian(at: 21, bytes: 8))
      return stamp
    }
  }

  var context: RecordContext {
    let bytes = FixedText<29> { out in
      out.append(littleEndian: UInt64(wide: run), bytes: 4)
      out.append(littleEndian: boot, bytes: 8)
      out.append(littleEndian: UInt64(bitPattern: wallAtBoot), bytes: 8)
      out.append(quality.rawValue)
      out.append(littleEndian: UInt64(bitPattern: timeFloor), bytes: 8)
    }
    var context = RecordContext(repeating: 0)
    for index in 0..<bytes.count { context[index] = bytes[index] }
    return context
  }

  /// The last time of day that was known for good; nil for none.
  public var lastTime: WallTime? {
    timeFloor > 0 ? WallTime(milliseconds: timeFloor) : nil
  }

  /// What the clock of this run says at `moment`; nil when nobody knows for good.
  func instant(of moment: Moment) -> Instant? {
    if isPresentBoot { return moment.instant }
    guard quality == .synced, moment.quality == .synced else { return nil }
    return .boot + .milliseconds(moment.wall.milliseconds - wallAtBoot)
  }

  /// The clocks by which a record of this run is dated, which was made at `instant`.
  public func moment(of instant: Instant, now: Moment) -> Moment {
    if isPresentBoot { return now }
    let wall = WallTime(milliseconds: wallAtBoot + (instant - .boot).milliseconds)
    return Moment(instant: instant, wall: wall, quality: quality)
  }
}
