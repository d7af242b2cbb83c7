import Core

/// How much may be under way while a backlog drains, so that it takes all that the path carries and
/// still leaves the path usable.
///
/// What is sent faster than a path carries it waits before the narrowest place, and a live value waits
/// behind it. So the window follows the time that the broker takes to answer, as LEDBAT (RFC 6817) and
/// BBR do:
///
///     time of an answer  =  the path's own time  +  waiting behind what we have sent before
///                           `pathTime`              `delay`, kept near `delayTarget`
///
/// The path's own time is the shortest that was seen. A packet that was sent while nothing of the backlog
/// was under way may also lengthen it: its wait was not for us. While `delay` is far below the target
/// the window doubles with each round trip, then grows more slowly the nearer it comes, and shrinks when
/// `delay` is above. It grows only while it is what holds the backlog back, so that days of live values,
/// which say nothing about how much the path carries, leave it as it was.
///
/// Live messages are not held back by it; they are counted, because they wait in the same queue.
///
/// Invariant: `bytesMin <= bytes <= bytesMax`.
public struct SendWindow: ~Copyable {
  /// A message that was sent and not acknowledged; there is none while `bytes` is 0.
  private struct Packet: BitwiseCopyable {
    var sentAt = Instant.boot
    var bytes = 0
    var isPack = false
    /// Nothing of the backlog was under way before it.
    var isCalm = false
  }

  /// How long what we send may wait for what we have sent before. A live value is under way for so long,
  /// and half of the path's own time.
  public static var delayTarget: Interval { .milliseconds(500) }

  /// A window that is no longer than any packet: one at a time.
  public static var bytesMin: Int { 256 }

  /// What a connection begins with: less than the narrowest path carries in a second.
  public static var bytesAtFirst: Int { 1024 }

  /// So many bytes may be under way.
  public private(set) var bytes = SendWindow.bytesAtFirst
  /// How long the path itself takes to bring an answer; `never` before the first one.
  public private(set) var pathTime = SendWindow.unknown
  /// Bytes under way.
  public private(set) var underWay = 0
  /// Packets of the backlog under way.
  public private(set) var packCount = 0

  private var packets: Table<Packet>
  private let bytesMax: Int
  /// The last answers' times; the shortest counts, so that a single late answer does not.
  private var latest = InlineArray<3, Interval>(repeating: SendWindow.unknown)
  private var latestIndex = 0
  /// The window still doubles.
  private var isStarting = true
  /// It was the window that held the backlog back last.
  private var isLimiting = false

  private static var unknown: Interval { Interval(nanoseconds: .max) }

  /// A window over packets with numbers below `packetCount`, in memory from `arena`.
  public init(packetCount: Int, bytesMax: Int, arena: inout Arena) {
    packets = arena.table(
      "send window: packets under way", count: packetCount, filledWith: Packet())
    self.bytesMax = max(bytesMax, Self.bytesAtFirst)
  }

  /// A connection opens: nothing is under way over it, and nothing is known of its path.
  public mutating func connectionOpened() {
    for index in 0..<packets.count { packets[index] = Packet() }
    for index in latest.indices { latest[index] = Self.unknown }
    (bytes, pathTime) = (Self.bytesAtFirst, Self.unknown)
    (underWay, packCount, latestIndex) = (0, 0, 0)
    (isStarting, isLimiting) = (true, false)
  }

  /// True when one more packet of the backlog may go: one always, more while the window has room. Asked
  /// only when there is one.
  public mutating func admitsPack() -> Bool {
    isLimiting = packCount > 0 && underWay >= bytes
    return !isLimiting
  }

  /// True when packet `number` was sent over this connection, and not acknowledged.
  public func isUnderWay(_ number: Int) -> Bool { packets[number].bytes > 0 }

  /// Packet `number` is handed to the session.
  public mutating func sent(_ number: Int, bytes count: Int, isPack: Bool, at now: Instant) {
    abandoned(number)
    packets[number] = Packet(sentAt: now, bytes: count, isPack: isPack, isCalm: packCount == 0)
    underWay += count
    if isPack { packCount += 1 }
  }

  /// The broker has acknowledged packet `number`.
  public mutating func acknowledged(_ number: Int, at now: Instant) {
    let packet = packets[number]
    guard packet.bytes > 0 else { return }
    abandoned(number)
    let time = max(now - packet.sentAt, .zero)
    if time < pathTime {
      pathTime = time
    } else if packet.isCalm {
      pathTime = pathTime + (time - pathTime) / 4
    }
    latest[latestIndex] = time
    latestIndex = (latestIndex + 1) % latest.count
    adapt(by: packet.bytes)
  }

  /// Packet `number` is under way no more, and nothing was learnt of the path.
  public mutating func abandoned(_ number: Int) {
    let packet = packets[number]
    packets[number] = Packet()
    underWay -= packet.bytes
    if packet.isPack { packCount -= 1 }
  }

  /// How long what was acknowledged last has waited for what we had sent before.
  public var delay: Interval {
    var shortest = Self.unknown
    for index in latest.indices { shortest = min(shortest, latest[index]) }
    return max(shortest - pathTime, .zero)
  }

  /// Lets the window follow the last answer, which was to so many bytes. The gains are those at which
  /// it comes to rest although it learns only after a round trip what it has done.
  private mutating func adapt(by count: Int) {
    let delay = delay
    let target = Self.delayTarget
    if delay > target {
      isStarting = false
      bytes -= part(min(delay - target, target), of: count) / 2
    } else {
      if delay > target / 4 { isStarting = false }
      guard isLimiting else { return }
      bytes += isStarting ? count : part(target - delay, of: count) / 4
    }
    bytes = max(Self.bytesMin, min(bytes, bytesMax))
  }

  /// `share`, which is not above the target, in proportion to the target, of `count`.
  private func part(_ share: Interval, of count: Int) -> Int {
    let target = Self.delayTarget.nanoseconds
    return Int(narrow: Int64(wide: count) * share.nanoseconds / target)
  }
}
