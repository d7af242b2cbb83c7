import Core
import TestSupport
import Uplink

/// An outbox whose records are texts, for one test.
final class OutboxBench {
  var outbox: Outbox
  /// How the records are kept: nothing but room decides what becomes of them.
  static let label = RecordLabel(.note, series: 0)

  /// How many were dropped for want of room: the oldest.
  var dropped: Int { Int(outbox.losses.total.dropped) }

  /// Bytes that a record takes besides its text.
  static let headerBytes = 8

  init(bytes: Int = 256, inflight: Int = 4) {
    var arena = testArena()
    outbox = Outbox(bytes: bytes, inflight: inflight, series: 4, arena: &arena)
  }

  /// Appends texts; true when all were taken.
  @discardableResult
  func append(_ texts: String...) -> Bool {
    var isTaken = true
    for text in texts {
      isTaken =
        outbox.append(
          Self.label, bodyBytes: text.utf8.count,
          fill: { out in TestSupport.append(text, to: &out) }) && isTaken
    }
    return isTaken
  }

  func text(_ place: Outbox.Place?) -> String? {
    guard let place else { return nil }
    return outbox.withBody(place) { body in TestSupport.text(body) }
  }

  var nextLive: String? { text(outbox.nextLive()) }
  var nextHistorical: String? { text(outbox.nextHistorical()) }
  var hasToken: Bool { outbox.freeToken() != nil }
  var count: Int { outbox.count }
  var unacknowledged: Int { outbox.unacknowledged }
  var bytesUsed: Int { outbox.bytesUsed }
  var capacity: Int { outbox.capacity }

  /// Sends the next live record alone; its text and the token.
  func sendLive() -> (text: String, token: UInt32)? {
    guard let token = outbox.freeToken(), let place = outbox.nextLive() else { return nil }
    outbox.sent(place, count: 1, token: token)
    return (text(place) ?? "", token)
  }

  /// Sends up to `countMax` late records in one pack; their texts and the token.
  func sendPack(of countMax: Int) -> (texts: [String], token: UInt32)? {
    guard let token = outbox.freeToken(), let first = outbox.nextHistorical() else { return nil }
    var texts: [String] = []
    var next: Outbox.Place? = first
    while let place = next, texts.count < countMax {
      texts.append(text(place) ?? "")
      next = outbox.historical(after: place)
    }
    outbox.sent(first, count: texts.count, token: token)
    return (texts, token)
  }

  /// The broker acknowledges a packet; how many records that settles.
  @discardableResult
  func acknowledge(_ token: UInt32) -> Int {
    outbox.acknowledged(token, journaled: { _ in })
  }

  /// Gives up the next record of either kind; its text.
  func discardNext() -> String? {
    guard let place = outbox.nextLive() ?? outbox.nextHistorical() else { return nil }
    defer { outbox.discard(place) }
    return text(place)
  }

  func open(resuming: Bool) { outbox.connectionOpened(resuming: resuming) }

  /// The texts under way in the packet of `token`; empty for none.
  func texts(of token: UInt32) -> [String] {
    guard let (first, count) = outbox.records(of: token) else { return [] }
    var texts: [String] = []
    var place = first
    for index in 0..<count {
      if index > 0 { place = outbox.record(after: place) }
      texts.append(text(place) ?? "")
    }
    return texts
  }

  /// All that waits, live before late, by sending it one by one; it stays under way.
  func drain() -> [String] {
    var texts: [String] = []
    while let (text, token) = sendLive() {
      texts.append(text)
      acknowledge(token)
    }
    while let (pack, token) = sendPack(of: 3) {
      texts += pack
      acknowledge(token)
    }
    return texts
  }
}
