import Core
import Testing

@Suite struct TimeTests {
  @Test func unitsAreMultiplesOfEachOther() {
    #expect(Interval.seconds(2) == .milliseconds(2_000))
    #expect(Interval.milliseconds(2) == .microseconds(2_000))
    #expect(Interval.microseconds(2) == .nanoseconds(2_000))
    #expect(Interval.zero == .seconds(0))
  }

  @Test func wholeUnitsAreRoundedTowardsZero() {
    #expect(Interval.nanoseconds(1_999_999_999).seconds == 1)
    #expect(Interval.nanoseconds(-1_999_999_999).seconds == -1)
    #expect(Interval.nanoseconds(1_999_999).milliseconds == 1)
    #expect(Interval.nanoseconds(-999_999).milliseconds == 0)
  }

  @Test func intervalsAddUp() {
    #expect(Interval.seconds(3) + .milliseconds(500) == .milliseconds(3_500))
    #expect(Interval.seconds(3) - .seconds(5) == .seconds(-2))
    #expect(Interval.seconds(3) * 4 == .seconds(12))
    #expect(Interval.seconds(3) / 2 == .milliseconds(1_500))
    #expect(Interval.seconds(-1) < .zero && Interval.zero < .nanoseconds(1))
  }

  @Test func instantsMoveByIntervals() {
    let noon = Instant.boot + .seconds(100)
    #expect(noon.nanoseconds == 100_000_000_000)
    #expect(noon - .seconds(40) == .boot + .seconds(60))
    #expect(noon - .boot == .seconds(100))
    #expect(Instant.boot - noon == .seconds(-100))
    #expect(noon + .seconds(-100) == .boot)
    #expect(Instant.boot < noon && noon < .never)
  }

  @Test func sumBeyondTheEndIsNever() {
    #expect(Instant.never + .nanoseconds(1) == .never)
    #expect(Instant.never + .seconds(1_000_000) == .never)
    #expect(Instant(nanoseconds: .max - 1) + .nanoseconds(1) == .never)
    #expect(Instant(nanoseconds: .max - 1) + .nanoseconds(2) == .never)
    #expect(Instant.boot + .nanoseconds(.max) == .never)
    #expect(Instant.boot + .nanoseconds(.max - 1) < .never)
  }

  @Test func timesOfDayAreOrdered() {
    #expect(WallTime(milliseconds: -1) < WallTime(milliseconds: 0))
    #expect(WallTime(milliseconds: 5) == WallTime(milliseconds: 5))
  }

  @Test func pastIsReckonedBackFromNow() {
    let moment = Moment(
      instant: .boot + .seconds(100), wall: WallTime(milliseconds: 1_000_000), quality: .synced)
    #expect(moment.wall(at: moment.instant) == moment.wall)
    #expect(moment.wall(at: .boot + .seconds(99)) == WallTime(milliseconds: 999_000))
    #expect(moment.wall(at: .boot) == WallTime(milliseconds: 900_000))
    #expect(moment.wall(at: .boot + .milliseconds(100_001)) == WallTime(milliseconds: 1_000_001))
  }

  @Test func setClockBackDatesWhatWasBefore() {
    let read = Instant.boot + .seconds(10)
    let unset = Moment(
      instant: .boot + .seconds(20), wall: WallTime(milliseconds: 20_000), quality: .none)
    let set = Moment(
      instant: .boot + .seconds(30), wall: WallTime(milliseconds: 1_795_409_430_000),
      quality: .synced)
    #expect(unset.wall(at: read) == WallTime(milliseconds: 10_000))
    #expect(set.wall(at: read) == WallTime(milliseconds: 1_795_409_410_000))
  }
}

@Suite struct WideningTests {
  @Test func wideNumbersAreTheSame() {
    #expect(UInt64(wide: UInt.max) == UInt64(UInt.max))
    #expect(UInt64(wide: UInt32.max) == 0xFFFF_FFFF && UInt64(wide: UInt8.max) == 0xFF)
    #expect(UInt64(wide: 0 as Int) == 0 && UInt64(wide: Int.max) == UInt64(Int.max))
    for value in [0, 1, -1, Int.max, Int.min, Int.min + 1, 1 << 31, -(1 << 31)] {
      #expect(Int64(wide: value) == Int64(value))
    }
  }

  @Test func narrowNumbersAreTheNearest() {
    for value in [0, 1, -1, Int64(Int.max), Int64(Int.min)] {
      #expect(Int(narrow: value) == Int(clamping: value))
    }
  }
}
