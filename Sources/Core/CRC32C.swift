/// The Castagnoli cyclic redundancy check (RFC 3720 appendix B.4): what says whether the bytes of a
/// record are those that were written. Eight bytes at a time, half a byte each from a table of 1 KB: the
/// sixteen look-ups do not wait for each other, and the table leaves a small board's cache its room.
public struct CRC32C: BitwiseCopyable, Sendable {
  private var state: UInt32 = 0xFFFF_FFFF

  /// The check of no bytes yet.
  public init() {}

  /// The check of all bytes so far.
  public var value: UInt32 { ~state }

  /// Takes in one byte.
  @inline(__always)
  public mutating func add(_ byte: UInt8) {
    state ^= UInt32(byte)
    state = (state &>> 4) ^ Self.entry(state, 0)
    state = (state &>> 4) ^ Self.entry(state, 0)
  }

  /// Takes in `bytes`.
  public mutating func add(_ bytes: Span<UInt8>) {
    var done = 0
    // Sound: the eight bytes from `done` on are in the span, any bits are a number, and the pointer does
    // not leave the call.
    unsafe bytes.withUnsafeBytes { bytes in
      while bytes.count &- done >= 8 {
        let low = unsafe bytes.loadUnaligned(fromByteOffset: done, as: UInt32.self)
        let high = unsafe bytes.loadUnaligned(fromByteOffset: done &+ 4, as: UInt32.self)
        add(UInt32(littleEndian: low), UInt32(littleEndian: high))
        done &+= 8
      }
    }
    while done < bytes.count {
      add(bytes[done])
      done &+= 1
    }
  }

  /// Takes in the eight bytes of a number, least significant first.
  public mutating func add(_ number: UInt64) {
    add(UInt32(truncatingIfNeeded: number), UInt32(truncatingIfNeeded: number &>> 32))
  }

  /// A number that in front of `rest` gives the check `value` for both: of the many there are, one that
  /// has the same effect in front of any other bytes as well.
  public static func number(before rest: Span<UInt8>, checkedBy value: UInt32) -> UInt64 {
    var state = ~value
    var index = rest.count
    while index > 0 {
      index -= 1
      state = undone(state) ^ UInt32(rest[index])
    }
    // The number's lower half may be anything, its upper half does the rest.
    var lower = CRC32C()
    for _ in 0..<4 {
      lower.add(0 as UInt8)
      state = undone(state)
    }
    return UInt64(wide: state ^ lower.state) &<< 32
  }

  /// What the state was before a byte of zero.
  private static func undone(_ state: UInt32) -> UInt32 {
    var state = state
    for _ in 0..<8 {
      let isOdd = state & 0x8000_0000 != 0
      state = isOdd ? (state ^ 0x82F6_3B78) &<< 1 | 1 : state &<< 1
    }
    return state
  }

  /// Takes in two words, the least significant byte of each first.
  @inline(__always)
  private mutating func add(_ low: UInt32, _ high: UInt32) {
    let low = low ^ state
    let first =
      Self.entry(low, 15) ^ Self.entry(low &>> 4, 14) ^ Self.entry(low &>> 8, 13)
      ^ Self.entry(low &>> 12, 12)
    let second =
      Self.entry(low &>> 16, 11) ^ Self.entry(low &>> 20, 10) ^ Self.entry(low &>> 24, 9)
      ^ Self.entry(low &>> 28, 8)
    let third =
      Self.entry(high, 7) ^ Self.entry(high &>> 4, 6) ^ Self.entry(high &>> 8, 5)
      ^ Self.entry(high &>> 12, 4)
    let fourth =
      Self.entry(high &>> 16, 3) ^ Self.entry(high &>> 20, 2) ^ Self.entry(high &>> 24, 1)
      ^ Self.entry(high &>> 28, 0)
    state = (first ^ second) ^ (third ^ fourth)
  }

  /// The remainder of the lowest half byte of `word` when `distance` half bytes of zeros follow it.
  @inline(__always)
  private static func entry(_ word: UInt32, _ distance: Int) -> UInt32 {
    table[Int(truncatingIfNeeded: word & 15) &+ 16 &* distance]
  }

  // For each distance the remainders of the sixteen half bytes, for the reversed polynomial 0x82F63B78.
  private static let table: InlineArray<256, UInt32> = [
    0x0000_0000, 0x105E_C76F, 0x20BD_8EDE, 0x30E3_49B1, 0x417B_1DBC, 0x5125_DAD3,
    0x61C6_9362, 0x7198_540D, 0x82F6_3B78, 0x92A8_FC17, 0xA24B_B5A6, 0xB215_72C9,
    0xC38D_26C4, 0xD3D3_E1AB, 0xE330_A81A, 0xF36E_6F75, 0x0000_0000, 0xF26B_8303,
    0xE13B_70F7, 0x1350_F3F4, 0xC79A_971F, 0x35F1_141C, 0x26A1_E7E8, 0xD4CA_64EB,
    0x8AD9_58CF, 0x78B2_DBCC, 0x6BE2_2838, 0x9989_AB3B, 0x4D43_CFD0, 0xBF28_4CD3,
    0xAC78_BF27, 0x5E13_3C24, 0x0000_0000, 0x3FC5_F181, 0x7F8B_E302, 0x404E_1283,
    0xFF17_C604, 0xC0D2_3785, 0x809C_2506, 0xBF59_D487, 0xFBC3_FAF9, 0xC406_0B78,
    0x8448_19FB, 0xBB8D_E87A, 0x04D4_3CFD, 0x3B11_CD7C, 0x7B5F_DFFF, 0x449A_2E7E,
    0x0000_0000, 0x13A2_9877, 0x2745_30EE, 0x34E7_A899, 0x4E8A_61DC, 0x5D28_F9AB,
    0x69CF_5132, 0x7A6D_C945, 0x9D14_C3B8, 0x8EB6_5BCF, 0xBA51_F356, 0xA9F3_6B21,
    0xD39E_A264, 0xC03C_3A13, 0xF4DB_928A, 0xE779_0AFD, 0x0000_0000, 0x70A2_7D8A,
    0xE144_FB14, 0x91E6_869E, 0xC765_80D9, 0xB7C7_FD53, 0x2621_7BCD, 0x5683_0647,
    0x8B27_7743, 0xFB85_0AC9, 0x6A63_8C57, 0x1AC1_F1DD, 0x4C42_F79A, 0x3CE0_8A10,
    0xAD06_0C8E, 0xDDA4_7104, 0x0000_0000, 0xA541_927E, 0x4F6F_520D, 0xEA2E_C073,
    0x9EDE_A41A, 0x3B9F_3664, 0xD1B1_F617, 0x74F0_6469, 0x3851_3EC5, 0x9D10_ACBB,
    0x773E_6CC8, 0xD27F_FEB6, 0xA68F_9ADF, 0x03CE_08A1, 0xE9E0_C8D2, 0x4CA1_5AAC,
    0x0000_0000, 0xE964_B13D, 0xD725_148B, 0x3E41_A5B6, 0xABA6_5FE7, 0x42C2_EEDA,
    0x7C83_4B6C, 0x95E7_FA51, 0x52A0_C93F, 0xBBC4_7802, 0x8585_DDB4, 0x6CE1_6C89,
    0xF906_96D8, 0x1062_27E5, 0x2E23_8253, 0xC747_336E, 0x0000_0000, 0xDD45_AAB8,
    0xBF67_2381, 0x6222_8939, 0x7B22_31F3, 0xA667_9B4B, 0xC445_1272, 0x1900_B8CA,
    0xF644_63E6, 0x2B01_C95E, 0x4923_4067, 0x9466_EADF, 0x8D66_5215, 0x5023_F8AD,
    0x3201_7194, 0xEF44_DB2C, 0x0000_0000, 0x8F22_61D3, 0x1BA8_B557, 0x948A_D484,
    0x3751_6AAE, 0xB873_0B7D, 0x2CF9_DFF9, 0xA3DB_BE2A, 0x6EA2_D55C, 0xE180_B48F,
    0x750A_600B, 0xFA28_01D8, 0x59F3_BFF2, 0xD6D1_DE21, 0x425B_0AA5, 0xCD79_6B76,
    0x0000_0000, 0x3811_6FAC, 0x7022_DF58, 0x4833_B0F4, 0xE045_BEB0, 0xD854_D11C,
    0x9067_61E8, 0xA876_0E44, 0xC567_0B91, 0xFD76_643D, 0xB545_D4C9, 0x8D54_BB65,
    0x2522_B521, 0x1D33_DA8D, 0x5500_6A79, 0x6D11_05D5, 0x0000_0000, 0xC00C_303E,
    0x85F4_168D, 0x45F8_26B3, 0x0E04_5BEB, 0xCE08_6BD5, 0x8BF0_4D66, 0x4BFC_7D58,
    0x1C08_B7D6, 0xDC04_87E8, 0x99FC_A15B, 0x59F0_9165, 0x120C_EC3D, 0xD200_DC03,
    0x97F8_FAB0, 0x57F4_CA8E, 0x0000_0000, 0xEF30_6B19, 0xDB8C_A0C3, 0x34BC_CBDA,
    0xB2F5_3777, 0x5DC5_5C6E, 0x6979_97B4, 0x8649_FCAD, 0x6006_181F, 0x8F36_7306,
    0xBB8A_B8DC, 0x54BA_D3C5, 0xD2F3_2F68, 0x3DC3_4471, 0x097F_8FAB, 0xE64F_E4B2,
    0x0000_0000, 0x9C5B_FAA6, 0x3D5B_83BD, 0xA100_791B, 0x7AB7_077A, 0xE6EC_FDDC,
    0x47EC_84C7, 0xDBB7_7E61, 0xF56E_0EF4, 0x6935_F452, 0xC835_8D49, 0x546E_77EF,
    0x8FD9_098E, 0x1382_F328, 0xB282_8A33, 0x2ED9_7095, 0x0000_0000, 0x6803_2CC8,
    0xD006_5990, 0xB805_7558, 0xA5E0_C5D1, 0xCDE3_E919, 0x75E6_9C41, 0x1DE5_B089,
    0x4E2D_FD53, 0x262E_D19B, 0x9E2B_A4C3, 0xF628_880B, 0xEBCD_3882, 0x83CE_144A,
    0x3BCB_6112, 0x53C8_4DDA, 0x0000_0000, 0x8476_09B4, 0x0D00_6599, 0x8976_6C2D,
    0x1A00_CB32, 0x9E76_C286, 0x1700_AEAB, 0x9376_A71F, 0x3401_9664, 0xB077_9FD0,
    0x3901_F3FD, 0xBD77_FA49, 0x2E01_5D56, 0xAA77_54E2, 0x2301_38CF, 0xA777_317B,
    0x0000_0000, 0x493C_7D27, 0x9278_FA4E, 0xDB44_8769, 0x211D_826D, 0x6821_FF4A,
    0xB365_7823, 0xFA59_0504, 0x423B_04DA, 0x0B07_79FD, 0xD043_FE94, 0x997F_83B3,
    0x6326_86B7, 0x2A1A_FB90, 0xF15E_7CF9, 0xB862_01DE,
  ]
}
