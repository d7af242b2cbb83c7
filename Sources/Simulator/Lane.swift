import Core

/// One direction of a TCP connection: bytes arrive in order, each when the link has carried it.
struct Lane {
  private struct Chunk {
    var at: Instant
    var bytes: [UInt8]
  }

  private var chunks: [Chunk] = []
  private var first = 0
  private var freeAt = Instant.boot
  private var lastArrival = Instant.boot
  /// Bytes on their way, those not counted that have left the sender's system.
  private(set) var bytesWaiting = 0
  /// Nothing arrives before: an outage, which TCP lives through.
  var blockedUntil = Instant.boot
  /// Bytes carried so far.
  private(set) var carried = 0

  /// When the next bytes arrive.
  var deadline: Instant {
    first < chunks.count ? max(chunks[first].at, blockedUntil) : .never
  }

  /// True when nothing is on its way.
  var isEmpty: Bool { first == chunks.count }

  /// Sends bytes at `rate` a second.
  mutating func send(
    _ bytes: [UInt8], rate: Int, _ link: LinkConditions, _ chance: inout Generator, at now: Instant
  ) {
    freeAt = max(freeAt, now) + .nanoseconds(Int64(bytes.count) * 1_000_000_000 / Int64(rate))
    var arrival = freeAt + link.latency
    if link.jitter > .zero { arrival = arrival + chance.interval(below: link.jitter) }
    if link.lossPerMille > 0, chance.next(below: 1_000) < UInt64(link.lossPerMille) {
      // A retransmission comes a timeout later (RFC 6298: 200 ms at least on Linux).
      arrival = arrival + link.latency + .milliseconds(200) + link.latency * 2
    }
    lastArrival = max(lastArrival, arrival)
    chunks.append(Chunk(at: lastArrival, bytes: bytes))
    bytesWaiting += bytes.count
  }

  /// The bytes that have arrived, `room` at most; empty for none.
  mutating func take(_ room: Int, at now: Instant) -> [UInt8] {
    guard deadline <= now, room > 0 else { return [] }
    let count = min(room, chunks[first].bytes.count)
    let bytes = Array(chunks[first].bytes.prefix(count))
    if count == chunks[first].bytes.count {
      first += 1
      if first == chunks.count { (chunks, first) = ([], 0) }
    } else {
      chunks[first].bytes.removeFirst(count)
    }
    bytesWaiting -= count
    carried += count
    return bytes
  }

  /// What is on its way is lost.
  mutating func clear(at now: Instant) {
    (chunks, first, bytesWaiting) = ([], 0, 0)
    (freeAt, lastArrival) = (now, now)
  }
}
