import Core
import MQTT

/// Records become messages, in the two tables for messages under construction.
extension BrokerLink where Medium: ~Copyable {
  /// A message in the two tables for messages under construction.
  struct Rendered: BitwiseCopyable {
    var topicBytes: Int
    var payloadBytes: Int
    var retain: Bool

    /// About as many bytes as the packet has.
    var packetBytes: Int { topicBytes + payloadBytes + 9 }
  }

  mutating func renderOne(
    _ place: Outbox.Place, _ renderer: borrowing some MessageRenderer & ~Copyable,
    at moment: Moment
  ) -> Rendered {
    Self.render(outbox, place, into: &topic, &payload, renderer, at: moment)
  }

  private static func render(
    _ outbox: borrowing Outbox, _ place: Outbox.Place, into topic: inout Table<UInt8>,
    _ payload: inout Table<UInt8>, _ renderer: borrowing some MessageRenderer & ~Copyable,
    at moment: Moment
  ) -> Rendered {
    var message = Rendered(topicBytes: 0, payloadBytes: 0, retain: false)
    message.topicBytes = topic.fill(from: 0) { topic in
      message.payloadBytes = payload.fill(from: 0) { payload in
        message.retain = outbox.withBody(place) { record in
          renderer.render(record, at: moment, topic: &topic, payload: &payload)
        }
      }
    }
    return message
  }

  /// A pack of up to `count` records, or for nil of up to as many late ones as there are; and how
  /// many have fitted.
  mutating func renderPack(
    from place: Outbox.Place, _ count: Int?, _ renderer: borrowing some MessageRenderer & ~Copyable,
    at moment: Moment
  ) -> (message: Rendered, count: Int) {
    Self.renderPack(
      outbox, from: place, count, into: &topic, &payload,
      limit: count == nil ? newPackPayloadMax(renderer) : packPayloadMax, renderer, at: moment)
  }

  /// The largest payload of a pack: the fixed header, the topic's length and the packet identifier take
  /// nine bytes at most.
  var packPayloadMax: Int { spec.packetBytes - Self.topicBytesMax - 9 }

  /// What a new pack may take of it. On a slow path one is no longer than the window, or a live value
  /// would wait for it; a record more goes in for as long as there is room for the longest one.
  func newPackPayloadMax(_ renderer: borrowing some MessageRenderer & ~Copyable) -> Int {
    let one = renderer.packItemBytesMax + 16
    // Where the broker takes so little that even this is too much, the pack is made of one record.
    let most = session.serverLimits.packetBytesMax - Self.topicBytesMax - 9 - one
    let few = min(min(probation.packBytes, window.bytes), most)
    return min(packPayloadMax, max(SendWindow.bytesMin, few) + one)
  }

  private static func renderPack(
    _ outbox: borrowing Outbox, from place: Outbox.Place, _ exactly: Int?,
    into topic: inout Table<UInt8>, _ payload: inout Table<UInt8>, limit: Int,
    _ renderer: borrowing some MessageRenderer & ~Copyable, at moment: Moment
  ) -> (message: Rendered, count: Int) {
    var message = Rendered(topicBytes: 0, payloadBytes: 0, retain: false)
    var count = 0
    message.topicBytes = topic.fill(from: 0) { topic in
      message.payloadBytes = payload.fill(from: 0, limit: limit) { payload in
        renderer.beginPack(topic: &topic, payload: &payload)
        var next: Outbox.Place? = place
        while let record = next {
          guard count == 0 || payload.freeCapacity >= renderer.packItemBytesMax + 16,
            outbox.withBody(
              record,
              {
                renderer.isPackable($0)
                  && (exactly != nil || renderer.expiry(of: $0) > moment.instant)
              })
          else { break }
          outbox.withBody(record) { body in
            renderer.appendToPack(body, isFirst: count == 0, at: moment, payload: &payload)
          }
          count += 1
          if let exactly {
            next = count < exactly ? outbox.record(after: record) : nil
          } else {
            next = outbox.historical(after: record).flatMap {
              outbox.isSuspected($0) ? nil : $0
            }
          }
        }
        renderer.endPack(payload: &payload)
      }
    }
    return (message, count)
  }
}
