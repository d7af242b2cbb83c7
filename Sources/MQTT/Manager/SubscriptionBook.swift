import Core

/// The subscriptions that the owner wants, whatever becomes of connections and of the server's
/// sessions.
struct SubscriptionBook: ~Copyable {
  enum State: BitwiseCopyable, Equatable {
    /// No entry.
    case free
    /// It is to be asked for.
    case wanted
    /// SUBSCRIBE with this identifier was sent.
    case asked(UInt16)
    /// The server has granted it.
    case granted
    /// It cannot be asked for, which the owner is to be told.
    case failed(RequestError)
  }

  struct Entry: BitwiseCopyable {
    var state = State.free
    var tag: UInt32 = 0
    var filterBytes = 0
    var propertyBytes = 0
    var options = V5.SubscriptionOptions(qos: .atMostOnce)
  }

  /// What a subscription that cannot be asked for is told by.
  struct Failed: BitwiseCopyable {
    var tag: UInt32
    var error: RequestError
  }

  private var entries: Table<Entry>
  private var failedCount = 0
  private var bytes: Table<UInt8>
  private let entryBytesMax: Int

  /// Room for `count` subscriptions whose filter and properties have up to `entryBytesMax` bytes each.
  init(count: Int, entryBytesMax: Int, arena: inout Arena) {
    self.entryBytesMax = entryBytesMax
    entries = arena.table("MQTT subscriptions", count: count, filledWith: Entry())
    bytes = arena.table("MQTT subscriptions", count: count * entryBytesMax, filledWith: 0)
  }

  var count: Int { entries.count }

  subscript(index: Int) -> Entry {
    get { entries[index] }
    set { entries[index] = newValue }
  }

  /// Writes a subscription down, in the place of one of the same filter. Nil when there is no room.
  mutating func set(
    _ filter: Span<UInt8>, _ options: V5.SubscriptionOptions, _ properties: Span<UInt8>,
    tag: UInt32, state: State
  ) -> Int? {
    guard filter.count + properties.count <= entryBytesMax,
      let index = index(of: filter) ?? firstFree
    else { return nil }
    if case .failed = entries[index].state { failedCount -= 1 }
    _ = bytes.fill(from: index * entryBytesMax, limit: entryBytesMax) { out in
      out.append(contentsOf: filter)
      out.append(contentsOf: properties)
    }
    entries[index] = Entry(
      state: state, tag: tag, filterBytes: filter.count, propertyBytes: properties.count,
      options: options)
    return index
  }

  /// Strikes a subscription out. False when there is none.
  mutating func remove(_ filter: Span<UInt8>) -> Bool {
    guard let index = index(of: filter) else { return false }
    forget(index)
    return true
  }

  /// The subscription cannot be asked for.
  mutating func fail(_ index: Int, _ error: RequestError) {
    entries[index].state = .failed(error)
    failedCount += 1
  }

  /// True while `takeFailed` has something to tell.
  var hasFailed: Bool { failedCount > 0 }

  /// Strikes out a subscription that cannot be asked for.
  mutating func takeFailed() -> Failed? {
    guard hasFailed else { return nil }
    for index in 0..<entries.count {
      guard case .failed(let error) = entries[index].state else { continue }
      let failed = Failed(tag: entries[index].tag, error: error)
      forget(index)
      return failed
    }
    return nil
  }

  private mutating func forget(_ index: Int) {
    if case .failed = entries[index].state { failedCount -= 1 }
    entries[index] = Entry()
  }

  /// A connection has opened: what was granted stands only if the server has kept the session.
  mutating func connectionOpened(sessionPresent: Bool) {
    for index in 0..<entries.count {
      switch entries[index].state {
      case .free, .wanted, .failed: break
      case .asked: entries[index].state = .wanted
      case .granted: if !sessionPresent { entries[index].state = .wanted }
      }
    }
  }

  /// The first that is to be asked for.
  var firstWanted: Int? {
    for index in 0..<entries.count where entries[index].state == .wanted { return index }
    return nil
  }

  /// The one that was asked for by `packetID`.
  func asked(_ packetID: UInt16) -> Int? {
    for index in 0..<entries.count where entries[index].state == .asked(packetID) { return index }
    return nil
  }

  /// Lends filter and properties.
  func withEntry<R, E: Error>(
    _ index: Int, _ body: (_ filter: Span<UInt8>, _ properties: Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    let entry = entries[index]
    return try bytes.withSpan(
      from: index * entryBytesMax, count: entry.filterBytes + entry.propertyBytes
    ) { (all) throws(E) in
      try body(
        all.extracting(0..<entry.filterBytes), all.extracting(entry.filterBytes..<all.count))
    }
  }

  private var firstFree: Int? {
    for index in 0..<entries.count where entries[index].state == .free { return index }
    return nil
  }

  private func index(of filter: Span<UInt8>) -> Int? {
    for index in 0..<entries.count where entries[index].state != .free {
      if withEntry(index, { known, _ in known.equals(filter) }) { return index }
    }
    return nil
  }
}
