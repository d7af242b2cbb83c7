import Core
import MQTT

/// A message as the journal keeps it: without what belongs to one connection or one moment. A topic
/// alias is never kept, and Message Expiry Interval is worked out anew when the message leaves.
///
///     version 1 | flags 1 | topic bytes 2 | property bytes 4 | expiry 25, if it has one
///     topic | properties | payload
///
/// Invariant: `properties` have neither a topic alias nor an expiry.
package struct KeptMessage: Sendable, Equatable {
  package var topic: [UInt8]
  package private(set) var properties: [UInt8]
  package var payload: [UInt8]
  package var qos: QoS
  package var retain: Bool
  /// The moment after which it is worth nothing; nil for never.
  var expiry: KeptExpiry?
  /// The broker is to know when it expires (5.0).
  private var tellsExpiry = false

  private enum Flag {
    static let qos: UInt8 = 3
    static let retain: UInt8 = 4
    static let expires: UInt8 = 8
    static let tellsExpiry: UInt8 = 16
  }

  private static var version: UInt8 { 1 }
  private static var headBytes: Int { 8 }
  private static var expiryBytes: Int { 25 }
  /// Bytes of Message Expiry Interval and of Topic Alias among properties.
  private static var intervalBytes: Int { 5 }

  /// A message that is worth keeping for `lifetime`, and for the expiry in its properties. Throws when
  /// the properties cannot be those of a PUBLISH.
  package init(
    topic: [UInt8], properties: [UInt8], payload: [UInt8], qos: QoS, retain: Bool,
    lifetime: Interval?, at moment: Moment
  ) throws(PublishError) {
    self.topic = topic
    self.payload = payload
    self.qos = qos
    self.retain = retain
    self.properties = properties
    var lifetime = lifetime
    let span = properties.span
    guard !properties.isEmpty else {
      expiry = lifetime.map { KeptExpiry(in: $0, at: moment) }
      return
    }
    guard let list = try? V5.Properties(ofPublish: span) else {
      throw .invalidProperties
    }
    var walk = list.walk
    var unwanted: [Range<Int>] = []
    while let property = walk.next(in: span) {
      switch property.id {
      case .messageExpiryInterval:
        let seconds = Interval.seconds(Int64(property.number))
        lifetime = min(lifetime ?? seconds, seconds)
        tellsExpiry = true
        unwanted.append(walk.offset - Self.intervalBytes..<walk.offset)
      case .topicAlias: unwanted.append(walk.offset - V5.Publish.aliasBytes..<walk.offset)
      default: break
      }
    }
    for range in unwanted.reversed() { self.properties.removeSubrange(range) }
    expiry = lifetime.map { KeptExpiry(in: $0, at: moment) }
  }

  /// The properties that leave now, where `left` is what is left of its time.
  package func properties(left: Interval?) -> [UInt8] {
    guard tellsExpiry, let left else { return properties }
    var list = PropertyList()
    // What is left of a second is still worth something (section 3.3.2.3.3).
    let seconds = UInt32(clamping: max(1, (left.nanoseconds + 999_999_999) / 1_000_000_000))
    do throws(EncodeError) {
      try list.append(.messageExpiryInterval, seconds)
    } catch {
      preconditionFailure("a number always fits")
    }
    return properties + list.bytes
  }

  // MARK: On the medium

  var recordBytes: Int {
    Self.headBytes + (expiry == nil ? 0 : Self.expiryBytes) + topic.count + properties.count
      + payload.count
  }

  func write(to out: inout OutputSpan<UInt8>) {
    out.append(Self.version)
    var flags = qos.rawValue
    if retain { flags |= Flag.retain }
    if expiry != nil { flags |= Flag.expires }
    if tellsExpiry { flags |= Flag.tellsExpiry }
    out.append(flags)
    out.append(littleEndian: UInt64(topic.count), bytes: 2)
    out.append(littleEndian: UInt64(properties.count), bytes: 4)
    if let expiry {
      out.append(littleEndian: UInt64(bitPattern: expiry.wall.milliseconds), bytes: 8)
      out.append(littleEndian: UInt64(bitPattern: expiry.instant.nanoseconds), bytes: 8)
      out.append(littleEndian: UInt64(bitPattern: expiry.lifetime.nanoseconds), bytes: 8)
      out.append(expiry.quality.rawValue)
    }
    out.append(contentsOf: topic.span)
    out.append(contentsOf: properties.span)
    out.append(contentsOf: payload.span)
  }

  /// The message in a record's body; nil when it is none that this version understands.
  init?(record bytes: Span<UInt8>) {
    guard bytes.count >= Self.headBytes, bytes[0] == Self.version,
      let qos = QoS(rawValue: bytes[1] & Flag.qos), qos != .atMostOnce
    else { return nil }
    let flags = bytes[1]
    let topicBytes = Int(bytes.littleEndian(at: 2, bytes: 2))
    let propertyBytes = Int(bytes.littleEndian(at: 4, bytes: 4))
    var start = Self.headBytes
    if flags & Flag.expires != 0 {
      guard bytes.count >= start + Self.expiryBytes,
        let quality = TimeQuality(rawValue: bytes[start + 24])
      else { return nil }
      expiry = KeptExpiry(
        wall: WallTime(
          milliseconds: Int64(bitPattern: bytes.littleEndian(at: start, bytes: 8))),
        instant: Instant(
          nanoseconds: Int64(bitPattern: bytes.littleEndian(at: start + 8, bytes: 8))),
        lifetime: Interval(
          nanoseconds: Int64(bitPattern: bytes.littleEndian(at: start + 16, bytes: 8))),
        quality: quality)
      start += Self.expiryBytes
    }
    guard bytes.count - start >= topicBytes, bytes.count - start - topicBytes >= propertyBytes
    else { return nil }
    self.qos = qos
    retain = flags & Flag.retain != 0
    tellsExpiry = flags & Flag.tellsExpiry != 0
    topic = Array(bytes.extracting(start..<start + topicBytes))
    properties = Array(
      bytes.extracting(start + topicBytes..<start + topicBytes + propertyBytes))
    payload = Array(bytes.extracting(start + topicBytes + propertyBytes..<bytes.count))
    guard TopicName.isValid(topic.span) else { return nil }
  }
}

/// When a message expires, in such a way that neither a clock that steps nor a reboot makes it wrong.
///
/// Within one boot the monotonic clock counts. After another boot it is the time of day, where both
/// boots know it; where one does not, the time in between counts for nothing. No message ever lives for
/// longer than its lifetime from when it was found again.
struct KeptExpiry: Sendable, Equatable {
  var wall: WallTime
  var instant: Instant
  var lifetime: Interval
  var quality: TimeQuality

  init(wall: WallTime, instant: Instant, lifetime: Interval, quality: TimeQuality) {
    self.wall = wall
    self.instant = instant
    self.lifetime = lifetime
    self.quality = quality
  }

  /// In so long from `moment` on.
  init(in lifetime: Interval, at moment: Moment) {
    let lifetime = max(.zero, lifetime)
    let (wall, overflow) = moment.wall.milliseconds.addingReportingOverflow(
      lifetime.milliseconds)
    self.wall = WallTime(milliseconds: overflow ? .max : wall)
    instant = moment.instant + lifetime
    self.lifetime = lifetime
    quality = moment.quality
  }

  /// When it expires, as of a run in this boot, and whether the answer waits for a clock that is set.
  func due(isSameBoot: Bool, at moment: Moment) -> (instant: Instant, awaitsClock: Bool) {
    if isSameBoot { return (instant, false) }
    let latest = moment.instant + max(.zero, lifetime)
    guard quality != .none else { return (latest, false) }
    guard moment.quality != .none else { return (latest, true) }
    return (min(latest, moment.instant + (wall - moment.wall)), false)
  }
}
