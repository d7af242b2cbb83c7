import Foundation

/// What a number stands for, and so how a reader likes to see it.
public enum Unit: Sendable {
  /// Things that are counted: 950, 1.2k, 3M.
  case count
  /// Bytes, in powers of 1,024: 512 B, 4 KiB.
  case bytes
  /// Seconds: 3 ms, 1.5 s, 20 min, 6 h, 12 d.
  case seconds

  /// The number with at most three digits that count, and its unit after a space that does not break.
  public func text(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    let size = abs(value)
    switch self {
    case .count:
      // Just below a step the three digits would round up to it.
      if size < 999.5 { return short(value) }
      if size < 999_500 { return short(value / 1e3) + "k" }
      if size < 999_500_000 { return short(value / 1e6) + "M" }
      return short(value / 1e9) + "G"
    case .bytes:
      let names = ["B", "KiB", "MiB", "GiB", "TiB"]
      var step = 0
      var rest = value
      while abs(rest) >= 1_023.5 && step < names.count - 1 {
        (rest, step) = (rest / 1_024, step + 1)
      }
      return short(rest) + "\u{A0}" + names[step]
    case .seconds:
      if size == 0 { return "0\u{A0}s" }
      if size < 0.000_999_5 { return short(value * 1e6) + "\u{A0}µs" }
      if size < 0.999_5 { return short(value * 1e3) + "\u{A0}ms" }
      if size < 59.95 { return short(value) + "\u{A0}s" }
      return long(value)
    }
  }

  /// A minute and more: the two greatest units, the smaller one left out where it is zero.
  private func long(_ value: Double) -> String {
    let whole = abs(value) < 1e15 ? Int(abs(value).rounded()) : Int(1e15)
    let sign = value < 0 ? "−" : ""
    let steps = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)]
    for (name, next) in zip(steps, steps.dropFirst()) {
      // Rounded to the smaller unit; what then fills the greater one has no rest.
      let rounded = (whole + next.1 / 2) / next.1 * next.1
      let (great, small) = (rounded / name.1, rounded % name.1 / next.1)
      guard great > 0 else { continue }
      let head = "\(sign)\(grouped(great))\u{A0}\(name.0)"
      return small == 0 ? head : head + "\u{A0}\(small)\u{A0}\(next.0)"
    }
    return "\(sign)\(whole)\u{A0}s"
  }
}

/// A number with at most three digits that count, or all before the point.
func short(_ value: Double) -> String {
  guard value.isFinite, abs(value) < 1e15 else { return "–" }
  let size = abs(value)
  let digits = size >= 99.95 || size == 0 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3
  return decimal(value, digits: digits)
}

/// A number rounded to so many digits after the point, 0 to 6; zeros at the end are left out.
func decimal(_ value: Double, digits: Int) -> String {
  guard value.isFinite, abs(value) < 1e12 else { return "–" }
  let factor = (0..<digits).reduce(1) { power, _ in power * 10 }
  let scaled = Int((abs(value) * Double(factor)).rounded())
  let (whole, rest) = scaled.quotientAndRemainder(dividingBy: factor)
  var text = (value < 0 && scaled > 0 ? "−" : "") + grouped(whole)
  guard rest > 0 else { return text }
  var fraction = String(rest)
  fraction = String(repeating: "0", count: digits - fraction.count) + fraction
  while fraction.hasSuffix("0") { fraction.removeLast() }
  text += "." + fraction
  return text
}

/// A share of something in so many parts, without commas: a coordinate.
func coordinate(_ share: Double, of parts: Double, digits: Int = 1) -> String {
  let factor = digits == 0 ? 1.0 : digits == 1 ? 10 : 100
  let scaled = Int((min(1, max(0, share)) * parts * factor).rounded())
  let (whole, rest) = scaled.quotientAndRemainder(dividingBy: Int(factor))
  if rest == 0 { return "\(whole)" }
  return digits == 2 && rest < 10 ? "\(whole).0\(rest)" : "\(whole).\(rest)"
}

/// A whole number with a comma at each thousand.
func grouped(_ value: Int) -> String {
  let digits = Array(String(value.magnitude))
  var text = value < 0 ? "−" : ""
  for (index, digit) in digits.enumerated() {
    if index > 0 && (digits.count - index) % 3 == 0 { text += "," }
    text.append(digit)
  }
  return text
}

/// A share in per cent. What is not all is never written as all, and what is not nothing never as nothing.
func percent(_ part: Double, of whole: Double) -> String {
  guard whole > 0, part.isFinite else { return "–" }
  let share = part / whole * 100
  if share > 0 && share < 0.01 { return "under\u{A0}0.01\u{A0}%" }
  if share > 99.99 && share < 100 { return "over\u{A0}99.99\u{A0}%" }
  return decimal(share, digits: share < 10 || share > 99 ? 2 : 1) + "\u{A0}%"
}

/// "1 outage", "2 outages".
func plural(_ count: Int, _ noun: String) -> String {
  "\(grouped(count))\u{A0}\(noun)\(count == 1 ? "" : "s")"
}
