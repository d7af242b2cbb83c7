import Core

/// True when `bytes` may stand in a text field: well-formed UTF-8 (RFC 3629: shortest form, no
/// surrogates, nothing above U+10FFFF) without U+0000 (MQTT 3.1.1 section 1.5.3). U+FEFF is an
/// ordinary character there, and so are the control characters.
public func isValidText(_ bytes: Span<UInt8>) -> Bool {
  var index = bytes.plainPrefix(from: 0, without: 0, 0)
  while index < bytes.count {
    let first = bytes[index]
    if first < 0x80 {
      if first == 0 { return false }
      index += 1
      continue
    }
    guard let lead = UTF8Lead(first), bytes.count - index >= lead.length else { return false }
    let second = bytes[index + 1]
    guard second >= lead.secondMin && second <= lead.secondMax else { return false }
    for next in index + 2..<index + lead.length where bytes[next] & 0xC0 != 0x80 { return false }
    index += lead.length
  }
  return true
}

/// How many characters well-formed UTF-8 holds: all bytes but the continuation bytes.
func characterCount(_ bytes: Span<UInt8>) -> Int {
  var count = 0
  for index in bytes.indices where bytes[index] & 0xC0 != 0x80 { count += 1 }
  return count
}
