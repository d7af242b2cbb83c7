/// Which descriptor the loop speaks of.
enum Token {
  static let signals: UInt32 = 0
  static let board: UInt32 = 1
  static let control: UInt32 = 2
  static let journal: UInt32 = 3
  /// The first of the status's.
  static let status: UInt32 = 16
  /// The first of the transport's.
  static let transport: UInt32 = 0x0100_0000
}
