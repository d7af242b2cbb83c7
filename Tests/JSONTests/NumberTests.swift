import Core
import JSON
import Testing

@Test(
  arguments: [
    ("0", 0), ("-0", 0), ("7", 7), ("-7", -7), ("10", 10), ("7.0", 7), ("70e-1", 7), ("0.7E1", 7),
    ("7e+0", 7), ("1e18", 1_000_000_000_000_000_000), ("0e999999999", 0), ("0.000e-5", 0),
    ("9223372036854775807", .max), ("-9223372036854775808", .min),
    ("9.223372036854775807e18", .max),
    ("92233720368547758070e-1", .max), ("-922337203685477580.8e1", .min),
    ("1" + String(repeating: "0", count: 400) + "e-400", 1),
    ("0." + String(repeating: "0", count: 400) + "12e402", 12),
  ] as [(String, Int64)])
func wholeNumbersAreExactHoweverTheyAreWritten(text: String, expected: Int64) {
  #expect(number(text)?.whole == expected)
  #expect(number(text)?.value == Double(expected))
}

@Test(arguments: [
  "0.5", "-1e-1", "7.01", "70e-2", "9223372036854775808", "-9223372036854775809", "1e19",
  "18446744073709551615", "18446744073709551616", "9223372036854775807.5", "1e300", "1e-400",
  "9223372036854775806.9999999999999999999999",
])
func otherNumbersHaveNoWholeOne(text: String) {
  #expect(number(text) != nil)
  #expect(number(text)?.whole == nil)
}

@Test(arguments: [
  ("[01]", "malformedNumber@1"), ("[-01]", "malformedNumber@1"), ("[00]", "malformedNumber@1"),
  ("[1.]", "malformedNumber@3"), ("[1.e3]", "malformedNumber@3"), ("[.5]", "malformedNumber@1"),
  ("[-.5]", "malformedNumber@2"), ("[-]", "malformedNumber@2"), ("[+1]", "malformedNumber@1"),
  ("[1e]", "malformedNumber@3"), ("[1e+]", "malformedNumber@4"), ("[1e1.5]", "missingComma@4"),
  ("[--1]", "malformedNumber@2"), ("[0x10]", "missingComma@2"), ("[1_000]", "missingComma@2"),
  ("[1,5.5.5]", "missingComma@6"), ("[-Infinity]", "malformedNumber@2"), ("[1f]", "missingComma@2"),
  ("[1e400]", "numberTooLarge@1"), ("[-1e400]", "numberTooLarge@1"),
  ("[1.8e308]", "numberTooLarge@1"), ("[9e99999999999999999999]", "numberTooLarge@1"),
])
func otherSpellingsAreRefused(text: String, expected: String) {
  #expect(fault(text) == expected)
}

@Test func theSignOfZeroIsKept() {
  #expect(number("-0")?.value.sign == .minus)
  #expect(number("-0.0e5")?.value.sign == .minus)
  #expect(number("0")?.value.sign == .plus)
}

/// Numbers where the last bit is hard to find: ties, the edges of the range, the smallest numbers.
@Test(
  arguments: [
    ("9007199254740993", 9_007_199_254_740_992), ("9007199254740995", 9_007_199_254_740_996),
    ("9007199254740993.0000000000000000000000001", 9_007_199_254_740_994),
    ("1.7976931348623157e308", 0x1.fffffffffffffp1023),
    ("1.7976931348623158e308", 0x1.fffffffffffffp1023),
    ("2.2250738585072014e-308", 0x1p-1022), ("2.2250738585072011e-308", 0x0.fffffffffffffp-1022),
    ("4.9e-324", 0x1p-1074), ("2.4703282292062328e-324", 0x1p-1074),
    ("2.4703282292062327e-324", 0), ("1e-324", 0), ("1e-99999999999", 0), ("0.1", 0.1),
    ("1e23", 1e23), ("8.9884656743115795e307", 0x1p1023), ("5e-1", 0.5),
  ] as [(String, Double)])
func hardCasesAreRoundedToTheNearest(text: String, expected: Double) {
  #expect(number(text)?.value == expected)
  #expect(number("-" + text)?.value == -expected)
}

/// The number halfway between 0 and the smallest Double, whose 752 digits all count.
@Test func everyDigitOfAHalfwayCaseCounts() {
  var digits = [5]
  // 2^-1075 = 5^1075 / 10^1075.
  for _ in 1..<1075 {
    var carry = 0
    for index in digits.indices {
      let product = digits[index] * 5 + carry
      digits[index] = product % 10
      carry = product / 10
    }
    if carry > 0 { digits.append(carry) }
  }
  let half = digits.reversed().map(String.init).joined()
  #expect(half.utf8.count == 752)
  #expect(number(half + "e-1075")?.value == 0)
  #expect(number(half + "1e-1076")?.value == 0x1p-1074)
  #expect(number(half + String(repeating: "0", count: 500) + "1e-1576")?.value == 0x1p-1074)
  #expect(number(half + String(repeating: "0", count: 500) + "e-1575")?.value == 0)
}

@Test func numbersAreWhatTheStandardLibraryReads() {
  var chance = Generator(seed: 3)
  func digits(_ bound: UInt64) -> String {
    let count = 1 + chance.next(below: bound)
    return (0..<count).map { _ in String(chance.next(below: 10)) }.joined()
  }
  for round in 0..<20_000 {
    let bound: UInt64 = round % 50 == 0 ? 900 : 25
    var text = chance.next() & 1 == 0 ? "-" : ""
    text += chance.next() & 3 == 0 ? "0" : String(1 + chance.next(below: 9)) + digits(bound)
    if chance.next() & 1 == 0 { text += "." + digits(bound) }
    if chance.next() & 1 == 0 {
      text += ["e", "E", "e+", "e-", "E-"][Int(chance.next(below: 5))]
      text += String(chance.next(below: 340))
    }
    let expected = Double(text) ?? .nan
    if expected.isFinite {
      #expect(number(text)?.value == expected, "\(text)")
      #expect(Double(parsing: Array(text.utf8).span) == expected, "\(text)")
    } else {
      #expect(fault(text) == "numberTooLarge@0", "\(text)")
    }
  }
}

@Test func everyDoubleComesBackFromItsShortestSpelling() {
  var chance = Generator(seed: 4)
  for _ in 0..<20_000 {
    let value = Double(bitPattern: chance.next())
    guard value.isFinite else { continue }
    #expect(number("\(value)")?.value == value)
  }
}

@Test func everyInt64ComesBack() {
  var chance = Generator(seed: 5)
  for _ in 0..<5000 {
    let value = Int64(bitPattern: chance.next()) >> Int64(chance.next(below: 64))
    #expect(number("\(value)")?.whole == value)
  }
}

@Test(arguments: ["", " 1", "1 ", "+1", "01", "1.", "x", "-", "1e", "nan", "inf", "1e999", "1,5"])
func aTextThatIsNotOneNumberToItsEndIsNone(text: String) {
  #expect(Double(parsing: Array(text.utf8).span) == nil)
}
