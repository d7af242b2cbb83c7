/// The Castagnoli cyclic redundancy check (RFC 3720 appendix B.4): what says whether the bytes of a
/// record are those that were written. Half a byte at a time, from a table of 64 bytes: a journal's
/// records are small, and so are the boards.
public struct CRC32C: BitwiseCopyable, Sendable {
  // The remainders of the sixteen half bytes, for the reversed polynomial 0x82F63B78.
  private static let table: InlineArray<16, UInt32> = [
    0x0000_0000, 0x105E_C76F, 0x20BD_8EDE, 0x30E3_49B1,
    0x417B_1DBC, 0x5125_DAD3, 0x61C6_9362, 0x7198_540D,
    0x82F6_3B78, 0x92A8_FC17, 0xA24B_B5A6, 0xB215_72C9,
    0xC38D_26C4, 0xD3D3_E1AB, 0xE330_A81A, 0xF36E_6F75,
  ]

  private var state: UInt32 = 0xFFFF_FFFF

  /// The check of no bytes yet.
  public init() {}

  /// The check of all bytes so far.
  public var value: UInt32 { ~state }

  /// Takes in one byte.
  @inline(__always)
  public mutating func add(_ byte: UInt8) {
    state ^= UInt32(byte)
    state = (state &>> 4) ^ Self.table[Int(state & 15)]
    state = (state &>> 4) ^ Self.table[Int(state & 15)]
  }

  /// Takes in `bytes`.
  public mutating func add(_ bytes: Span<UInt8>) {
    for index in bytes.indices { add(bytes[index]) }
  }

  /// Takes in the eight bytes of a number, least significant first.
  public mutating func add(_ number: UInt64) {
    var rest = number
    for _ in 0..<8 {
      add(UInt8(truncatingIfNeeded: rest))
      rest = rest &>> 8
    }
  }
}
