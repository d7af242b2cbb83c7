import Core

/// What a client asks of a server besides publishing.
extension ClientSession {
  /// Asks for messages under `filter`; the answer is `.subscribed` with the identifier returned.
  public mutating func subscribe(
    filter: Span<UInt8>, qos: QoS
  ) throws(RequestError) -> UInt16 {
    try subscribe(filter: filter, options: V5.SubscriptionOptions(qos: qos))
  }

  /// Asks for messages under `filter`. Options beyond the QoS, and properties (a subscription
  /// identifier, user properties), are for 5.0 only.
  public mutating func subscribe(
    filter: Span<UInt8>, options wanted: V5.SubscriptionOptions,
    properties: Span<UInt8> = Span()
  ) throws(RequestError) -> UInt16 {
    let level = options.level
    try check(filter)
    guard level.isV5 || wanted == V5.SubscriptionOptions(qos: wanted.qos) else {
      throw .unsupportedLevel
    }
    return try request(
      isSubscribe: true, filterCount: 1, listBytes: 2 + filter.count + 1, properties
    ) { (packetID, out) throws(EncodeError) in
      if level.isV5 {
        try V5.Subscribe.encode(
          packetID: packetID, properties: properties, filter: filter, options: wanted, into: &out)
      } else {
        try Subscribe.encode(
          level: level, packetID: packetID, filter: filter, qos: wanted.qos, into: &out)
      }
    }
  }

  /// Asks for messages under several filters in one packet. `filters` is a list made by
  /// `V5.Subscribe.append` for 5.0, by `Subscribe.append` before.
  public mutating func subscribe(
    filters: Span<UInt8>, properties: Span<UInt8> = Span()
  ) throws(RequestError) -> UInt16 {
    let level = options.level
    let count = try countFilters(filters, tailBytes: 1)
    return try request(
      isSubscribe: true, filterCount: count, listBytes: filters.count, properties
    ) { (packetID, out) throws(EncodeError) in
      if level.isV5 {
        try V5.Subscribe.encode(
          packetID: packetID, properties: properties, filters: filters, into: &out)
      } else {
        try Subscribe.encode(level: level, packetID: packetID, filters: filters, into: &out)
      }
    }
  }

  /// Asks for no more messages under `filter`; the answer is `.unsubscribed`.
  public mutating func unsubscribe(
    filter: Span<UInt8>, properties: Span<UInt8> = Span()
  ) throws(RequestError) -> UInt16 {
    let level = options.level
    return try request(
      isSubscribe: false, filterCount: 1, listBytes: 2 + filter.count, properties
    ) { (packetID, out) throws(EncodeError) in
      if level.isV5 {
        try V5.Unsubscribe.encode(
          packetID: packetID, properties: properties, filter: filter, into: &out)
      } else {
        try Unsubscribe.encode(level: level, packetID: packetID, filter: filter, into: &out)
      }
    }
  }

  /// Asks for no more messages under several filters, in one packet: a list made by
  /// `V5.Unsubscribe.append` for 5.0, by `Unsubscribe.append` before.
  public mutating func unsubscribe(
    filters: Span<UInt8>, properties: Span<UInt8> = Span()
  ) throws(RequestError) -> UInt16 {
    let level = options.level
    let count = try countFilters(filters, tailBytes: 0)
    return try request(
      isSubscribe: false, filterCount: count, listBytes: filters.count, properties
    ) { (packetID, out) throws(EncodeError) in
      if level.isV5 {
        try V5.Unsubscribe.encode(
          packetID: packetID, properties: properties, filters: filters, into: &out)
      } else {
        try Unsubscribe.encode(level: level, packetID: packetID, filters: filters, into: &out)
      }
    }
  }

  /// AUTH: the next step of the authentication that the server asks for, or, when there is none, the
  /// first of a new one (5.0 sections 4.12 and 4.12.1). `properties` name the method of CONNECT.
  /// Throws `windowFull` while the server is to answer.
  public mutating func authenticate(properties: Span<UInt8>) throws(RequestError) {
    guard options.level.isV5 else { throw .unsupportedLevel }
    let reason: V5.AuthenticateReason
    switch state {
    case .connecting, .online:
      reason = authentication == .none ? .reauthenticate : .continueAuthentication
    case .closed, .leaving, .ended: throw .notConnected
    }
    guard authentication != .awaitsServer else { throw .windowFull }
    do throws(EncodeError) {
      let list = try V5.Properties(written: properties, in: .authenticate)
      guard let method = list.text(.authenticationMethod, in: properties),
        properties[method].fnv1a == own.method
      else { throw .invalidProperties }
      let bodyBytes = 1 + list.size
      let bytes = 1 + VarInt.size(of: bodyBytes) + bodyBytes
      guard bytes + Self.sendReserve <= output.capacity, bytes <= serverLimits.packetBytesMax else {
        throw .packetTooLarge
      }
      guard bytes + Self.sendReserve <= output.freeCapacity else { throw .bufferFull }
      try output.append(upTo: bytes) { (out) throws(EncodeError) in
        try V5.Authenticate.encode(
          from: .client, reason: reason, properties: properties, into: &out)
      }
    } catch {
      throw RequestError(error)
    }
    authentication = .awaitsServer
  }

  private mutating func request(
    isSubscribe: Bool, filterCount: UInt16, listBytes: Int, _ properties: Span<UInt8>,
    _ encode: (UInt16, inout OutputSpan<UInt8>) throws(EncodeError) -> Void
  ) throws(RequestError) -> UInt16 {
    guard isOnline else { throw .notConnected }
    guard !requests.isFull else { throw .windowFull }
    var bodyBytes = 2 + listBytes
    if options.level.isV5 {
      bodyBytes += VarInt.size(of: properties.count) + properties.count
      try check(properties, isSubscribe: isSubscribe)
    } else {
      guard properties.isEmpty else { throw .invalidProperties }
    }
    guard bodyBytes <= VarInt.max else { throw .packetTooLarge }
    let bytes = 1 + VarInt.size(of: bodyBytes) + bodyBytes
    guard bytes + Self.sendReserve <= output.capacity, bytes <= serverLimits.packetBytesMax else {
      throw .packetTooLarge
    }
    guard bytes + Self.sendReserve <= output.freeCapacity else { throw .bufferFull }
    let packetID = nextPacketID()
    do throws(EncodeError) {
      try output.append(upTo: bytes) { (out) throws(EncodeError) in try encode(packetID, &out) }
    } catch {
      throw RequestError(error)
    }
    ids.take(packetID)
    requests.append(
      RequestEntry(packetID: packetID, isSubscribe: isSubscribe, filterCount: filterCount))
    watch(packetID)
    return packetID
  }

  private func check(_ properties: Span<UInt8>, isSubscribe: Bool) throws(RequestError) {
    guard isSubscribe, !properties.isEmpty, !serverLimits.subscriptionIdentifiersAvailable else {
      return
    }
    guard let list = try? V5.Properties(written: properties, in: .subscribe) else {
      throw .invalidProperties
    }
    guard !list.contains(.subscriptionIdentifier) else { throw .identifiersNotSupported }
  }

  /// What the server does not take (5.0 sections 3.2.2.3.11 and 3.2.2.3.13).
  private func check(_ filter: Span<UInt8>) throws(RequestError) {
    guard serverLimits.sharedSubscriptionsAvailable || !TopicFilter.isShared(filter) else {
      throw .sharedNotSupported
    }
    guard serverLimits.wildcardsAvailable || filter.isEmpty || !TopicFilter.hasWildcard(filter)
    else {
      throw .wildcardsNotSupported
    }
  }

  /// Walks through a list of filters, each behind its length and before `tailBytes` more.
  private func countFilters(
    _ list: Span<UInt8>, tailBytes: Int
  ) throws(RequestError) -> UInt16 {
    var fields = FieldReader(offset: 0, end: list.count)
    var count = 0
    while !fields.isAtEnd {
      guard let filter = try? fields.filter(in: list), let tail = try? fields.take(tailBytes) else {
        throw .invalidFilter
      }
      // Before 5.0 all there is behind a filter is its QoS.
      guard options.level.isV5 || tail.count == 0 || list[tail.offset] <= 2 else {
        throw .invalidOptions
      }
      if tailBytes > 0 { try check(list[filter]) }
      count += 1
    }
    guard count > 0, count <= UInt16.max else { throw .invalidFilter }
    return UInt16(truncatingIfNeeded: count)
  }
}
