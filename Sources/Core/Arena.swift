/// One block of memory, handed out once as typed tables; nothing is ever given back.
///
/// The same constructor code runs twice: first over `Arena.measuring`, which owns no memory and
/// only adds up what is asked for, then over a block of exactly that size. So the memory plan
/// and the memory itself cannot disagree.
@safe public struct Arena: ~Copyable {
  /// What one table took: a line of the memory plan.
  public struct Row: Sendable {
    /// What the memory is for.
    public var name: StaticString
    /// Elements in the table.
    public var count: Int
    /// Bytes taken, padding included.
    public var bytes: Int
  }

  private let memory: UnsafeMutableRawBufferPointer?
  private let isZeroed: Bool
  private var rows = InlineArray<64, Row>(repeating: Row(name: "", count: 0, bytes: 0))
  /// Rows of the plan so far.
  public private(set) var rowCount = 0
  /// Bytes handed out so far.
  public private(set) var used = 0

  /// Every table starts on a boundary of this many bytes.
  public static var alignment: Int { 16 }

  /// An arena without memory, which measures.
  public init() {
    unsafe memory = nil
    isZeroed = false
  }

  /// An arena over `memory`, aligned to `Arena.alignment` and outliving all tables. When it
  /// `isZeroed`, as pages fresh from the system are, elements that are all zeros are not written, and
  /// their pages take no memory before they are used.
  @unsafe public init(over memory: UnsafeMutableRawBufferPointer, isZeroed: Bool = false) {
    unsafe self.memory = memory
    self.isZeroed = isZeroed
  }

  /// True while tables are only counted and come back empty.
  public var isMeasuring: Bool { unsafe memory == nil }

  /// Line `index` of the plan.
  public func row(_ index: Int) -> Row { rows[index] }

  /// Hands out `count` elements, each set to `value`; an empty table while measuring.
  public mutating func table<Element: BitwiseCopyable>(
    _ name: StaticString, count: Int, filledWith value: Element
  ) -> Table<Element> {
    guard let slots = unsafe take(name, count, stride: MemoryLayout<Element>.stride) else {
      return Table()
    }
    if isZeroed, Self.isZero(value) {
      // Sound: the bytes are those of `value`, and any bytes of a bitwise copyable type may be bound.
      return unsafe Table(over: slots.bindMemory(to: Element.self))
    }
    return unsafe Table(over: slots.initializeMemory(as: Element.self, repeating: value))
  }

  /// The part of `table` that is the same for all elements, and therefore there once: the bytes of
  /// so many elements; nil while measuring, and for none.
  @inline(never)
  private mutating func take(
    _ name: StaticString, _ count: Int, stride: Int
  ) -> UnsafeMutableRawBufferPointer? {
    precondition(count >= 0 && rowCount < rows.count)
    let size = count * stride
    let bytes = (size + Self.alignment - 1) & ~(Self.alignment - 1)
    rows[rowCount] = Row(name: name, count: count, bytes: bytes)
    rowCount += 1
    let start = used
    used += bytes
    guard let memory = unsafe memory, count > 0 else { return nil }
    precondition(used <= memory.count, "the plan and the construction ask for the same")
    // Sound: the range lies inside the block, is aligned, and is handed out only once.
    return unsafe UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + size])
  }

  private static func isZero(_ value: some BitwiseCopyable) -> Bool {
    var value = value
    // Sound: the bytes are read only; padding, whose bytes may be anything, makes the answer no.
    return unsafe withUnsafeBytes(of: &value) { bytes in
      for index in bytes.indices where unsafe bytes[index] != 0 { return false }
      return true
    }
  }
}

/// A fixed run of elements in an arena, owned by one holder.
@safe public struct Table<Element: BitwiseCopyable>: ~Copyable {
  @usableFromInline let slots: UnsafeMutableBufferPointer<Element>

  /// A table without elements.
  @inlinable public init() { unsafe slots = UnsafeMutableBufferPointer(start: nil, count: 0) }

  @unsafe init(over slots: UnsafeMutableBufferPointer<Element>) { unsafe self.slots = slots }

  /// How many elements there are.
  @inlinable public var count: Int { unsafe slots.count }

  /// Element `index`; traps outside `0..<count`.
  @inlinable public subscript(index: Int) -> Element {
    get {
      precondition(index >= 0 && index < count)
      return unsafe slots[index]
    }
    set {
      precondition(index >= 0 && index < count)
      unsafe slots[index] = newValue
    }
  }

  /// Changes element `index` in place.
  @inlinable public mutating func update<R>(_ index: Int, _ body: (inout Element) -> R) -> R {
    precondition(index >= 0 && index < count)
    return unsafe body(&slots[index])
  }

  /// Lends elements `start..<start + count`.
  @inlinable public func withSpan<R: ~Copyable, E: Error>(
    from start: Int = 0, count: Int? = nil, _ body: (Span<Element>) throws(E) -> R
  ) throws(E) -> R {
    let end = start + (count ?? self.count - start)
    precondition(start >= 0 && end >= start && end <= self.count)
    let part = unsafe UnsafeMutableBufferPointer(rebasing: slots[start..<end])
    return try body(unsafe part.span)
  }

  /// Lends elements `start..<start + count` for writing.
  @inlinable public mutating func withMutableSpan<R, E: Error>(
    from start: Int = 0, count: Int? = nil, _ body: (inout MutableSpan<Element>) throws(E) -> R
  ) throws(E) -> R {
    let end = start + (count ?? self.count - start)
    precondition(start >= 0 && end >= start && end <= self.count)
    let part = unsafe UnsafeMutableBufferPointer(rebasing: slots[start..<end])
    var span = unsafe part.mutableSpan
    return try body(&span)
  }
}

extension Table where Element == UInt8 {
  /// Lends the bytes from `start` on as empty space to append to; returns how many were appended.
  /// When `body` throws, nothing counts as appended.
  @inlinable @inline(__always)
  public mutating func fill<E: Error>(
    from start: Int, limit: Int? = nil, _ body: (inout OutputSpan<UInt8>) throws(E) -> Void
  ) throws(E) -> Int {
    let end = min(count, start + (limit ?? count - start))
    precondition(start >= 0 && start <= end)
    // Sound: the free part lies inside the table, and `out` does not leave this call.
    let free = unsafe UnsafeMutableBufferPointer(rebasing: slots[start..<end])
    var out = unsafe OutputSpan(buffer: free, initializedCount: 0)
    try body(&out)
    return unsafe out.finalize(for: free)
  }

  /// Writes exactly `count` bytes from `start` on, which `body` writes; traps when it writes fewer.
  /// That the table has them, and one at least, is the caller's to know.
  @inline(__always)
  @unsafe mutating func write(
    from start: Int, exactly count: Int, _ body: (inout ByteWriter) -> Void
  ) {
    // Sound: a table that has the range has a base, and the writer does not leave the call.
    let base = unsafe slots.baseAddress.unsafelyUnwrapped
    var writer = unsafe ByteWriter(from: UnsafeMutableRawPointer(base + start), count: count)
    body(&writer)
    precondition(writer.isFull)
  }

  /// The four bytes from `start` on as a number, most significant first.
  @inlinable @inline(__always)
  public func bigEndian(at start: Int) -> UInt32 {
    // Without a sign a negative number is larger than any other, and one difference tells both.
    precondition(UInt(bitPattern: start) < UInt(bitPattern: self.count) && self.count &- start >= 4)
    // Sound: the four bytes lie inside the table, which so has a base.
    let bytes = unsafe UnsafeRawPointer(slots.baseAddress.unsafelyUnwrapped)
    return unsafe UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
  }

  /// Moves `count` bytes from `source` to `target`; the two ranges may overlap.
  @inlinable public mutating func move(from source: Int, to target: Int, count: Int) {
    precondition(source >= 0 && target >= 0 && count >= 0)
    precondition(source + count <= self.count && target + count <= self.count)
    guard count > 0, let base = unsafe slots.baseAddress else { return }
    // Sound: both ranges were checked; `update` handles overlap.
    unsafe (base + target).update(from: base + source, count: count)
  }
}
