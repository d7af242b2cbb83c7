import Core

/// Times and lengths of time as profiles and commands write them.
extension Interval {
  /// One number and one unit: `250ms`, `1.5s`, `5m`, `12h`, `7d`. Nil when it is anything else, or
  /// longer than a hundred years.
  public init?(parsing text: Span<UInt8>) {
    var end = text.count
    while end > 0, !text[end - 1].isDigit { end -= 1 }
    let unit = text.extracting(end..<text.count)
    let length: Double
    switch true {
    case unit.equals("ms"): length = 1e6
    case unit.equals("s"): length = 1e9
    case unit.equals("m"): length = 60e9
    case unit.equals("h"): length = 3600e9
    case unit.equals("d"): length = 86_400e9
    default: return nil
    }
    for index in 0..<end where !text[index].isDigit && text[index] != UInt8(ascii: ".") {
      return nil
    }
    guard let number = Double(parsing: text.extracting(0..<end)) else { return nil }
    guard number * length <= 36_525 * 86_400e9 else { return nil }
    self.init(nanoseconds: Int64(number * length + 0.5))
  }
}

extension WallTime {
  static var year0: WallTime { WallTime(milliseconds: -62_167_219_200_000) }
  static var year10000: WallTime { WallTime(milliseconds: 253_402_300_800_000) }

  /// A time as RFC 3339 has it: `2026-11-23T04:50:00.123Z`, `2026-11-23T05:50:00+01:00`. Digits
  /// beyond milliseconds are dropped; a leap second is the next second. Nil when it is anything else.
  public init?(parsing text: Span<UInt8>) {
    guard text.count >= 20, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
      text[10] | 0x20 == UInt8(ascii: "t"), text[13] == UInt8(ascii: ":"),
      text[16] == UInt8(ascii: ":"),
      let year = text.number(at: 0, digits: 4), let month = text.number(at: 5, digits: 2),
      let day = text.number(at: 8, digits: 2), let hour = text.number(at: 11, digits: 2),
      let minute = text.number(at: 14, digits: 2), let second = text.number(at: 17, digits: 2),
      month >= 1, month <= 12, day >= 1, day <= CivilDate.days(inMonth: month, of: year),
      hour < 24, minute < 60, second <= 60
    else { return nil }
    var index = 19
    var milliseconds: Int64 = 0
    if text[index] == UInt8(ascii: ".") {
      index += 1
      var weight: Int64 = 100
      let start = index
      while index < text.count, let digit = text.number(at: index, digits: 1) {
        milliseconds += digit * weight
        weight /= 10
        index += 1
      }
      guard index > start else { return nil }
    }
    guard let zone = text.zoneMinutes(at: index) else { return nil }
    let date = CivilDate.daysSince1970(year: year, month: month, day: day)
    let seconds = date * 86_400 + hour * 3600 + (minute - zone) * 60 + second
    self.init(milliseconds: seconds * 1000 + milliseconds)
  }
}

/// A day of the proleptic Gregorian calendar, and the time within it.
struct CivilDate {
  var year: Int64
  var month: Int64
  var day: Int64
  var millisecondOfDay: Int64

  /// The date of `time` in UTC. (The calendar's 400 years are counted from 0000-03-01, so that the
  /// leap day is the last of its year.)
  init(_ time: WallTime) {
    let dayLength: Int64 = 86_400_000
    var days = time.milliseconds / dayLength
    millisecondOfDay = time.milliseconds % dayLength
    if millisecondOfDay < 0 {
      millisecondOfDay += dayLength
      days -= 1
    }
    days += 719_468
    let era = (days >= 0 ? days : days - 146_096) / 146_097
    let dayOfEra = days - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shifted + 2) / 5 + 1
    month = shifted < 10 ? shifted + 3 : shifted - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  static func days(inMonth month: Int64, of year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

extension Span<UInt8> {
  /// The number in exactly `digits` digits at `offset`.
  fileprivate func number(at offset: Int, digits: Int) -> Int64? {
    guard offset + digits <= count else { return nil }
    var value: Int64 = 0
    for index in offset..<offset + digits {
      guard self[index].isDigit else { return nil }
      value = value * 10 + Int64(bitPattern: UInt64(wide: self[index] - UInt8(ascii: "0")))
    }
    return value
  }

  /// The zone at the end of a time, in minutes east of UTC.
  fileprivate func zoneMinutes(at offset: Int) -> Int64? {
    guard offset < count else { return nil }
    if self[offset] | 0x20 == UInt8(ascii: "z") { return offset + 1 == count ? 0 : nil }
    guard offset + 6 == count, self[offset + 3] == UInt8(ascii: ":"),
      let hours = number(at: offset + 1, digits: 2), hours < 24,
      let minutes = number(at: offset + 4, digits: 2), minutes < 60
    else { return nil }
    switch self[offset] {
    case UInt8(ascii: "+"): return hours * 60 + minutes
    case UInt8(ascii: "-"): return -(hours * 60 + minutes)
    default: return nil
    }
  }
}
