import Core

/// One direction of a TCP connection: bytes arrive in order, each when the link has carried it.
struct Lane {
  /// Bytes that arrive together.
  private struct Chunk {
    var at: Instant
    var count: Int
  }

  /// What is on its way begins at `firstChunk` and at `firstByte`.
  private var chunks: [Chunk] = []
  private var firstChunk = 0
  private var bytes: [UInt8] = []
  private var firstByte = 0
  private var freeAt = Instant.boot
  private var lastArrival = Instant.boot
  /// Nothing arrives before: an outage, which TCP lives through.
  var blockedUntil = Instant.boot
  /// Bytes carried so far.
  private(set) var carried = 0

  /// Bytes on their way, those not counted that have left the sender's system.
  var bytesWaiting: Int { bytes.count - firstByte }

  /// When the next bytes arrive.
  var deadline: Instant {
    isEmpty ? .never : max(chunks[firstChunk].at, blockedUntil)
  }

  /// True when nothing is on its way.
  var isEmpty: Bool { firstChunk == chunks.count }

  /// Sends bytes at `rate` a second.
  mutating func send(
    _ span: Span<UInt8>, rate: Int, _ link: LinkConditions, _ chance: inout Generator,
    at now: Instant
  ) {
    freeAt = max(freeAt, now) + .nanoseconds(Int64(span.count) * 1_000_000_000 / Int64(rate))
    var arrival = freeAt + link.latency
    if link.jitter > .zero { arrival = arrival + chance.interval(below: link.jitter) }
    if link.lossPerMille > 0, chance.next(below: 1_000) < UInt64(link.lossPerMille) {
      // A retransmission comes a timeout later (RFC 6298: 200 ms at least on Linux).
      arrival = arrival + link.latency + .milliseconds(200) + link.latency * 2
    }
    lastArrival = max(lastArrival, arrival)
    chunks.append(Chunk(at: lastArrival, count: span.count))
    bytes.append(addingCapacity: span.count) { $0.append(contentsOf: span) }
  }

  /// Lends the bytes of the next chunk that have arrived, `room` at most; false for none.
  mutating func take(
    _ room: Int = .max, at now: Instant, _ body: (Span<UInt8>) -> Void
  ) -> Bool {
    guard deadline <= now, room > 0 else { return false }
    let count = min(room, chunks[firstChunk].count)
    body(bytes.span.extracting(firstByte..<firstByte + count))
    chunks[firstChunk].count -= count
    if chunks[firstChunk].count == 0 { firstChunk += 1 }
    firstByte += count
    carried += count
    if isEmpty { removeAll() }
    // What was taken is let go of now and then, when there is much of it.
    if firstByte >= 65_536 {
      bytes.removeFirst(firstByte)
      chunks.removeFirst(firstChunk)
      (firstByte, firstChunk) = (0, 0)
    }
    return true
  }

  /// What is on its way is lost.
  mutating func clear(at now: Instant) {
    removeAll()
    (freeAt, lastArrival) = (now, now)
  }

  private mutating func removeAll() {
    chunks.removeAll(keepingCapacity: true)
    bytes.removeAll(keepingCapacity: true)
    (firstByte, firstChunk) = (0, 0)
  }
}
