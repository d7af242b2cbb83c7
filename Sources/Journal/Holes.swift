/// Where durable records could not be read. What lies before the head has been used again, perhaps
/// before the header of its new block reached the medium, and is no loss.
struct Holes: BitwiseCopyable {
  private var offsets = InlineArray<16, Int64>(repeating: 0)
  private var records = InlineArray<16, UInt32>(repeating: 0)
  private var count = 0

  /// `number` records are missing from `offset` on; holes come in order.
  mutating func add(_ offset: Int64, _ number: UInt32) {
    if count == offsets.count {
      offsets[count - 1] = offset
      records[count - 1] &+= number
    } else {
      offsets[count] = offset
      records[count] = number
      count += 1
    }
  }

  /// Records that are missing at or behind `head`.
  func records(behind head: Int64) -> UInt32 {
    var sum: UInt32 = 0
    for index in 0..<count where offsets[index] >= head { sum &+= records[index] }
    return sum
  }
}
