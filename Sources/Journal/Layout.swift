import Core

/// Where things are on the medium.
///
///     | superblock | block 0 | block 1 | ...       | block n-1 | superblock |
///
/// Both superblocks are the same, and written once, when the medium is formatted:
///
///     magic 12 | version 2 | zero 2 | block bytes 4 | blocks 4 | id 8 | crc 4
///
/// Blocks are numbered on for ever; number k lies in place k mod n. Each begins with a header, written
/// when the first byte of the stream gets there and the same until the ring comes round:
///
///     crc 4 | first 2 | zero 2 | number 8 | head 8 | durable 8 | context 32
///
/// `first` is where the first record begins that begins in the block, counted from the header's end, or
/// 0xFFFF for nowhere; `head` and `durable` are those that were known to be durable then; `context` is
/// the one that holds at the block's beginning. Behind the header comes the stream; records flow from
/// one block to the next.
struct Layout: BitwiseCopyable {
  static let headerBytes = 64
  static let superblockBytes = 36
  static let version: UInt64 = 1
  static var magic: StaticString { "sandpiper-rg" }
  static var noRecord: Int { 0xFFFF }

  /// Bytes of a block; a power of two, 512 to 65,536.
  let blockBytes: Int
  /// Blocks of the ring, without the superblocks.
  let blockCount: Int
  /// Tells this ring's records from those of any other.
  let id: UInt64

  /// The fewest blocks that make a ring.
  static var blockCountMin: Int { 4 }

  static func isBlockSize(_ bytes: Int) -> Bool {
    bytes >= 512 && bytes <= 65_536 && bytes & (bytes - 1) == 0
  }

  /// Bytes of the stream in one block.
  var payloadBytes: Int { blockBytes - Self.headerBytes }

  func block(of offset: Int64) -> Int64 { offset / Int64(wide: payloadBytes) }

  /// Where in its block's payload the stream's byte `offset` is.
  func place(of offset: Int64) -> Int { Int(narrow: offset % Int64(wide: payloadBytes)) }

  func start(ofBlock number: Int64) -> Int64 { number * Int64(wide: payloadBytes) }

  /// Where block `number` begins on the medium.
  func address(ofBlock number: Int64) -> Int {
    (1 + Int(narrow: number % Int64(wide: blockCount))) * blockBytes
  }

  // MARK: Superblocks

  func writeSuperblock(to out: inout OutputSpan<UInt8>) {
    var crc = CRC32C()
    let start = out.count
    out.append(literal: Self.magic)
    out.append(littleEndian: Self.version, bytes: 4)
    out.append(littleEndian: UInt64(wide: blockBytes), bytes: 4)
    out.append(littleEndian: UInt64(wide: blockCount), bytes: 4)
    out.append(littleEndian: id, bytes: 8)
    crc.add(out.span.extracting(start..<out.count))
    out.append(littleEndian: UInt64(wide: crc.value), bytes: 4)
  }

  /// The layout that a superblock of a medium of `mediumBytes` describes; nil when it is none.
  init?(superblock bytes: Span<UInt8>, mediumBytes: Int) {
    guard bytes.count == Self.superblockBytes, bytes.extracting(0..<12).equals(Self.magic)
    else { return nil }
    var crc = CRC32C()
    crc.add(bytes.extracting(0..<32))
    guard bytes.littleEndian(at: 32, bytes: 4) == UInt64(wide: crc.value),
      bytes.littleEndian(at: 12, bytes: 4) == Self.version
    else { return nil }
    let blockBytes = Int(truncatingIfNeeded: bytes.littleEndian(at: 16, bytes: 4))
    let blockCount = Int(truncatingIfNeeded: bytes.littleEndian(at: 20, bytes: 4))
    guard Self.isBlockSize(blockBytes), blockCount >= Self.blockCountMin,
      blockCount <= mediumBytes / blockBytes - 2
    else { return nil }
    self.init(
      blockBytes: blockBytes, blockCount: blockCount, id: bytes.littleEndian(at: 24, bytes: 8))
  }

  init(blockBytes: Int, blockCount: Int, id: UInt64) {
    self.blockBytes = blockBytes
    self.blockCount = blockCount
    self.id = id
  }

  // MARK: Records

  /// The check of a record: of its bytes behind the check itself, of where it is, and in which ring. So
  /// neither what an earlier lap has left nor a copy of a record passes for one.
  func check(of record: Span<UInt8>, at position: RecordPosition) -> UInt32 {
    var crc = CRC32C()
    crc.add(id)
    crc.add(UInt64(bitPattern: position.offset))
    crc.add(record.extracting(4..<record.count))
    return crc.value
  }
}

/// The header of a block.
struct BlockHeader: BitwiseCopyable {
  var first: Int
  var number: Int64
  var head: Int64
  var durable: Int64
  var context: RecordContext

  func write(to out: inout OutputSpan<UInt8>, id: UInt64) {
    var fields = FixedText<60> { out in
      out.append(littleEndian: UInt64(wide: first), bytes: 2)
      out.append(littleEndian: 0, bytes: 2)
      out.append(littleEndian: UInt64(bitPattern: number), bytes: 8)
      out.append(littleEndian: UInt64(bitPattern: head), bytes: 8)
      out.append(littleEndian: UInt64(bitPattern: durable), bytes: 8)
    }
    for index in context.indices { fields.append(context[index]) }
    fields.withBytes { bytes in
      out.append(littleEndian: UInt64(wide: Self.check(of: bytes, id: id)), bytes: 4)
      out.append(contentsOf: bytes)
    }
  }

  /// What the ring's identifier may be, as far as checks tell, if `bytes` are a whole header.
  static func id(from bytes: Span<UInt8>) -> UInt64 {
    CRC32C.number(
      before: bytes.extracting(4..<Layout.headerBytes),
      checkedBy: UInt32(truncatingIfNeeded: bytes.littleEndian(at: 0, bytes: 4)))
  }

  /// The header in `bytes`, or nil when they hold none of the ring `id`.
  init?(_ bytes: Span<UInt8>, id: UInt64) {
    let fields = bytes.extracting(4..<Layout.headerBytes)
    guard bytes.littleEndian(at: 0, bytes: 4) == UInt64(wide: Self.check(of: fields, id: id))
    else { return nil }
    first = Int(truncatingIfNeeded: fields.littleEndian(at: 0, bytes: 2))
    number = Int64(bitPattern: fields.littleEndian(at: 4, bytes: 8))
    head = Int64(bitPattern: fields.littleEndian(at: 12, bytes: 8))
    durable = Int64(bitPattern: fields.littleEndian(at: 20, bytes: 8))
    context = RecordContext(repeating: 0)
    for index in context.indices { context[index] = fields[28 + index] }
    // Bounds that no ring in use passes, and below which nothing overflows.
    guard number >= 0, number < 0x100_0000_0000, head >= 0, head < 0x100_0000_0000_0000,
      durable >= 0, durable < 0x100_0000_0000_0000
    else { return nil }
  }

  init(first: Int, number: Int64, head: Int64, durable: Int64, context: RecordContext) {
    self.first = first
    self.number = number
    self.head = head
    self.durable = durable
    self.context = context
  }

  private static func check(of fields: Span<UInt8>, id: UInt64) -> UInt32 {
    var crc = CRC32C()
    crc.add(id)
    crc.add(fields)
    return crc.value
  }
}

/// The header of a record, in front of its body:
///
///     crc 4 | body bytes 3 | kind 1 | sequence 4 | time 8
struct RecordHeader: BitwiseCopyable {
  static let byteCount = 20

  /// What a record is for.
  enum Kind: UInt8, BitwiseCopyable {
    /// The owner's.
    case data
    /// The context that holds from here on.
    case context
    /// What is settled and durable: head 8 | durable 8 | ranges of 16 each | boundary 8 within a rewrite.
    case mark
    /// A run begins: the sequence number of the record before, 4 bytes. What a torn tail has left
    /// beyond was followed by other numbers, and is not taken for this run's.
    case run
    /// The owner's, and in place of records before it: counts once a `chunk` is behind it.
    case rewritten
    /// A mark whose head holds only where the stream is whole up to it: that of a rewrite's chunk, or one
    /// behind it that may become durable sooner.
    case chunk
  }

  var bodyBytes: Int
  var kind: Kind
  var recordClass: UInt8
  /// All before this record is durable: a hole there is rot, and not where the stream ends.
  var followsSync: Bool
  var sequence: UInt32
  var time: UInt64

  var byteCount: Int { Self.byteCount + bodyBytes }

  var isMark: Bool { kind == .mark || kind == .chunk }

  func write(to out: inout OutputSpan<UInt8>) {
    out.append(littleEndian: UInt64(wide: bodyBytes), bytes: 3)
    out.append(recordClass | kind.rawValue &<< 4 | (followsSync ? 0x80 : 0))
    out.append(littleEndian: UInt64(wide: sequence), bytes: 4)
    out.append(littleEndian: time, bytes: 8)
  }

  /// The header in `bytes`, where it could be one of a body of at most `bodyBytesMax`.
  init?(_ bytes: Span<UInt8>, bodyBytesMax: Int) {
    bodyBytes = Int(truncatingIfNeeded: bytes.littleEndian(at: 4, bytes: 3))
    guard bodyBytes <= bodyBytesMax, let kind = Kind(rawValue: (bytes[7] &>> 4) & 7)
    else { return nil }
    self.kind = kind
    recordClass = bytes[7] & 15
    followsSync = bytes[7] & 0x80 != 0
    sequence = UInt32(truncatingIfNeeded: bytes.littleEndian(at: 8, bytes: 4))
    time = bytes.littleEndian(at: 12, bytes: 8)
  }

  init(
    bodyBytes: Int, kind: Kind, recordClass: UInt8 = 0, followsSync: Bool, sequence: UInt32,
    time: UInt64 = 0
  ) {
    self.bodyBytes = bodyBytes
    self.kind = kind
    self.recordClass = recordClass
    self.followsSync = followsSync
    self.sequence = sequence
    self.time = time
  }
}
