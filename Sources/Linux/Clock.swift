import CLinux
import Core

/// The board's clocks.
public enum Clock {
  /// 2026-01-01T00:00:00Z, from before this program was built: an earlier date is that of a board
  /// whose clock nobody has set.
  public static var buildFloor: WallTime { WallTime(milliseconds: 1_767_225_600_000) }

  /// The monotonic clock: CLOCK_BOOTTIME, which counts through suspend.
  public static func now() -> Instant { Instant(nanoseconds: clinux_boottime()) }

  /// A reading of all clocks. The wall clock's quality is `synced` while the kernel says that a
  /// time service keeps it (adjtimex(2), STA_UNSYNC), else `estimated` when the date can be.
  /// A date before `floor`, at which a time was once known for good, can't be either.
  public static func moment(notBefore floor: WallTime? = nil) -> Moment {
    let wall = WallTime(milliseconds: clinux_realtime() / 1_000_000)
    let quality: TimeQuality =
      clinux_clock_synced()
      ? .synced : wall < max(floor ?? buildFloor, buildFloor) ? .none : .estimated
    return Moment(instant: now(), wall: wall, quality: quality)
  }
}
