import Core
import MQTT

/// Messages and subscriptions.
extension Driver {
  func publish() throws {
    let client = try ready()
    guard let topic = line.field("topic")?.value, topic.count <= UInt16.max else {
      throw DriverFailure.invalid
    }
    let qos = try qos()
    let retain = try line.flag("retain")
    try takeProperties()
    var expiry: Interval?
    if let seconds = try line.number("expiry") { expiry = .seconds(Int64(seconds)) }
    if let size = try line.number("size") {
      guard size <= client.sendBytes else { throw DriverFailure.oversize }
      fill(size)
    }
    let payload = line.field("payload")?.value ?? 0..<0
    let isSized = line.field("size") != nil
    var tag: UInt64 = 0
    let journal = qos == .atMostOnce ? nil : client.journal
    if let reference = line.field("ref") {
      lastTag += 1
      tag = lastTag
      references[tag] = Array(line.decoded[reference.value])
    }
    // Copies that share their bytes: what a class holds cannot be lent for longer than a call.
    let (decoded, wanted, filled) = (line.decoded, properties, list)
    do throws(PublishError) {
      let text = decoded.span
      let message = OutgoingMessage(
        topic: text.extracting(topic), properties: wanted.span,
        payload: isSized ? filled.span : text.extracting(payload), qos: qos, retain: retain)
      let publication: (packetID: UInt16, isQueued: Bool)
      if let journal {
        publication = try publishKept(
          message, tag: tag, expiry: expiry, by: client, journal)
      } else {
        guard
          let taken = try client.manager?.publish(
            message, tag: tag, expiry: expiry, at: client.now)
        else { return }
        publication = (taken.packetID, taken.isQueued)
      }
      beginReply()
      out.field("mid", Int(publication.packetID))
      out.field("queued", publication.isQueued ? 1 : 0)
      out.end()
    } catch {
      references[tag] = nil
      throw DriverFailure(error)
    }
  }

  /// A payload of so many bytes.
  private func fill(_ size: Int) {
    list.removeAll(keepingCapacity: true)
    list.append(contentsOf: repeatElement(UInt8(ascii: "x"), count: size))
  }

  func acknowledge() throws {
    let client = try ready()
    guard let number = try line.number("mid"), let packetID = UInt16(exactly: number),
      let code = UInt8(exactly: try line.number("rc") ?? 0),
      let reason = V5.PublishReason(rawValue: code)
    else { throw DriverFailure.invalid }
    do throws(AcknowledgeError) {
      try client.manager?.acknowledge(packetID, reason)
    } catch {
      throw error == .notWaiting ? DriverFailure.notWaiting : .invalid
    }
    done()
  }

  // MARK: Subscriptions

  func subscribe() throws {
    let client = try ready()
    try takeProperties()
    let topics = line.fields.filter { line.isKey($0, "topic") }
    let qualities = line.fields.filter { line.isKey($0, "qos") }
    let extras = line.fields.filter { line.isKey($0, "opts") }
    guard !topics.isEmpty else { throw DriverFailure.invalid }
    guard client.manager?.isOnline == true else { throw DriverFailure.noConnection }
    list.removeAll(keepingCapacity: true)
    var wanted: [V5.SubscriptionOptions] = []
    for (index, topic) in topics.enumerated() {
      let options = try options(
        qos: Self.pick(qualities, index, of: topics.count),
        extras: Self.pick(extras, index, of: topics.count))
      wanted.append(options)
      try append(topic, options, to: &list, level: client.manager?.protocolLevel ?? .v311)
    }
    let (filters, extra, decoded) = (list, properties, line.decoded)
    let packetID: UInt16
    do throws(RequestError) {
      packetID =
        try client.manager?.subscribe(filters: filters.span, properties: extra.span) ?? 0
    } catch {
      throw DriverFailure(error)
    }
    if client.options.reconnects {
      // Kept, so that a connection without the session restores it.
      for (topic, options) in zip(topics, wanted) {
        _ = client.manager?.keepSubscription(
          filter: decoded.span.extracting(topic.value), options: options,
          properties: extra.span, askedAs: packetID)
      }
    }
    beginReply()
    out.field("mid", Int(packetID))
    out.end()
  }

  /// One value is for all topics, else each topic has its own.
  private static func pick(
    _ fields: [DriverLine.Field], _ index: Int, of count: Int
  ) throws -> DriverLine.Field? {
    if fields.count <= 1 { return fields.first }
    guard fields.count == count else { throw DriverFailure.invalid }
    return fields[index]
  }

  private func options(
    qos: DriverLine.Field?, extras: DriverLine.Field?
  ) throws -> V5.SubscriptionOptions {
    var number = 0
    if let qos { number = try line.number(qos) }
    guard number <= 2, let level = QoS(rawValue: UInt8(number)) else {
      throw DriverFailure.invalid
    }
    var options = V5.SubscriptionOptions(qos: level)
    guard let extras else { return options }
    let text = line.decoded[extras.value]
    let decoded = line.decoded
    if let bits = DriverLine.number(decoded.span.extracting(extras.value)) {
      // The byte of the specification; the QoS in it counts where none is named.
      guard bits <= 0x2F,
        let handling = V5.SubscriptionOptions.RetainHandling(rawValue: UInt8(bits >> 4 & 3))
      else { throw DriverFailure.invalid }
      options.noLocal = bits & 4 != 0
      options.retainAsPublished = bits & 8 != 0
      options.retainHandling = handling
      if qos == nil, let level = QoS(rawValue: UInt8(bits & 3)) { options.qos = level }
      return options
    }
    for word in text.split(separator: UInt8(ascii: ",")) {
      switch String(decoding: word, as: UTF8.self) {
      case "nl", "no-local", "no-local=1": options.noLocal = true
      case "rap", "retain-as-published", "retain-as-published=1":
        options.retainAsPublished = true
      case "rh0", "rh=0", "rh:0", "retain-handling=0", "retain-handling:0":
        options.retainHandling = .sendAlways
      case "rh1", "rh=1", "rh:1", "retain-handling=1", "retain-handling:1":
        options.retainHandling = .sendIfNew
      case "rh2", "rh=2", "rh:2", "retain-handling=2", "retain-handling:2":
        options.retainHandling = .sendNever
      default: throw DriverFailure.invalid
      }
    }
    return options
  }

  private func append(
    _ topic: DriverLine.Field, _ options: V5.SubscriptionOptions, to list: inout [UInt8],
    level: ProtocolLevel
  ) throws {
    let decoded = line.decoded
    let filter = decoded.span.extracting(topic.value)
    var isGood = true
    list.append(addingCapacity: filter.count + 3) { out in
      do throws(EncodeError) {
        if level == .v50 {
          try V5.Subscribe.append(filter: filter, options: options, to: &out)
        } else {
          // Before 5.0 there is only the QoS.
          guard options == V5.SubscriptionOptions(qos: options.qos) else { throw .invalidFlags }
          try Subscribe.append(filter: filter, qos: options.qos, to: &out)
        }
      } catch { isGood = false }
    }
    guard isGood else { throw DriverFailure.invalid }
  }

  func unsubscribe() throws {
    let client = try ready()
    try takeProperties()
    let topics = line.fields.filter { line.isKey($0, "topic") }
    guard !topics.isEmpty else { throw DriverFailure.invalid }
    guard client.manager?.isOnline == true else { throw DriverFailure.noConnection }
    list.removeAll(keepingCapacity: true)
    let decoded = line.decoded
    for topic in topics {
      let filter = decoded.span.extracting(topic.value)
      var isGood = true
      list.append(addingCapacity: filter.count + 2) { out in
        isGood = (try? Unsubscribe.append(filter: filter, to: &out)) != nil
      }
      guard isGood else { throw DriverFailure.invalid }
      _ = client.manager?.forgetSubscription(filter: filter)
    }
    let (filters, extra) = (list, properties)
    let packetID: UInt16
    do throws(RequestError) {
      packetID =
        try client.manager?.unsubscribe(filters: filters.span, properties: extra.span) ?? 0
    } catch {
      throw DriverFailure(error)
    }
    beginReply()
    out.field("mid", Int(packetID))
    out.end()
  }
}
